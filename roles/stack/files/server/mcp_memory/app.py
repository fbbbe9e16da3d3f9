"""The web application: /mcp and /ws behind the door, the rest before it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

from . import __version__, metrics
from .auth import Guard
from .cache import Cache
from .changes import Changes, Listening
from .door import Door
from .hosts import Hosts
from .logs import RequestLog, say
from .memory import SharedMemory
from .oauth import Verifier, metadata_routes
from .rates import Limiter
from .settings import Settings
from .stop import AskToLeave, Stop
from .store import Store
from .streams import McpOverHttp
from .tools import create_server
from .websocket import McpOverWebSocket

READY_SECONDS = 3
PATHS = ("/mcp", "/ws", "/health", "/ready", "/metrics")


def create_app(settings: Settings, stop: Stop) -> Starlette:
    """Put the parts together; `stop` says when the process ends."""
    store = Store(settings.database_url, settings.database_pool_size)
    cache = Cache(settings.redis_url, settings.redis_pool_size, settings.cache_ttl)
    changes = Changes(settings.redis_url)
    listen = Listening(changes, settings.max_streams)
    stop.on_draining(listen.close)
    server = create_server(SharedMemory(store, cache, changes.announce), listen).lowlevel
    http = McpOverHttp(server)
    websockets = McpOverWebSocket(server, settings.max_websockets, stop)
    limiter = Limiter(settings.redis_url, settings.rate_limit_requests, settings.rate_limit_seconds)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with cache.open(), store.open(), changes.open(), limiter.open(), http.run():
            say("started", version=__version__, host=settings.host, port=settings.port)
            yield
        say("stopped")

    async def ready(_: Request) -> JSONResponse:
        if stop.told:
            return JSONResponse({"status": "stopping"}, status_code=503)
        postgresql, redis = await asyncio.gather(_state(store.ping), _state(cache.ping))
        ok = postgresql == redis == "ok"
        body = {"status": "ready" if ok else "unavailable", "postgresql": postgresql, "redis": redis}
        return JSONResponse(body, status_code=200 if ok else 503)

    guard = Guard(settings.tokens, Verifier(settings.oauth) if settings.oauth else None)
    door = [Middleware(Door, hosts=Hosts(settings.allowed_hosts), guard=guard, limiter=limiter)]
    open_routes = metadata_routes(settings.oauth, ("/mcp",)) if settings.oauth else []
    if settings.metrics_token:
        metrics.switch_on()
        open_routes.append(Route("/metrics", metrics.Metrics(settings.metrics_token).answer))
    return Starlette(
        routes=[
            # Without sessions there is nothing to GET or DELETE; who wants to listen posts subscriptions/listen.
            Route("/mcp", http, methods=["POST"], middleware=door),
            WebSocketRoute("/ws", websockets.serve, middleware=door),
            Route("/health", _health),
            Route("/ready", ready),
            *open_routes,
        ],
        middleware=[
            Middleware(metrics.Measured, paths=PATHS),
            Middleware(RequestLog),
            Middleware(AskToLeave, stop=stop),
        ],
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
