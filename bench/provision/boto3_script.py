"""The resources of playbooks/provision.yml by plain boto3 in one process, which is what the API itself costs.

`python -m bench.provision.boto3_script create|look|delete ENDPOINT NAME INSTANCES PUBLIC_KEY`. It has no state,
no plan, no repair: `create` wants an empty account, `look` reads all that was made, `delete` takes it away.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys

from bench.provision.boto3_create import EC2_METRICS, Create
from bench.provision.boto3_deployment import DEBIAN, SECRETS, Deployment


class Look(Deployment):
    """Reads every resource and its settings."""

    def run(self) -> None:
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


class Delete(Deployment):
    """Deletes everything."""

    def run(self) -> None:
        """Delete everything."""
        cloudwatch, ec2 = self.aws["cloudwatch"], self.ec2
        names = [
            alarm["AlarmName"] for alarm in cloudwatch.describe_alarms(AlarmNamePrefix=f"{self.name}-")["MetricAlarms"]
        ]
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
    verbs: dict[str, type[Deployment]] = {"create": Create, "look": Look, "delete": Delete}
    verbs[verb](*arguments).run()
