"""What the account holds before anybody calls: Debian's image, and what moto is told at its start."""

import json

from .settings import AMI_ID, AMI_NAME, AMI_OWNER, API_PORT, RUN

AMIS = RUN / "etc" / "amis.json"
# What moto reads when it is imported; `up` starts this module with it. Every call must be signed and permitted.
ENVIRONMENT = {
    "INITIAL_NO_AUTH_ACTION_COUNT": "0",
    "MOTO_AMIS_PATH": str(AMIS),
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
    "MOTO_PORT": str(API_PORT),
}
AMI = {
    "ami_id": AMI_ID,
    "architecture": "x86_64",
    "creation_date": "2026-11-01T23:00:00.000Z",
    "description": "Debian 12 (20261101-2300)",
    "hypervisor": "xen",
    "image_type": "machine",
    "name": AMI_NAME,
    "owner_id": AMI_OWNER,
    "platform": None,
    "public": True,
    "root_device_name": "/dev/xvda",
    "root_device_type": "ebs",
    "sriov": "simple",
    "state": "available",
    "virtualization_type": "hvm",
}


def write_amis() -> None:
    """The one image that the lab's marketplace has, for moto to read at its start."""
    AMIS.parent.mkdir(parents=True, exist_ok=True)
    AMIS.write_text(json.dumps([AMI]))
