"""OAuth 2.1 for a resource server: access tokens are verified here, and clients learn where to get one (RFC 9728)."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import jwt
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from .keys import ALGORITHMS, Keys

WELL_KNOWN = "/.well-known/oauth-protected-resource"
LEEWAY_SECONDS = 30
"""By which the clocks of issuer and server may differ."""

LATEST = 2**40
"""Times beyond are none."""

# `at+jwt` is what RFC 9068 wants; many issuers say JWT or nothing. Other kinds of tokens are not for access.
TYPES = ("", "jwt", "at+jwt", "application/at+jwt")

SAID: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.ExpiredSignatureError, "The token has expired"),
    (jwt.ImmatureSignatureError, "The token is not valid yet"),
    (jwt.InvalidAudienceError, "The token is not meant for this server"),
    (jwt.InvalidIssuerError, "The token is from another issuer"),
    (jwt.MissingRequiredClaimError, "The token lacks one of the claims iss, aud, exp"),
)


@dataclass(frozen=True)
class OAuth:
    """Whose tokens are taken, for what, and with which scopes."""

    issuer: str
    resource: str
    """The public URL of the MCP endpoint: what tokens name as their audience."""
    scopes: tuple[str, ...] = ()
    """All of them are required."""
    jwks_url: str = ""
    """Empty: the issuer's metadata say it."""


@dataclass(frozen=True)
class Verified:
    """What a good token says."""

    issuer: str
    subject: str
    expires_at: float


class BadToken(Exception):
    """Why a token is not taken."""


class MissingScope(Exception):
    """The token is good, but not for this."""


class Verifier:
    """Verifies access tokens that are signed JWTs."""

    def __init__(self, oauth: OAuth) -> None:
        self.scopes = oauth.scopes
        parts = urlsplit(oauth.resource)
        self.metadata_url = f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path.rstrip('/')}"
        self._oauth = oauth
        self._keys = Keys(oauth.issuer, oauth.jwks_url)
        # The URL with and without a slash at its end is the same resource.
        self._audiences = [oauth.resource.rstrip("/"), oauth.resource.rstrip("/") + "/"]

    async def verify(self, token: str) -> Verified:
        """Read a token.

        Raises:
            BadToken: when it is none, or not for this server.
            MissingScope: when it may do other things only.
            KeysUnavailable: when it cannot be verified at the moment.
        """
        name, algorithm = read_header(token)
        key = await self._keys.find(name, algorithm)
        if key is None:
            raise BadToken("The token is signed with a key that its issuer does not name")
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._oauth.issuer,
                audience=self._audiences,
                leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "aud", "exp"], "enforce_minimum_key_length": True},
            )
        except jwt.PyJWTError as error:
            raise BadToken(
                next((said for kind, said in SAID if isinstance(error, kind)), "Not a valid token")
            ) from None
        if "cnf" in claims:
            # Bound to a key of the client, whose possession nobody proves here: maybe it was stolen.
            raise BadToken("The token is bound to a key, which this server cannot check")
        missing = sorted(set(self.scopes) - scopes_of(claims))
        if missing:
            raise MissingScope(f"The token lacks the scope {' '.join(missing)}")
        named = [claims.get(claim) for claim in ("sub", "client_id", "azp")]
        subject = next((str(value) for value in named if value), hashlib.sha256(token.encode()).hexdigest())
        return Verified(self._oauth.issuer, subject, min(int(claims["exp"]), LATEST) + LEEWAY_SECONDS)


def read_header(token: str) -> tuple[str, str]:
    """Name of the key and algorithm of a token; raises BadToken when it must not be looked at any further."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, RecursionError):
        raise BadToken("Not a valid token") from None
    if str(header.get("alg")) not in ALGORITHMS:
        raise BadToken("The token is not signed as this server wants it")
    if "crit" in header or str(header.get("typ", "")).lower() not in TYPES:
        raise BadToken("Not an access token")
    return str(header.get("kid", "")), str(header["alg"])


def scopes_of(claims: Mapping[str, Any]) -> set[str]:
    """What a token allows: `scope` as in RFC 9068, `scp` as Entra and Okta write it."""
    given = [claims.get(name, "") for name in ("scope", "scp")]
    return {str(word) for value in given for word in (value if isinstance(value, list) else str(value).split())}


def metadata_routes(oauth: OAuth, paths: tuple[str, ...]) -> list[Route]:
    """Where clients look for the metadata: beside the host's root, and beside each path."""
    document = {
        "resource": oauth.resource,
        "authorization_servers": [oauth.issuer],
        "bearer_methods_supported": ["header"],
        "resource_name": "mcp-memory",
        **({"scopes_supported": list(oauth.scopes)} if oauth.scopes else {}),
    }

    async def metadata(_: Request) -> JSONResponse:
        return JSONResponse(document, headers={"Cache-Control": "public, max-age=3600"})

    suffixes = dict.fromkeys(["", urlsplit(oauth.resource).path.rstrip("/"), *paths])
    # For every web page: there is nothing secret in it.
    pages = [Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"], allow_headers=["*"])]
    return [Route(WELL_KNOWN + suffix, metadata, methods=["GET", "OPTIONS"], middleware=pages) for suffix in suffixes]
