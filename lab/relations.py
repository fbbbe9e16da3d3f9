"""What a call speaks of without naming it, which the account alone knows: roles in profiles, ends of associations."""

from collections.abc import Iterator

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from .calls import Call
from .settings import ACCOUNT


def passed_roles(call: Call) -> list[str]:
    """The roles that a call hands to an instance."""
    if call.operation == "AddRoleToInstanceProfile":
        return [f"arn:aws:iam::{ACCOUNT}:role/{call.parameters['RoleName']}"]
    profile = call.parameters.get("IamInstanceProfile") if call.service == "ec2" else None
    if not isinstance(profile, dict):
        return []
    wanted = profile.get("Name") or str(profile.get("Arn")).rpartition("/")[2]
    profiles = iam_backends[ACCOUNT]["aws"].instance_profiles.values()
    return [role.arn for each in profiles if each.name == wanted for role in each.roles]


def associated(call: Call) -> Iterator[str]:
    """What is tied together by the association that a call speaks of: a route table and a subnet, or an instance."""
    backend, wanted = ec2_backends[ACCOUNT][call.region], call.parameters.get("AssociationId")
    for table in backend.route_tables.values() if wanted else ():
        if wanted in table._associations:
            yield from (table.id, table._associations[wanted])
    for profile in backend.iam_instance_profile_associations.values() if wanted else ():
        if profile.association_id == wanted:
            yield profile.instance.id
