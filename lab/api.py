"""The AWS API: moto, whose instances are real hosts and whose callers must show credentials that it issued.

Run as `python -m lab.api` by `python -m lab up`. The account lives and dies with this process.
"""

import configparser
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import elastic_network_interfaces, instances
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.responses.general import General
from moto.ec2.utils import Base64EncodedString
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from . import api_log, hosts, metadata, moto_gaps, network, permissions
from .account import ENVIRONMENT
from .settings import (
    ACCOUNT,
    API_PORT,
    CREDENTIALS,
    EDGE,
    LOGS,
    METADATA_PORT,
    REGION,
)
from .shell import LabError

Instance = instances.Instance


class HostError(EC2ClientError):
    """A host that would not obey, as the API's answer."""

    def __init__(self, error: LabError):
        super().__init__("InternalError", str(error))


def after(method: Callable[..., Any], act: Callable[[Any], None]) -> Callable[..., Any]:
    """Let an instance's method change the record first and the host after it."""

    def both(self: Any, *arguments: Any, **options: Any) -> Any:
        answer = method(self, *arguments, **options)
        try:
            act(self)
        except LabError as error:
            raise HostError(error) from error
        return answer

    return both


def boot(instance: Any) -> None:
    """Start the host of a new instance; a host that does not start leaves no record behind."""
    kind = INSTANCE_TYPES[instance.instance_type]
    try:
        hosts.create(
            instance,
            memory_mib=kind["MemoryInfo"]["SizeInMiB"],
            processors=kind["VCpuInfo"]["DefaultVCpus"],
        )
    except LabError:
        instance.terminate()
        raise


def in_background(act: Callable[[Any], None]) -> Callable[[Any], None]:
    """EC2 answers a reboot at once and reboots then."""
    return lambda instance: threading.Thread(target=act, args=(instance,), daemon=True).start()


def default_subnet(backend: Any) -> str:
    """Where EC2 puts an instance that names no subnet; moto would give it an address outside of any."""
    return min(subnet.id for zones in backend.subnets.values() for subnet in zones.values() if subnet.default_for_az)


def get_console_output(self: Any) -> ActionResult:
    """GetConsoleOutput with what the host printed."""
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    output = Base64EncodedString.from_raw_string(hosts.console(instance.id))
    return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})


def attach_hosts() -> None:
    """Give moto's records hosts: run, start, stop, reboot and terminate act on both."""
    run_instances = instances.InstanceBackend.run_instances

    def run_and_boot(self: Any, *arguments: Any, **options: Any) -> Any:
        if not options.get("subnet_id") and not options.get("nics"):
            options["subnet_id"] = default_subnet(self)
        try:
            reservation = run_instances(self, *arguments, **options)
            for instance in reservation.instances:
                boot(instance)
        except LabError as error:
            raise HostError(error) from error
        return reservation

    instances.InstanceBackend.run_instances = run_and_boot  # type: ignore[method-assign]
    elastic_network_interfaces.random_public_ip = network.PublicAddresses()
    General.get_console_output = get_console_output  # type: ignore[method-assign]
    Instance.start = after(Instance.start, hosts.start)  # type: ignore[method-assign]
    Instance.reboot = after(Instance.reboot, in_background(hosts.reboot))  # type: ignore[method-assign]
    stop, terminate = Instance.stop, Instance.terminate

    def stop_both(self: Any) -> Any:
        hosts.withdraw(self)
        return after(stop, hosts.stop)(self)

    def terminate_both(self: Any) -> Any:
        hosts.withdraw(self)
        return after(terminate, lambda instance: hosts.terminate(instance.id))(self)

    Instance.stop = stop_both  # type: ignore[method-assign]
    Instance.terminate = terminate_both  # type: ignore[method-assign]


def issue_credentials() -> None:
    """Make the account's administrator and write the access key where the lab's inventory reads it."""
    iam = iam_backends[ACCOUNT]["aws"]
    iam.create_user("aws", "administrator")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy("administrator", "everything", json.dumps(everything))
    key = iam.create_access_key("administrator")
    profile = configparser.ConfigParser()
    profile["default"] = {
        "aws_access_key_id": key.access_key_id,
        "aws_secret_access_key": key.secret_access_key,
        "region": REGION,
    }
    CREDENTIALS.touch(mode=0o600)
    with CREDENTIALS.open("w") as file:
        profile.write(file)


def main() -> None:
    """Serve the API on loopback and the metadata service on the edge until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    moto_gaps.correct()
    attach_hosts()
    permissions.attach()
    issue_credentials()
    instance_metadata = make_server(EDGE, METADATA_PORT, metadata.application, threaded=True)
    threading.Thread(target=instance_metadata.serve_forever, daemon=True).start()
    api = permissions.Gate(api_log.Log(DomainDispatcherApplication(create_backend_app), LOGS / "calls.jsonl"))
    make_server("127.0.0.1", API_PORT, api, threaded=True, request_handler=MotoRequestHandler).serve_forever()


if __name__ == "__main__":
    assert os.environ.items() >= ENVIRONMENT.items(), "start the API with `python -m lab up`"
    main()
