"""Bad days of an AWS API, between the clients and moto, for as long as a test wants them.

PUT /faults with {"throttling": {"seconds": 5, "after": 9}}, {"consistency": {"seconds": 2}},
{"expiry": {"access_key": "...", "after": 9}} or {"denial": {"operation": "PutParameter"}} begins them, {} ends them;
GET tells how many requests each has refused.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.mcp.aws.lab import answers, calls
from ansible_collections.mcp.aws.tests.aws.consistency import Consistency
from werkzeug.wrappers import Request, Response

Answer = Response | None
# By protocol, with the rest for those that speak JSON.
THROTTLED = {"ec2": ("RequestLimitExceeded", 503), "query": ("Throttling", 400), "rest-xml": ("SlowDown", 503)}
EXPIRED = {"ec2": ("RequestExpired", 400), "query": ("ExpiredToken", 403), "rest-xml": ("ExpiredToken", 400)}


class Throttling:
    """Every request is one too many: for some seconds from a service's first one on, or for ever; for all, or some."""

    def __init__(self, seconds: float | None = None, services: list[str] | None = None):
        self.seconds = seconds
        self.services = services
        self.since: dict[str, float] = {}

    def answer(self, call: calls.Call, _: dict[str, Any]) -> Answer:
        """Refuse until the time is over."""
        if self.services is not None and call.service not in self.services:
            return None
        since = self.since.setdefault(call.service, time.monotonic())
        if self.seconds is not None and time.monotonic() > since + self.seconds:
            return None
        code, status = THROTTLED.get(answers.protocol(call), ("ThrottlingException", 400))
        return answers.refuse(call, code, "Rate exceeded", status)


class Expiry:
    """The credentials end after a number of requests; others are still good."""

    def __init__(self, access_key: str, after: int):
        self.access_key = access_key
        self.left = after

    def answer(self, call: calls.Call, _: dict[str, Any]) -> Answer:
        """Count what the credentials are used for, and refuse them at the end."""
        if call.access_key != self.access_key:
            return None
        self.left -= 1
        if self.left >= 0:
            return None
        code, status = EXPIRED.get(answers.protocol(call), ("ExpiredTokenException", 400))
        return answers.refuse(call, code, "The security token included in the request is expired", status)


class Denial:
    """The credentials lack the right to one operation."""

    def __init__(self, operation: str):
        self.operation = operation

    def answer(self, call: calls.Call, _: dict[str, Any]) -> Answer:
        """Refuse the operation; `answers` writes it as the services of JSON do."""
        if call.operation != self.operation:
            return None
        sentence = f"User: nobody is not authorized to perform: {call.service}:{call.operation}"
        return answers.refuse(call, "AccessDeniedException", sentence, 400)


KINDS: dict[str, Callable[..., Any]] = {
    "consistency": Consistency,
    "denial": Denial,
    "expiry": Expiry,
    "throttling": Throttling,
}


class Faults:
    """WSGI middleware that stands between the clients and moto."""

    def __init__(self, application: Callable[..., Any]):
        self.application = application
        self.lock = threading.Lock()
        self.active: dict[str, Any] = {}
        self.refused: dict[str, int] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Serve one request."""
        if environ["PATH_INFO"] == "/faults":
            return self.control(Request(environ))(environ, start_response)
        call = calls.read(environ) if self.active else None
        if call is None:
            return self.application(environ, start_response)
        with self.lock:
            for name, fault in self.active.items():
                if answer := fault.answer(call, environ):
                    self.refused[name] += 1
                    return answer(environ, start_response)
        response = Response.from_app(self.application, environ)
        for fault in self.active.values():
            if isinstance(fault, Consistency):
                fault.learn(call, response)
        return response(environ, start_response)

    def control(self, request: Request) -> Response:
        """Begin or end faults, and tell what they did."""
        if request.method == "PUT":
            wanted = json.loads(request.get_data())
            with self.lock:
                self.active = {name: KINDS[name](**options) for name, options in wanted.items()}
                self.refused = dict.fromkeys(wanted, 0)
        return Response(json.dumps(self.refused), mimetype="application/json")
