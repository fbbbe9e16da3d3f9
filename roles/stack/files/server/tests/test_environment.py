"""Settings: what is read, and what is said about a wrong one."""

import pytest
from mcp_memory.oauth import OAuth
from mcp_memory.settings import Settings, SettingsError

GOOD = {
    "DATABASE_URL": "postgresql://mcp:secret@172.30.0.1:5432/mcp",
    "REDIS_URL": "redis://:secret@172.30.0.1:6379/0",
    "MCP_TOKENS": "one, two",
}


def test_defaults() -> None:
    settings = Settings.from_environment(GOOD)
    assert settings.tokens == ("one", "two")
    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.1", 8000, "INFO")
    assert (settings.allowed_hosts, settings.oauth, settings.metrics_token) == ((), None, "")
    assert (settings.rate_limit_requests, settings.rate_limit_seconds) == (6000, 60)


def test_secrets_do_not_show() -> None:
    assert "secret" not in repr(Settings.from_environment({**GOOD, "METRICS_TOKEN": "secret"}))


def test_anonymous_only_on_request() -> None:
    assert Settings.from_environment({**GOOD, "MCP_TOKENS": "", "MCP_ALLOW_ANONYMOUS": "true"}).tokens == ()


def test_oauth_beside_tokens_or_instead_of_them() -> None:
    oauth = {
        "OAUTH_ISSUER": "https://login.test/realm",
        "OAUTH_AUDIENCE": "https://mcp.test/mcp",
        "OAUTH_SCOPES": "mcp:read, mcp:write",
    }
    for tokens in ("one", ""):
        settings = Settings.from_environment({**GOOD, **oauth, "MCP_TOKENS": tokens})
        assert settings.oauth == OAuth("https://login.test/realm", "https://mcp.test/mcp", ("mcp:read", "mcp:write"))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("DATABASE_URL", "mysql://secret@host/x", "DATABASE_URL is not a URL like postgresql://"),
        ("DATABASE_URL", "postgresql://host/x?secret=1", "DATABASE_URL is not a URL like postgresql://"),
        ("REDIS_URL", "", "REDIS_URL is not set"),
        ("REDIS_URL", "http://secret@host", "REDIS_URL is not a URL like redis://"),
        ("MCP_TOKENS", " , ", "MCP_TOKENS is not set (MCP_ALLOW_ANONYMOUS=true"),
        ("MCP_TOKENS", "secret secret", "MCP_TOKENS holds a token with a blank"),
        ("MCP_ALLOW_ANONYMOUS", "yes", "MCP_ALLOW_ANONYMOUS is neither true nor false"),
        ("PORT", "http", "PORT is not a number from 1 to 65535"),
        ("PORT", "65536", "PORT is not a number from 1 to 65535"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL is none of DEBUG, INFO, WARNING, ERROR"),
        ("CACHE_TTL", "0", "CACHE_TTL is not a number from 1 to 86400"),
        ("WORKERS", "0", "WORKERS is not a number from 1 to 16"),
        ("STOP_GRACE", "18", "STOP_GRACE is not at least 3 seconds less than STOP_TIMEOUT"),
        ("MCP_TOKENS", "secret" * 2000, "MCP_TOKENS holds a token with a blank or a character outside ASCII, or a"),
        ("MCP_ALLOWED_HOSTS", "http://mcp.test", "MCP_ALLOWED_HOSTS holds what is none of name, name:port, name:* and"),
        ("MCP_ALLOWED_HOSTS", "mcp.test,::1", "MCP_ALLOWED_HOSTS holds what is none of"),
        ("MCP_ALLOWED_HOSTS", "*:8000", "MCP_ALLOWED_HOSTS holds what is none of"),
        ("OAUTH_ISSUER", "http://login.test", "OAUTH_ISSUER is not a URL with https"),
        ("OAUTH_ISSUER", "https://login.test/?secret=1", "OAUTH_ISSUER is not a URL with https"),
        ("OAUTH_ISSUER", "https://login.test", "OAUTH_AUDIENCE is not set (the public URL"),
        ("OAUTH_AUDIENCE", "https://mcp.test/mcp", "OAUTH_ISSUER is not set, but other settings of OAuth are"),
        ("OAUTH_SCOPES", 'a"secret', "OAUTH_SCOPES holds a scope with a character"),
        ("RATE_LIMIT_REQUESTS", "-1", "RATE_LIMIT_REQUESTS is not a number from 0 to 1000000"),
        ("METRICS_TOKEN", "secret secret", "METRICS_TOKEN holds a token with a blank"),
    ],
)
def test_wrong_setting(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({**GOOD, name: value})
    assert str(caught.value).startswith(said)
    assert "secret" not in str(caught.value)


def test_all_wrong_settings_in_one_line() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"PORT": "0"})
    message = str(caught.value)
    assert all(name in message for name in ("DATABASE_URL", "REDIS_URL", "MCP_TOKENS", "PORT"))
    assert "\n" not in message
