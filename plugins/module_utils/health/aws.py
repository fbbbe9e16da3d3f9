"""Rules over what AWS holds of a deployment: facts of the module `health_aws_info`, in AWS's own keys."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.mcp.aws.plugins.module_utils.health.rules import Judgement, Rule, combine, join

Permission = tuple[str, str, str]  # protocol, ports, source
PROTOCOLS = {"-1": "any"}
SOURCE_KEYS = (
    ("IpRanges", "CidrIp"),
    ("Ipv6Ranges", "CidrIpv6"),
    ("UserIdGroupPairs", "GroupId"),
    ("PrefixListIds", "PrefixListId"),
)

INFRASTRUCTURE, APPLICATION = "infrastructure", "application"


def rules(expected: Mapping[str, Any]) -> list[Rule]:
    """Return the rules for a deployment as `expected` wants it (keys: `__health_expected` of the role `health`)."""
    kind, zones = expected["instance_type"], int(expected["zones"])
    return [
        Rule(INFRASTRUCTURE, "credentials", "AWS credentials", "identity", "accepted",
             "Run `aws sts get-caller-identity`; see `mcp_aws_connection` in the inventory.", identity),
        Rule(INFRASTRUCTURE, "vpc", "VPC and public subnets", "network", f"{zones} zones or more",
             "Role `network`: the VPC, a public subnet a zone, a route to the internet gateway.",
             lambda part: network(part, zones)),
        Rule(INFRASTRUCTURE, "security_groups", "Security groups", "access", "as configured, no more",
             "Somebody changed a rule by hand, or the `network_*_cidrs` of the inventory were not applied: "
             "`ansible-playbook mcp.aws.provision` applies them.", lambda part: security_groups(part, expected)),
        Rule(INFRASTRUCTURE, "key_pair", "SSH key pair", "key_pairs", "known to EC2",
             "The key pair that the instance was started with is gone: `aws ec2 describe-key-pairs`.", key_pairs),
        Rule(INFRASTRUCTURE, "instance", "EC2 instance", "instances", f"{kind}, running",
             "Does it boot? `aws ec2 get-console-output --instance-id ...`", lambda part: instances(part, kind)),
        Rule(INFRASTRUCTURE, "imds", "Instance metadata", "instances", "IMDSv2 only",
             "`HttpTokens` in the instance's metadata options must be `required`.", metadata_service),
        Rule(INFRASTRUCTURE, "volumes", "Volumes", "volumes", "gp3, encrypted",
             "A volume cannot be encrypted in place: replace the instance.", volumes),
        Rule(INFRASTRUCTURE, "public_ip", "Public IP assigned", "instances", "assigned",
             "Does the subnet map public addresses on launch? See the roles `network` and `instance`.",
             public_addresses),
        Rule(INFRASTRUCTURE, "bucket", "S3 bucket", "buckets", "encrypted, not public",
             "Default encryption and the public access block: role `storage`.", buckets),
        Rule(INFRASTRUCTURE, "repository", "ECR repository", "repositories", "present",
             "There is no ECR repository of this name: `registry_name`, role `registry`.", repositories),
        Rule(INFRASTRUCTURE, "log_group", "CloudWatch log group", "log_groups", "present, with retention",
             "The log group with the tag of the deployment, and its retention: role `logs`.", log_groups),
        Rule(INFRASTRUCTURE, "load_balancer", "Load balancer", "balancers", "active, listening",
             "The reason is in the load balancer's state: `aws elbv2 describe-load-balancers`.", balancers),
        Rule(INFRASTRUCTURE, "load_balancer_target", "Target of the balancer", "targets", "healthy",
             "`aws elbv2 describe-target-health`: is the health check's path right, may the load balancer's group "
             "reach the port?", targets),
        Rule(APPLICATION, "logs", "Logs in CloudWatch", "log_entry", "entry of this run",
             "`docker inspect mcp-<slot>` shows the log driver's options, `journalctl -u docker` its errors; may the "
             "instance profile write to the group?", log_entry),
    ]  # fmt: skip


def complete(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Add the parts that need several answers."""
    access = combine(facts, "instances", "balancers", "groups")
    return {**facts, "access": access, "targets": combine(facts, "instances", "balancers")}


def identity(part: Mapping[str, Any]) -> Judgement:
    return bool(part["Account"]), f"{part['Arn'].rpartition(':')[2]} in {part['Account']}"


def network(part: Mapping[str, Any], wanted_zones: int) -> Judgement:
    vpcs, tables = part["vpcs"], part["route_tables"]
    public = [subnet for subnet in part["subnets"] if _reaches_internet(subnet["SubnetId"], tables)]
    zones = {subnet["AvailabilityZone"] for subnet in public}
    measured = f"{join(vpc['CidrBlock'] for vpc in vpcs)}; {len(public)} public subnets in {len(zones)} zones"
    return len(vpcs) == 1 and vpcs[0]["State"] == "available" and len(zones) >= wanted_zones, measured


def _reaches_internet(subnet: str, tables: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether a subnet's own route table, or else the main one, leads to an internet gateway."""
    own: list[Mapping[str, Any]] = []
    main: list[Mapping[str, Any]] = []
    for table in tables:
        for association in table.get("Associations", []):
            if association.get("SubnetId") == subnet:
                own.append(table)
            if association.get("Main"):
                main.append(table)
    return any(
        route.get("DestinationCidrBlock") == "0.0.0.0/0" and str(route.get("GatewayId", "")).startswith("igw-")
        for table in own or main
        for route in table["Routes"]
    )


def permissions(groups: Iterable[Mapping[str, Any]]) -> set[Permission]:
    """Return what the groups let in."""
    return {
        (rule["IpProtocol"], _ports(rule), source)
        for group in groups
        for rule in group.get("IpPermissions", [])
        for source in _sources(rule)
    }


def _ports(rule: Mapping[str, Any]) -> str:
    first, last = rule.get("FromPort", -1), rule.get("ToPort", -1)
    if first in (-1, None):
        return "all"
    return str(first) if first == last else f"{first}-{last}"


def _sources(rule: Mapping[str, Any]) -> list[str]:
    return [entry[key] for field, key in SOURCE_KEYS for entry in rule.get(field) or []]


def wanted_permissions(
    expected: Mapping[str, Any], balancer_groups: Iterable[str]
) -> tuple[set[Permission], set[Permission]]:
    """Return what the instance's groups and what the load balancer's groups should let in."""
    port, listener = str(expected["service_port"]), str(expected["listener_port"])
    instance = {("tcp", "22", source) for source in expected["admin_cidrs"]}
    instance |= {("tcp", port, source) for source in [*expected["direct_client_cidrs"], *balancer_groups]}
    return instance, {("tcp", listener, source) for source in expected["client_cidrs"]}


def security_groups(part: Mapping[str, Any], expected: Mapping[str, Any]) -> Judgement:
    """Compare the groups in use with what the inventory wants, both ways."""
    by_id = {group["GroupId"]: group for group in part["groups"]}
    of_instances = {group["GroupId"] for instance in part["instances"] for group in instance["SecurityGroups"]}
    of_balancers = {group for balancer in part["balancers"] for group in balancer.get("SecurityGroups", [])}
    if not of_instances:
        return False, "no instance, so no group in use"
    wanted = wanted_permissions(expected, of_balancers)
    found = (permissions(by_id[g] for g in of_instances), permissions(by_id[g] for g in of_balancers))
    open_too_far = (found[0] - wanted[0]) | (found[1] - wanted[1])
    missing = (wanted[0] - found[0]) | ((wanted[1] - found[1]) if of_balancers else set())
    if not open_too_far and not missing:
        return True, f"instance {_open_ports(found[0])}; balancer {_open_ports(found[1])}"
    words = [f"open too far: {_words(open_too_far)}"] if open_too_far else []
    return False, "; ".join(words + ([f"missing: {_words(missing)}"] if missing else []))


def _open_ports(found: Iterable[Permission]) -> str:
    return join(sorted({ports for _protocol, ports, _source in found}, key=lambda ports: (len(ports), ports)))


def _words(found: Iterable[Permission]) -> str:
    return join(f"{ports}/{PROTOCOLS.get(name, name)} from {source}" for name, ports, source in sorted(found))


def key_pairs(part: list[Mapping[str, Any]]) -> Judgement:
    return bool(part), join(f"{pair['KeyName']} {pair.get('KeyFingerprint', '')[:23]}" for pair in part)


def instances(part: list[Mapping[str, Any]], kind: str) -> Judgement:
    fit = [i for i in part if i["State"]["Name"] == "running" and i["InstanceType"] == kind]
    measured = join(f"{i['InstanceId']}, {i['InstanceType']}, {i['State']['Name']}" for i in part)
    return bool(part) and len(fit) == len(part), measured


def metadata_service(part: list[Mapping[str, Any]]) -> Judgement:
    tokens = [instance.get("MetadataOptions", {}).get("HttpTokens", "unknown") for instance in part]
    return bool(part) and all(token == "required" for token in tokens), f"tokens {join(tokens)}"  # noqa: S105


def volumes(part: list[Mapping[str, Any]]) -> Judgement:
    fit = [v for v in part if v["Encrypted"] and v["VolumeType"] == "gp3"]
    measured = join(
        f"{v['Size']} GiB {v['VolumeType']}, {'encrypted' if v['Encrypted'] else 'not encrypted'}" for v in part
    )
    return bool(part) and len(fit) == len(part), measured


def public_addresses(part: list[Mapping[str, Any]]) -> Judgement:
    addresses = [instance.get("PublicIpAddress") or "none" for instance in part]
    return bool(part) and "none" not in addresses, join(addresses)


def buckets(part: list[Mapping[str, Any]]) -> Judgement:
    words = {True: "not public", False: "may be public"}
    measured = join(f"{b['Name']}: {join(b['Encryption'], 'not encrypted')}, {words[_private(b)]}" for b in part)
    return bool(part) and all(b["Encryption"] and _private(b) for b in part), measured


def _private(bucket: Mapping[str, Any]) -> bool:
    switches = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return all(bucket["PublicAccessBlock"].get(switch) for switch in switches)


def repositories(part: list[Mapping[str, Any]]) -> Judgement:
    return bool(part), join(repository["repositoryName"] for repository in part)


def log_groups(part: list[Mapping[str, Any]]) -> Judgement:
    measured = join(f"{g['logGroupName']}, {g.get('retentionInDays') or 'unlimited'} days" for g in part)
    return bool(part) and all(g.get("retentionInDays") for g in part), measured


def balancers(part: list[Mapping[str, Any]]) -> Judgement:
    measured = join(
        f"{b['State']['Code']}, listens on {join(listener['Port'] for listener in b['Listeners'])}" for b in part
    )
    return bool(part) and all(b["State"]["Code"] == "active" and b["Listeners"] for b in part), measured


def targets(part: Mapping[str, Any]) -> Judgement:
    """Every instance is a target of the load balancer, and in service."""
    states = {
        target["Target"]["Id"]: target["TargetHealth"]["State"]
        for balancer in part["balancers"]
        for group in balancer["TargetGroups"]
        for target in group["Targets"]
    }
    found = {i["InstanceId"]: states.get(i["InstanceId"], "not registered") for i in part["instances"]}
    return bool(found) and set(found.values()) == {"healthy"}, join(f"{key} {state}" for key, state in found.items())


def log_entry(part: Mapping[str, Any]) -> Judgement:
    if not part["group"]:
        return False, f"none within {part['seconds']:.0f} s"
    return True, f"in {part['group']} after {part['seconds']:.1f} s"
