"""A FastAPI application that starts, follows and cancels runs, and says what its own process has left.

`python -m bench.runner.soak.app FOLDER STACKS` prints its port on 127.0.0.1 and serves until it is terminated.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from bench.runner.soak import leftovers
from bench.runner.soak.stacks import VERB, Stacks
from mcp_aws.events import Event
from runner import Run


def told(event: Event) -> str:
    """Return an event as a line."""
    return json.dumps([event.number, event.kind, event.time.isoformat(), event.host]) + "\n"


def application(stacks: Stacks) -> FastAPI:
    """Return the application."""
    app, runs = FastAPI(), dict[str, Run]()
    before: leftovers.Found = {}

    @app.post("/runs/{stack}")
    async def start(stack: int) -> str:
        run = stacks.stack(stack).start(VERB)
        runs[run.ident] = run
        return run.ident

    @app.get("/runs/{ident}/events")
    async def events(ident: str) -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            async for event in runs[ident]:
                yield told(event)

        return StreamingResponse(lines())

    @app.get("/follow/{stack}")
    async def follow(stack: int) -> StreamingResponse:
        """A run that lives as long as its client listens."""

        async def lines() -> AsyncIterator[str]:
            async with stacks.stack(stack).start(VERB) as run:
                runs[run.ident] = run
                yield json.dumps(run.ident) + "\n"
                async for event in run:
                    yield told(event)

        return StreamingResponse(lines())

    @app.post("/runs/{ident}/cancel")
    async def cancel(ident: str) -> str:
        return (await runs[ident].cancel(wait=False).ended()).status

    @app.get("/runs/{ident}")
    async def result(ident: str) -> dict[str, Any]:
        return (await runs[ident].ended()).as_dict()

    @app.get("/runs/{ident}/done")
    async def done(ident: str) -> bool:
        return runs[ident].done

    @app.post("/left")
    async def left() -> leftovers.Found:
        """The first time, note what the process has; later, say what is more."""
        if not before:
            before.update(leftovers.own())
        return leftovers.more(before, leftovers.own())

    return app


def main() -> None:
    """Serve."""
    stacks = Stacks(Path(sys.argv[1]), int(sys.argv[2]), full=False)
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(application(stacks), log_level="warning", timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
