"""What the suite consists of: each command with what it needs, how long it takes, and when it is given up.

What needs no host fills the time in which the others wait: it leaves the processors to the longest chains.
"""

from tests.schedule import Node

AWS_ROLES = ("alarms", "identity", "instance", "load_balancer", "logs", "network", "registry", "secrets", "storage")
# Host roles with their usual seconds when three scenarios run side by side.
HOST_ROLES = {
    "base": 560,
    "docker": 480,
    "health": 40,
    "log_rotation": 150,
    "postgresql": 280,
    "postgresql_upgrade": 380,
    "proxy": 210,
    "redis": 155,
    "stack": 930,
}
PYTEST = ("pytest", "--quiet", "--color=no", "--durations=15", "--durations-min=1")
BY_FILE = ("--numprocesses", "2", "--dist", "loadfile")  # both processors, each file on one of them
LAB = frozenset({"lab"})

# The file that takes half of the time of all tests of accounts runs beside the others.
INTERRUPTION = "tests/aws/test_interruption.py"

LINT = (
    Node("ruff check", "lint", ("ruff", "check", "."), 1),
    Node("ruff format", "lint", ("ruff", "format", "--check", "."), 1),
    Node("mypy", "lint", ("mypy", "."), 60),
    Node("yamllint", "lint", ("yamllint", "--strict", "."), 5),
    Node("changelog", "lint", ("antsibull-changelog", "lint"), 3),
    Node("documentation", "lint", ("python", "docs/generate.py", "--check"), 2),
    Node("costs", "lint", ("python", "docs/costs.py", "--check"), 2),
)
ANSIBLE_LINT = Node("ansible-lint", "lint", ("ansible-lint", "--offline", "--strict", "-q"), 160, patient=True)
UNIT = Node("unit", "unit", (*PYTEST, *BY_FILE, "tests/unit"), 90, load=1.5)
RUNNER = Node("runner", "runner", (*PYTEST, *BY_FILE, "tests/runner"), 240, load=1.5)


def molecule() -> list[Node]:
    """Return a node for each role: check, converge, idempotence, verify. Those of hosts need the lab and often wait."""
    hosts = [
        Node(f"molecule {role}", "molecule", ("molecule", "test", "-s", role), seconds, 0.7, limit=2400, needs=LAB)
        for role, seconds in HOST_ROLES.items()
    ]
    accounts = [
        Node(f"molecule {role}", "molecule", ("molecule", "test", "-s", role), 60, load=0.9, patient=True)
        for role in AWS_ROLES
    ]
    return [*hosts, *accounts]


def whole() -> list[Node]:
    """Return every node. The end-to-end tests are the longest chain; the life of the lab takes the lab away."""
    nodes = [
        Node("lab", "lab", ("python", "-m", "lab", "up"), 70, load=0.9),
        *LINT,
        ANSIBLE_LINT,
        UNIT,
        Node("server", "unit", (*PYTEST, "roles/stack/files/server/tests"), 60),
        Node("conformance", "unit", (*PYTEST, "tests/conformance"), 60),
        RUNNER,
        Node("aws interruption", "aws", (*PYTEST, INTERRUPTION), 420, 0.9, limit=2400, patient=True),
        Node("aws", "aws", (*PYTEST, "tests/aws", f"--ignore={INTERRUPTION}"), 900, 0.9, limit=2400, patient=True),
        *molecule(),
        Node("e2e", "e2e", (*PYTEST, "tests/e2e"), 1040, load=0.8, limit=2700, needs=LAB),
    ]
    users = frozenset(node.name for node in nodes if "lab" in node.needs)
    return [*nodes, Node("life", "life", (*PYTEST, "tests/lab"), 60, load=0.7, needs=LAB, after=users)]
