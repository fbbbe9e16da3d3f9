"""Somebody changes a deployment by hand: settings, tags, rights, all that a run repairs."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Clients = Callable[[str], Any]
OTHER = [{"Key": "mcp:collection", "Value": "changed by hand"}, {"Key": "cost-centre", "Value": "added by hand"}]
EVERYTHING = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
ANYBODY = EVERYTHING.replace('"Action": "*", "Resource": "*"', '"Action": "sts:AssumeRole", "Principal": {"AWS": "*"}')


def spoil(client: Clients, name: str) -> None:
    """Change everything that bears the name."""
    for part in (network, storage, registry, identity, instance, balancer, alarms, secrets, retag):
        part(client, name)


def ours(name: str) -> dict[str, Any]:
    """Return what finds the deployment's things in EC2."""
    return {"Filters": [{"Name": "tag:mcp:name", "Values": [name]}]}


def named(name: str) -> dict[str, Any]:
    """Return what finds the deployment's first instance in EC2."""
    return {"Filters": [{"Name": "tag:Name", "Values": [name]}]}


def network(client: Clients, name: str) -> None:
    """Open groups, close the way out, and turn names off."""
    ec2 = client("ec2")
    for vpc in ec2.describe_vpcs(**ours(name))["Vpcs"]:
        ec2.modify_vpc_attribute(VpcId=vpc["VpcId"], EnableDnsHostnames={"Value": False})
    for table in ec2.describe_route_tables(**ours(name))["RouteTables"]:
        (way,) = [route for route in table["Routes"] if route.get("DestinationCidrBlock") == "0.0.0.0/0"]
        by_hand = {"RouteTableId": table["RouteTableId"], "GatewayId": way["GatewayId"]}
        ec2.create_route(DestinationCidrBlock="203.0.113.0/24", **by_hand)
        ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")
        for link in table["Associations"]:
            ec2.disassociate_route_table(AssociationId=link["RouteTableAssociationId"])
    for group in ec2.describe_security_groups(**ours(name))["SecurityGroups"]:
        world = {"IpProtocol": "tcp", "FromPort": 23, "ToPort": 23, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[world])
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
        ec2.authorize_security_group_egress(GroupId=group["GroupId"], IpPermissions=[world])
        ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
    for endpoint in ec2.describe_vpc_endpoints(**ours(name))["VpcEndpoints"]:
        ec2.modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], PolicyDocument=EVERYTHING)


def storage(client: Clients, name: str) -> None:
    """Take every protection from the bucket."""
    s3 = client("s3")
    for bucket in [each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"].startswith(name)]:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
        s3.delete_public_access_block(Bucket=bucket)
        s3.delete_bucket_ownership_controls(Bucket=bucket)
        s3.delete_bucket_encryption(Bucket=bucket)
        s3.delete_bucket_policy(Bucket=bucket)
        s3.delete_bucket_lifecycle(Bucket=bucket)
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "mcp:name", "Value": name}, *OTHER]})


def registry(client: Clients, name: str) -> None:
    """Let images be changed and stay unlooked at, and logs be kept for ever."""
    ecr, logs = client("ecr"), client("logs")
    ecr.put_image_scanning_configuration(repositoryName=name, imageScanningConfiguration={"scanOnPush": False})
    ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability="MUTABLE")
    if "lifecyclePolicyText" in ecr.get_lifecycle_policy(repositoryName=name):
        ecr.delete_lifecycle_policy(repositoryName=name)
    logs.delete_retention_policy(logGroupName=f"/mcp/{name}")


def identity(client: Clients, name: str) -> None:
    """Give the role more rights and more friends, and take it out of its profile."""
    iam = client("iam")
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=EVERYTHING)
    iam.put_role_policy(RoleName=name, PolicyName="by-hand", PolicyDocument=EVERYTHING)
    stranger = iam.create_policy(PolicyName="by-hand", PolicyDocument=EVERYTHING)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=stranger)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=ANYBODY)
    iam.update_role(RoleName=name, Description="changed by hand", MaxSessionDuration=7200)
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)


def instance(client: Clients, name: str) -> None:
    """Take the profile and the group from it, and let older metadata in."""
    ec2 = client("ec2")
    # moto forgets the options that a change does not name.
    older = {"HttpTokens": "optional", "HttpEndpoint": "enabled", "HttpProtocolIpv6": "disabled"}
    groups = ec2.describe_security_groups(**ours(name))["SecurityGroups"]
    (other,) = [group["GroupId"] for group in groups if group["GroupName"] == f"{name}-load-balancer"]
    for profile in ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]:
        ec2.disassociate_iam_instance_profile(AssociationId=profile["AssociationId"])
    for reservation in ec2.describe_instances(**ours(name))["Reservations"]:
        for each in [one["InstanceId"] for one in reservation["Instances"]]:
            ec2.modify_instance_metadata_options(InstanceId=each, InstanceMetadataTags="disabled", **older)
            ec2.modify_instance_attribute(InstanceId=each, Groups=[other])


def balancer(client: Clients, name: str) -> None:
    """Change attributes, group, listeners and the health check, and take the targets out."""
    elb = client("elbv2")
    (one,) = elb.describe_load_balancers(Names=[name])["LoadBalancers"]
    arn = one["LoadBalancerArn"]
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "30"}]
    )
    groups = client("ec2").describe_security_groups(**ours(name))["SecurityGroups"]
    others = [group["GroupId"] for group in groups if group["GroupId"] not in one["SecurityGroups"]]
    elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=others)
    gone = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "410"}}]
    for listener in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
        elb.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=gone)
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=8081, DefaultActions=gone)
    for group in [each["TargetGroupArn"] for each in elb.describe_target_groups(Names=[name])["TargetGroups"]]:
        elb.modify_target_group(TargetGroupArn=group, HealthCheckPath="/by-hand")
        drain = [{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}]
        elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=drain)
        # Not just any: a run that goes on with one instance deregisters the other only if that one is registered.
        (first,) = client("ec2").describe_instances(**named(name))["Reservations"][0]["Instances"]
        elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": first["InstanceId"]}])


def alarms(client: Clients, name: str) -> None:
    """Raise what alarms wait for, empty the dashboards, and unsubscribe who is told."""
    sns, cloudwatch = client("sns"), client("cloudwatch")
    for alarm in cloudwatch.describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]:
        kept = (
            "AlarmName",
            "MetricName",
            "Namespace",
            "Statistic",
            "Period",
            "EvaluationPeriods",
            "ComparisonOperator",
        )
        if "MetricName" in alarm and "Statistic" in alarm:
            cloudwatch.put_metric_alarm(Threshold=12345.0, **{key: alarm[key] for key in kept})
    for board in cloudwatch.list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]:
        cloudwatch.put_dashboard(DashboardName=board["DashboardName"], DashboardBody='{"widgets": []}')
    for topic in [each["TopicArn"] for each in sns.list_topics()["Topics"]]:
        sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="by hand")
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="stranger@example.com")


def secrets(client: Clients, name: str) -> None:
    """Delete one secret, and change the tags of another."""
    ssm = client("ssm")
    found = [each["Name"] for each in ssm.get_parameters_by_path(Path=f"/{name}", Recursive=True)["Parameters"]]
    ssm.delete_parameter(Name=found[0])
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=found[1], Tags=OTHER)


def retag(client: Clients, name: str) -> None:
    """Change a tag and add one, wherever tags are."""
    ec2, iam, elb, ecr, logs = (client(service) for service in ("ec2", "iam", "elbv2", "ecr", "logs"))
    found = {tag["ResourceId"] for tag in ec2.describe_tags(Filters=[{"Name": "key", "Values": ["mcp:name"]}])["Tags"]}
    ec2.create_tags(Resources=sorted(found), Tags=OTHER)
    iam.tag_role(RoleName=name, Tags=OTHER)
    iam.tag_instance_profile(InstanceProfileName=name, Tags=OTHER)
    arns = [each["LoadBalancerArn"] for each in elb.describe_load_balancers(Names=[name])["LoadBalancers"]]
    arns += [each["TargetGroupArn"] for each in elb.describe_target_groups(Names=[name])["TargetGroups"]]
    elb.add_tags(ResourceArns=arns, Tags=OTHER)
    (repository,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    ecr.tag_resource(resourceArn=repository["repositoryArn"], tags=OTHER)
    logs.tag_log_group(logGroupName=f"/mcp/{name}", tags={each["Key"]: each["Value"] for each in OTHER})
    sns, cloudwatch = client("sns"), client("cloudwatch")
    for topic in sns.list_topics()["Topics"]:
        sns.tag_resource(ResourceArn=topic["TopicArn"], Tags=OTHER)
    for alarm in cloudwatch.describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]:
        cloudwatch.tag_resource(ResourceARN=alarm["AlarmArn"], Tags=OTHER)
