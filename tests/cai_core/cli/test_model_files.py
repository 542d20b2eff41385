"""Models that commands add: by folder, under a name that stays theirs, or not at all."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cai_core.models import check
from cai_core.store.workspace import Workspace
from db.schema import ModelRow, RunRow
from tests.cai_core.cli.conftest import Call

CHAINS = ("run", "chains", "-c", "constitution=sandbox")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was given to the check, which is tested with the models."""
    found: list[Any] = []
    monkeypatch.setattr(check, "check_model", lambda ref, role="text": found.append((ref, role)) or {"parameters": 1})
    return found


def models(opened: Workspace) -> dict[str, str]:
    with opened.reading() as session:
        return {
            row.name: row.kind for row in session.scalars(select(ModelRow)) if row.name not in ("sandbox", "scripted")
        }


def test_a_relative_folder_is_added_and_found_again_by_its_whole_path(
    opened: Workspace, call: Call, idle: None, checked: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    for given in ("./mine", "mine", str(tmp_path / "mine")):
        call(*CHAINS, "--model", given)
    assert list(models(opened)) == [str(tmp_path / "mine")]
    assert len(checked) == 1
    with opened.reading() as session:
        assert {row.config["model"] for row in session.scalars(select(RunRow))} == {str(tmp_path / "mine")}


def test_a_run_that_is_refused_adds_no_model(
    opened: Workspace, call: Call, idle: None, checked: list[Any], tmp_path: Path
) -> None:
    _, said = call(*CHAINS, "--model", str(tmp_path), "-c", "rounds=0", code=2)
    assert "rounds = 0" in said
    assert models(opened) == {}


@pytest.mark.parametrize("name", ["sl-cai-12", "pm-3", "rl-cai-1@20"])
def test_names_that_runs_will_give_are_not_taken(opened: Workspace, call: Call, checked: list[Any], name: str) -> None:
    _, said = call("import", "model", "some/model", "--name", name, code=2)
    assert "Choose another" in said
    assert models(opened) == {}
    call("import", "model", "some/model", "--name", f"my-{name}")


def test_a_preference_model_is_added_as_one(opened: Workspace, call: Call, checked: list[Any], tmp_path: Path) -> None:
    adapter = tmp_path / "judge"
    out, _ = call("import", "model", "some/model", "--adapter", str(adapter), "--role", "preference")
    assert "preference_model=judge" in out
    assert models(opened) == {"judge": "preference"}
    [(ref, role)] = checked
    assert (ref.adapter, role) == (str(adapter), "preference")


def test_a_model_that_cannot_be_used_makes_no_workspace(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAI_STUDIO_HOME")
    call("import", "model", str(tmp_path), code=2)
    assert list(tmp_path.iterdir()) == []
