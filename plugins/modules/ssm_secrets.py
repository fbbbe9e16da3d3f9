"""Ansible module: secrets in the SSM Parameter Store, made where they do not exist, whose values nobody sees."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_secrets
short_description: Make, rotate or delete secrets in the SSM Parameter Store
description:
  - Makes a SecureString of random letters and digits for each name that does not exist, and repairs the tags of those
    that do. A value that exists is overwritten only when O(rotate) names it.
  - Values are made in this module and sent to AWS. They are no option and no result, and none is read.
  - A parameter without the owner's tag is somebody else's. It is neither changed nor deleted.
version_added: 0.2.0
author: The mcp.aws maintainers
options:
  path:
    description: Path of the secrets in the Parameter Store.
    type: str
    required: true
  secrets:
    description: Names of the secrets, each with its description.
    type: dict
    default: {}
  rotate:
    description: Names of the secrets that get a new value.
    type: list
    elements: str
    default: []
  state:
    description:
      - Whether the secrets should be there. V(absent) deletes everything below O(path) that bears the owner's tag.
    type: str
    choices: [present, absent]
    default: present
  length:
    description: Number of letters and digits in a new value.
    type: int
    default: 32
  kms_key_id:
    description: Id, alias or ARN of the KMS key that encrypts new values. Empty for the account's own key for SSM.
    type: str
    default: ""
  tags:
    description: The tags, exactly these; the one that names the owner is among them.
    type: dict
    required: true
  owner_tag:
    description: Key of the tag that names the owner.
    type: str
    default: mcp:name
  timeout:
    description: Seconds until the Parameter Store must tell of what was written.
    type: int
    default: 60
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Tells what a real run would change.
    support: full
  diff_mode:
    description: Shows names and tags before and after.
    support: full
"""

EXAMPLES = r"""
- name: Make the secrets that do not exist
  mcp.aws.ssm_secrets:
    path: /mcp-example
    secrets: {token: Bearer token of the server}
    tags: {"mcp:name": mcp-example}

- name: Give the token a new value
  mcp.aws.ssm_secrets:
    path: /mcp-example
    secrets: {token: Bearer token of the server}
    rotate: [token]
    tags: {"mcp:name": mcp-example}
"""

RETURN = r"""
created:
  description: Names of the parameters that were made.
  returned: success
  type: list
  elements: str
  sample: [/mcp-example/token]
rotated:
  description: Names of the parameters that got a new value.
  returned: success
  type: list
  elements: str
deleted:
  description: Names of the parameters that were deleted.
  returned: success
  type: list
  elements: str
diff:
  description: Names and tags before and after.
  returned: when something changes
  type: dict
"""

from contextlib import suppress
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.mcp.aws.plugins.module_utils import ssm_secrets
from ansible_collections.mcp.aws.plugins.module_utils.parameter_store import ParameterStore

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions


def ensure(module: AnsibleAWSModule, store: ParameterStore) -> None:
    """Make what does not exist, rotate what is to be rotated, repair tags."""
    path, described = module.params["path"], module.params["secrets"]
    chosen = [name.strip() for name in module.params["rotate"] if name.strip()]  # `-e secrets_rotate=` names none
    descriptions = {ssm_secrets.full_name(path, name): text for name, text in described.items()}
    found = store.read(list(descriptions))
    wrong = ssm_secrets.strangers(chosen, described) + store.foreign(found)
    if wrong := wrong or ssm_secrets.problems(found):
        module.fail_json(msg="\n".join(wrong))
    rotate = [ssm_secrets.full_name(path, name) for name in chosen]
    todo = ssm_secrets.plan(descriptions, found, store.tags, rotate)
    kept = {name: each for name, each in found.items() if name not in todo.rotate}
    if names := ssm_secrets.other_key(kept, module.params["kms_key_id"]):
        module.warn(f"{', '.join(names)}: encrypted with another key than kms_key_id says. Rotate to encrypt anew.")
    if not module.check_mode:
        versions = {name: store.write(name, descriptions[name], new=True) for name in todo.create}
        versions |= {name: store.write(name, descriptions[name], new=False) for name in todo.rotate}
        for name in todo.tag:
            store.tag(name, found[name])
        if versions:
            store.wait(versions)
    before, after = ssm_secrets.picture(found, todo, store.tags)
    leave(module, bool(todo), before, after, created=todo.create, rotated=todo.rotate)


def remove(module: AnsibleAWSModule, store: ParameterStore) -> None:
    """Delete everything below the path that is ours."""
    found = store.read()
    names = store.ours(found)
    for stranger in store.foreign(found):
        module.warn(f"{stranger} It is left alone.")
    if not module.check_mode:
        store.delete(names)
    leave(module, bool(names), {name: {"tags": dict(found[name].tags)} for name in names}, {}, deleted=names)


def leave(
    module: AnsibleAWSModule, changed: bool, before: dict[str, object], after: dict[str, object], **names: list[str]
) -> None:
    """End the module with names alone."""
    header = f"secrets below {module.params['path']}"
    diff = {"before_header": header, "after_header": header, "before": before, "after": after}
    told: dict[str, Any] = {"created": [], "rotated": [], "deleted": []} | names
    module.exit_json(changed=changed, **told, **({"diff": diff} if changed else {}))


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "path": {"type": "str", "required": True},
            "secrets": {"type": "dict", "default": {}, "no_log": False},
            "rotate": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "length": {"type": "int", "default": 32},
            "kms_key_id": {"type": "str", "default": "", "no_log": False},
            "tags": {"type": "dict", "required": True},
            "owner_tag": {"type": "str", "default": "mcp:name"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    try:
        {"present": ensure, "absent": remove}[module.params["state"]](module, ParameterStore(module))
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"Cannot make or delete the secrets below {module.params['path']}")


if __name__ == "__main__":
    main()
