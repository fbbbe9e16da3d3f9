"""The instance metadata service, version 2 only: an instance is known by the address it asks from.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
"""

import base64
import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from moto.ec2.models import ec2_backends
from moto.sts.models import sts_backends
from werkzeug.wrappers import Request, Response

from .settings import ACCOUNT

Tree = dict[str, Any]
TOKENS: dict[str, str] = {}
LIFETIME = timedelta(hours=6)
CREDENTIALS: dict[str, tuple[datetime, str]] = {}


@Request.application
def application(request: Request) -> Response:
    """Answer one request of an instance."""
    instance = instance_at(request.remote_addr or "")
    if instance is None:
        return Response("no instance has this address\n", 404)
    if request.path == "/latest/api/token" and request.method == "PUT":
        token = secrets.token_urlsafe(32)
        TOKENS[token] = instance.id
        seconds = request.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "21600")
        return Response(token, headers={"X-aws-ec2-metadata-token-ttl-seconds": seconds})
    if TOKENS.get(request.headers.get("X-aws-ec2-metadata-token", "")) != instance.id:
        return Response("Unauthorized\n", 401)
    found: Any = {**tree(instance)}
    for part in [part for part in request.path.split("/") if part][1:]:
        found = child(found, part) if isinstance(found, dict) else None
    if callable(found):
        found = found()
    if found is None:
        return Response("Not Found\n", 404)
    if isinstance(found, dict):
        found = "\n".join(listing(found))
    return Response(found, mimetype="text/plain")


def listing(folder: Tree) -> Iterable[str]:
    """A folder as the service lists it: what can be descended into ends with a slash, except keys (`0=name`)."""
    return (f"{name}/" if isinstance(value, dict) and "=" not in name else name for name, value in folder.items())


def child(folder: Tree, name: str) -> Any:
    """An entry of a folder by name; the entry `0=name` of the public keys is called `0`."""
    return next((value for entry, value in folder.items() if entry.partition("=")[0] == name), None)


def instance_at(address: str) -> Any:
    """The running instance with this private address, if there is one."""
    for backend in ec2_backends[ACCOUNT].values():
        for instance in backend.all_instances():
            if instance.private_ip == address and instance.state != "terminated":
                return instance
    return None


def tree(instance: Any) -> Tree:
    """Everything the service says of an instance; leaves that cost something are functions."""
    nic = instance.nics[0]
    profile = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    roles = profile.iam_instance_profile.roles if profile else []
    key = next(iter(instance.ec2_backend.describe_key_pairs([instance.key_name])), None) if instance.key_name else None
    user_data = base64.b64decode(str(instance.user_data)).decode() if instance.user_data else None
    credentials = {role.name: partial(role_credentials, instance, role) for role in roles}
    interface = {
        "device-number": "0",
        "interface-id": nic.id,
        "local-ipv4s": instance.private_ip,
        "mac": nic.mac_address,
        "subnet-id": nic.subnet.id,
        "vpc-id": nic.subnet.vpc_id,
    }
    metadata: Tree = {
        "ami-id": instance.image_id,
        "hostname": instance.private_dns_name,
        "instance-id": instance.id,
        "instance-type": instance.instance_type,
        "local-hostname": instance.private_dns_name,
        "local-ipv4": instance.private_ip,
        "mac": nic.mac_address,
        "network": {"interfaces": {"macs": {nic.mac_address: interface}}},
        "placement": {"availability-zone": instance.placement.zone, "region": instance.region_name},
        "public-hostname": instance.public_dns_name,
        "public-ipv4": instance.public_ip,
        "public-keys": {f"0={key.key_name}": {"openssh-key": key.public_key}} if key else None,
        "security-groups": "\n".join(group.name for group in instance.security_groups),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
        "iam": {"security-credentials": credentials} if roles else None,
    }
    identity = {
        "accountId": ACCOUNT,
        "architecture": instance.architecture,
        "availabilityZone": instance.placement.zone,
        "imageId": instance.image_id,
        "instanceId": instance.id,
        "instanceType": instance.instance_type,
        "privateIp": instance.private_ip,
        "region": instance.region_name,
    }
    return {
        "meta-data": {name: value for name, value in metadata.items() if value is not None},
        "dynamic": {"instance-identity": {"document": json.dumps(identity, indent=1)}},
        "user-data": user_data,
    }


def role_credentials(instance: Any, role: Any) -> str:
    """Temporary credentials of the instance's role, renewed an hour before they end."""
    ends, answer = CREDENTIALS.get(f"{instance.id}/{role.name}", (datetime.min.replace(tzinfo=UTC), ""))
    now = datetime.now(UTC)
    if ends - now < timedelta(hours=1):
        ends = now + LIFETIME
        assumed = sts_backends[ACCOUNT]["aws"].assume_role(
            region_name=instance.region_name,
            role_session_name=instance.id,
            role_arn=role.arn,
            policy="",
            duration=int(LIFETIME.total_seconds()),
            external_id="",
        )
        answer = json.dumps(
            {
                "Code": "Success",
                "LastUpdated": f"{now:%Y-%m-%dT%H:%M:%SZ}",
                "Type": "AWS-HMAC",
                "AccessKeyId": assumed.access_key_id,
                "SecretAccessKey": assumed.secret_access_key,
                "Token": assumed.session_token,
                "Expiration": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
            },
            indent=1,
        )
        CREDENTIALS[f"{instance.id}/{role.name}"] = (ends, answer)
    return answer
