"""An AWS region on one machine: the API is moto, the instances are real Debian 12 hosts.

`python -m lab up | status | down`. Everything it needs is listed in `settings.py`, everything it leaves lies under
`/var/lib/mcp-lab`: `cache/` survives between runs, `run/` goes with `down`.
"""
