"""Write each role's README.md from its meta/argument_specs.yml, or with --check say which ones are not current."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parents[1] / "roles"
LONGEST_DEFAULT = 60  # characters; a longer one is read better in defaults/main.yml


def roles() -> list[Path]:
    """Return the directories of all roles."""
    return sorted(path.parents[1] for path in ROLES.glob("*/meta/argument_specs.yml"))


def render(role: Path) -> str:
    """Return the README of a role."""
    entries = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    head = [
        f"<!-- Written by docs/generate.py from meta/argument_specs.yml: change that file and call `make docs`. -->\n"
        f"# mcp.aws.{role.name}",
        *_prose(entries["main"]),
        f"```yaml\n{_example(role, entries['main'])}```",
    ]
    main = entries.pop("main")
    tables = ["## Variables", _table(main.get("options") or {}) or "None."]
    tables += [part for name, entry in entries.items() for part in _entry_point(name, entry, main)]
    return "\n\n".join(head + tables) + "\n"


def _prose(entry: Mapping[str, Any]) -> list[str]:
    """Return the paragraphs of an entry point."""
    return [_sentence(entry["short_description"]), *(_markdown(text) for text in _texts(entry.get("description")))]


def _entry_point(name: str, entry: Mapping[str, Any], main: Mapping[str, Any]) -> list[str]:
    """Return the section of an entry point beside main, with the variables that main does not have."""
    known = main.get("options") or {}
    own = {key: option for key, option in (entry.get("options") or {}).items() if option != known.get(key)}
    use = f"Reach it with `tasks_from: {name}` of `ansible.builtin.include_role`."
    return [f"## Entry point `{name}`", *_prose(entry), use, *([_table(own)] if own else [])]


def _table(options: Mapping[str, Any]) -> str:
    """Return the table of variables, empty when there are none."""
    rows = "\n".join(_rows(options))
    return f"| variable | type | default | meaning |\n|---|---|---|---|\n{rows}" if rows else ""


def _rows(options: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield the table's rows, those of an option's parts after it."""
    for name, option in options.items():
        kind = option.get("type", "str") + (f" of {option['elements']}" if "elements" in option else "")
        meaning = " ".join(_sentence(_markdown(text)) for text in _texts(option.get("description")))
        if "choices" in option:
            meaning += f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}."
        cells = [f"`{above}{name}`", kind, _default(option), meaning]
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
        within = "[]." if option.get("type") == "list" else "."
        yield from _rows(option.get("options") or {}, f"{above}{name}{within}")


def _default(option: Mapping[str, Any]) -> str:
    """Return the cell of a default."""
    if option.get("required"):
        return "**required**"
    if "default" not in option:
        return ""
    value = option["default"]
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if len(text) <= LONGEST_DEFAULT and "\n" not in text else "[long](defaults/main.yml)"


def _example(role: Path, entry: Mapping[str, Any]) -> str:
    """Return a play that applies the role, with what is required of it."""
    tasks = "".join(path.read_text() for path in sorted((role / "tasks").rglob("*.yml")))
    on_aws = re.search(r"\b(amazon|community)\.aws\.", tasks)
    lines = [f"- name: {entry['short_description']}"]
    if on_aws:
        lines += ["  hosts: localhost", "  connection: local", "  gather_facts: false"]
        lines += ["  module_defaults:", '    group/aws: "{{ mcp_aws_connection }}"']
    else:
        lines += ["  hosts: mcp_servers", "  become: true"]
    lines += ["  roles:", f"    - role: mcp.aws.{role.name}"]
    required = {name: option for name, option in (entry.get("options") or {}).items() if option.get("required")}
    lines += ["      vars:"] * bool(required)
    lines += [f"        {name}: ...  # {_texts(option['description'])[0]}" for name, option in required.items()]
    return "\n".join(lines) + "\n"


def _texts(description: str | list[str] | None) -> list[str]:
    """Return a description as a list of texts."""
    return [description] if isinstance(description, str) else description or []


def _sentence(text: str) -> str:
    """Return a text that ends like a sentence."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _markdown(text: str) -> str:
    """Return a text with Ansible's markup as Markdown."""
    return re.sub(r"\b(?:C|O|V|M|P|RV|E)\(([^)]*)\)", r"`\1`", text).strip()


def main() -> int:
    """Write the files, or with `--check` print what would change; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, end with 1 when a file is not current")
    check = parser.parse_args().check
    stale = 0
    for role in roles():
        path, new = role / "README.md", render(role)
        old = path.read_text() if path.exists() else ""
        if old == new:
            continue
        stale += 1
        if check:
            name = str(path.relative_to(ROLES.parent))
            sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), name, "generated"))
        else:
            path.write_text(new)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
