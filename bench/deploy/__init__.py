"""Deploys that nobody notices, compared with Docker Compose's own; `python -m bench.deploy`."""

# SPDX-License-Identifier: GPL-3.0-or-later
