"""The payload cache: another name after any change that matters, and a link that a run can fill."""

import os
import time
from pathlib import Path

from ansible_collections.mcp.aws.plugins.callback.payload_cache import key, share, sources


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
