"""Write the operator's IAM policies to docs/iam, recorded from the API's log while every playbook runs against moto.

With --check write nothing, say which documents are not current, and end with 1 when there are any.
"""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import difflib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mcp.aws.docs import least_privilege
from ansible_collections.mcp.aws.tests.aws import life

FOLDER = Path(__file__).parent / "iam"
HEAD = """<!-- Written by docs/operator_policy.py: call `make iam-policy`. -->
# What the operator may do in AWS

The actions that each playbook calls, recorded while it ran, and a policy for each. `operator.json` is all of them in
one: {size} of the {limit} characters that a managed policy may have. They are for a deployment called `{name}`; for
another name

```sh
sed 's/{name}/acme/g' docs/iam/operator.json > acme-operator.json
aws iam create-policy --policy-name acme-operator --policy-document file://acme-operator.json
```

- What exists in EC2 may be changed and deleted only where it bears the deployment's tag `mcp:name`, and what is made
  may be tagged only as the deployment's.
- Buckets, roles, images, logs, secrets, load balancers and alarms are those with the deployment's name.
- `operator.json` allows some reads of settings by pattern, such as `ec2:Describe*`, to stay within the limit.
- `iam:PassRole` hands the host's role to EC2 and to nobody else. `iam:CreateServiceLinkedRole` is for the roles that
  AWS makes for itself with an account's first load balancer, and its first alarm that recovers an instance.
- Who may write the policy of the host's role can give the host more rights than it has now: let a permissions boundary
  or an organization's policy say where that ends.
- What is not in it: a KMS key of your own for the secrets, and names that were chosen with other variables than
  `mcp_name`.

"""


def recorded() -> dict[str, list[dict[str, Any]]]:
    """Run every playbook on an account of its own, and return the log's lines by playbook."""
    with tempfile.TemporaryDirectory(prefix="mcp-iam-") as folder, life.account(Path(folder)) as (account, log):
        names = (*life.PLAYBOOKS, "hosts", "administrator")
        keys = {name: (f"operator-of-{name}", "secret-of-the-operator") for name in names}
        for playbook, run in life.Life(account, keys).live():
            problem = life.problem(playbook, run)
            if problem:
                sys.exit(problem)
            print(f"  {playbook}: {run.changed} changes", flush=True)
        return life.by_playbook(log, keys)


def documents(lines: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Return each file's contents by its name."""
    policies = {name: least_privilege.policy(lines[name], life.NAME) for name in life.PLAYBOOKS}
    whole = least_privilege.policy([line for name in life.PLAYBOOKS for line in lines[name]], life.NAME, folded=True)
    files = {
        f"{name}.json": json.dumps(policy, indent=2) + "\n" for name, policy in (policies | {"operator": whole}).items()
    }
    head = HEAD.format(size=least_privilege.size(whole), limit=least_privilege.LIMIT, name=life.NAME)
    return files | {"README.md": head + "\n".join(table(policies)) + "\n"}


def table(policies: Mapping[str, Any]) -> Iterator[str]:
    """Yield the rows of playbook, service and actions."""
    yield "| playbook | service | actions |\n|---|---|---|"
    for playbook, policy in policies.items():
        actions = sorted(least_privilege.actions_of(policy))
        for service in dict.fromkeys(action.partition(":")[0] for action in actions):
            names = " ".join(f"`{a.partition(':')[2]}`" for a in actions if a.startswith(f"{service}:"))
            yield f"| [`{playbook}`]({playbook}.json) | `{service}` | {names} |"


def main() -> int:
    """Write the files or compare them; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, end with 1 when a file is not current")
    check = parser.parse_args().check
    stale = 0
    FOLDER.mkdir(exist_ok=True)
    for name, new in documents(recorded()).items():
        path = FOLDER / name
        old = path.read_text() if path.exists() else ""
        stale += old != new
        if check:
            lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"docs/iam/{name}", "recorded")
            sys.stdout.writelines(lines)
        elif old != new:
            path.write_text(new)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
