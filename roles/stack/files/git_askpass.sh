#!/bin/sh
# Answers git's questions for user and password: for the repository's own server alone, as a redirect or a submodule may name another.
case "$1" in
"Username for 'https://$MCP_GIT_SERVER': ") echo x-access-token ;;
"Password for 'https://"*"@$MCP_GIT_SERVER': ") cat "${0%/*}/token" ;;
*) exit 1 ;;
esac
