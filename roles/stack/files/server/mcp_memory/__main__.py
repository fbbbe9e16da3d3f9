"""Start the server: read the settings, configure the log, hand over to uvicorn."""

import os
import signal
import sys

import uvicorn

from .app import create_app
from .limits import BODY_BYTES
from .logs import configure_logs
from .settings import Settings, SettingsError


def main() -> int:
    """Serve until SIGTERM or SIGINT; 2 means that a setting is missing or wrong."""
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        print(f"mcp-memory: {error}", file=sys.stderr)
        return 2
    configure_logs(settings.log_level)
    # uvicorn stops gracefully, then raises the signal anew; to be told to stop is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        create_app(settings),
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
        timeout_graceful_shutdown=5,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
