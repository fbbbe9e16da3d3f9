"""Start the server: read the settings, configure the log, hand over to uvicorn, in one process or several."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from functools import partial

import uvicorn

from . import metrics
from .app import create_app
from .limits import BODY_BYTES
from .logs import configure_logs
from .settings import Settings, SettingsError
from .stop import GracefulServer, Stop
from .workers import Workers


def main() -> int:
    """Serve until SIGTERM or SIGINT; 2 means that a setting is missing or wrong."""
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        print(f"mcp-memory: {error}", file=sys.stderr)
        return 2
    configure_logs(settings.log_level)
    # To be told to stop is no failure, be it before the server has begun.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
        # asyncio does so for sockets that it makes itself. Without it, head and body of an answer come 40 ms apart.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        print(f"mcp-memory: cannot listen on {settings.host}:{settings.port}: {error.strerror}", file=sys.stderr)
        return 1
    with metrics.folder() if settings.metrics_token else contextlib.nullcontext():
        if settings.workers == 1:
            serve(settings, listener)
        else:
            Workers(settings.workers, partial(serve, settings), listener, settings.stop_timeout).run()
    return 0


def configuration(settings: Settings, stop: Stop) -> uvicorn.Config:
    """How uvicorn serves."""
    return uvicorn.Config(
        create_app(settings, stop),
        host=settings.host,
        port=settings.port,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=BODY_BYTES,
        # Compression would cost each connection some hundred kilobytes.
        ws_per_message_deflate=False,
        # Longer than the load balancer keeps silent ones (load_balancer_idle_timeout), or it would meet closed ones.
        timeout_keep_alive=3660,
    )


def serve(settings: Settings, listener: socket.socket, lifeline: int | None = None) -> None:
    """Serve in this process until it is told to stop, or until the other end of the lifeline is gone."""
    stop = Stop()
    server = GracefulServer(configuration(settings, stop), stop, settings.stop_grace, settings.stop_timeout)

    async def run() -> None:
        if lifeline is not None:
            asyncio.get_running_loop().add_reader(lifeline, server.handle_exit, signal.SIGTERM, None)
        await server.serve([listener])

    asyncio.run(run())


if __name__ == "__main__":
    sys.exit(main())
