"""The end of the deployment, last of these tests: no host runs any more, and the account holds what was kept."""

import subprocess

from lab.settings import ACCOUNT
from runner import Stack
from tests.e2e.conftest import INVENTORY, NAME, Server, aws


def hosts() -> str:
    """The hosts that the lab runs, by their instances' ids."""
    command = ["docker", "ps", "--format", "{{.Names}}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_teardown_ends_the_host_and_keeps_the_bucket(server: Server) -> None:
    assert server.instance["InstanceId"] in hosts()
    run = Stack(INVENTORY).teardown(confirm=NAME)
    assert run.ok, str(run)
    assert server.instance["InstanceId"] not in hosts()
    tagged = aws("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "mcp:name", "Values": [NAME]}])
    kept = {resource["ResourceARN"] for resource in tagged["ResourceTagMappingList"]}
    assert {arn for arn in kept if ":instance/" not in arn} == {f"arn:aws:s3:::{NAME}-{ACCOUNT}"}
    assert Stack(INVENTORY).teardown(confirm=NAME).changed == 0
