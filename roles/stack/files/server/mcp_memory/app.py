"""The web application: /mcp and /ws behind the door, /health and /ready before it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from mcp.server.streamable_http_manager import StreamableHTTPASGIApp
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from . import __version__
from .cache import Cache
from .door import Door
from .limits import BODY_BYTES
from .logs import RequestLog, say
from .memory import SharedMemory
from .settings import Settings
from .store import Store
from .tools import create_server
from .websocket import serve_websocket

READY_SECONDS = 3


def create_app(settings: Settings) -> Starlette:
    """Put the parts together."""
    store = Store(settings.database_url, settings.database_pool_size)
    cache = Cache(settings.redis_url, settings.redis_pool_size, settings.cache_ttl)
    server = create_server(SharedMemory(store, cache))
    # Makes the session manager; the SDK's check of hosts is off because the door does it for both transports.
    server.streamable_http_app(
        stateless_http=True,
        json_response=True,
        max_request_body_size=BODY_BYTES,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    sessions = server.session_manager

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with cache.open(), store.open(), sessions.run():
            say("started", version=__version__, host=settings.host, port=settings.port)
            yield
        say("stopped")

    async def websocket(connection: WebSocket) -> None:
        await serve_websocket(connection, sessions.app)

    async def ready(_: Request) -> JSONResponse:
        postgresql, redis = await asyncio.gather(_state(store.ping), _state(cache.ping))
        ok = postgresql == redis == "ok"
        body = {"status": "ready" if ok else "unavailable", "postgresql": postgresql, "redis": redis}
        return JSONResponse(body, status_code=200 if ok else 503)

    door = [Middleware(Door, tokens=settings.tokens, allowed_hosts=settings.allowed_hosts)]
    return Starlette(
        routes=[
            # Without sessions there is nothing to GET or DELETE.
            Route("/mcp", StreamableHTTPASGIApp(sessions), methods=["POST"], middleware=door),
            WebSocketRoute("/ws", websocket, middleware=door),
            Route("/health", _health),
            Route("/ready", ready),
        ],
        middleware=[Middleware(RequestLog)],
        lifespan=lifespan,
    )


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def _state(ping: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(READY_SECONDS):
            await ping()
    except Exception as error:
        return f"does not answer ({type(error).__name__})"
    return "ok"
