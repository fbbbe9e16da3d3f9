"""Access tokens: which are taken, and what callers of the running server are told about the others."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from issuer import AUDIENCE, FIRST, SECOND, Issuer, running_issuer
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from mcp_memory.auth import Guard, Refused
from mcp_memory.oauth import BadToken, MissingScope, OAuth, Verifier
from services import HTTP, STRICT_TOKENS, TOKEN, RunningServer
from starlette.requests import HTTPConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

CALL = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
METADATA = AUDIENCE.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")


@pytest.fixture(scope="module")
def verifier(issuer: Issuer) -> Verifier:
    return Verifier(OAuth(issuer.url, AUDIENCE, ("mcp:use",)))


@pytest.mark.parametrize(
    ("key", "header", "claims"),
    [
        ("first", {}, {}),
        ("first", {"typ": "JWT"}, {}),
        ("first", {"typ": None}, {"nbf": None, "iat": None, "sub": None}),
        ("elliptic", {}, {"aud": ["https://other.test", AUDIENCE + "/"]}),
        ("edwards", {}, {"scope": None, "scp": ["mcp:use"]}),
        ("first", {}, {"exp": -10, "nbf": 10}),
        ("first", {}, {"exp": 10**300}),
    ],
)
async def test_good_tokens(
    issuer: Issuer, verifier: Verifier, key: str, header: dict[str, object], claims: dict[str, object]
) -> None:
    token = issuer.token(header, key, **claims)
    verified = await verifier.verify(token)
    assert verified.issuer == issuer.url
    nameless = hashlib.sha256(token.encode()).hexdigest()
    assert verified.subject == (nameless if "sub" in claims else "somebody")


@pytest.mark.parametrize(
    ("header", "claims", "said"),
    [
        ({}, {"exp": -60}, "has expired"),
        ({}, {"nbf": 60}, "is not valid yet"),
        ({}, {"iat": 60}, "is not valid yet"),
        ({}, {"aud": "https://other.test/mcp"}, "is not meant for this server"),
        ({}, {"aud": [AUDIENCE.removesuffix("/mcp")]}, "is not meant for this server"),
        ({}, {"aud": AUDIENCE + "/more"}, "is not meant for this server"),
        ({}, {"iss": "https://other.test"}, "is from another issuer"),
        ({}, {"aud": None}, "lacks one of the claims"),
        ({}, {"exp": None}, "lacks one of the claims"),
        ({}, {"iss": None}, "lacks one of the claims"),
        ({}, {"exp": "soon"}, "Not a valid token"),
        ({}, {"cnf": {"jkt": "x"}}, "is bound to a key"),
        ({"kid": "unknown"}, {}, "signed with a key that its issuer does not name"),
        ({"kid": "elliptic"}, {}, "signed with a key that its issuer does not name"),
        ({"typ": "dpop+jwt"}, {}, "Not an access token"),
        ({"crit": ["new"]}, {}, "Not a valid token"),
    ],
)
async def test_bad_tokens(
    issuer: Issuer, verifier: Verifier, header: dict[str, object], claims: dict[str, object], said: str
) -> None:
    with pytest.raises(BadToken, match=said):
        await verifier.verify(issuer.token(header, **claims))


async def test_missing_scopes(issuer: Issuer, verifier: Verifier) -> None:
    with pytest.raises(MissingScope, match="lacks the scope mcp:use"):
        await verifier.verify(issuer.token(scope="mcp:usex profile"))


def claims_of(token: str) -> dict[str, object]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def with_header(header: bytes) -> str:
    return base64.urlsafe_b64encode(header).rstrip(b"=").decode() + ".e30.AA"


def unsigned(token: str) -> str:
    return jwt.encode(claims_of(token), "", "none", {"kid": "first"})


def signed_with_the_public_key(token: str) -> str:
    """The classical confusion: what everybody knows taken for a shared secret. PyJWT itself would not make it."""
    secret = FIRST.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    parts = [{"alg": "HS256", "kid": "first"}, claims_of(token)]
    text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = base64.urlsafe_b64encode(
        jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(text, secret)
    )
    return (text + b"." + signature.rstrip(b"=")).decode()


def signed_by_another(token: str) -> str:
    return jwt.encode(claims_of(token), SECOND, "RS256", {"kid": "first"})


def changed(token: str) -> str:
    head, _, signature = token.split(".")
    claims = json.dumps(claims_of(token) | {"sub": "admin"}).encode()
    return f"{head}.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        signed_with_the_public_key,
        signed_by_another,
        changed,
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: token + "x",
        lambda token: "a.b.c",
        lambda token: with_header(b"[" * 5000),
        lambda token: with_header(b'{"alg": ["RS256"], "kid": "first"}'),
        lambda token: with_header(b'{"alg": "RS256", "kid": 1}'),
    ],
)
async def test_forged_tokens(issuer: Issuer, verifier: Verifier, forge: Callable[[str], str]) -> None:
    with pytest.raises(BadToken):
        await verifier.verify(forge(issuer.token()))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_short_keys(issuer: Issuer, verifier: Verifier) -> None:
    with pytest.raises(BadToken):
        await verifier.verify(issuer.token(key="short"))


def post(strict_server: RunningServer, token: str) -> httpx2.Response:
    return HTTP.post(f"{strict_server.url}/mcp", json=PING, headers=CALL | {"Authorization": f"Bearer {token}"})


def test_both_kinds_of_tokens(strict_server: RunningServer, issuer: Issuer) -> None:
    assert post(strict_server, issuer.token()).json()["result"] == {}
    assert post(strict_server, STRICT_TOKENS["oauth"]).json()["result"] == {}


def test_metadata_for_clients(strict_server: RunningServer, issuer: Issuer) -> None:
    for path in ("", "/mcp"):
        answer = HTTP.get(
            f"{strict_server.url}/.well-known/oauth-protected-resource{path}",
            headers={"Host": "mcp.test", "Origin": "https://page.test"},
        )
        assert answer.json() == {
            "resource": AUDIENCE,
            "authorization_servers": [issuer.url],
            "bearer_methods_supported": ["header"],
            "resource_name": "mcp-memory",
            "scopes_supported": ["mcp:use"],
        }
        assert answer.headers["access-control-allow-origin"] == "*"
    # What a browser asks before it asks with the headers of MCP.
    asks = {"Origin": "https://page.test", "Access-Control-Request-Method": "GET"}
    asks |= {"Access-Control-Request-Headers": "mcp-protocol-version"}
    answer = HTTP.options(f"{strict_server.url}/.well-known/oauth-protected-resource/mcp", headers=asks)
    assert (answer.status_code, answer.headers["access-control-allow-headers"]) == (200, "mcp-protocol-version")


class Nothing:
    """What a client starts with, and keeps."""

    async def get_tokens(self) -> None:
        return None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        pass

    async def get_client_info(self) -> None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        pass


async def test_official_client_finds_its_way_to_a_token(strict_server: RunningServer, issuer: Issuer) -> None:
    provider = ClientCredentialsOAuthProvider(AUDIENCE, Nothing(), "client", "secret", issuer=issuer.url)
    async with (
        httpx2.AsyncClient(auth=provider) as http,
        Client(streamable_http_client(AUDIENCE, http_client=http)) as client,
    ):
        assert (await client.list_tools()).tools
    assert f"{urlsplit(issuer.url).path}/token" in issuer.asked


def test_where_to_get_a_token(strict_server: RunningServer) -> None:
    answer = HTTP.post(f"{strict_server.url}/mcp", json=PING, headers=CALL)
    assert answer.status_code == 401
    challenge = f'Bearer realm="mcp", scope="mcp:use", resource_metadata="{METADATA}"'
    assert answer.headers["www-authenticate"] == challenge


def test_what_is_wrong_with_a_token(strict_server: RunningServer, issuer: Issuer) -> None:
    answer = post(strict_server, issuer.token(aud="https://other.test"))
    assert answer.status_code == 401
    challenge = answer.headers["www-authenticate"]
    assert 'error="invalid_token", error_description="The token is not meant for this server"' in challenge
    answer = post(strict_server, issuer.token(scope="profile"))
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert f'scope="mcp:use", resource_metadata="{METADATA}"' in challenge


def test_websocket_ends_with_its_token(strict_server: RunningServer, issuer: Issuer) -> None:
    # Beyond its end, but within what clocks may differ by.
    token = issuer.token(exp=-27)
    headers = {"Authorization": f"Bearer {token}"}
    with connect(
        strict_server.websocket_url, subprotocols=[Subprotocol("mcp")], additional_headers=headers
    ) as connection:
        connection.send(json.dumps(PING))
        assert json.loads(connection.recv())["result"] == {}
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "The token has expired")


@pytest.mark.parametrize(("claims", "status"), [({"exp": -60}, 401), ({"scope": "profile"}, 403)])
def test_websocket_refusals(
    strict_server: RunningServer, issuer: Issuer, claims: dict[str, object], status: int
) -> None:
    headers = {"Authorization": f"Bearer {issuer.token(**claims)}"}
    with pytest.raises(InvalidStatus) as refused:
        connect(strict_server.websocket_url, subprotocols=[Subprotocol("mcp")], additional_headers=headers)
    assert refused.value.response.status_code == status
    assert METADATA in refused.value.response.headers["WWW-Authenticate"]


def test_tokens_stay_out_of_the_log(strict_server: RunningServer, issuer: Issuer) -> None:
    token = issuer.token(aud="https://other.test")
    post(strict_server, token)
    assert token.rpartition(".")[2] not in strict_server.log.read_text()


async def test_an_issuer_that_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    with running_issuer() as issuer:
        token = issuer.token()
    guard = Guard((), Verifier(OAuth(issuer.url, AUDIENCE)))
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await guard.admit(bearer(token))
        answer = refused.value.response()
        # No challenge: the client would throw away a token that may be good.
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert "www-authenticate" not in answer.headers
    assert [record.message for record in caplog.records] == ["OAuth keys cannot be read"]


async def test_without_static_tokens_the_door_is_no_less_shut(verifier: Verifier) -> None:
    guard = Guard((), verifier)
    for connection in (bearer(""), bearer(TOKEN), HTTPConnection({"type": "http", "headers": []})):
        with pytest.raises(Refused) as refused:
            await guard.admit(connection)
        assert refused.value.status == 401


async def test_one_caller_with_many_tokens(verifier: Verifier, issuer: Issuer) -> None:
    guard = Guard((), verifier)
    names = [(await guard.admit(bearer(issuer.token(sub=sub, jti=jti)))).name for sub, jti in ("aa", "ab", "ba")]
    assert names[0] == names[1] != names[2]


def bearer(token: str) -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]})
