"""The door in front of /mcp and /ws: which Host names the server answers to, and who may come in."""

import hashlib
import hmac
from typing import cast

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send


class Door:
    """Refuse with 421 (host), 403 (origin) or 401 (token); HTTP and WebSocket alike."""

    def __init__(self, app: ASGIApp, tokens: tuple[str, ...], allowed_hosts: tuple[str, ...]) -> None:
        self.app = app
        self._digests = [_digest(token) for token in tokens]
        self._names = TransportSecurityMiddleware(
            TransportSecuritySettings(
                enable_dns_rebinding_protection="*" not in allowed_hosts,
                allowed_hosts=list(allowed_hosts),
                allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in allowed_hosts],
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        # The SDK asks for a Request but reads only what each connection has.
        refusal = await self._names.validate_request(cast(Request, connection)) or self._unauthorized(connection)
        await (refusal or self.app)(scope, receive, send)

    def _unauthorized(self, connection: HTTPConnection) -> Response | None:
        if not self._digests:
            return None
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        # Digests have one length, and every one is compared: the time says nothing about the tokens.
        known = [hmac.compare_digest(_digest(token.strip()), digest) for digest in self._digests]
        if scheme.lower() == "bearer" and any(known):
            return None
        challenge = 'Bearer realm="mcp"' + (', error="invalid_token"' if token else "")
        return JSONResponse(
            {"error": "unauthorized", "message": "Send the header «Authorization: Bearer <token>» with a valid token."},
            status_code=401,
            headers={"WWW-Authenticate": challenge},
        )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
