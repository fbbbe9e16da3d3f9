"""Rules over what a client meets at the door: facts of the module `mcp_probe`, before and after a restart."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.health.rules import Judgement, Rule, join

INFRASTRUCTURE, APPLICATION, OPERATIONS = "infrastructure", "application", "operations"


def rules(expected: Mapping[str, Any]) -> list[Rule]:
    """Return the rules over the first visit (keys of `expected`: `__health_expected` of the role `health`)."""
    limit, tools = float(expected["response_limit_seconds"]), expected["tools"]
    logs = f"`docker logs --tail 50 {expected['project']}`"
    return [
        Rule(INFRASTRUCTURE, "public_ip_reachable", "Public IP reachable", "tcp", "ports connect",
             "Security group, route to the internet gateway, firewalls; does the port listen (`ss -ltn`)?", tcp),
        Rule(APPLICATION, "http_health", "GET /health", "health", "200",
             f"Does anything listen on the port (`ss -ltnp`)? {logs}", status(200)),
        Rule(APPLICATION, "http_ready", "GET /ready", "ready", "200",
             f"The answer says which of PostgreSQL and Redis does not answer. {logs}", status(200)),
        Rule(APPLICATION, "authentication", "Without a token", "unauthorized", "401",
             "Everybody can use the server: is MCP_TOKENS in the environment file set?", status(401)),
        Rule(APPLICATION, "mcp", "MCP over HTTP", "mcp", f"tools {join(tools)}" if tools else "tools listed",
             f"401: the token in SSM is not the server's; 421: its allowed hosts lack this name. {logs}",
             lambda part: exchange(part, tools)),
        Rule(APPLICATION, "websocket", "MCP over WebSocket", "websocket", "subprotocol mcp, tools",
             f"Is the path right, does everything on the way let `Upgrade` pass? {logs}",
             lambda part: websocket(part, tools)),
        Rule(APPLICATION, "write", "Tool call writes", "write", f"< {limit:g} s",
             f"{logs} tells why the tool failed; is PostgreSQL up?", lambda part: timed(part, limit)),
        Rule(APPLICATION, "read", "Tool call reads back", "read", "what was written",
             f"{logs}; is Redis up? The second read must come from the cache.", read),
    ]  # fmt: skip


def after_rules(expected: Mapping[str, Any]) -> list[Rule]:
    """Return the rules over the second visit."""
    limit, errors = float(expected["response_limit_seconds"]), float(expected["error_limit_percent"])
    logs = f"`docker logs --tail 50 {expected['project']}`"
    return [
        Rule(OPERATIONS, "health_checks", "Health checks", "ready", "200 after all else",
             f"{logs}, `journalctl -u {expected['unit']} -n 50`", status(200)),
        Rule(OPERATIONS, "durable", "Memory kept", "read", "what was written before",
             "The server came back without its data: does it write to PostgreSQL at all?", matches),
        Rule(OPERATIONS, "error_rate", "Error rate", "burst", f"< {errors:g} %",
             f"{logs}; the figures name the commonest problem.", lambda part: error_rate(part, errors)),
        Rule(OPERATIONS, "http_response_time", "Response time", "burst", f"p95 < {limit:g} s",
             "`top` and `docker stats` while a burst runs; slow queries in PostgreSQL's log.",
             lambda part: response_time(part, limit)),
        Rule(OPERATIONS, "cleaned", "Memory forgotten", "delete", f"< {limit:g} s",
             f"The tool that deletes: {logs}", lambda part: timed(part, limit)),
    ]  # fmt: skip


def tcp(part: Mapping[str, Any]) -> Judgement:
    words = {
        port: f"{took * 1000:.0f} ms" if isinstance(took, int | float) else took for port, took in part["ports"].items()
    }
    ok = bool(words) and all(isinstance(took, int | float) for took in part["ports"].values())
    return ok, f"{part['address']}: {join(f'{port} {word}' for port, word in words.items())}"


def status(wanted: int) -> Any:
    """Return a judge of an HTTP answer's status; the body is shown where it explains."""

    def judge(part: Mapping[str, Any]) -> Judgement:
        took = f" in {milliseconds(part['seconds'])}" if "seconds" in part else ""
        ok = part["status"] == wanted
        return ok, f"{part['status']}{took}" + ("" if ok else f" {part.get('body', '')}")

    return judge


def exchange(part: Mapping[str, Any], wanted: list[str]) -> Judgement:
    lacking = sorted(set(wanted) - set(part["tools"]))
    measured = f"{part['server']}, {part['protocol']}, {len(part['tools'])} tools, {milliseconds(part['seconds'])}"
    return bool(part["tools"]) and not lacking, measured + (f", lacks {join(lacking)}" if lacking else "")


def websocket(part: Mapping[str, Any], wanted: list[str]) -> Judgement:
    lacking = sorted(set(wanted) - set(part["tools"]))
    measured = f"{part['subprotocol']}, {part['protocol']}, {len(part['tools'])} tools, {milliseconds(part['seconds'])}"
    return part["subprotocol"] == "mcp" and bool(part["tools"]) and not lacking, measured


def timed(part: Mapping[str, Any], limit: float) -> Judgement:
    return part["seconds"] < limit, f"{part['tool']} in {milliseconds(part['seconds'])}"


def read(part: Mapping[str, Any]) -> Judgement:
    """Both reads return what was written, and the second comes from the cache where the server says so."""
    cached = part["cached"]
    words = "twice the same" if part["matches"] else "something else"
    if cached is None:
        return part["matches"], words
    hit = cached[-1] is True
    return part["matches"] and hit, f"{words}, second {'' if hit else 'not '}from the cache"


def matches(part: Mapping[str, Any]) -> Judgement:
    return part["matches"], "as written" if part["matches"] else "something else"


def error_rate(part: Mapping[str, Any], limit: float) -> Judgement:
    rate = 100 * part["failed"] / part["requests"]
    reasons = f": {join(f'{count} x {reason}' for reason, count in part['problems'].items())}" if part["failed"] else ""
    return rate < limit, f"{rate:.1f} % ({part['failed']} of {part['requests']}){reasons}"


def response_time(part: Mapping[str, Any], limit: float) -> Judgement:
    figures = join(f"{key} {milliseconds(part[key])}" for key in ("p50", "p95", "max"))
    return part["requests"] > 0 and part["p95"] < limit, f"{figures}; {part['requests'] / part['seconds']:.0f}/s"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
