"""The payload cache: another name after any change that matters, and a link that a run can fill."""

import base64
import io
import os
import pickle
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.mcp.aws.plugins.callback.payload_cache import (
    compile_payloads,
    compiled,
    key,
    share,
    sources,
)


@dataclass
class Payload:
    """As Ansible keeps one."""

    zip_data: bytes
    metadata: str


def archive(files: dict[str, str | bytes]) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as target:
        for name, text in files.items():
            target.writestr(name, text)
    return output.getvalue()


def contents(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        return {name: source.read(name) for name in source.namelist()}


def collections(root: Path) -> list[str]:
    installed = root / "ansible_collections/amazon/aws"
    checkout = root / "ansible_collections/mcp/aws/plugins/modules"
    for folder in (installed / "plugins/modules", checkout):
        folder.mkdir(parents=True)
        (folder / "one.py").write_text("")
    (installed / "MANIFEST.json").write_text("{}")
    return [str(root)]


def test_installed_collections_count_by_manifest_and_checkouts_by_plugin(tmp_path: Path) -> None:
    found = [str(path.relative_to(tmp_path / "ansible_collections")) for path in sources(collections(tmp_path))]
    assert found == ["amazon/aws/MANIFEST.json", "mcp/aws/plugins/modules/one.py"]


def test_key_changes_with_version_and_with_any_source(tmp_path: Path) -> None:
    files = sources(collections(tmp_path))
    first = key("2.19.14", files)
    assert key("2.19.14", files) == first
    assert key("2.20.0", files) != first
    os.utime(files[1], ns=(1, 1))
    assert key("2.19.14", files) != first


def test_run_fills_the_lasting_folder_and_unused_ones_go(tmp_path: Path) -> None:
    cache, old = tmp_path / "cache", tmp_path / "cache/old"
    old.mkdir(parents=True)
    (old / "used").touch()
    month_ago = time.time() - 31 * 86400
    os.utime(old / "used", (month_ago, month_ago))
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        share(tmp_path / run, cache, "now")
    (tmp_path / "first/ansiballz_cache/payload").write_text("packed")
    assert (tmp_path / "second/ansiballz_cache/payload").read_text() == "packed"
    assert not old.exists()


@pytest.mark.parametrize(
    ("magic", "says"), [(None, "compiled"), (b"\x00\x00\r\n", "source")], ids=["same Python", "another Python"]
)
def test_a_compiled_program_is_run_by_the_same_python_and_its_source_by_another(
    tmp_path: Path, magic: bytes | None, says: str
) -> None:
    files = contents(compiled(archive({"pack/__init__.py": "", "pack/one.py": "print('compiled')"})))
    assert set(files) == {"pack/__init__.py", "pack/__init__.pyc", "pack/one.py", "pack/one.pyc"}
    code = files["pack/one.pyc"]
    files |= {"pack/one.py": b"print('source')", "pack/one.pyc": (magic or code[:4]) + code[4:]}
    (tmp_path / "payload.zip").write_bytes(archive(dict(files)))
    done = subprocess.run(
        [sys.executable, "-c", "import pack.one"],
        env={"PYTHONPATH": str(tmp_path / "payload.zip")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == says


def test_payloads_are_compiled_once_and_stay_payloads(tmp_path: Path) -> None:
    path = tmp_path / "ansible.modules.command-ZIP_DEFLATED-none"
    path.write_bytes(pickle.dumps(Payload(base64.b64encode(archive({"one.py": "1", "data": "2"})), "kept")))
    (tmp_path / f"{path.name}.lock").touch()
    compile_payloads(tmp_path)
    payload = pickle.loads(path.read_bytes())  # noqa: S301
    assert payload.metadata == "kept"
    assert set(contents(base64.b64decode(payload.zip_data))) == {"one.py", "one.pyc", "data"}
    before = path.stat().st_mtime_ns
    compile_payloads(tmp_path)
    assert path.stat().st_mtime_ns == before
    assert {each.name.removeprefix(path.name) for each in tmp_path.iterdir()} == {"", ".lock", ".compiled"}
