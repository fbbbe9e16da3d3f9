"""The resources of playbooks/provision.yml by plain boto3 in one process, which is what the API itself costs.

`python bench/provision/boto3_script.py create|look|delete ENDPOINT NAME INSTANCES PUBLIC_KEY`. It has no state,
no plan, no repair: `create` wants an empty account, `look` reads all that was made, `delete` takes it away.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import secrets
import sys
from typing import Any

import boto3

REGION, PORT = "us-east-1", 8000
SECRETS = ("database_password", "redis_password", "token")
DEBIAN: dict[str, Any] = {"Owners": ["136693071363"], "Filters": [{"Name": "name", "Values": ["debian-12-amd64-*"]}]}
ALIVE = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
EVERYBODY = [{"CidrIp": "0.0.0.0/0"}]
# Metric, comparison, threshold, statistic.
EC2_METRICS = {
    "system": ("StatusCheckFailed_System", "GreaterThanOrEqualToThreshold", 1, "Maximum"),
    "instance": ("StatusCheckFailed_Instance", "GreaterThanOrEqualToThreshold", 1, "Maximum"),
    "cpu": ("CPUUtilization", "GreaterThanThreshold", 90, "Average"),
    "credits": ("CPUCreditBalance", "LessThanThreshold", 20, "Minimum"),
}


def policy(*statements: dict[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


class Deployment:
    """The resources under one name, and the clients that reach them."""

    def __init__(self, endpoint: str, name: str, instances: str, public_key: str) -> None:
        self.name, self.instances, self.public_key = name, int(instances), public_key.encode()
        services = ("ec2", "s3", "ecr", "logs", "ssm", "iam", "elbv2", "sns", "cloudwatch", "sts")
        session: Any = boto3.Session(region_name=REGION)
        self.aws = {service: session.client(service, endpoint_url=endpoint) for service in services}
        self.ec2, self.s3, self.elb, self.iam = (self.aws[service] for service in ("ec2", "s3", "elbv2", "iam"))
        self.account = self.aws["sts"].get_caller_identity()["Account"]
        self.bucket, self.group = f"{name}-{self.account}", f"/mcp/{name}"
        self.tags = {"mcp:name": name, "mcp:collection": "mcp.aws"}
        self.pairs = [{"Key": key, "Value": value} for key, value in self.tags.items()]

    def spec(self, *kinds: str, name: str = "") -> list[dict[str, Any]]:
        """Return the tags as EC2 takes them with a new resource."""
        tags = [*self.pairs, {"Key": "Name", "Value": name or self.name}]
        return [{"ResourceType": kind, "Tags": tags} for kind in kinds]

    def ours(self, *more: dict[str, Any]) -> dict[str, Any]:
        """Return the filter that finds everything of EC2 again."""
        return {"Filters": [{"Name": "tag:mcp:name", "Values": [self.name]}, *more]}

    # --- create

    def create(self) -> None:
        """Make everything."""
        subnets, balancer_group, instance_group = self.create_network()
        self.create_bucket()
        self.create_services()
        self.create_identity()
        instances = self.create_instances(subnets, instance_group)
        balancer, targets = self.create_balancer(subnets, balancer_group, instances)
        self.create_alarms(instances, balancer, targets)

    def create_network(self) -> tuple[list[str], str, str]:
        """Make VPC, subnets, routes, endpoint and groups; return the subnets and the two groups."""
        ec2, zones = self.ec2, self.ec2.describe_availability_zones()["AvailabilityZones"]
        vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=self.spec("vpc"))["Vpc"]["VpcId"]
        ec2.get_waiter("vpc_available").wait(VpcIds=[vpc])
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": True})
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        self.vpc = vpc
        gateway = ec2.create_internet_gateway(TagSpecifications=self.spec("internet-gateway"))["InternetGateway"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
        table = ec2.create_route_table(VpcId=vpc, TagSpecifications=self.spec("route-table"))["RouteTable"][
            "RouteTableId"
        ]
        default = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway["InternetGatewayId"]}
        ec2.create_route(RouteTableId=table, **default)
        subnets = []
        for number, zone in enumerate(zones[:2], 1):
            place = {"VpcId": vpc, "CidrBlock": f"10.20.{number}.0/24", "AvailabilityZone": zone["ZoneName"]}
            tags = self.spec("subnet", name=f"{self.name}-public-{number}")
            subnets.append(ec2.create_subnet(**place, TagSpecifications=tags)["Subnet"]["SubnetId"])
            ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[-1])
        ec2.get_waiter("subnet_available").wait(SubnetIds=subnets)
        service = f"com.amazonaws.{REGION}.s3"
        tags = self.spec("vpc-endpoint", name=f"{self.name}-s3")
        endpoint = {"VpcEndpointType": "Gateway", "ServiceName": service, "RouteTableIds": [table]}
        ec2.create_vpc_endpoint(VpcId=vpc, **endpoint, TagSpecifications=tags)
        clients = self.create_group("load-balancer", (80, {"IpRanges": EVERYBODY}))
        administrators = {"IpRanges": [{"CidrIp": "198.51.100.0/24"}]}
        from_balancer = {"UserIdGroupPairs": [{"GroupId": clients}]}
        return subnets, clients, self.create_group("instance", (22, administrators), (PORT, from_balancer))

    def create_group(self, name: str, *rules: tuple[int, dict[str, Any]]) -> str:
        """Make a security group; a rule is a port and who may use it."""
        tags = self.spec("security-group", name=f"{self.name}-{name}")
        text = {"GroupName": f"{self.name}-{name}", "Description": f"Who may reach the {name}"}
        group = self.ec2.create_security_group(**text, VpcId=self.vpc, TagSpecifications=tags)["GroupId"]
        allowed = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **whom} for port, whom in rules]
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=allowed)
        return str(group)

    def create_bucket(self) -> None:
        """Make the bucket and its settings."""
        s3, where = self.s3, {"Bucket": self.bucket}
        s3.create_bucket(**where, ObjectOwnership="BucketOwnerEnforced")
        s3.get_waiter("bucket_exists").wait(**where)
        shut = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        s3.put_public_access_block(**where, PublicAccessBlockConfiguration=dict.fromkeys(shut, True))
        s3.put_bucket_versioning(**where, VersioningConfiguration={"Status": "Enabled"})
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        s3.put_bucket_encryption(**where, ServerSideEncryptionConfiguration={"Rules": [rule]})
        s3.put_bucket_tagging(**where, Tagging={"TagSet": self.pairs})
        arn = f"arn:aws:s3:::{self.bucket}"
        tls = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}
        s3.put_bucket_policy(**where, Policy=policy(tls | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}))
        old = {"ID": "old-versions", "Status": "Enabled", "Filter": {"Prefix": ""}}
        old |= {"NoncurrentVersionExpiration": {"NoncurrentDays": 30}}
        old |= {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
        s3.put_bucket_lifecycle_configuration(**where, LifecycleConfiguration={"Rules": [old]})

    def create_services(self) -> None:
        """Make repository, log group and secrets."""
        ecr, logs, ssm = self.aws["ecr"], self.aws["logs"], self.aws["ssm"]
        settings = {"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}}
        ecr.create_repository(repositoryName=self.name, **settings, tags=self.pairs)
        newest = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}
        rules = {"rules": [{"rulePriority": 1, "selection": newest, "action": {"type": "expire"}}]}
        ecr.put_lifecycle_policy(repositoryName=self.name, lifecyclePolicyText=json.dumps(rules))
        logs.create_log_group(logGroupName=self.group, tags=self.tags)
        logs.put_retention_policy(logGroupName=self.group, retentionInDays=30)
        for key in SECRETS:
            secret = {"Name": f"/{self.name}/{key}", "Value": secrets.token_urlsafe(24), "Type": "SecureString"}
            ssm.put_parameter(**secret, Description=f"Secret {key}", Tags=self.pairs)

    def create_identity(self) -> None:
        """Make role, rights, instance profile and key pair."""
        ec2_alone = {"Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
        self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=policy(ec2_alone), Tags=self.pairs)
        scope = f"{REGION}:{self.account}"
        rights = policy(
            {"Action": "logs:PutLogEvents", "Resource": f"arn:aws:logs:{scope}:log-group:{self.group}:*"},
            {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{self.bucket}/*"},
            {"Action": "ecr:BatchGetImage", "Resource": f"arn:aws:ecr:{scope}:repository/{self.name}"},
            {"Action": "ssm:GetParametersByPath", "Resource": f"arn:aws:ssm:{scope}:parameter/{self.name}"},
        )
        self.iam.put_role_policy(RoleName=self.name, PolicyName=self.name, PolicyDocument=rights)
        self.iam.create_instance_profile(InstanceProfileName=self.name, Tags=self.pairs)
        self.iam.add_role_to_instance_profile(InstanceProfileName=self.name, RoleName=self.name)
        self.iam.get_waiter("instance_profile_exists").wait(InstanceProfileName=self.name)
        tags = self.spec("key-pair")
        self.ec2.import_key_pair(KeyName=self.name, PublicKeyMaterial=self.public_key, TagSpecifications=tags)

    def create_instances(self, subnets: list[str], group: str) -> list[str]:
        """Run the instances, wait until they do, and read the host keys on their consoles."""
        image = max(self.ec2.describe_images(**DEBIAN)["Images"], key=lambda image: image["CreationDate"])
        disk = {"VolumeType": "gp3", "VolumeSize": 16, "Encrypted": True, "DeleteOnTermination": True}
        instances = []
        for number in range(self.instances):
            place = {"DeviceIndex": 0, "SubnetId": subnets[number % 2], "Groups": [group]}
            run = self.ec2.run_instances(
                ImageId=image["ImageId"],
                InstanceType="t2.micro",
                MinCount=1,
                MaxCount=1,
                KeyName=self.name,
                IamInstanceProfile={"Name": self.name},
                NetworkInterfaces=[place | {"AssociatePublicIpAddress": True}],
                BlockDeviceMappings=[{"DeviceName": image["RootDeviceName"], "Ebs": disk}],
                MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
                UserData="#cloud-config\npackages: [python3, sudo]\nssh_pwauth: false\n",
                TagSpecifications=self.spec("instance", "volume", name=f"{self.name}-{number + 1}"),
            )
            instances.append(run["Instances"][0]["InstanceId"])
        self.ec2.get_waiter("instance_running").wait(InstanceIds=instances)
        for instance in instances:
            self.ec2.get_console_output(InstanceId=instance)
        return instances

    def create_balancer(self, subnets: list[str], group: str, instances: list[str]) -> tuple[str, str]:
        """Make target group, load balancer and listener; return the dimensions that their metrics bear."""
        health = {"HealthCheckPath": "/ready", "HealthCheckIntervalSeconds": 10, "HealthCheckTimeoutSeconds": 5}
        health |= {"HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2, "Matcher": {"HttpCode": "200"}}
        place = {"Protocol": "HTTP", "Port": PORT, "VpcId": self.vpc, "TargetType": "instance"}
        made = self.elb.create_target_group(Name=self.name, **place, **health, Tags=self.pairs)
        targets = made["TargetGroups"][0]["TargetGroupArn"]
        drain = [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]
        self.elb.modify_target_group_attributes(TargetGroupArn=targets, Attributes=drain)
        made = self.elb.create_load_balancer(Name=self.name, Subnets=subnets, SecurityGroups=[group], Tags=self.pairs)
        balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
        idle = [{"Key": "idle_timeout.timeout_seconds", "Value": "3600"}]
        self.elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=idle)
        forward = [{"Type": "forward", "TargetGroupArn": targets}]
        listener = {"Protocol": "HTTP", "Port": 80, "DefaultActions": forward, "Tags": self.pairs}
        self.elb.create_listener(LoadBalancerArn=balancer, **listener)
        members = [{"Id": instance, "Port": PORT} for instance in instances]
        self.elb.register_targets(TargetGroupArn=targets, Targets=members)
        return balancer.partition(":loadbalancer/")[2], targets.rpartition(":")[2]

    def create_alarms(self, instances: list[str], balancer: str, targets: str) -> None:
        """Make the topic, the alarms and the dashboard."""
        sns, cloudwatch = self.aws["sns"], self.aws["cloudwatch"]
        topic = sns.create_topic(Name=f"{self.name}-alarms", Tags=self.pairs)["TopicArn"]
        alarms = {"Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(alarms))
        for number, instance in enumerate(instances, 1):
            for key, (metric, comparison, threshold, statistic) in EC2_METRICS.items():
                recover = [f"arn:aws:automate:{REGION}:ec2:recover"] if key == "system" else []
                self.alarm(
                    f"{number}-{key}",
                    comparison,
                    threshold,
                    [topic, *recover],
                    Namespace="AWS/EC2",
                    MetricName=metric,
                    Dimensions=[{"Name": "InstanceId", "Value": instance}],
                    Statistic=statistic,
                    Period=300,
                )
        dimensions = [{"Name": "LoadBalancer", "Value": balancer}, {"Name": "TargetGroup", "Value": targets}]
        where = {"Namespace": "AWS/ApplicationELB", "Dimensions": dimensions}
        above = "GreaterThanThreshold"
        unhealthy = {"MetricName": "UnHealthyHostCount", "Statistic": "Maximum", "Period": 60}
        self.alarm("unhealthy", above, 0, [topic], **where, **unhealthy)
        slow = {"MetricName": "TargetResponseTime", "ExtendedStatistic": "p95", "Period": 60}
        self.alarm("response-time", above, 2, [topic], **where, **slow)
        rate: list[dict[str, Any]] = [{"Id": "rate", "Expression": "100 * errors / requests", "ReturnData": True}]
        for key, metric in {"errors": "HTTPCode_Target_5XX_Count", "requests": "RequestCount"}.items():
            stat = {"Metric": {**where, "MetricName": metric}, "Period": 60, "Stat": "Sum"}
            rate.append({"Id": key, "MetricStat": stat, "ReturnData": False})
        self.alarm("errors", above, 1, [topic], Metrics=rate)
        shown = [alarm["AlarmArn"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]]
        widget = {"type": "alarm", "width": 24, "height": 6, "properties": {"title": "Alarms", "alarms": shown}}
        body = json.dumps({"widgets": [widget]})
        cloudwatch.put_dashboard(DashboardName=self.name, DashboardBody=body, Tags=self.pairs)

    def alarm(self, key: str, comparison: str, threshold: float, actions: list[str], **settings: Any) -> None:
        """Make an alarm."""
        rule = {"ComparisonOperator": comparison, "Threshold": threshold, "EvaluationPeriods": 3}
        rule |= {"AlarmActions": actions, "OKActions": actions[:1], "Tags": self.pairs}
        self.aws["cloudwatch"].put_metric_alarm(AlarmName=f"{self.name}-{key}", **rule, **settings)

    # --- look

    def look(self) -> None:
        """Read every resource and its settings; end with an error when one is missing."""
        self.look_at_network()
        self.look_at_stores()
        self.look_at_identity()
        self.look_at_balancer()
        self.look_at_alarms()

    def look_at_network(self) -> None:
        """Read the network, the instances and the key pair."""
        ec2 = self.ec2
        vpc = ec2.describe_vpcs(**self.ours())["Vpcs"][0]["VpcId"]
        for attribute in ("enableDnsSupport", "enableDnsHostnames"):
            ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
        kinds = {"subnets": 2, "internet_gateways": 1, "route_tables": 1, "security_groups": 2}
        for kind, number in {**kinds, "volumes": self.instances}.items():
            found = getattr(ec2, f"describe_{kind}")(**self.ours())
            word = "".join(part.capitalize() for part in kind.split("_"))
            self.require(kind, len(found[word]), number)
        self.require("endpoints", len(self.endpoints()), 1)
        ec2.describe_images(**DEBIAN)
        instances = self.living()
        self.require("instances", len(instances), self.instances)
        for instance in instances:
            ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")
            ec2.get_console_output(InstanceId=instance)
        ec2.describe_key_pairs(KeyNames=[self.name])

    def look_at_stores(self) -> None:
        """Read the bucket, the repository, the log group and the secrets."""
        settings = ("versioning", "encryption", "tagging", "policy", "lifecycle_configuration", "ownership_controls")
        for setting in settings:
            getattr(self.s3, f"get_bucket_{setting}")(Bucket=self.bucket)
        self.s3.get_public_access_block(Bucket=self.bucket)
        ecr, logs, ssm = self.aws["ecr"], self.aws["logs"], self.aws["ssm"]
        arn = ecr.describe_repositories(repositoryNames=[self.name])["repositories"][0]["repositoryArn"]
        ecr.get_lifecycle_policy(repositoryName=self.name)
        ecr.list_tags_for_resource(resourceArn=arn)
        self.require("log groups", len(logs.describe_log_groups(logGroupNamePrefix=self.group)["logGroups"]), 1)
        logs.list_tags_log_group(logGroupName=self.group)
        secret = ssm.get_parameters_by_path(Path=f"/{self.name}", WithDecryption=True)["Parameters"]
        self.require("secrets", len(secret), len(SECRETS))
        for each in secret:
            ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=each["Name"])

    def look_at_identity(self) -> None:
        """Read the role and the instance profile."""
        self.iam.get_role(RoleName=self.name)
        self.iam.get_role_policy(RoleName=self.name, PolicyName=self.name)
        self.iam.get_instance_profile(InstanceProfileName=self.name)

    def look_at_balancer(self) -> None:
        """Read the load balancer, the target group and what is registered."""
        balancer, targets = self.balancer(), self.targets()
        self.elb.describe_load_balancer_attributes(LoadBalancerArn=balancer)
        self.elb.describe_target_group_attributes(TargetGroupArn=targets)
        listeners = self.elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
        self.require("listeners", len(listeners), 1)
        self.elb.describe_tags(ResourceArns=[balancer, targets])
        members = self.elb.describe_target_health(TargetGroupArn=targets)["TargetHealthDescriptions"]
        self.require("targets", len(members), self.instances)

    def look_at_alarms(self) -> None:
        """Read the topic, the alarms and the dashboard."""
        cloudwatch, sns = self.aws["cloudwatch"], self.aws["sns"]
        for topic in self.topics():
            sns.get_topic_attributes(TopicArn=topic)
            sns.list_tags_for_resource(ResourceArn=topic)
        alarms = cloudwatch.describe_alarms(AlarmNamePrefix=f"{self.name}-")["MetricAlarms"]
        self.require("alarms", len(alarms), len(EC2_METRICS) * self.instances + 3)
        for alarm in alarms:
            cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])
        cloudwatch.get_dashboard(DashboardName=self.name)

    @staticmethod
    def require(what: str, found: int, wanted: int) -> None:
        """End with an error unless there are as many as there should be."""
        if found != wanted:
            sys.exit(f"There are {found} {what}, there should be {wanted}.")

    def living(self) -> list[str]:
        """Return our instances."""
        found = self.ec2.describe_instances(**self.ours(ALIVE))["Reservations"]
        return [instance["InstanceId"] for each in found for instance in each["Instances"]]

    def endpoints(self) -> list[str]:
        """Return our endpoints; deleted ones are shown for a while."""
        found = self.ec2.describe_vpc_endpoints(**self.ours())["VpcEndpoints"]
        return [endpoint["VpcEndpointId"] for endpoint in found if endpoint["State"] == "available"]

    def balancer(self) -> str:
        """Return the load balancer's ARN."""
        return str(self.elb.describe_load_balancers(Names=[self.name])["LoadBalancers"][0]["LoadBalancerArn"])

    def targets(self) -> str:
        """Return the target group's ARN."""
        return str(self.elb.describe_target_groups(Names=[self.name])["TargetGroups"][0]["TargetGroupArn"])

    def topics(self) -> list[str]:
        """Return the ARN of the topic."""
        found = self.aws["sns"].list_topics()["Topics"]
        return [topic["TopicArn"] for topic in found if topic["TopicArn"].endswith(f":{self.name}-alarms")]

    # --- delete

    def delete(self) -> None:
        """Delete everything."""
        cloudwatch, ec2 = self.aws["cloudwatch"], self.ec2
        names = [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]]
        cloudwatch.delete_alarms(AlarmNames=names)
        cloudwatch.delete_dashboards(DashboardNames=[self.name])
        for topic in self.topics():
            self.aws["sns"].delete_topic(TopicArn=topic)
        balancer, targets = self.balancer(), self.targets()
        self.elb.delete_load_balancer(LoadBalancerArn=balancer)
        self.elb.get_waiter("load_balancers_deleted").wait(LoadBalancerArns=[balancer])
        self.elb.delete_target_group(TargetGroupArn=targets)
        instances = self.living()
        ec2.terminate_instances(InstanceIds=instances)
        ec2.get_waiter("instance_terminated").wait(InstanceIds=instances)
        self.delete_stores()
        self.delete_identity()
        self.delete_network()

    def delete_stores(self) -> None:
        """Delete bucket, repository, log group and secrets."""
        for version in self.s3.list_object_versions(Bucket=self.bucket).get("Versions", []):
            self.s3.delete_object(Bucket=self.bucket, Key=version["Key"], VersionId=version["VersionId"])
        self.s3.delete_bucket(Bucket=self.bucket)
        self.aws["ecr"].delete_repository(repositoryName=self.name, force=True)
        self.aws["logs"].delete_log_group(logGroupName=self.group)
        self.aws["ssm"].delete_parameters(Names=[f"/{self.name}/{key}" for key in SECRETS])

    def delete_identity(self) -> None:
        """Delete key pair, instance profile and role."""
        self.ec2.delete_key_pair(KeyName=self.name)
        self.iam.remove_role_from_instance_profile(InstanceProfileName=self.name, RoleName=self.name)
        self.iam.delete_instance_profile(InstanceProfileName=self.name)
        self.iam.delete_role_policy(RoleName=self.name, PolicyName=self.name)
        self.iam.delete_role(RoleName=self.name)

    def delete_network(self) -> None:
        """Delete what lies in the VPC, and the VPC."""
        ec2, ours = self.ec2, self.ours()
        vpc = ec2.describe_vpcs(**ours)["Vpcs"][0]["VpcId"]
        ec2.delete_vpc_endpoints(VpcEndpointIds=self.endpoints())
        for table in ec2.describe_route_tables(**ours)["RouteTables"]:
            for link in table["Associations"]:
                ec2.disassociate_route_table(AssociationId=link["RouteTableAssociationId"])
            ec2.delete_route_table(RouteTableId=table["RouteTableId"])
        for subnet in ec2.describe_subnets(**ours)["Subnets"]:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        for gateway in ec2.describe_internet_gateways(**ours)["InternetGateways"]:
            ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
            ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
        # The group that another one names goes last.
        for group in sorted(ec2.describe_security_groups(**ours)["SecurityGroups"], key=lambda one: one["GroupName"]):
            ec2.delete_security_group(GroupId=group["GroupId"])
        ec2.delete_vpc(VpcId=vpc)


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    deployment = Deployment(*arguments)
    {"create": deployment.create, "look": deployment.look, "delete": deployment.delete}[verb]()
