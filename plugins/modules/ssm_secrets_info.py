"""Ansible module: read the secrets below a path of the SSM Parameter Store."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_secrets_info
short_description: Read secrets from the SSM Parameter Store
description:
  - Returns the values of all parameters directly below a path. A task that uses this module has C(no_log).
  - P(amazon.aws.ssm_parameter#lookup) prints what it read with C(-vvvv), whatever C(no_log) says. This module does not.
version_added: 0.2.0
author: The mcp.aws maintainers
options:
  path:
    description: Path of the secrets in the Parameter Store.
    type: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Does the same in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Read the secrets
  mcp.aws.ssm_secrets_info:
    path: /mcp-example
  no_log: true
  register: __read
"""

RETURN = r"""
secrets:
  description: Value by name, the name without the path.
  returned: success
  type: dict
"""

from contextlib import suppress

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

with suppress(ImportError):  # AnsibleAWSModule says so
    import botocore.exceptions

WITH_RETRIES = AWSRetry.jittered_backoff(delay=1, catch_extra_error_codes=["ThrottlingException"])


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec={"path": {"type": "str", "required": True}}, supports_check_mode=True)
    path = module.params["path"].rstrip("/") or "/"
    pages = module.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path, WithDecryption=True)
    try:
        found = WITH_RETRIES(pages.build_full_result)()["Parameters"]
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        module.fail_json_aws(error, msg=f"Cannot read the secrets below {path}")
    secrets = {parameter["Name"].rpartition("/")[2]: parameter["Value"] for parameter in found}
    module.exit_json(changed=False, secrets=secrets)


if __name__ == "__main__":
    main()
