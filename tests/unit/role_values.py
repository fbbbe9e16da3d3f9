"""Values of a role's own files, as Ansible loads them: for tests that render without a host."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.template import trust_as_template


def trust(value: Any) -> Any:
    """Let Ansible evaluate the expressions in a value, as it does with what a role's own files hold."""
    if isinstance(value, dict):
        return {key: trust(each) for key, each in value.items()}
    if isinstance(value, list):
        return [trust(each) for each in value]
    return trust_as_template(value) if isinstance(value, str) else value
