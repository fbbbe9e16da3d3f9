"""What a refused release leaves behind: how it is named, kept few, and freed of every secret."""

# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, quote_plus, unquote

COVER = "***"
FOLDER = re.compile(r"\d{8}T\d{6}Z-")
SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|PWD|KEY|CREDENTIAL|AUTH|DSN", re.IGNORECASE)
URL_PASSWORD = re.compile(r"""(://[^\s/:@"']*:)([^\s/@"']+)(?=@)""")
ENTRY = re.compile(r'^(\w+)="((?:[^"\\]|\\.)*)"$', re.MULTILINE)
GAVE_UP = "Control process exited, code=exited, status=124"  # timeout(1), which waited for readiness
UNESCAPED = {"n": "\n", "r": "\r"}
SHORTEST_PART = 8  # of a secret that is several: a shorter one would cover half of every log


def folder_name(now: datetime, release: str) -> str:
    """Return the name of a folder; names sort by time."""
    return f"{now:%Y%m%dT%H%M%SZ}-{re.sub(r'[^A-Za-z0-9._-]', '_', release) or 'unnamed'}"


def outdated(names: Iterable[str], keep: int) -> list[str]:
    """Return the folders that are older than the newest `keep`; what else lies there is nobody's business."""
    return sorted(name for name in names if FOLDER.match(name))[:-keep]


def environment(text: str) -> dict[str, str]:
    """Read an environment file of a release, which has each value in double quotes."""
    return {
        name: re.sub(r"\\(.)", lambda found: UNESCAPED.get(found[1], found[1]), value)
        for name, value in ENTRY.findall(text)
    }


def secrets_of(values: dict[str, str]) -> list[str]:
    """Return what in an environment must not be told: values with a telling name, and passwords in URLs."""
    found = []
    for name, value in values.items():
        if SECRET_NAME.search(name):
            found += [value, *(part for part in re.split(r"[\s,;]+", value) if len(part) >= SHORTEST_PART)]
        found += passwords_of(value)
    return [value for value in found if value]


def passwords_of(text: str) -> list[str]:
    """Return the passwords of URLs in a text, as they stand there and as they are meant."""
    return [form for _before, password in URL_PASSWORD.findall(text) for form in (password, unquote(password))]


def forms(secret: str) -> set[str]:
    """Return the ways in which a secret is written: as it is, in URLs, JSON, Python and Compose files, line by line."""
    lines = [line for line in secret.splitlines() if len(line) >= SHORTEST_PART]
    written = {secret, *lines}
    for text in (secret, *lines):
        encoded = {quote(text), quote(text, safe=""), quote_plus(text)}
        written |= encoded | {re.sub(r"%..", lambda code: code[0].lower(), each) for each in encoded}
        written |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]}
        written |= {text.replace("$", "$$"), text.replace('"', '\\"')}
    return {form for form in written if form}


def cover(text: str, secrets: Iterable[str]) -> str:
    """Return a text without the secrets, and without any password in a URL."""
    all_of_them = {part for secret in secrets for part in (secret, *passwords_of(secret)) if part}
    written = sorted({form for secret in all_of_them for form in forms(secret)}, key=len, reverse=True)
    if written:
        text = re.sub("|".join(map(re.escape, written)), COVER, text)
    return URL_PASSWORD.sub(rf"\1{COVER}", text)


def cover_environment(found: Any) -> Any:
    """Return what `docker inspect` says with every value of the environment covered."""
    if isinstance(found, dict):
        return {
            name: [f"{str(entry).partition('=')[0]}={COVER}" for entry in value]
            if name == "Env" and isinstance(value, list)
            else cover_environment(value)
            for name, value in found.items()
        }
    return [cover_environment(item) for item in found] if isinstance(found, list) else found


def inspection(said: str) -> str:
    """Return what `docker inspect` said as JSON to keep; what is none is kept as the reason."""
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        found = {"why": said.strip()}
    return json.dumps(cover_environment(found), indent=1, ensure_ascii=False) + "\n"


def last(text: str, lines: int) -> list[str]:
    """Return the last lines that say something, without the time that the engine puts before each."""
    said = (re.sub(r"^\d{4}-\d\d-\d\dT[\d:.]+Z ?", "", line).rstrip() for line in text.splitlines())
    return [line for line in said if line][-lines:]


def reason(answer: Mapping[str, Any], lines: int = 5) -> str:
    """Return why a task failed: its message, or what its command said last, of which the message tells nothing."""
    items = [item for item in answer.get("results") or [] if isinstance(item, dict) and item.get("failed")]
    failed = items[0] if items else answer
    said = last(str(failed.get("stderr") or failed.get("stdout") or ""), lines)
    if failed.get("rc") and said:
        return "\n".join([f"its command ended with status {failed['rc']} and said:", *said])
    return str(failed.get("msg") or "")


def whole_lines(text: str, letters: int) -> str:
    """Return the end of a text that is too long, from the beginning of a line."""
    return text if len(text) <= letters else text[-letters:].partition("\n")[2]


def began(inspected: str) -> str:
    """Return when a container was started, as journalctl takes it; nothing where `docker inspect` does not say."""
    try:
        started = str(json.loads(inspected)[0]["State"]["StartedAt"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    found = re.match(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)", started, re.ASCII)
    return f"{found[1]} {found[2]} UTC" if found else ""


def why_it_ended(inspected: str, journal: str, start_timeout: int) -> str:
    """Say why a server does not run, out of what `docker inspect` says of its container; nothing while it does.

    :param journal: what systemd says of the unit since the container was started.
    """
    try:
        state = json.loads(inspected)[0]["State"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    if not isinstance(state, dict):
        return ""
    if state.get("OOMKilled"):
        return "was killed because its memory ran out (stack_memory)"
    if state.get("Status") not in ("exited", "dead"):
        return ""
    if GAVE_UP in journal:
        return f"did not get ready within {start_timeout} s (stack_start_timeout)"
    return f"ended with status {state.get('ExitCode')}" + (f": {state['Error']}" if state.get("Error") else "")
