"""Who comes in: bearers of a token that the inventory names, or of an access token that an OAuth issuer signed."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response

from .keys import KeysUnavailable
from .oauth import BadToken, MissingScope, Verifier

TOKEN_CHARACTERS = 8192
"""Longest token; also the longest head that the proxy lets through."""

ASK = "Send the header «Authorization: Bearer <token>» with a valid token."


@dataclass(frozen=True)
class Caller:
    """Somebody who came in."""

    name: str
    """The same for all requests of one caller; tells nothing about a token."""
    expires_at: float | None = None
    """When what the caller has opened must end, as a Unix time."""


class Refused(Exception):
    """Somebody who did not come in, and what to tell."""

    def __init__(
        self,
        status: int,
        error: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        rpc_error: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message
        self.headers = headers
        self.rpc_error = rpc_error

    def response(self) -> Response:
        """The answer; on a WebSocket's handshake too."""
        body: dict[str, object] = {"error": self.error, "message": self.message}
        if self.rpc_error is not None:
            # Clients of MCP hand such a body on to who called, instead of saying that something failed.
            body = {"jsonrpc": "2.0", "id": None, "error": self.rpc_error}
        return JSONResponse(body, status_code=self.status, headers=self.headers)


class Guard:
    """Looks at the Authorization header."""

    def __init__(self, tokens: tuple[str, ...], verifier: Verifier | None) -> None:
        self._digests = {_digest(token): f"token:{_digest(token).hex()[:32]}" for token in tokens}
        self._verifier = verifier

    async def admit(self, connection: HTTPConnection) -> Caller:
        """Say who it is; raises Refused."""
        if not self._digests and self._verifier is None:
            return Caller(address_of(connection))
        headers = connection.headers.getlist("authorization")
        if len(headers) > 1:
            raise Refused(400, "bad_request", "Send one Authorization header.", self._challenge("invalid_request"))
        scheme, _, token = "".join(headers).partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Refused(401, "unauthorized", ASK, self._challenge("invalid_token" if token else ""))
        if len(token) > TOKEN_CHARACTERS:
            raise Refused(401, "unauthorized", ASK, self._challenge("invalid_token", "The token is too long"))
        return self._known(token) or await self._verified(token)

    def _known(self, token: str) -> Caller | None:
        given = _digest(token)
        # Digests have one length, and every one is compared: the time says nothing about the tokens.
        found = [name for digest, name in self._digests.items() if hmac.compare_digest(given, digest)]
        return Caller(found[0]) if found else None

    async def _verified(self, token: str) -> Caller:
        if self._verifier is None:
            raise Refused(401, "unauthorized", ASK, self._challenge("invalid_token"))
        try:
            verified = await self._verifier.verify(token)
        except BadToken as error:
            raise Refused(401, "unauthorized", ASK, self._challenge("invalid_token", str(error))) from None
        except MissingScope as error:
            challenge = self._challenge("insufficient_scope", str(error))
            raise Refused(403, "insufficient_scope", str(error), challenge) from None
        except KeysUnavailable:
            message = "The keys to check this token with cannot be read at the moment. Try again later."
            raise Refused(503, "unavailable", message, {"Retry-After": "10"}) from None
        name = hashlib.sha256(f"{verified.issuer}\n{verified.subject}".encode()).hexdigest()[:32]
        return Caller(f"subject:{name}", verified.expires_at)

    def _challenge(self, error: str = "", description: str = "") -> dict[str, str]:
        parts = {"realm": "mcp", "error": error, "error_description": description}
        if self._verifier is not None:
            parts |= {"scope": " ".join(self._verifier.scopes), "resource_metadata": self._verifier.metadata_url}
        return {
            "WWW-Authenticate": "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items() if value)
        }


def address_of(connection: HTTPConnection) -> str:
    """Name a caller by the address alone; by the network if it is IPv6, of which one host has countless addresses."""
    host = connection.client.host if connection.client else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return f"address:{host}"
    if address.version == 6:
        return f"address:{ipaddress.ip_network((address, 64), strict=False).network_address}"
    return f"address:{address}"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
