#!/usr/bin/python
"""Ansible module: the releases of a host, what serves, who deploys, and what was deployed before."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.aws.plugins.module_utils.deploy import log as deploy_log
from ansible_collections.mcp.aws.plugins.module_utils.deploy import releases as release
from ansible_collections.mcp.aws.plugins.module_utils.deploy import slots

DOCUMENTATION = r"""
module: deploy_info
short_description: Say what a host serves, what it can go back to, and who deployed what
version_added: 0.2.0
description:
  - Reads releases, slots, the proxy's choice, the deploy lock and the record of deploys. Changes nothing.
  - A host where nothing was deployed yet has empty lists.
options:
  count: {type: int, default: 5, description: The number of records of deploys to return.}
  path: {type: path, default: /var/lib/mcp, description: Folder of the lock and the record.}
  releases: {type: path, default: /opt/mcp/releases, description: Folder of the releases.}
  slots: {type: path, default: /opt/mcp/slots, description: Folder of links from slots to releases.}
  serving: {type: path, default: /etc/haproxy/serving.map, description: Where the proxy notes which slot serves.}
attributes:
  check_mode: {support: full, description: Does the same in check mode.}
author: [The mcp.aws maintainers (@mcp-aws)]
"""

EXAMPLES = r"""
- name: Look at releases and deploys
  mcp.aws.deploy_info:
  become: true
  register: found
"""

RETURN = r"""
releases:
  description: >-
    The serving release first, then those that a rollback can choose, the last that served first, then others. Each is
    what its file says, with C(serving), C(choosable) and the C(slots) that hold it.
  returned: always
  type: list
  elements: dict
serving:
  description: The C(slot) that serves and the C(release) in it; empty texts where nothing serves.
  returned: always
  type: dict
slots:
  description: The release that each slot holds.
  returned: always
  type: dict
lock:
  description: Who holds the deploy lock; empty when nobody does, C(damaged) when its file cannot be read.
  returned: always
  type: dict
deploys:
  description: The last records, the newest last.
  returned: always
  type: list
  elements: dict
"""


def held(folder: Path) -> dict[str, str]:
    """Return the release that each slot holds."""
    links = sorted(folder.glob("*"))
    return {link.name: link.readlink().name for link in links if link.is_symlink()}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "count": {"type": "int", "default": 5},
            "path": {"type": "path", "default": str(deploy_log.STATE)},
            "releases": {"type": "path", "default": str(slots.RELEASES)},
            "slots": {"type": "path", "default": str(slots.SLOTS)},
            "serving": {"type": "path", "default": str(slots.SERVING_MAP)},
        },
        supports_check_mode=True,
    )
    paths = {name: Path(module.params[name]) for name in ("path", "releases", "slots", "serving")}
    try:
        found = release.overview(
            release.read_all(paths["releases"]), held(paths["slots"]), slots.serving(paths["serving"])
        )
        deploys = deploy_log.read(paths["path"], module.params["count"])
        module.exit_json(changed=False, **found, lock=deploy_log.lock(paths["path"]), deploys=deploys)
    except OSError as error:
        module.fail_json(msg=f"{error.filename} cannot be read ({error.strerror}). Root can: become: true.")


if __name__ == "__main__":
    main()
