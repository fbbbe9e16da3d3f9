"""Eventual consistency: what was just made is not there yet for those who ask for it by its id, name or ARN.

Lists filtered by anything else show it at once, and CloudWatch's alarms and dashboards are there from the start.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import re
import time
from typing import Any

from ansible_collections.mcp.aws.lab import answers, arns, calls
from werkzeug.wrappers import Response

# What makes a thing whose id only the answer tells, that id, and the service's own error where it is missing.
IDS = {
    "AllocateAddress": (r"eipalloc-\w+", "InvalidAllocationID.NotFound", 400),
    "CreateInternetGateway": (r"igw-\w+", "InvalidInternetGatewayID.NotFound", 400),
    "CreateListener": (r"arn:aws:elasticloadbalancing:[^<]*:listener/[^<]+", "ListenerNotFound", 400),
    "CreateLoadBalancer": (r"arn:aws:elasticloadbalancing:[^<]*:loadbalancer/[^<]+", "LoadBalancerNotFound", 400),
    "CreateRouteTable": (r"rtb-\w+", "InvalidRouteTableID.NotFound", 400),
    "CreateSecurityGroup": (r"sg-\w+", "InvalidGroup.NotFound", 400),
    "CreateSubnet": (r"subnet-\w+", "InvalidSubnetID.NotFound", 400),
    "CreateTargetGroup": (r"arn:aws:elasticloadbalancing:[^<]*:targetgroup/[^<]+", "TargetGroupNotFound", 400),
    "CreateVpc": (r"vpc-\w+", "InvalidVpcID.NotFound", 400),
    "CreateVpcEndpoint": (r"vpce-\w+", "InvalidVpcEndpointId.NotFound", 400),
    "RunInstances": (r"(?<=<instanceId>)i-\w+", "InvalidInstanceID.NotFound", 400),
}
# The same for what the request itself names.
NAMES = {
    "CreateBucket": ("NoSuchBucket", 404),
    "CreateInstanceProfile": ("NoSuchEntity", 404),
    "CreateLogGroup": ("ResourceNotFoundException", 400),
    "CreateRepository": ("RepositoryNotFoundException", 400),
    "CreateRole": ("NoSuchEntity", 404),
    "CreateTopic": ("NotFound", 404),
    "ImportKeyPair": ("InvalidKeyPair.NotFound", 400),
    "PutParameter": ("ParameterNotFound", 400),
}
# Names that say what they name only together with their parameter.
KINDS = {
    "ec2": {"IamInstanceProfile": "profile", "KeyName": "key pair", "KeyNames": "key pair"},
    "iam": {"InstanceProfileName": "profile", "RoleName": "role"},
    "s3": {"Bucket": "bucket"},
}
PROFILE = "Value for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"


class Consistency:
    """Everything new is unknown for some seconds."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.made: dict[str, tuple[float, str, int]] = {}

    def answer(self, call: calls.Call, environ: dict[str, Any]) -> Response | None:
        """Refuse a call that speaks of something new; let one find nothing that filters by it."""
        fresh = [name for name in mentioned(call) if self.is_new(name)]
        if not fresh or call.operation in NAMES:
            return None
        body = environ["wsgi.input"].getvalue() if call.service == "ec2" else b""
        filtered = {name for name in fresh if re.search(rf"Filter\.\d+\.Value\.\d+={name}".encode(), body)}
        if filtered == {*fresh}:
            for name in fresh:
                body = body.replace(name.encode(), re.sub("[0-9a-f]+$", lambda m: "0" * len(m[0]), name).encode())
            environ["wsgi.input"] = io.BytesIO(body)
            return None
        name = next(name for name in fresh if name not in filtered)
        if call.service == "ec2" and name.startswith("profile "):
            return answers.refuse(call, "InvalidParameterValue", PROFILE)
        return answers.refuse(call, self.made[name][1], f"{name} does not exist", self.made[name][2])

    def is_new(self, name: str) -> bool:
        """Tell whether something was made a short while ago."""
        return name in self.made and time.monotonic() < self.made[name][0] + self.seconds

    def learn(self, call: calls.Call, response: Response) -> None:
        """Remember what a call has made."""
        if response.status_code >= 300:
            return
        if call.operation in IDS:
            pattern, *missing = IDS[call.operation]
            names = re.findall(pattern, response.get_data(as_text=True))
            names += [
                f"{call.operation.removeprefix('Create')}s {name}" for name in [call.parameters.get("Name")] if name
            ]
        elif call.operation in NAMES:
            names, missing = [*mentioned(call)], [*NAMES[call.operation]]
        else:
            return
        for name in names:
            self.made.setdefault(name, (time.monotonic(), *missing))  # type: ignore[arg-type]


def mentioned(call: calls.Call) -> set[str]:
    """Return what a call speaks of: ids, ARNs, and with their kind the names that several kinds of things share."""
    asked = call.parameters
    kinds = KINDS.get(call.service, {})
    named = {f"{kinds[name]} {text}" for name in kinds.keys() & asked.keys() for text in arns.texts(asked[name])}
    if call.operation in ("DescribeLoadBalancers", "DescribeTargetGroups"):
        named |= {f"{call.operation.removeprefix('Describe')} {text}" for text in asked.get("Names", [])}
    if call.service == "ec2":
        return named | {arn.rpartition("/")[2] for arn in arns.named(call)}
    return named | {re.sub(r":(log-stream:)?\*?$", "", arn) for arn in arns.named(call)}
