"""An application that is ready when it can write to its database."""

import http.server
import os
import pathlib
import subprocess

os.environ["PGPASSWORD"] = pathlib.Path("/opt/mcp.password").read_text()
WRITE = "INSERT INTO visits DEFAULT VALUES"


class Ready(http.server.BaseHTTPRequestHandler):
    """Answers 200 when a row was written."""

    def do_GET(self) -> None:
        command = ["psql", "-Xqw", "-h", "127.0.0.1", "-U", "app", "-d", "app", "-c", WRITE]
        self.send_response(503 if subprocess.run(command, check=False).returncode else 200)
        self.end_headers()


http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Ready).serve_forever()
