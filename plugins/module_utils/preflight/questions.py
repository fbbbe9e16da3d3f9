"""What a run depends on in an AWS account, asked side by side."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.mcp.aws.plugins.module_utils.aws import ownership
from ansible_collections.mcp.aws.plugins.module_utils.aws.clients import THROTTLED
from ansible_collections.mcp.aws.plugins.module_utils.aws.tags import ResourceTags
from ansible_collections.mcp.aws.plugins.module_utils.preflight import errors as preflight
from ansible_collections.mcp.aws.plugins.module_utils.preflight import rules as preflight_aws
from ansible_collections.mcp.aws.plugins.module_utils.preflight.rules import Note

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions

AT_ONCE = 8
# The role's alarms that are not named after an instance.
ALARMS = ("errors", "response-time", "unhealthy-targets")
ALIVE = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
HOME = "us-east-1"  # enabled for every account of the partition in which regions can be disabled
patient = AWSRetry.jittered_backoff(retries=6, delay=1, catch_extra_error_codes=THROTTLED)

Check = Callable[[], Iterator[str]]


class Refused(Exception):
    """AWS did not answer; the message is a sentence."""

    def __init__(self, why: str, code: str) -> None:
        super().__init__(why)
        self.code = code


class Examination:
    """The questions about one deployment; each check yields problems, and notes among them."""

    def __init__(self, client: Callable[..., Any], settings: Mapping[str, Any], region: str, endpoint: str | None):
        """Keep what to ask about.

        :param client: makes the client of a service, in another region when that is given; threads call it.
        :param settings: values of the roles' variables. What needs one that is not there is not looked at.
        """
        self.client = client
        self.settings = settings
        self.region = region
        self.endpoint = endpoint
        self.owner = settings.get("mcp_tags", {}).get(ownership.TAG, "")
        self.account_id = ""
        self.zones: list[str] = []
        self.image_found: dict[str, str] = {}

    def ask(self, action: str, request: Callable[[], Any]) -> Any:
        """Return the answer to a request, or raise Refused; `action` says in words what it does."""
        try:
            return patient(request)()
        except botocore.exceptions.ClientError as error:
            details = error.response.get("Error", {})
            code = details.get("Code", "")
            raise Refused(preflight.refusal(code, details.get("Message", ""), action), code) from error
        except botocore.exceptions.BotoCoreError as error:
            kind = type(error).__name__
            raise Refused(preflight.no_answer(kind, str(error), self.endpoint), kind) from error

    def caller(self) -> None:
        """Ask for the number of the account."""
        try:
            answer = self.ask("tell who is asking", lambda: self.client("sts").get_caller_identity())
        except Refused as refusal:
            if refusal.code in preflight.WRONG_CREDENTIALS and self.disabled():
                raise Refused(preflight.disabled_region(self.region), refusal.code) from refusal
            raise
        self.account_id = answer["Account"]

    def disabled(self) -> bool:
        """Tell whether the region is one that the account has not enabled, where no credentials are valid."""
        query = {"RegionNames": [self.region], "AllRegions": True}
        try:
            answer = self.ask("describe regions", lambda: self.client("ec2", HOME).describe_regions(**query))
        except Refused:
            return False
        return any(region["OptInStatus"] == "not-opted-in" for region in answer["Regions"])

    def checks(self) -> dict[str, Check]:
        """Return the checks for which there are settings, by their names."""
        needs = {
            "zones, image and vCPUs": (self.machine, ("instance_type", "instance_image_owner", "instance_image_name")),
            "key pair": (self.key_pair, ("identity_key_name", "identity_key_file")),
            "network": (self.network, ("network_cidr",)),
        }
        found: dict[str, Check] = {
            what: check for what, (check, names) in needs.items() if all(name in self.settings for name in names)
        }
        if self.settings.get("instance_elastic_ip"):
            found["addresses"] = self.addresses
        if self.settings.get("load_balancer_certificate_arn"):
            found["certificate"] = self.certificate
        return found

    def name_checks(self) -> list[Check]:
        """Return the checks whether names are free or owned by this deployment."""
        tags = ResourceTags(self.client)
        return [partial(self.name, tags, kind, names) for kind, names in self.names().items()]

    def names(self) -> dict[str, Any]:
        """Return the names that must be free or owned by this deployment, by kind, without that of the key pair."""
        given = self.settings
        bucket = given.get("storage_bucket_name") or f"{given.get('mcp_name')}-{self.account_id}"
        found = {
            "bucket": bucket if "storage_bucket_name" in given else "",
            "role": given.get("identity_name"),
            "instance_profile": given.get("identity_name"),
            "repository": given.get("registry_name"),
            "log_group": given.get("logs_group_name"),
            "load_balancer": given.get("load_balancer_name"),
            "target_group": given.get("load_balancer_name"),
            "topic": given.get("alarms_name"),
            "dashboard": given.get("alarms_name"),
            "alarms": [f"{given['alarms_name']}-{what}" for what in ALARMS] if given.get("alarms_name") else [],
            "parameters": given.get("secrets_path"),
        }
        return {kind: name for kind, name in found.items() if name}

    def name(self, tags: ResourceTags, kind: str, names: Any) -> Iterator[str]:
        """Check the owner of the resources under a name."""
        found = self.ask(f"look for the {ownership.KINDS[kind][0]} {names}", lambda: tags.read(kind, names))
        yield from ownership.foreign({kind: found}, self.owner)

    def machine(self) -> Iterator[str]:
        """Check what instances need that do not exist yet; those that run as wanted need nothing more."""
        ec2, kind = self.client("ec2"), self.settings["instance_type"]
        of_type = [{"Name": "instance-type", "Values": [kind]}]
        query = {"LocationType": "availability-zone", "Filters": of_type}
        answer = self.ask("describe instance types", lambda: ec2.describe_instance_type_offerings(**query))
        self.zones = sorted(offer["Location"] for offer in answer["InstanceTypeOfferings"])
        pages = ec2.get_paginator("describe_instances").paginate(Filters=ALIVE)
        reservations = self.ask("describe instances", pages.build_full_result)["Reservations"]
        there = [instance for reservation in reservations for instance in reservation["Instances"]]
        managed = preflight_aws.managed(there, self.owner)
        count = self.settings.get("instance_count", 1)
        if len([one for one in managed if one["InstanceType"] == kind]) >= count:
            return
        yield from self.places(ec2, kind)
        answer = self.ask("describe instance types", lambda: ec2.describe_instance_types(Filters=of_type))
        described = (answer["InstanceTypes"] or [{}])[0]
        if len(managed) < count:
            yield from self.image(ec2, described)
        if described and preflight_aws.STANDARD.match(kind):
            yield from self.vcpus(there, count * described["VCpuInfo"]["DefaultVCpus"] - preflight_aws.vcpus(managed))

    def vcpus(self, there: Sequence[Mapping[str, Any]], wanted: int) -> Iterator[str]:
        """Compare the vCPUs that are yet to come with the quota."""
        if wanted > 0:
            remedy, used = "Stop an instance, choose a smaller instance_type", preflight_aws.vcpus(there)
            yield from self.quota("vCPUs of standard instances", "ec2", "L-1216C47A", used, wanted, remedy)

    def places(self, ec2: Any, kind: str) -> Iterator[str]:
        """Compare the region's zones with those wanted."""
        usual = [{"Name": "zone-type", "Values": ["availability-zone"]}, {"Name": "state", "Values": ["available"]}]
        answer = self.ask("describe zones", lambda: ec2.describe_availability_zones(Filters=usual))
        there = sorted(zone["ZoneName"] for zone in answer["AvailabilityZones"])
        yield from preflight_aws.zones(kind, self.region, there, self.zones, self.settings.get("network_zones", []))

    def image(self, ec2: Any, described: Mapping[str, Any]) -> Iterator[str]:
        """Compare the image with the instance type and the volume."""
        image_id, name = self.settings.get("instance_image_id"), self.settings["instance_image_name"]
        owner = self.settings["instance_image_owner"]
        filters = {"image-id": image_id} if image_id else {"name": name, "state": "available"}
        query = {"Filters": [{"Name": key, "Values": [value]} for key, value in filters.items()]}
        query |= {} if image_id else {"Owners": [owner]}
        images = self.ask("describe images", lambda: ec2.describe_images(**query))["Images"]
        if newest := preflight_aws.latest(images):
            self.image_found = {"image_id": newest["ImageId"], "root_device_name": newest["RootDeviceName"]}
        wanted = f"`{image_id}`" if image_id else f"`{name}` of the account {owner}"
        size = self.settings.get("instance_volume_size", 0)
        yield from preflight_aws.image(images, wanted, self.region, described, size)

    def network(self) -> Iterator[str]:
        """Compare the range with the VPCs of the region, and their number with the quota."""
        cidr, ec2 = self.settings["network_cidr"], self.client("ec2")
        vpcs = self.ask("describe VPCs", ec2.get_paginator("describe_vpcs").paginate().build_full_result)["Vpcs"]
        yield from preflight_aws.network(vpcs, self.owner, cidr)
        if preflight_aws.managed(vpcs, self.owner):
            return
        if not self.settings.get("network_overlap_allowed"):
            yield from preflight_aws.overlaps(vpcs, cidr)
        yield from self.quota("VPCs", "vpc", "L-F678F1CE", len(vpcs), 1, "Delete a VPC that nobody needs")

    def addresses(self) -> Iterator[str]:
        """Compare the Elastic IP addresses that are yet to come with the quota."""
        found = self.ask("describe addresses", lambda: self.client("ec2").describe_addresses())["Addresses"]
        missing = self.settings.get("instance_count", 1) - len(preflight_aws.managed(found, self.owner))
        if missing > 0:
            remedy = "Release one, set instance_elastic_ip to false"
            yield from self.quota("Elastic IP addresses", "ec2", "L-0263D0A3", len(found), missing, remedy)

    def quota(self, what: str, service: str, code: str, used: int, wanted: int, remedy: str) -> Iterator[str]:
        """Compare with a quota; one that cannot be asked is noted."""
        query = {"ServiceCode": service, "QuotaCode": code}
        quotas = self.client("service-quotas")
        try:
            try:
                answer = self.ask("tell a quota", lambda: quotas.get_service_quota(**query))
            except Refused as refusal:
                if refusal.code != "NoSuchResourceException":
                    raise
                answer = self.ask("tell a quota", lambda: quotas.get_aws_default_service_quota(**query))
        except Refused as refusal:
            yield Note(f"The quota of {what} ({code}) was not looked at. {refusal}")
            return
        yield from preflight_aws.quota(what, code, used, wanted, answer["Quota"]["Value"], remedy)

    def key_pair(self) -> Iterator[str]:
        """Check the owner of the key pair, and compare it with the key on the control node."""
        name, file = self.settings["identity_key_name"], Path(self.settings["identity_key_file"]).expanduser()
        query = {"Filters": [{"Name": "key-name", "Values": [name]}], "IncludePublicKey": True}
        pairs = self.ask("describe key pairs", lambda: self.client("ec2").describe_key_pairs(**query))["KeyPairs"]
        tags = {pair["KeyName"]: preflight_aws.tags_of(pair) for pair in pairs}
        unmanaged = ownership.foreign({"key_pair": tags}, self.owner)
        yield from unmanaged
        public = Path(f"{file}.pub")
        local = public.read_text() if file.exists() and public.exists() else None
        problem = preflight.key_pair(name, str(file), local, pairs[0].get("PublicKey") if pairs else None)
        if problem and not unmanaged:
            yield problem

    def certificate(self) -> Iterator[str]:
        """Judge the certificate of the listener."""
        arn = self.settings["load_balancer_certificate_arn"]
        place = arn.split(":")[3] if arn.count(":") >= 5 else ""
        if place != self.region:
            yield preflight.no_certificate(arn, self.region)
            return
        try:
            answer = self.ask(
                "describe the certificate", lambda: self.client("acm").describe_certificate(CertificateArn=arn)
            )
        except Refused as refusal:
            if refusal.code != "ResourceNotFoundException":
                raise
            yield preflight.no_certificate(arn, self.region)
            return
        yield from preflight_aws.certificate(answer["Certificate"], datetime.now(UTC))


def perform(checks: Iterable[Check]) -> tuple[list[str], list[str]]:
    """Perform checks at the same time; return problems and notes, in the order of the checks."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sentences = [sentence for found in pool.map(_collect, checks) for sentence in found]
    notes = [sentence for sentence in sentences if isinstance(sentence, Note)]
    return [sentence for sentence in sentences if not isinstance(sentence, Note)], notes


def _collect(check: Check) -> list[str]:
    """Return what a check yields, a refusal last."""
    found: list[str] = []
    try:
        for sentence in check():
            found.append(sentence)
    except Refused as refusal:
        found.append(str(refusal))
    return found
