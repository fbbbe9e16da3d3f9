"""A new inventory: what is written, what is refused before anything is written, and what is asked at a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from mcp_aws import new
from mcp_aws.cli.main import main
from mcp_aws.errors import BadInput

SAID = {"name": "acme", "region": "us-east-1", "ranges": ["192.0.2.10", "2001:db8::/48"]}


def test_it_is_production_with_what_was_said(tmp_path: Path) -> None:
    files = new.write(tmp_path / "acme", **SAID)  # type: ignore[arg-type]
    assert {path.relative_to(tmp_path / "acme") for path in files} == {
        path.relative_to(new.SAMPLE) for path in new.SAMPLE.rglob("*.yml")
    }
    settings = yaml.safe_load((tmp_path / "acme/group_vars/all/main.yml").read_text())
    listing = yaml.safe_load((tmp_path / "acme/aws_ec2.yml").read_text())
    assert (settings["mcp_name"], settings["mcp_region"]) == ("acme", "us-east-1")
    assert settings["network_admin_cidrs"] == ["192.0.2.10/32", "2001:db8::/48"]
    assert (listing["regions"], listing["filters"]["tag:mcp:name"]) == (["us-east-1"], "acme")
    same = yaml.safe_load((new.SAMPLE / "group_vars/all/main.yml").read_text())
    assert {name for name in settings if settings[name] != same.get(name)} == {
        *("mcp_name", "mcp_region", "network_admin_cidrs")
    }


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "Acme"}, "`Acme` cannot name a deployment"),
        ({"name": "a" * 33}, "1 to 32"),
        ({"name": "acme-"}, "not ending with a hyphen"),
        ({"name": "a--b"}, "single hyphens"),
        ({"name": "internal-acme"}, "keeps for itself"),
        ({"name": "../acme"}, "cannot name a deployment"),
        ({"name": "acme\n"}, "cannot name a deployment"),
        ({"region": "europe"}, "`europe` is no region"),
        ({"region": ""}, "is no region"),
        ({"ranges": []}, "Nobody could log in"),
        ({"ranges": ["0.0.0.0/0"]}, "the whole world"),
        ({"ranges": ["::/0"]}, "the whole world"),
        ({"ranges": ["192.0.2.1/24"]}, "has host bits set"),
        ({"ranges": ["me"]}, "`me` is no address and no range"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path: Path, wrong: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        new.write(tmp_path / "acme", **(SAID | wrong))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "acme" / "mine.yml"
    mine.parent.mkdir()
    mine.write_text("mine\n")
    with pytest.raises(BadInput, match="exists already"):
        new.write(tmp_path / "acme", **SAID)  # type: ignore[arg-type]
    assert [path.name for path in mine.parent.iterdir()] == ["mine.yml"]


def test_a_half_that_could_not_be_written_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.write_text

    def full(path: Path, text: str, *_: object, **__: object) -> int:
        if path.name == "main.yml":
            raise OSError(28, "No space left on device")
        return real(path, text)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        new.write(tmp_path / "acme", **SAID)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "acme", "--region", "us-east-1", "--admin", "192.0.2.10", "--admin", "192.0.2.11"]) == 0
    assert "plan -i inventory/acme" in capsys.readouterr().out
    settings = yaml.safe_load(Path("inventory/acme/group_vars/all/main.yml").read_text())
    assert settings["network_admin_cidrs"] == ["192.0.2.10/32", "192.0.2.11/32"]


def test_at_a_terminal_it_asks_until_the_answer_can_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    answers = iter(["mars", "us-east-1", "", "192.0.2.10, 192.0.2.11"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    assert main(["new", "acme"]) == 0
    complaints = capsys.readouterr().err
    assert "`mars` is no region" in complaints
    assert "Nobody could log in" in complaints
    assert next(answers, None) is None


def test_without_a_terminal_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "acme", "--region", "us-east-1"]) == 3
    assert "--admin is missing" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
