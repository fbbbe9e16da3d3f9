"""What was asked of the API: a line of JSON for each right that a request needs, in the words of IAM.

docs/operator_policy.py writes the operator's policies from it.
"""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import calls, permissions


class Log:
    """WSGI middleware that writes down what moto is asked."""

    def __init__(self, application: Callable[..., Any], file: Path):
        self.application = application
        self.file = file
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Serve one request."""
        if call := calls.read(environ):
            self.write(call)
        return self.application(environ, start_response)

    def write(self, call: calls.Call) -> None:
        """Add the lines of one call; a call that needs no right leaves none."""
        said = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "access_key": call.access_key}
        lines = [said | vars(right) for right in permissions.asked(call)]
        with self.lock, self.file.open("a") as file:
            file.writelines(f"{json.dumps(line)}\n" for line in lines)
