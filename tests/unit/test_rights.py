"""Which rights a call needs, in the words of IAM."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.aws.lab.calls import Call
from ansible_collections.mcp.aws.lab.rights import needs

HERE = "us-east-1:123456789012"
BUCKET = "arn:aws:s3:::b"
TAGS = [{"Key": "mcp:name", "Value": "mcp"}]
CASES: dict[str, tuple[str, str, dict[str, Any], list[tuple[str, str]]]] = {
    "as it is called": ("ec2", "DescribeVpcs", {"VpcIds": ["vpc-0123456789"]}, [("ec2:DescribeVpcs", "*")]),
    "none": ("sts", "GetCallerIdentity", {}, []),
    "another prefix": (
        "monitoring",
        "PutDashboard",
        {"DashboardName": "mcp"},
        [("cloudwatch:PutDashboard", "arn:aws:cloudwatch::123456789012:dashboard/mcp")],
    ),
    "another name": ("s3", "HeadBucket", {"Bucket": "b"}, [("s3:ListBucket", BUCKET)]),
    "an object": ("s3", "GetObject", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", f"{BUCKET}/k")]),
    "versions": (
        "s3",
        "DeleteObjects",
        {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}, {"Key": "k", "VersionId": "1"}]}},
        [
            ("s3:DeleteObject", f"{BUCKET}/k"),
            ("s3:DeleteObject", f"{BUCKET}/k"),
            ("s3:DeleteObjectVersion", f"{BUCKET}/k"),
        ],
    ),
    "ownership with the bucket": (
        "s3",
        "CreateBucket",
        {"Bucket": "b", "ObjectOwnership": "BucketOwnerEnforced"},
        [("s3:CreateBucket", BUCKET), ("s3:PutBucketOwnershipControls", BUCKET)],
    ),
    "tags with the thing": (
        "ec2",
        "CreateSubnet",
        {"VpcId": "vpc-0123456789", "TagSpecifications": [{"ResourceType": "subnet", "Tags": TAGS}]},
        [
            ("ec2:CreateSubnet", f"arn:aws:ec2:{HERE}:vpc/vpc-0123456789"),
            ("ec2:CreateTags", f"arn:aws:ec2:{HERE}:subnet/*"),
        ],
    ),
    "tags of a role": (
        "iam",
        "CreateRole",
        {"RoleName": "mcp", "Tags": TAGS},
        [
            ("iam:CreateRole", "arn:aws:iam::123456789012:role/mcp"),
            ("iam:TagRole", "arn:aws:iam::123456789012:role/mcp"),
        ],
    ),
    "tags alone": (
        "iam",
        "TagRole",
        {"RoleName": "mcp", "Tags": TAGS},
        [("iam:TagRole", "arn:aws:iam::123456789012:role/mcp")],
    ),
    "tags taken off": (
        "logs",
        "UntagLogGroup",
        {"logGroupName": "/mcp/mcp", "tags": ["Key", "other"]},
        [("logs:UntagLogGroup", f"arn:aws:logs:{HERE}:log-group:/mcp/mcp:log-stream:")],
    ),
    "a role handed on": (
        "iam",
        "AddRoleToInstanceProfile",
        {"RoleName": "mcp", "InstanceProfileName": "mcp"},
        [
            ("iam:AddRoleToInstanceProfile", "arn:aws:iam::123456789012:instance-profile/mcp"),
            ("iam:PassRole", "arn:aws:iam::123456789012:role/mcp"),
        ],
    ),
    "the role of load balancers": (
        "elasticloadbalancing",
        "CreateLoadBalancer",
        {"Name": "mcp"},
        [
            ("elasticloadbalancing:CreateLoadBalancer", f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/mcp/*"),
            (
                "iam:CreateServiceLinkedRole",
                "arn:aws:iam::123456789012:role/aws-service-role/elasticloadbalancing.amazonaws.com"
                "/AWSServiceRoleForElasticLoadBalancing",
            ),
        ],
    ),
    "a log stream": (
        "logs",
        "PutLogEvents",
        {"logGroupName": "/mcp/mcp", "logStreamName": "one"},
        [("logs:PutLogEvents", f"arn:aws:logs:{HERE}:log-group:/mcp/mcp:log-stream:one")],
    ),
    "several parameters": (
        "ssm",
        "GetParameters",
        {"Names": ["/mcp/a", "/mcp/b"]},
        [
            ("ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/mcp/a"),
            ("ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/mcp/b"),
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_call_needs(case: str) -> None:
    service, operation, parameters, expected = CASES[case]
    call = Call("key", "us-east-1", service, operation, parameters)
    assert [(right.action, right.resource) for right in needs(call)] == expected
