"""What rights a call needs, as IAM spells them: an action on a resource each.

Most actions are called like the operation; the tables hold the rest.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from . import arns, relations, s3_actions
from .calls import Call
from .settings import ACCOUNT

PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
# AWS always answers who is asking, even where a policy denies it.
FREE = {"sts:GetCallerIdentity", "sts:GetSessionToken"}
# What AWS authorizes for the account as a whole, though the request names what it is about.
WHOLE = (
    "cloudwatch:DescribeAlarms",
    "ec2:Describe*",
    "elasticloadbalancing:Describe*",
    "logs:DescribeLogGroups",
    "sns:GetSubscriptionAttributes",
    "sns:SetSubscriptionAttributes",
    "sns:Unsubscribe",
    "ssm:DescribeParameters",
)
# Tags that come with a new resource: the parameter, and the action that AWS asks for beside that of the creation.
TAGGING = {
    "ec2": ("TagSpecifications", "ec2:CreateTags"),
    "ecr": ("tags", "ecr:TagResource"),
    "elasticloadbalancing": ("Tags", "elasticloadbalancing:AddTags"),
    "iam": ("Tags", "iam:Tag*"),  # iam:TagRole with CreateRole
    "logs": ("tags", "logs:TagResource"),
    "monitoring": ("Tags", "cloudwatch:TagResource"),
    "sns": ("Tags", "sns:TagResource"),
    "ssm": ("Tags", "ssm:AddTagsToResource"),
}
MAKES = ("Allocate", "Authorize", "Create", "Import", "Put", "Run")
# The roles that AWS makes for its own services the first time an account uses them.
LINKED = {
    "elasticloadbalancing:CreateLoadBalancer": ("elasticloadbalancing", "ElasticLoadBalancing"),
    "cloudwatch:PutMetricAlarm": ("events", "CloudWatchEvents"),
}


@dataclass(frozen=True)
class Right:
    """An action on a resource, with the values that a policy's conditions may ask for."""

    action: str
    resource: str
    context: dict[str, str] = field(default_factory=dict)


def needs(call: Call) -> list[Right]:
    """The rights that AWS asks for before it does what the call says."""
    first = f"{PREFIXES.get(call.service, call.service)}:{call.operation}"
    if first in FREE:
        return []
    if call.service == "s3":
        return [Right(action, resource) for action, resource in s3_actions.needs(call)]
    everywhere = any(fnmatchcase(first, pattern) for pattern in WHOLE)
    named = ["*"] if everywhere else arns.named(call) or ["*"]
    return [Right(first, resource, arns.request_tags(call)) for resource in named] + [
        *_tagging(call),
        *_roles(first, call),
    ]


def _tagging(call: Call) -> Iterator[Right]:
    parameter, action = TAGGING.get(call.service, ("", ""))
    given = call.parameters.get(parameter)
    if not given or not call.operation.startswith(MAKES) or call.operation == "CreateTags":
        return
    action = action.replace("*", call.operation.removeprefix("Create"))
    creation = {f"{call.service}:CreateAction": call.operation}
    for resource in arns.tagged(call):
        yield Right(action, resource, creation | arns.request_tags(call))


def _roles(first: str, call: Call) -> Iterator[Right]:
    for role in relations.passed_roles(call):
        yield Right("iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"})
    owner, role = LINKED.get(first, ("", ""))
    if owner and (owner != "events" or "arn:aws:automate:" in str(call.parameters.get("AlarmActions"))):
        name = f"{owner}.amazonaws.com"
        arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{name}/AWSServiceRoleFor{role}"
        yield Right("iam:CreateServiceLinkedRole", arn, {"iam:AWSServiceName": name})
