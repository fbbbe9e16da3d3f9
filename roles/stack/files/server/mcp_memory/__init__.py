"""A shared memory for agents: an MCP server on PostgreSQL and Redis."""

__version__ = "0.1.0"
