"""The gate before a slot: what a new version has to do before any client sees it, and how its failure is told."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils import gate_memory
from ansible_collections.mcp.aws.plugins.module_utils.gate_http import Failure, Slot
from ansible_collections.mcp.aws.plugins.module_utils.gate_mcp import Dialogue, Http
from ansible_collections.mcp.aws.plugins.module_utils.gate_websocket import WebSocket

CHECKS = ("ready", "mcp", "tools", "call", "websocket", "time", "memory")
ANSWER_LETTERS = 2000

# What sets the limit or the question of a check, and so what to look at when it fails.
REMEDIES = {
    "ready": "stack_ready_path (else stack_health_path) says where it is asked",
    "mcp": "stack_mcp_path says where it is asked",
    "tools": "stack_smoke_test_tools names the tools",
    "call": "stack_smoke_test_tool and stack_smoke_test_arguments say what is called",
    "websocket": "stack_websocket_path says where it is asked, and is empty for a server without WebSocket",
    "time": "stack_smoke_test_seconds is the limit",
    "memory": "stack_memory is the container's limit, stack_smoke_test_memory_percent the share of it that is allowed",
}
# What the status of an answer says, whatever was asked.
STATUS_REMEDIES = {
    401: "set stack_smoke_test_token to a token that the server takes",
    403: "set stack_smoke_test_token to a token that the server takes, stack_smoke_test_host to a name that it allows",
    421: "set stack_smoke_test_host to a name that the server allows",
}

Check = dict[str, Any]


class NotAsked(Exception):
    """Why a check has nothing to do."""


class Gate:
    """The checks of one slot. Each is measured, whatever became of the others.

    :param params: options of the module `mcp_gate`.
    :param memory: asks for the memory of a container.
    """

    def __init__(
        self, params: Mapping[str, Any], memory: Callable[[str], gate_memory.Memory] = gate_memory.measure
    ) -> None:
        self.params = params
        self.slot = Slot(params["url"].rstrip("/"), params["host"], params["token"].strip(), params["seconds"])
        self._memory = memory
        self._http = Http(self.slot, params["mcp_path"])
        self._dialogue: Dialogue | None = None
        self._listed: list[str] = []

    def run(self) -> list[Check]:
        """Return what was found, in the order of `CHECKS`."""
        try:
            return [self._check(name) for name in CHECKS]
        finally:
            self._http.close()

    def _check(self, name: str) -> Check:
        check: Check = {"id": name, "ok": True, "limit": self._limit(name), "answer": "", "value": None, "remedy": ""}
        try:
            check["measured"], check["value"] = getattr(self, f"_{name}_check")()
        except NotAsked as reason:
            check["measured"] = f"not asked: {reason}"
        except Failure as failure:
            remedy = REMEDIES["time"] if failure.late else STATUS_REMEDIES.get(failure.status, REMEDIES[name])
            check.update(ok=False, measured=str(failure), answer=failure.answer[:ANSWER_LETTERS], remedy=remedy)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            # Whatever a broken server answers is a finding, never the end of the test.
            check.update(ok=False, measured=f"unexpected answer: {error!r}", remedy=REMEDIES[name])
        return check

    def _limit(self, name: str) -> str:
        seconds = f"within {self.params['seconds']:g} s"
        page = self.params["ready_path"] or self.params["health_path"]
        return {
            "ready": f"GET {page} answers 200 {seconds}" if page else f"GET / gets any answer {seconds}",
            "mcp": f"POST {self.params['mcp_path']} opens MCP and lists tools, each answer {seconds}",
            "tools": f"among the tools: {', '.join(self.params['tools'])}",
            "call": f"{self.params['tool']} answers without an error {seconds}",
            "websocket": f"GET {self.params['websocket_path']} becomes a WebSocket {seconds}",
            "time": f"95 of 100 answers {seconds}",
            "memory": f"at most {self.params['memory_percent']} % of the container's limit",
        }[name]

    def _ready_check(self) -> tuple[str, float]:
        page = self.params["ready_path"] or self.params["health_path"]
        answer = self.slot.ask("GET", page or "/")
        # 200 and nothing else, as the proxy before the slot asks the same and wants the same.
        if page and answer.status != 200:
            raise Failure(f"GET {page} was answered with {answer.line}", answer.text, answer.status)
        return f"{answer.line} in {answer.seconds:.3f} s", answer.seconds

    def _mcp_check(self) -> tuple[str, float]:
        if not self.params["mcp_path"]:
            raise NotAsked("stack_mcp_path is empty")
        start = time.monotonic()
        dialogue = Dialogue(self._http)
        dialogue.open()
        self._listed = dialogue.list_tools()
        self._dialogue = dialogue
        seconds = time.monotonic() - start
        return f"protocol {dialogue.protocol}, {len(self._listed)} tools in {seconds:.3f} s", seconds

    def _opened(self) -> Dialogue:
        if self._dialogue is None:
            raise Failure("could not be asked, as no MCP exchange came about")
        return self._dialogue

    def _tools_check(self) -> tuple[str, None]:
        if not self.params["tools"]:
            raise NotAsked("stack_smoke_test_tools is empty")
        self._opened()
        if missing := sorted(set(self.params["tools"]) - set(self._listed)):
            raise Failure(f"{', '.join(missing)} not listed, only: {', '.join(self._listed) or 'nothing'}")
        return "all of them are listed", None

    def _call_check(self) -> tuple[str, float]:
        tool = self.params["tool"]
        if not tool:
            raise NotAsked("stack_smoke_test_tool is empty")
        dialogue = self._opened()
        if tool not in self._listed:
            raise Failure(f"{tool} is not listed, only: {', '.join(self._listed) or 'nothing'}")
        start = time.monotonic()
        dialogue.call(tool, self.params["arguments"])
        seconds = time.monotonic() - start
        return f"{tool} answered in {seconds:.3f} s", seconds

    def _websocket_check(self) -> tuple[str, float]:
        path = self.params["websocket_path"]
        if not path:
            raise NotAsked("stack_websocket_path is empty")
        start = time.monotonic()
        with closing(WebSocket(self.slot, path)) as connection:
            protocol = "no MCP asked"
            if connection.subprotocol:
                dialogue = Dialogue(connection)
                dialogue.open()
                protocol = f"protocol {dialogue.protocol}"
            seconds = time.monotonic() - start
            subprotocol = f"subprotocol {connection.subprotocol}" if connection.subprotocol else "no subprotocol"
        return f"101, {subprotocol}, {protocol} in {seconds:.3f} s", seconds

    def _time_check(self) -> tuple[str, float]:
        if not self.params["samples"]:
            raise NotAsked("samples is 0")
        ready: list[float] = []
        lists: list[float] = []
        for _sample in range(self.params["samples"]):
            try:
                ready.append(self._ready_check()[1])
                if self._dialogue:
                    start = time.monotonic()
                    self._dialogue.list_tools()
                    lists.append(time.monotonic() - start)
            except Failure as failure:
                if failure.status != 429 or not ready:
                    raise
                break  # a limit of rates is not slowness, and clients do not ask that often
        found = {"ready": percentile(ready, 95), "tools/list": percentile(lists, 95)}
        words = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in found.items() if seconds)
        return f"95th percentile of {len(ready)}: {words}", max(found.values())

    def _memory_check(self) -> tuple[str, float]:
        if not self.params["container"]:
            raise NotAsked("no container was named")
        memory = self._memory(self.params["container"])
        if memory.killed:
            raise Failure(f"{memory}, and the kernel has killed a process in it that wanted more")
        if memory.percent > self.params["memory_percent"]:
            raise Failure(str(memory))
        return str(memory), memory.percent


def not_asked(reason: str) -> list[Check]:
    """Return all checks as left out."""
    return [
        {"id": name, "ok": True, "measured": f"not asked: {reason}", "limit": "", "answer": "", "value": None}
        for name in CHECKS
    ]


def message(checks: Sequence[Check]) -> str:
    """Tell of the first failed check, and name the others; nothing when there is none."""
    failed = [check for check in checks if not check["ok"]]
    if not failed:
        return ""
    first, *others = failed
    also = f" Failed too: {', '.join(check['id'] for check in others)}." if others else ""
    said = " ".join(first["answer"][:300].split())
    return (
        f"The new version does not pass the smoke test, check `{first['id']}`: {first['measured']}."
        f" Wanted: {first['limit']}. Remedy: correct the version, or its question: {first['remedy']}.{also}"
        + (f" It said: {said}" if said else "")
    )


def percentile(values: Sequence[float], rank: float) -> float:
    """Return the nearest-rank percentile; 0 when there are no values."""
    return sorted(values)[max(0, math.ceil(len(values) * rank / 100) - 1)] if values else 0.0
