"""Copies of an AWS account: POST /copy answers with the address and process of a server that has all that this one has.

A copy is a fork of the server, made between two requests: it takes milliseconds and shares memory with its original.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Response


def close_sockets(kept: int) -> None:
    """Close every socket of this process but one: they are the original's."""
    for number in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        try:
            if number != kept and stat.S_ISSOCK(os.fstat(number).st_mode):
                os.close(number)
        except OSError:  # the folder's own descriptor is gone
            continue


def serve(server: BaseWSGIServer) -> None:
    """Become the copy: answer at the new address until the end of the process, which is all that ends it."""
    from moto.moto_api._internal import mock_random

    try:
        mock_random.seed(os.urandom(16))  # no two copies draw the same ids
        close_sockets(server.fileno())
        server.serve_forever()
    finally:
        os._exit(1)


class Copies:
    """WSGI middleware that counts the requests under way, and copies the process when there are none."""

    def __init__(self, application: Callable[..., Any], handler: type[WSGIRequestHandler]):
        self.application = application
        self.handler = handler  # reads requests as moto wants them read
        self.state = threading.Condition()
        self.busy = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if environ["PATH_INFO"] == "/copy":
            return Response(json.dumps(self.copy()), mimetype="application/json")(environ, start_response)
        with self.state:
            self.busy += 1
        try:
            return Response.from_app(self.application, environ, buffered=True)(environ, start_response)
        finally:
            with self.state:
                self.busy -= 1
                self.state.notify_all()

    def copy(self) -> dict[str, Any]:
        """Return where the copy is. No thread that it lacks holds anything of moto, as none is at work."""
        with self.state:
            assert self.state.wait_for(lambda: self.busy == 0, timeout=30), "requests do not end"
            server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=self.handler)
            pid = os.fork()
            if pid == 0:
                self.state = threading.Condition()
                serve(server)
        server.server_close()
        return {"endpoint": f"http://127.0.0.1:{server.server_port}", "pid": pid}
