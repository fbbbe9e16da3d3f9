"""The public keys of an OAuth issuer: found through its metadata, kept for a while, and read anew when they rotate."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2
from jwt import PyJWK, PyJWTError

from .logs import say

FRESH_SECONDS = 300.0
"""A key that the issuer withdraws is believed no longer than this, as long as the issuer answers."""
STALE_SECONDS = 3600.0
"""How long keys are believed while the issuer does not answer."""
PAUSE_SECONDS = 10.0
"""Between two questions to the issuer: made-up key names must not become a flood of requests."""
TIMEOUT_SECONDS = 5.0
DOCUMENT_BYTES = 256 * 1024

RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
BY_CURVE = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",), "Ed25519": ("EdDSA",)}
ALGORITHMS = frozenset([*RSA, "ES256", "ES384", "ES512", "EdDSA"])
"""Signatures by a private key. A shared secret (HS256) could be the public key that everybody knows."""

KeySet = Mapping[tuple[str, str], PyJWK]
"""Keys by name and algorithm."""


class KeysUnavailable(Exception):
    """The issuer did not say its keys."""


class Keys:
    """The keys of one issuer."""

    def __init__(self, issuer: str, url: str = "") -> None:
        self._issuer = issuer
        self._url = url
        self._keys: KeySet = {}
        self._read_at = self._asked_at = float("-inf")
        self._problem = ""
        self._lock = asyncio.Lock()
        self._background: asyncio.Task[None] | None = None

    async def find(self, name: str, algorithm: str) -> PyJWK | None:
        """Find a key by its name, which may be empty, and by what it signs with.

        Raises:
            KeysUnavailable: when only the issuer could tell, and it does not answer.
        """
        age = time.monotonic() - self._read_at
        key = self._pick(name, algorithm) if age < STALE_SECONDS else None
        if key is None:
            await self._refresh()
            key = self._pick(name, algorithm)
            if self._problem and (key is None or age >= STALE_SECONDS):
                raise KeysUnavailable(self._problem)
        elif age >= FRESH_SECONDS and (self._background is None or self._background.done()):
            # Nobody waits for it: the key that is known serves on meanwhile.
            self._background = asyncio.create_task(self._refresh())
        return key

    def _pick(self, name: str, algorithm: str) -> PyJWK | None:
        if name:
            return self._keys.get((name, algorithm))
        # A token need not name its key where there is no choice.
        fitting = [key for (_, signs_with), key in self._keys.items() if signs_with == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    async def _refresh(self) -> None:
        arrived = time.monotonic()
        async with self._lock:
            if self._asked_at > arrived - PAUSE_SECONDS:
                return
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS), httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
                    url = self._url or await _find_url(http, self._issuer)
                    self._keys = read_keys(await _read(http, url))
                self._read_at = time.monotonic()
                self._note("")
            except (KeysUnavailable, httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
                self._note(str(error) or type(error).__name__)
            finally:
                self._asked_at = time.monotonic()

    def _note(self, problem: str) -> None:
        if problem and not self._problem:
            say("OAuth keys cannot be read", logging.ERROR, issuer=self._issuer, reason=problem)
        elif self._problem and not problem:
            say("OAuth keys can be read again", issuer=self._issuer)
        self._problem = problem


def metadata_urls(issuer: str) -> list[str]:
    """Where an issuer may say what it is: RFC 8414 first, then OpenID Connect in both of its spellings."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    urls = [f"{origin}/.well-known/{name}{path}" for name in ("oauth-authorization-server", "openid-configuration")]
    return [*urls, f"{origin}{path}/.well-known/openid-configuration"] if path else urls


def read_keys(document: Mapping[str, Any]) -> KeySet:
    """Take the keys that this server can verify with out of a JWKS; raises KeysUnavailable when there is none."""
    keys: dict[tuple[str, str], PyJWK] = {}
    listed = document.get("keys")
    for each in listed if isinstance(listed, list) else []:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":
            continue
        algorithms = RSA if each.get("kty") == "RSA" else BY_CURVE.get(str(each.get("crv")), ())
        for algorithm in algorithms:
            if each.get("alg", algorithm) == algorithm:
                # A key of a kind that this server does not know is none of its business.
                with contextlib.suppress(PyJWTError):
                    keys[str(each.get("kid", "")), algorithm] = PyJWK(each, algorithm)
    if not keys:
        raise KeysUnavailable("the key set holds no key that this server can verify with")
    return keys


async def _find_url(http: httpx2.AsyncClient, issuer: str) -> str:
    problems: list[str] = []
    for url in metadata_urls(issuer):
        try:
            metadata = await _read(http, url)
        except KeysUnavailable as error:
            problems.append(str(error))
            continue
        # RFC 8414, 3.3: metadata that names another issuer is not this issuer's.
        if metadata.get("issuer") != issuer:
            problems.append(f"{url} names another issuer")
        elif is_secure(str(metadata.get("jwks_uri"))):
            return str(metadata["jwks_uri"])
        else:
            problems.append(f"{url} names no jwks_uri with https")
    raise KeysUnavailable("; ".join(problems))


def is_secure(url: str) -> bool:
    """Whether nobody on the way can change what comes from there."""
    try:
        parts = urlsplit(url)
        local = parts.hostname in ("127.0.0.1", "localhost", "::1")
        return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))
    except ValueError:
        return False


async def _read(http: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    async with http.stream("GET", url, headers={"Accept": "application/json"}) as response:
        if response.status_code != httpx2.codes.OK:
            raise KeysUnavailable(f"{url} answers {response.status_code}")
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > DOCUMENT_BYTES:
                raise KeysUnavailable(f"{url} answers more than {DOCUMENT_BYTES} bytes")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise KeysUnavailable(f"{url} answers no JSON object")
    return document
