"""Keys of an issuer, over real HTTP: where they are found, how long they are kept, and what is not believed."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from issuer import SECOND, Issuer, running_issuer
from mcp_memory import keys as module
from mcp_memory.keys import Keys, KeysUnavailable, metadata_urls


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer("/realm") as issuer:
        yield issuer


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-authorization-server/realm",
        "/.well-known/openid-configuration/realm",
        "/realm/.well-known/openid-configuration",
    ],
)
async def test_found_through_each_kind_of_metadata(issuer: Issuer, path: str) -> None:
    issuer.publish_at(path)
    assert await Keys(issuer.url).find("first", "RS256")
    assert issuer.asked[-2:] == [path, "/realm/keys"]


async def test_found_at_a_given_place(issuer: Issuer) -> None:
    assert await Keys(issuer.url, f"{issuer.url}/keys").find("first", "RS256")
    assert issuer.asked == ["/realm/keys"]


def test_metadata_of_an_issuer_without_a_path() -> None:
    assert metadata_urls("https://login.test/") == [
        "https://login.test/.well-known/oauth-authorization-server",
        "https://login.test/.well-known/openid-configuration",
    ]


async def test_asked_once_for_many(issuer: Issuer) -> None:
    keys = Keys(issuer.url)
    found = await asyncio.gather(*(keys.find("first", "RS256") for _ in range(20)))
    assert all(found)
    # A token need not say which key, as there is one; but it cannot say what it is used with.
    assert await keys.find("", "RS256") is found[0]
    assert await keys.find("first", "ES256") is None
    assert await keys.find("shared", "HS256") is None
    assert len(issuer.asked) == 2


async def test_rotation(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(issuer.url)
    assert await keys.find("first", "RS256")
    issuer.rotate("second", "RS256", SECOND)
    # Names that are made up do not become questions to the issuer.
    assert await keys.find("second", "RS256") is None
    assert len(issuer.asked) == 2
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0)
    assert await keys.find("second", "RS256")
    assert await keys.find("first", "RS256") is None


async def test_a_withdrawn_key_is_forgotten(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(module, "FRESH_SECONDS", 0)
    keys = Keys(issuer.url)
    assert await keys.find("first", "RS256")
    issuer.rotate("second", "RS256", SECOND)
    # The one that asks does not wait, but the next one knows.
    assert await keys.find("first", "RS256")
    async with asyncio.timeout(5):
        while await keys.find("first", "RS256"):
            await asyncio.sleep(0.01)


async def test_the_issuer_may_be_away_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(module, "FRESH_SECONDS", 0)
    with running_issuer() as issuer:
        keys = Keys(issuer.url)
        assert await keys.find("first", "RS256")
    for _ in range(3):
        assert await keys.find("first", "RS256")
        await asyncio.sleep(0.02)
    with pytest.raises(KeysUnavailable):
        await keys.find("unknown", "RS256")
    monkeypatch.setattr(module, "STALE_SECONDS", 0)
    with pytest.raises(KeysUnavailable):
        await keys.find("first", "RS256")


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ({}, "answers 404"),
        ({"issuer": "https://evil.test"}, "names another issuer"),
        ({"jwks_uri": "http://evil.test/keys"}, "names no jwks_uri with https"),
        ({"jwks_uri": ""}, "names no jwks_uri with https"),
    ],
)
async def test_what_is_not_believed(issuer: Issuer, documents: dict[str, str], said: str) -> None:
    if documents:
        issuer.publish_at("/.well-known/oauth-authorization-server/realm", **documents)
    else:
        issuer.documents = {}
    with pytest.raises(KeysUnavailable, match=said):
        await Keys(issuer.url).find("first", "RS256")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[" * 100_000, "answers no JSON object"),
        (b"x" * (module.DOCUMENT_BYTES + 1), "answers more than"),
        (b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "first"}]}', "no key that this server can verify with"),
        (b'{"keys": [{"kty": "RSA", "n": "?", "e": 1, "kid": "first"}, 1]}', "no key that this server can verify with"),
        (b'{"keys": 1}', "no key that this server can verify with"),
    ],
)
async def test_key_sets_that_are_none(issuer: Issuer, body: bytes, said: str) -> None:
    issuer.documents["/broken"] = body
    with pytest.raises(KeysUnavailable, match=said):
        await Keys(issuer.url, issuer.url.removesuffix("/realm") + "/broken").find("first", "RS256")
