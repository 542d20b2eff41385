"""How the browser tests come by a Chromium."""

import os
from pathlib import Path

import pytest

from tests import chromium


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH of a machine with no Chromium; the folder itself."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CAI_STUDIO_CHROMIUM", raising=False)
    monkeypatch.setattr(chromium, "MAC_PATHS", ())
    monkeypatch.setattr(chromium, "_downloaded", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    return tmp_path


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_one_that_is_there_is_taken_silently(bare_machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = program(bare_machine / "chromium", "")
    assert chromium.executable() == str(there)
    assert chromium.main() == 0
    assert capsys.readouterr() == ("", "")


def test_a_named_one_comes_first(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare_machine / "chromium", "")
    monkeypatch.setenv("CAI_STUDIO_CHROMIUM", "/opt/mine")
    assert chromium.executable() == "/opt/mine"


def test_the_package_manager_installs_one(bare_machine: Path) -> None:
    target = bare_machine / "chromium"
    program(bare_machine / "apt-get", f"case $1 in install) echo > {target}; /bin/chmod +x {target};; esac")
    assert chromium.main() == 0
    assert chromium.executable() == str(target)


def test_without_a_package_manager_playwright_downloads_one(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bare_machine / "apt-get", "exit 100")
    asked: list[tuple[str, ...]] = []
    run = chromium._run

    def watched(*command: str, limit: int) -> bool:
        asked.append(command)
        return "playwright" not in command and run(*command, limit=limit)

    monkeypatch.setattr(chromium, "_run", watched)
    assert chromium.main() == 1
    assert [words[0] for words in asked[:2]] == ["apt-get", "apt-get"]
    assert asked[2][1:] == ("-m", "playwright", "install", "chromium")


def test_a_command_that_hangs_or_is_missing_is_given_up(bare_machine: Path) -> None:
    slow = program(bare_machine / "slow", "exec /bin/sleep 30")
    assert not chromium._run(str(slow), limit=1)
    assert not chromium._run(str(bare_machine / "none"), limit=1)
