"""`import prompts` and `export prompts`: what they print, and that a dry run leaves a workspace as it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from cai_core.store.workspace import Workspace
from tests.cai_core.cli.conftest import Call


def as_json(printed: tuple[str, str]) -> Any:
    return json.loads(printed[0])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(
        'prompt,type,label\n"Kill, a process?",homonyms,safe\nKill him?,contrast_homonyms,unsafe\n,x,safe\n'
    )
    return path


def test_a_dry_run_reports_what_the_import_then_does(opened: Workspace, file: Path, call: Call) -> None:
    dry = as_json(call("import", "prompts", str(file), "--dry-run", "--json"))
    assert dry.pop("dry_run") is True
    found = as_json(call("import", "prompts", str(file), "--json"))
    assert found.pop("dry_run") is False
    assert found == dry
    assert (found["accepted"], found["duplicates"], found["near_duplicates"]) == (2, 0, 0)
    assert [one["row"] for one in found["refused"]] == [4]
    assert found["format"] == "xstest"
    assert "Would be accepted: 0; duplicates: 2;" in call("import", "prompts", str(file), "--dry-run")[0]


def test_a_dry_run_makes_no_workspace(workspace: Path, file: Path, call: Call) -> None:
    assert "no workspace" in call("import", "prompts", str(file), "--dry-run", code=2)[1]
    assert not workspace.exists()


def test_kinds_of_the_file_topics_and_splits_come_out_again(
    opened: Workspace, file: Path, tmp_path: Path, call: Call
) -> None:
    call("import", "prompts", str(file), "--set", "safe", "--split", "test")
    out = tmp_path / "out.jsonl"
    found = as_json(call("export", "prompts", str(out), "--set", "safe", "--json"))
    assert found == {"file": str(out), "rows": 2, "left_out": [], "left_out_count": 0, "lost": []}
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["kind"], row["split"], row["topic"]) for row in rows] == [
        ("look_alike", "test", "homonyms"),
        ("red_team", "test", "contrast_homonyms"),
    ]
    said, _ = call("export", "prompts", str(out), "--kind", "look_alike", "--format", "prompt-only")
    assert "not in the file: topic" in said


def test_what_a_file_says_is_printed_as_it_is(opened: Workspace, tmp_path: Path, call: Call) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"prompt": "x", "kind": "[red]bold[/red]"}\n{"prompt": "y", "kind": "helpful"}\n')
    assert "[red]bold[/red]" in call("import", "prompts", str(path), "--format", "prompts")[0]
