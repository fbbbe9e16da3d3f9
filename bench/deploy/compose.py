"""The peer: the same repository on the same host, deployed by `docker compose up -d --build --wait`."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from urllib.parse import quote

from bench.deploy.site import REPOSITORY, Site

FOLDER = "/srv/peer"
PORT = 8200
COMPOSE = f"""\
services:
  server:
    build: app
    env_file: [app.env]
    ports: ["{PORT}:8000"]
    restart: unless-stopped
    mem_limit: 384m
"""
UPDATE = f"cd {FOLDER} && git -C app pull -q && docker compose up -d --build --wait"


class Peer:
    """A Compose project as its user has it, with the database and the cache that ours uses."""

    def __init__(self, site: Site) -> None:
        self.site, self.url = site, f"http://{site.host.address}:{PORT}"

    def prepare(self) -> None:
        """Clone the repository and write the Compose file and the environment."""
        secrets = {name: quote(value, safe="") for name, value in self.site.secrets.items()}
        environment = {
            "DATABASE_URL": f"postgresql://mcp:{secrets['database_password']}@172.30.0.1:5432/mcp",
            "REDIS_URL": f"redis://:{secrets['redis_password']}@172.30.0.1:6379/0",
            "MCP_TOKENS": self.site.secrets["token"],
            "MCP_ALLOWED_HOSTS": "*",
            "LOG_LEVEL": "INFO",
        }
        lines = "".join(f"{name}={value}\n" for name, value in environment.items())
        self.site.shell(
            f"mkdir -p {FOLDER}\ncd {FOLDER}\ngit clone -q {REPOSITORY} app\numask 077\n"
            f"cat > compose.yml <<'END'\n{COMPOSE}END\ncat > app.env <<'END'\n{lines}END"
        )
        self.update()

    def update(self) -> None:
        """Bring the newest commit into service, over a connection of its own."""
        self.site.shell(UPDATE)
