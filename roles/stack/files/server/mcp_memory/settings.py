"""The server's settings: environment variables in, one frozen object out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from redis.asyncio.connection import parse_url

from .auth import TOKEN_CHARACTERS
from .hosts import read_allowed
from .keys import is_secure
from .oauth import OAuth

T = TypeVar("T")

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SCOPE = re.compile(r"[!#-\[\]-~]+")


class SettingsError(Exception):
    """One line that names each wrong setting; never its value."""


@dataclass(frozen=True)
class Settings:
    """Everything the server can be told."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)
    """Empty only when anonymous access was asked for."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names beside those of loopback."""
    host: str = "127.0.0.1"
    port: int = 8000
    log_level: str = "INFO"
    database_pool_size: int = 5
    redis_pool_size: int = 10
    cache_ttl: int = 300
    """Seconds that a memory stays in Redis."""
    workers: int = 1
    """Processes; each has pools of its own."""
    stop_grace: int = 1
    """Seconds after SIGTERM that new connections are still taken, while /ready says no."""
    stop_timeout: int = 20
    """Seconds after SIGTERM when whatever is still open is cut."""
    max_websockets: int = 200
    """Open WebSockets of a process."""
    max_streams: int = 200
    """Streams of `subscriptions/listen` of a process."""
    oauth: OAuth | None = None
    rate_limit_requests: int = 6000
    """MCP messages that a caller may send in `rate_limit_seconds`; 0: any number."""
    rate_limit_seconds: int = 60
    metrics_token: str = field(default="", repr=False)
    """Bearer token for /metrics; without one there are no metrics."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read and check all settings.

        Raises:
            SettingsError: with everything that is wrong, in one line.
        """
        problems: list[str] = []

        def read(name: str, parse: Callable[[str], T], default: str = "") -> T | None:
            try:
                return parse(environment.get(name, "").strip() or default)
            except ValueError as error:
                problems.append(f"{name} {error}")
                return None

        values = {
            "database_url": read("DATABASE_URL", _database_url),
            "redis_url": read("REDIS_URL", _redis_url),
            "tokens": read("MCP_TOKENS", _tokens),
            "allowed_hosts": read("MCP_ALLOWED_HOSTS", read_allowed),
            "host": read("HOST", str, "127.0.0.1"),
            "port": read("PORT", _number(1, 65535), "8000"),
            "log_level": read("LOG_LEVEL", _log_level, "INFO"),
            "database_pool_size": read("DATABASE_POOL_SIZE", _number(1, 50), "5"),
            "redis_pool_size": read("REDIS_POOL_SIZE", _number(1, 100), "10"),
            "cache_ttl": read("CACHE_TTL", _number(1, 86400), "300"),
            "workers": read("WORKERS", _number(1, 16), "1"),
            "stop_grace": (grace := read("STOP_GRACE", _number(0, 300), "1")),
            "stop_timeout": (timeout := read("STOP_TIMEOUT", _number(3, 3600), "20")),
            "max_websockets": read("MAX_WEBSOCKETS", _number(1, 10_000), "200"),
            "max_streams": read("MAX_STREAMS", _number(1, 10_000), "200"),
            "oauth": _oauth(read, problems),
            "rate_limit_requests": read("RATE_LIMIT_REQUESTS", _number(0, 1_000_000), "6000"),
            "rate_limit_seconds": read("RATE_LIMIT_SECONDS", _number(1, 86400), "60"),
            "metrics_token": read("METRICS_TOKEN", _token),
        }
        anonymous = read("MCP_ALLOW_ANONYMOUS", _boolean, "false")
        if values["tokens"] == () and not environment.get("OAUTH_ISSUER", "").strip() and anonymous is False:
            problems.append("MCP_TOKENS is not set (MCP_ALLOW_ANONYMOUS=true opens the server to everybody)")
        if grace is not None and timeout is not None and grace > timeout - 3:
            problems.append("STOP_GRACE is not at least 3 seconds less than STOP_TIMEOUT")
        if problems:
            raise SettingsError("; ".join(problems))
        return cls(**values)  # type: ignore[arg-type]


def _database_url(text: str) -> str:
    if not text:
        raise ValueError("is not set (postgresql://user:password@host:5432/database)")
    try:
        if not text.startswith(("postgresql://", "postgres://")):
            raise ValueError
        conninfo_to_dict(text)
    except (ValueError, psycopg.ProgrammingError):
        raise ValueError("is not a URL like postgresql://user:password@host:5432/database") from None
    return text


def _redis_url(text: str) -> str:
    if not text:
        raise ValueError("is not set (redis://:password@host:6379/0)")
    try:
        parse_url(text)
    except ValueError:
        raise ValueError("is not a URL like redis://:password@host:6379/0") from None
    return text


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _token(text: str) -> str:
    if not (text.isascii() and (not text or text.isprintable()) and " " not in text and len(text) <= TOKEN_CHARACTERS):
        raise ValueError("holds a token with a blank or a character outside ASCII, or a very long one")
    return text


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(_token(token) for token in _list(text))


def _scopes(text: str) -> tuple[str, ...]:
    scopes = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if not all(SCOPE.fullmatch(scope) for scope in scopes):
        raise ValueError("holds a scope with a character that scopes do not have")
    return scopes


def _secure_url(text: str) -> str:
    if text and not (is_secure(text) and text.isascii() and text.isprintable() and not set(text) & set(' "\\#?')):
        raise ValueError("is not a URL with https (http on loopback alone), without blanks, query and fragment")
    return text


def _oauth(read: Callable[..., Any], problems: list[str]) -> OAuth | None:
    oauth = OAuth(
        issuer=read("OAUTH_ISSUER", _secure_url),
        resource=read("OAUTH_AUDIENCE", _secure_url),
        scopes=read("OAUTH_SCOPES", _scopes),
        jwks_url=read("OAUTH_JWKS_URL", _secure_url),
    )
    if oauth.issuer and oauth.resource == "":
        problems.append("OAUTH_AUDIENCE is not set (the public URL of the MCP endpoint: https://mcp.example.org/mcp)")
    if oauth.issuer == "" and (oauth.resource or oauth.scopes or oauth.jwks_url):
        problems.append("OAUTH_ISSUER is not set, but other settings of OAuth are")
    return oauth if oauth.issuer else None


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isdecimal() and low <= int(text) <= high):
            raise ValueError(f"is not a number from {low} to {high}")
        return int(text)

    return parse


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return text.lower() == "true"


def _log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise ValueError(f"is none of {', '.join(LOG_LEVELS)}")
    return text.upper()
