"""Where the lab lives: addresses, ports, names, paths. The only file to edit when one of them is taken."""

from pathlib import Path

ROOT = Path("/var/lib/mcp-lab")
CACHE = ROOT / "cache"
RUN = ROOT / "run"
LOGS = RUN / "log"
CREDENTIALS = RUN / "credentials"
SOURCE = Path(__file__).parent

# The control node talks plain HTTP to the API; hosts find Amazon's own names behind TLS on the edge address.
API_PORT = 4566
API_URL = f"http://127.0.0.1:{API_PORT}"

# One link-local address on lo carries what an AWS network offers to instances: DNS, metadata, services.
EDGE = "169.254.77.1"
METADATA = "169.254.169.254"
METADATA_PORT = 8775
APT_PROXY_PORT = 3142
REGISTRY_PORT = 5443
INTERNAL_DOMAIN = "lab.internal"

# Public addresses come from a range set aside for tests (RFC 2544), so that no packet can be meant for somebody else.
PUBLIC_RANGE = "198.18.0.0/24"

ACCOUNT = "123456789012"
REGION = "us-east-1"
AMI_OWNER = "136693071363"
AMI_NAME = "debian-12-amd64-20261101-2300"
AMI_ID = "ami-0123456789debian1"

BRIDGE_PREFIX = "mcplab"
LABEL = "mcp.aws.lab"
HOST_IMAGE = "mcp-lab/debian-12"
PYTHON_IMAGE = "library/python:3.11-slim"
DEBIAN_MIRROR = "http://deb.debian.org/debian"
