"""What an inventory says stands above what the playbooks wire for the reference server."""

from pathlib import Path

from tests.e2e.conftest import Server, ansible

SAID = """
stack_environment:
  MCP_ALLOWED_HOSTS: "*"
  LOG_LEVEL: WARNING
stack_secrets:
  DATABASE_URL: "{{ mcp_database_url }}"
  REDIS_URL: "{{ mcp_redis_url }}"
  MCP_TOKENS: "{{ secrets_state.token }}"
"""


def test_environment_of_the_inventory_reaches_the_server(server: Server, tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text(SAID)
    (tmp_path / "hosts.yml").write_text("all: {}\n")
    done = ansible("mcp.aws.deploy", "-i", str(tmp_path))
    try:
        assert done.returncode == 0, done.stdout[-4000:]
        assert "LOG_LEVEL=WARNING" in server.shell(f"docker exec {server.container} env")
        assert server.ready()
    finally:
        assert ansible("mcp.aws.deploy").returncode == 0
    assert "LOG_LEVEL=INFO" in server.shell(f"docker exec {server.container} env")
