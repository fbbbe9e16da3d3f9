"""Plain boto3: make every resource, one call after the other."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import secrets
from typing import Any

from bench.provision.boto3_deployment import DEBIAN, REGION, SECRETS, Deployment

PORT = 8000
EVERYBODY = [{"CidrIp": "0.0.0.0/0"}]
# Metric, comparison, threshold, statistic.
EC2_METRICS = {
    "machine": ("StatusCheckFailed_System", "GreaterThanOrEqualToThreshold", 1, "Maximum"),
    "system": ("StatusCheckFailed_Instance", "GreaterThanOrEqualToThreshold", 1, "Maximum"),
    "cpu": ("CPUUtilization", "GreaterThanThreshold", 80, "Average"),
    "credits": ("CPUCreditBalance", "LessThanThreshold", 10, "Minimum"),
}
EC2_ACTIONS = {"machine": "recover", "system": "reboot"}
REQUESTS = {"requests": "RequestCount", "server": "HTTPCode_Target_5XX_Count", "door": "HTTPCode_ELB_5XX_Count"}


def policy(*statements: dict[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


class Create(Deployment):
    """Makes everything in an empty account."""

    def run(self) -> None:
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
        old = {"ID": "expire", "Status": "Enabled", "Filter": {"Prefix": ""}}
        old |= {"NoncurrentVersionExpiration": {"NoncurrentDays": 90}}
        old |= {"Expiration": {"ExpiredObjectDeleteMarker": True}}
        old |= {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
        s3.put_bucket_lifecycle_configuration(**where, LifecycleConfiguration={"Rules": [old]})

    def create_services(self) -> None:
        """Make repository, log group and secrets."""
        ecr, logs, ssm = self.aws["ecr"], self.aws["logs"], self.aws["ssm"]
        settings = {"imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}}
        ecr.create_repository(repositoryName=self.name, **settings, tags=self.pairs)
        untagged = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}
        newest = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}
        chosen = enumerate((untagged, newest), 1)
        each = [{"rulePriority": rank, "selection": which, "action": {"type": "expire"}} for rank, which in chosen]
        rules = {"rules": each}
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
        topic = sns.create_topic(Name=self.name, Tags=self.pairs)["TopicArn"]
        alarms = {"Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(alarms))
        for number, instance in enumerate(instances, 1):
            for key, (metric, comparison, threshold, statistic) in EC2_METRICS.items():
                action = [f"arn:aws:automate:{REGION}:ec2:{EC2_ACTIONS[key]}"] if key in EC2_ACTIONS else []
                self.alarm(
                    f"{number}-{key}",
                    comparison,
                    threshold,
                    [topic, *action],
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
        self.alarm("unhealthy-targets", above, 0, [topic], **where, **unhealthy)
        slow = {"MetricName": "TargetResponseTime", "ExtendedStatistic": "p95", "Period": 60}
        self.alarm("response-time", above, 2, [topic], **where, **slow)
        answers = {"Id": "answers", "Expression": "FILL(requests, 0) + FILL(door, 0)", "ReturnData": False}
        share = "IF(answers > 0, 100 * (FILL(server, 0) + FILL(door, 0)) / answers, 0)"
        rate: list[dict[str, Any]] = [answers, {"Id": "share", "Expression": share, "ReturnData": True}]
        for key, metric in REQUESTS.items():
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
