"""From the rights that runs needed to the IAM policy that gives these and no more: pure functions over the log."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Line = Mapping[str, Any]
OWNER = "mcp:name"
LIMIT = 6144  # characters of a managed policy, white space not counted
# What reads settings and no data, of which a policy may allow all where runs need many.
SETTINGS = re.compile(r"\w+:(?:Describe|List)|s3:GetBucket|iam:Get")
MANY = 3
SIDS = {"cloudwatch": "Alarms", "ecr": "Images", "elasticloadbalancing": "LoadBalancer", "iam": "HostRole"}
SIDS |= {"logs": "Logs", "s3": "Bucket", "sns": "Topic", "ssm": "Secrets"}
PARTS = {*SIDS.values(), "KeyPair"}  # whose resources have names of their service, so that they can be one statement
READS = re.compile(r"\w+:(Describe|Get|List)")
# What EC2 authorizes by the tags of all that it touches, as that exists and bears the owner's when it is asked.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
BY_TAG = re.compile(
    r"ec2:((Attach|Detach|Delete)InternetGateway|(Associate|Disassociate|Replace)IamInstanceProfile(Association)?"
    r"|(Associate|Disassociate|Delete)RouteTable|(Delete|Replace)Route|(Delete|Modify)(Subnet|Vpc|VpcEndpoints?|Volume)"
    r"|Modify(Instance|Subnet|Vpc)Attribute|ModifyInstanceMetadataOptions|(Authorize|Revoke)SecurityGroup(In|E)gress"
    r"|DeleteSecurityGroup|(Monitor|Unmonitor|Reboot|Start|Stop|Terminate)Instances|ReleaseAddress|DeleteTags)"
)


def policy(lines: Iterable[Line], name: str, folded: bool = False) -> dict[str, Any]:
    """Return the policy document that allows what the log's lines say, for the deployment of that name.

    :param folded: write it as short as it goes: one statement for all services, reads of settings by pattern.
    """
    allowed: dict[tuple[str, str], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    actions: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        actions[line["action"]].append(line)
    for action, said in actions.items():
        for part, condition, resources in statements(action, said, name):
            sid = "UseWhatHasTheName" if folded and part in PARTS else part
            allowed[sid, json.dumps(condition)][0].add(action)
            allowed[sid, json.dumps(condition)][1].update(resources)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": sid, "Effect": "Allow", "Action": fold(of) if folded else sorted(of), "Resource": narrow(on, name)}
            | ({"Condition": json.loads(condition)} if condition != "{}" else {})
            for (sid, condition), (of, on) in sorted(allowed.items())
        ],
    }


def statements(action: str, said: list[Line], name: str) -> Iterator[tuple[str, dict[str, Any], set[str]]]:
    """Yield Sid, condition and resources of the statements that an action belongs to."""
    service = action.partition(":")[0]
    resources = {line["resource"] for line in said}
    whole = "*" in resources or service == "ec2"
    if action == "ec2:CreateTags":
        new = [line["context"].get(f"aws:RequestTag/{OWNER}") == name for line in said]
        if any(new):
            yield "TagWhatIsMade", equals(f"aws:RequestTag/{OWNER}", name), {"*"}
        if not all(new):
            yield "ChangeWhatBearsTheName", equals(f"aws:ResourceTag/{OWNER}", name), {"*"}
    elif BY_TAG.fullmatch(action):
        yield "ChangeWhatBearsTheName", equals(f"aws:ResourceTag/{OWNER}", name), {"*"}
    elif action == "iam:PassRole":
        yield "HandTheRoleToTheHost", equals("iam:PassedToService", "ec2.amazonaws.com"), resources
    elif action == "iam:CreateServiceLinkedRole":
        owners = sorted({line["context"]["iam:AWSServiceName"] for line in said})
        yield "LetAwsMakeItsOwnRoles", equals("iam:AWSServiceName", owners), {"arn:aws:iam::*:role/aws-service-role/*"}
    elif service == "ec2" and any(":key-pair/" in resource for resource in resources) and action != "ec2:RunInstances":
        yield "KeyPair", {}, {resource for resource in resources if resource.endswith(f":key-pair/{name}")}
    elif whole:
        yield ("LookAround" if READS.match(action) else "MakeAndConnect"), {}, {"*"}
    else:
        yield SIDS[service], {}, resources


def fold(actions: set[str]) -> list[str]:
    """Return the actions with one pattern instead of many that read settings of the same kind."""
    begins = {action: found[0] for action in actions if (found := SETTINGS.match(action))}
    counts = Counter(begins.values())
    return sorted({f"{start}*" if counts[start := begins.get(action, "")] >= MANY else action for action in actions})


def equals(key: str, value: Any) -> dict[str, Any]:
    """Return a condition."""
    return {"StringEquals": {key: value}}


def narrow(resources: Iterable[str], name: str) -> str | list[str]:
    """Return the resources without account, region and the ids that AWS chooses."""
    found = sorted({pattern for resource in resources for pattern in patterns(resource, name)})
    return found[0] if len(found) == 1 else found


def patterns(arn: str, name: str) -> list[str]:
    """Return the patterns of a policy that a resource falls under."""
    if arn.startswith("arn:aws:s3:::"):
        bucket, _, key = arn.partition("/")
        return [re.sub(r"\d{12}$", "${aws:PrincipalAccount}", bucket) + ("/*" if key else "")]
    arn = re.sub(r":\d{12}:", ":*:", re.sub(r":[a-z]{2}-[a-z]+-\d:", ":*:", arn))
    if ":log-group:" in arn:
        group = arn.partition(":log-group:")[2].partition(":")[0]
        return [f"arn:aws:logs:*:*:log-group:{group}", f"arn:aws:logs:*:*:log-group:{group}:*"]
    if ":parameter/" in arn:
        path = re.sub(r"(:parameter/[^/]+)/.*", r"\1", arn)
        return [path, f"{path}/*"]
    if f":alarm:{name}-" in arn:  # what an alarm watches is in its name
        return [f"arn:aws:cloudwatch:*:*:alarm:{name}-*"]
    return [re.sub(r"(/[0-9a-f]{16}|/\*)+$", "/*", arn)]


def size(document: Mapping[str, Any]) -> int:
    """Return the number of characters that IAM counts."""
    return len(re.sub(r"\s", "", json.dumps(document)))


def actions_of(document: Mapping[str, Any]) -> set[str]:
    """Return all actions that a document allows."""
    return {action for statement in document["Statement"] for action in statement["Action"]}
