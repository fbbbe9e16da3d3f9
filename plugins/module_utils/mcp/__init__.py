"""The client that judges an MCP server, on the official SDK, and the load that it can put on one."""

# SPDX-License-Identifier: GPL-3.0-or-later
