"""Everything in an account that a deployment could have made, read with boto3: names or ids, and their tags."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from deployment import NAME, Account

Found = dict[str, dict[str, str]]
Clients = Callable[[str], Any]
ALIVE = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]


def by_key(tag_list: list[dict[str, str]] | None) -> dict[str, str]:
    """Turn a list of Key and Value into a dictionary."""
    return {tag["Key"]: tag["Value"] for tag in tag_list or []}


def resources(client: Clients) -> Found:
    """Return the tags of each resource by its kind and name, for example `bucket/mcp-1` or `vpc/vpc-1`.

    What an account has by itself (default VPC, default groups, main route tables) is left out.
    """
    parts = (servers, networks, identities, balancers, stores, alarms)
    return {name: by_key(tags) for part in parts for name, tags in part(client)}


def ours(account: Account) -> Found:
    """Return what bears the name of the deployment."""
    return {name: tags for name, tags in resources(account.client).items() if tags.get("mcp:name") == NAME}


def servers(client: Clients) -> Iterator[tuple[str, Any]]:
    """Yield instances, volumes, addresses and key pairs."""
    ec2 = client("ec2")
    for reservation in ec2.describe_instances(Filters=ALIVE)["Reservations"]:
        yield from ((f"instance/{i['InstanceId']}", i.get("Tags")) for i in reservation["Instances"])
    yield from ((f"volume/{v['VolumeId']}", v.get("Tags")) for v in ec2.describe_volumes()["Volumes"])
    yield from ((f"address/{a['AllocationId']}", a.get("Tags")) for a in ec2.describe_addresses()["Addresses"])
    yield from ((f"key_pair/{k['KeyName']}", k.get("Tags")) for k in ec2.describe_key_pairs()["KeyPairs"])


def networks(client: Clients) -> Iterator[tuple[str, Any]]:
    """Yield VPCs and what lies in them."""
    ec2 = client("ec2")
    own = [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
    for vpc in own:
        inside = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        yield f"vpc/{vpc['VpcId']}", vpc.get("Tags")
        yield from ((f"subnet/{s['SubnetId']}", s.get("Tags")) for s in ec2.describe_subnets(Filters=inside)["Subnets"])
        for table in ec2.describe_route_tables(Filters=inside)["RouteTables"]:
            if not any(link["Main"] for link in table["Associations"]):
                yield f"route_table/{table['RouteTableId']}", table.get("Tags")
        for group in ec2.describe_security_groups(Filters=inside)["SecurityGroups"]:
            if group["GroupName"] != "default":
                yield f"group/{group['GroupId']}", group.get("Tags")
    for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
        yield f"gateway/{gateway['InternetGatewayId']}", gateway.get("Tags")
    for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]:
        if endpoint["State"].lower() not in ("deleting", "deleted"):
            yield f"endpoint/{endpoint['VpcEndpointId']}", endpoint.get("Tags")


def identities(client: Clients) -> Iterator[tuple[str, Any]]:
    """Yield roles and instance profiles."""
    iam = client("iam")
    for role in iam.list_roles()["Roles"]:
        yield f"role/{role['RoleName']}", iam.get_role(RoleName=role["RoleName"])["Role"].get("Tags")
    for profile in iam.list_instance_profiles()["InstanceProfiles"]:
        name = profile["InstanceProfileName"]
        yield f"profile/{name}", iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"].get("Tags")


def balancers(client: Clients) -> Iterator[tuple[str, Any]]:
    """Yield load balancers and target groups."""
    elb = client("elbv2")
    arns = [
        ("balancer", b["LoadBalancerName"], b["LoadBalancerArn"])
        for b in elb.describe_load_balancers()["LoadBalancers"]
    ]
    arns += [
        ("targets", g["TargetGroupName"], g["TargetGroupArn"]) for g in elb.describe_target_groups()["TargetGroups"]
    ]
    for kind, name, arn in arns:
        yield f"{kind}/{name}", elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]


def stores(client: Clients) -> Iterator[tuple[str, Any]]:
    """Yield buckets, repositories, parameters and log groups."""
    s3, ecr, ssm, logs = (client(service) for service in ("s3", "ecr", "ssm", "logs"))
    for bucket in s3.list_buckets()["Buckets"]:
        try:
            yield f"bucket/{bucket['Name']}", s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"]
        except s3.exceptions.ClientError:
            yield f"bucket/{bucket['Name']}", []
    for repository in ecr.describe_repositories()["repositories"]:
        tags = ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]
        yield f"repository/{repository['repositoryName']}", tags
    for parameter in ssm.describe_parameters()["Parameters"]:
        query = {"ResourceType": "Parameter", "ResourceId": parameter["Name"]}
        yield f"parameter{parameter['Name']}", ssm.list_tags_for_resource(**query)["TagList"]
    for group in logs.describe_log_groups()["logGroups"]:
        tags = logs.list_tags_log_group(logGroupName=group["logGroupName"])["tags"]
        yield f"log_group{group['logGroupName']}", [{"Key": key, "Value": value} for key, value in tags.items()]


def alarms(client: Clients) -> Iterator[tuple[str, Any]]:
    """Yield topics, alarms and dashboards."""
    sns, cloudwatch = client("sns"), client("cloudwatch")
    for topic in sns.list_topics()["Topics"]:
        arn = topic["TopicArn"]
        yield f"topic/{arn.rpartition(':')[2]}", sns.list_tags_for_resource(ResourceArn=arn)["Tags"]
    for alarm in cloudwatch.describe_alarms()["MetricAlarms"]:
        yield f"alarm/{alarm['AlarmName']}", cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    for dashboard in cloudwatch.list_dashboards()["DashboardEntries"]:
        tags = cloudwatch.list_tags_for_resource(ResourceARN=dashboard["DashboardArn"])["Tags"]
        yield f"dashboard/{dashboard['DashboardName']}", tags
