"""A server for the tests of the gate: MCP and a WebSocket, each in several kinds, good and bad."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.gate_mcp import STATELESS
from ansible_collections.mcp.aws.plugins.module_utils.gate_websocket import accept_key

TOKEN = "token-of-the-gate"  # noqa: S105 (of a server that lives for milliseconds)
TOOLS: list[dict[str, Any]] = [
    {"name": "echo", "inputSchema": {"properties": {"text": {"type": "string", "x-mcp-header": "Text"}}}},
    {"name": "fail", "inputSchema": {}},
    {"name": "ask", "inputSchema": {}},
]
HIDDEN = {"name": "last", "inputSchema": {}}  # on the second page


class Handler(BaseHTTPRequestHandler):
    """Does what `kind` says, a set of words."""

    kind: frozenset[str] = frozenset()
    protocol_version = "HTTP/1.1"
    sessions: set[str]
    asked: list[str]

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.headers.get("Upgrade"):
            self._websocket()
        elif "sick" in self.kind:
            self._say(503, '{"postgresql": "does not answer"}')
        elif "drips" in self.kind:
            self._drip()
        else:
            self._say(404 if self.path == "/" else 200, self.headers["Host"])

    def do_DELETE(self) -> None:
        self.sessions.discard(self.headers.get("Mcp-Session-Id", ""))
        self._say(204, "")

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(message["method"])
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._say(401, '{"error": "unauthorized"}')
        elif "particular" in self.kind and self.headers["Host"] != "127.0.0.1":
            self._say(421, "Invalid Host header")
        elif "nested" in self.kind:
            self._say(200, "[" * 100_000)
        elif "astray" in self.kind:
            self._say(307, "", Location="http://[broken/mcp")
        elif "limits" in self.kind and len(self.asked) > 5:
            self._say(429, '{"error": "too_many_requests"}')
        elif "page" in self.kind:
            self._say(200, "<html>Hello</html>", "text/html")
        elif "redirects" in self.kind and self.path == "/mcp":
            self._say(307, "", Location=f"http://{self.headers['Host']}/mcp/")
        elif "moved" in self.kind:
            self._say(308, "", Location="https://elsewhere.example/mcp")
        elif "id" not in message:
            self._say(202, "")
        elif "sessions" in self.kind and message["method"] != "initialize" and not self._in_session():
            self._say(400, '{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"No session"}}')
        else:
            self._reply(message, self._result(message))

    def _in_session(self) -> bool:
        return self.headers.get("Mcp-Session-Id") in self.sessions

    def _result(self, message: dict[str, Any]) -> dict[str, Any]:
        method, params = message["method"], message["params"]
        if "stateless" in self.kind and (wrong := self._envelope(method, params)):
            return {"error": {"code": -32020, "message": wrong}}
        if "refuses" in self.kind or method == ("initialize" if "stateless" in self.kind else "server/discover"):
            return {"error": {"code": -32601, "message": f"Method not found: {method}"}}
        if method == "initialize":
            return {"result": {"protocolVersion": "2025-06-18", "capabilities": {}}}
        if method == "server/discover":
            return {"result": {"supportedVersions": [STATELESS]}}
        if method == "tools/list":
            if "cursor" in params and "endless" not in self.kind:
                return {"result": {"tools": [HIDDEN]}}
            return {"result": {"tools": TOOLS, "nextCursor": "2"}}
        failed = params["name"] == "fail"
        kind = {"resultType": "input_required"} if params["name"] == "ask" else {}
        text = "boom" if failed else params["arguments"].get("text", "")
        return {"result": {"content": [{"type": "text", "text": text}], "isError": failed, **kind}}

    def _envelope(self, method: str, params: dict[str, Any]) -> str:
        """What is wrong with a request of protocol 2026-07-28."""
        if params.get("_meta", {}).get("io.modelcontextprotocol/protocolVersion") != STATELESS:
            return "params._meta is missing"
        if self.headers.get("Upgrade"):
            return ""
        if self.headers["MCP-Protocol-Version"] != STATELESS or self.headers["Mcp-Method"] != method:
            return "the headers do not repeat the request"
        if method == "tools/call" and self.headers["Mcp-Name"] != params["name"]:
            return "Mcp-Name is not the tool"
        text = params["arguments"]["text"] if params.get("name") == "echo" else ""
        return "Mcp-Param-Text is not the argument" if text and self.headers["Mcp-Param-Text"] != text else ""

    def _reply(self, message: dict[str, Any], outcome: dict[str, Any]) -> None:
        answer = json.dumps({"jsonrpc": "2.0", "id": message["id"], **outcome})
        session = {}
        if "sessions" in self.kind and message["method"] == "initialize":
            session["Mcp-Session-Id"] = f"session-{len(self.sessions)}"
            self.sessions.add(session["Mcp-Session-Id"])
        if "events" not in self.kind:
            self._say(400 if "error" in outcome else 200, answer, "application/json", **session)
            return
        self.send_response(200)
        for name, value in {"Content-Type": "text/event-stream; charset=utf-8", **session}.items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        progress = json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}})
        ping = json.dumps({"jsonrpc": "2.0", "id": message["id"], "method": "ping"})
        for event in (
            ": ping",
            "id: 1\r\ndata: ",
            f"data: {progress}",
            f"data: {ping}",
            f"event: message\r\ndata: {answer}",
        ):
            chunk = f"{event}\r\n\r\n".encode()
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        # The stream stays open, as one may that has more to say.
        self.rfile.read(1)

    def _say(self, status: int, text: str, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        named = {"Content-Type": kind, "Content-Length": str(len(text)), **headers}
        for name, value in named.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(text.encode())

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        with suppress(OSError):  # the client leaves before the end
            for _ in range(50):
                self.wfile.write(b".")
                time.sleep(0.02)

    def _websocket(self) -> None:
        if "no websocket" in self.kind:
            self._say(404, "nothing here")
            return
        self.close_connection = True
        self.send_response(101)
        accept = "wrong" if "wrong key" in self.kind else accept_key(self.headers["Sec-WebSocket-Key"])
        named = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}
        if "bare" not in self.kind:
            named["Sec-WebSocket-Protocol"] = "chat" if "chat" in self.kind else "mcp"
        for name, value in named.items():
            self.send_header(name, value)
        self.end_headers()
        while message := self._frame():
            if "id" not in message:
                continue
            if "hangs up" in self.kind:
                self.wfile.write(b"\x88\x09" + (1008).to_bytes(2, "big") + b"go away")
                return
            answer = json.dumps({"jsonrpc": "2.0", "id": message["id"], **self._result(message)}).encode()
            half = len(answer) // 2
            # In two frames with a ping between, and the second with a long size, as a server may.
            self.wfile.write(bytes([0x01, half]) + answer[:half] + b"\x89\x02hi")
            self.wfile.write(bytes([0x80, 126]) + (len(answer) - half).to_bytes(2, "big") + answer[half:])

    def _frame(self) -> dict[str, Any]:
        """The next text of the client; nothing when it leaves."""
        while len(head := self.rfile.read(2)) == 2:
            size = head[1] & 0x7F
            if size == 126:
                size = int.from_bytes(self.rfile.read(2), "big")
            mask = self.rfile.read(4)
            payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(self.rfile.read(size)))
            if head[0] & 0x0F == 0x8:
                break
            if head[0] & 0x0F == 0x1:
                return dict(json.loads(payload))
        return {}


@contextmanager
def serving(*kind: str) -> Iterator[tuple[str, set[str]]]:
    """Serve; give the address, and the sessions that are open."""
    sessions: set[str] = set()
    handler = type("Kind", (Handler,), {"kind": frozenset(kind), "sessions": sessions, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", sessions
        finally:
            server.shutdown()
            server.block_on_close = False
