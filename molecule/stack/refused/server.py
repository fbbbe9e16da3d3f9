"""A small MCP server without any library, which behaves as the file beside it says."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BEHAVIOUR = (Path(__file__).parent / "behaviour").read_text().strip()


class Handler(BaseHTTPRequestHandler):
    """Answers /health, /ready and /mcp."""

    def do_GET(self) -> None:
        self._say(503 if BEHAVIOUR == "sick" else 200, {"behaviour": BEHAVIOUR})

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        results = {
            "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}},
            "tools/list": {"tools": [{"name": "other", "inputSchema": {"type": "object"}}]},
        }
        self._say(200, {"jsonrpc": "2.0", "id": message.get("id"), "result": results.get(message["method"], {})})

    def _say(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def main() -> None:
    """Tell every secret first, as careless servers do."""
    for name in ("MCP_TOKENS", "DATABASE_URL", "AWKWARD"):
        print(f"{name} is {os.environ.get(name)}", flush=True)
    print(*[f"{BEHAVIOUR}, line {number}" for number in range(5)], sep="\n", flush=True)
    if "migrate" in sys.argv:
        sys.exit("the table memories is locked")
    if BEHAVIOUR == "crashes":
        sys.exit("this one cannot start")
    hoard: list[bytes] = []
    while BEHAVIOUR == "greedy":
        hoard.append(b"x" * 2**20)
    ThreadingHTTPServer(("", 8000), Handler).serve_forever()


if __name__ == "__main__":
    main()
