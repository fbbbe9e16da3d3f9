"""The resources that a call names, as the ARNs that policies speak of; `*` is the part that AWS has yet to choose."""

import re
from collections.abc import Iterator
from typing import Any

from .calls import Call
from .relations import associated
from .settings import ACCOUNT

# Per service the parameters that name a resource, and its ARN; the first that a call has counts.
NAMED = {
    "ecr": {"resourceArn": "{}", "repositoryName": "{here}:repository/{}", "repositoryNames": "{here}:repository/{}"},
    "iam": {
        "InstanceProfileName": "arn:aws:iam::{account}:instance-profile/{}",
        "RoleName": "arn:aws:iam::{account}:role/{}",
    },
    "logs": {"resourceArn": "{}", "logGroupName": "{here}:log-group:{}:log-stream:{logStreamName}"},
    "monitoring": {
        "ResourceARN": "{}",
        "AlarmName": "arn:aws:cloudwatch:{region}:{account}:alarm:{}",
        "AlarmNames": "arn:aws:cloudwatch:{region}:{account}:alarm:{}",
        "DashboardName": "arn:aws:cloudwatch::{account}:dashboard/{}",
        "DashboardNames": "arn:aws:cloudwatch::{account}:dashboard/{}",
    },
    "sns": {"ResourceArn": "{}", "TopicArn": "{}", "Name": "{here}:{}"},
    "ssm": dict.fromkeys(("ResourceId", "Name", "Names", "Path"), "{here}:parameter/{}"),
}
BALANCING = ("ResourceArns", "RuleArn", "ListenerArn", "LoadBalancerArn", "TargetGroupArn")
NEW_BALANCING = {"CreateLoadBalancer": "loadbalancer/app", "CreateTargetGroup": "targetgroup"}
EC2_TYPES = {
    "ami": "image",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "i": "instance",
    "igw": "internet-gateway",
    "key": "key-pair",
    "rtb": "route-table",
    "sg": "security-group",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
EC2_ID = re.compile(rf"({'|'.join(EC2_TYPES)})-[0-9a-z]{{8,17}}")


def named(call: Call) -> list[str]:
    """The resources that a call names, none when it speaks of the account."""
    asked = call.parameters
    here = f"arn:aws:{call.service}:{call.region}:{ACCOUNT}"
    if call.service == "ec2":
        ids = dict.fromkeys(text for text in [*texts(asked), *associated(call)] if EC2_ID.fullmatch(text))
        keys = [f"{here}:key-pair/{asked['KeyName']}"] if "KeyName" in asked else []
        return [f"{here}:{EC2_TYPES[name.partition('-')[0]]}/{name}" for name in ids] + keys
    if call.service == "elasticloadbalancing":
        if call.operation in NEW_BALANCING:
            return [f"{here}:{NEW_BALANCING[call.operation]}/{asked['Name']}/*"]
        return _listed(next((asked[name] for name in BALANCING if name in asked), []))
    for parameter, pattern in NAMED.get(call.service, {}).items():
        if asked.get(parameter):
            known = {"account": ACCOUNT, "here": here, "logStreamName": "", "region": call.region}
            known |= {name: text for name, text in asked.items() if name == "logStreamName"}
            return [
                pattern.format(str(name).strip("/") if call.service == "ssm" else name, **known)
                for name in _listed(asked[parameter])
            ]
    return []


def tagged(call: Call) -> list[str]:
    """What a call that makes something tags while it makes it."""
    if call.service == "ec2":
        types = [each["ResourceType"] for each in call.parameters["TagSpecifications"]]
        return [f"arn:aws:ec2:{call.region}:{ACCOUNT}:{name}/*" for name in types]
    if call.operation == "CreateListener":
        balancer = str(call.parameters["LoadBalancerArn"])
        return [f"{balancer.replace(':loadbalancer/', ':listener/')}/*"]
    return named(call)


def request_tags(call: Call) -> dict[str, str]:
    """The tags that a call brings, as conditions call them."""
    asked = call.parameters
    given = [asked.get("Tags") or asked.get("tags") or []]
    given += [each.get("Tags", []) for each in asked.get("TagSpecifications", [])]
    found: dict[str, str] = {}
    for tags in given:
        pairs = [each for each in tags if isinstance(each, dict)]  # what takes tags off may name keys alone
        found |= tags if isinstance(tags, dict) else {each["Key"]: each.get("Value", "") for each in pairs}
    return {f"aws:RequestTag/{key}": value for key, value in found.items()}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def texts(value: Any) -> Iterator[str]:
    """Every text within a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts(each)
