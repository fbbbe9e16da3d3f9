"""An OAuth issuer on loopback: its metadata and keys over HTTP, and tokens that it signs."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from services import free_port

STRICT_PORT = free_port()
AUDIENCE = f"http://127.0.0.1:{STRICT_PORT}/mcp"
"""The strict server's own URL: the official client wants metadata to name the server that it talks to."""

# Made once: it takes a while.
FIRST, SECOND = (rsa.generate_private_key(65537, 2048) for _ in range(2))

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

KEYS: dict[str, tuple[str, SigningKey]] = {
    "elliptic": ("ES256", ec.generate_private_key(ec.SECP256R1())),
    "edwards": ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
    "short": ("RS256", rsa.generate_private_key(65537, 1024)),  # noqa: S505 - what must be refused
}


class Issuer:
    """What the issuer publishes, and how often it was asked."""

    def __init__(self, port: int, path: str = "") -> None:
        self.url = f"http://127.0.0.1:{port}{path}"
        self.asked: list[str] = []
        self.documents: dict[str, Any] = {}
        self.keys: dict[str, tuple[str, SigningKey]] = {}
        self.publish_at("/.well-known/oauth-authorization-server" + path)
        self.rotate("first", "RS256", FIRST)

    def publish_at(self, path: str, **changed: str) -> None:
        """Say where the keys are, there alone."""
        self.documents = {
            path: {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                **changed,
            }
        }

    def rotate(self, name: str, algorithm: str, key: SigningKey) -> None:
        """Have this one key and no other."""
        self.keys = {}
        self.add(name, algorithm, key)

    def add(self, name: str, algorithm: str, key: SigningKey) -> None:
        """Have one more key."""
        self.keys[name] = (algorithm, key)

    def jwks(self) -> dict[str, Any]:
        """Public keys, among them one of a kind that nobody knows, and one for other uses."""
        keys = [public(key) | {"kid": name, "use": "sig"} for name, (_, key) in self.keys.items()]
        return {"keys": [{"kty": "new", "kid": "other"}, *keys, {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}]}

    def token(self, header: dict[str, object] | None = None, key: str = "first", **claims: object) -> str:
        """Sign a token that is good but for what is given: None leaves a claim out, small times count from now."""
        now = int(time.time())
        for name in ("iat", "nbf", "exp"):
            if isinstance(claims.get(name), int) and abs(int(str(claims[name]))) < 1000:
                claims[name] = now + int(str(claims[name]))
        good = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "somebody",
            "scope": "mcp:use profile",
            "iat": now,
            "nbf": now,
            "exp": now + 300,
        }
        algorithm, private = self.keys[key]
        claimed = {name: value for name, value in {**good, **claims}.items() if value is not None}
        return jwt.encode(claimed, private, algorithm, {"kid": key, "typ": "at+jwt", **(header or {})})


def public(key: SigningKey) -> dict[str, Any]:
    """The public half as a JWK."""
    half = key.public_key()
    if isinstance(half, rsa.RSAPublicKey):
        return RSAAlgorithm.to_jwk(half, as_dict=True)
    if isinstance(half, ec.EllipticCurvePublicKey):
        return ECAlgorithm.to_jwk(half, as_dict=True)
    return OKPAlgorithm.to_jwk(half, as_dict=True)


@contextlib.contextmanager
def running_issuer(path: str = "") -> Iterator[Issuer]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            self.answer(issuer.jwks() if self.path == f"{path}/keys" else issuer.documents.get(self.path))

        def do_POST(self) -> None:
            # Whoever asks gets a token, for the resource and scope that are asked for.
            issuer.asked.append(self.path)
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            token = issuer.token(aud=form["resource"], scope=form["scope"])
            self.answer({"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": form["scope"]})

        def answer(self, found: Any) -> None:
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(server.server_port, path)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
