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
    health, ready = (title(expected.get(f"{name}_path", ""), name) for name in ("health", "ready"))
    subprotocol = expected.get("websocket_subprotocol", "")
    logs = f"`docker logs --tail 50 {expected['project']}`"
    return [
        Rule(INFRASTRUCTURE, "public_ip_reachable", "Public IP reachable", "tcp", "ports connect",
             "Security group, route to the internet gateway, firewalls; does the port listen (`ss -ltn`)?", tcp),
        Rule(APPLICATION, "http_health", health, "health", "200",
             f"Does anything listen on the port (`ss -ltnp`)? {logs}", status(200)),
        Rule(APPLICATION, "http_ready", ready, "ready", "200",
             f"The answer may say what the server waits for. {logs}", status(200)),
        Rule(APPLICATION, "authentication", "Without a token", "unauthorized", "401 or 403",
             "Everybody can use the server: was it given the token that stack_token says it wants?", status(401, 403)),
        Rule(APPLICATION, "mcp", "MCP over HTTP", "mcp", f"tools {join(tools)}" if tools else "tools listed",
             f"401: the token in SSM is not the server's; 421: its allowed hosts lack this name. {logs}",
             lambda part: exchange(part, tools)),
        Rule(APPLICATION, "websocket", "WebSocket", "websocket",
             f"subprotocol {subprotocol}" + (", tools" if subprotocol == "mcp" else "") if subprotocol else "upgraded",
             f"Is the path right, does everything on the way let `Upgrade` pass? {logs}",
             lambda part: websocket(part, tools, subprotocol)),
        Rule(APPLICATION, "call", "Tool call", "call", f"< {limit:g} s",
             f"{logs} tells why the tool failed.", lambda part: timed(part, limit)),
        Rule(APPLICATION, "write", "Tool call writes", "write", f"< {limit:g} s",
             f"{logs} tells why the tool failed; does what it writes to answer?", lambda part: timed(part, limit)),
        Rule(APPLICATION, "read", "Tool call reads back", "read", "what was written",
             f"{logs}; does the cache answer? The second read must come from there.", read),
    ]  # fmt: skip


def after_rules(expected: Mapping[str, Any]) -> list[Rule]:
    """Return the rules over the second visit."""
    limit, errors = float(expected["response_limit_seconds"]), float(expected["error_limit_percent"])
    logs = f"`docker logs --tail 50 {expected['project']}`"
    return [
        Rule(OPERATIONS, "health_checks", "Health checks", "answers", "answers after all else",
             f"{logs}, `journalctl -u {expected['unit']} -n 50`", answers),
        Rule(OPERATIONS, "durable", "Memory kept", "read", "what was written before",
             "The server came back without its data: where does it keep it?", matches),
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


def title(path: str, name: str) -> str:
    """Return what a page is called, as far as a table has room for it."""
    return f"GET {path}" if 0 < len(path) <= 20 else f"The {name} page"


def status(*wanted: int) -> Any:
    """Return a judge of an HTTP answer's status; the body is shown where it explains."""

    def judge(part: Mapping[str, Any]) -> Judgement:
        took = f" in {milliseconds(part['seconds'])}" if "seconds" in part else ""
        ok = part["status"] in wanted
        return ok, f"{part['status']}{took}" + ("" if ok else f" {part.get('body', '')}")

    return judge


def answers(part: Mapping[str, Any]) -> Judgement:
    """A server without a page is there when it answers, whatever it says."""
    return status(part["status"] if part.get("any") else 200)(part)


def exchange(part: Mapping[str, Any], wanted: list[str]) -> Judgement:
    lacking = sorted(set(wanted) - set(part["tools"]))
    measured = f"{part['server']}, {part['protocol']}, {len(part['tools'])} tools, {milliseconds(part['seconds'])}"
    return bool(part["tools"]) and not lacking, measured + (f", lacks {join(lacking)}" if lacking else "")


def websocket(part: Mapping[str, Any], wanted: list[str], subprotocol: str) -> Judgement:
    """Tools are listed where MCP is spoken; of a protocol of the server's own, the handshake is all that is known."""
    took, agreed = milliseconds(part["seconds"]), part["subprotocol"]
    fits = not subprotocol or agreed == subprotocol
    if agreed != "mcp":
        return fits, f"101, {f'subprotocol {agreed}' if agreed else 'no subprotocol'}, {took}"
    lacking = sorted(set(wanted) - set(part["tools"]))
    return fits and bool(part["tools"]) and not lacking, f"mcp, {part['protocol']}, {len(part['tools'])} tools, {took}"


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
