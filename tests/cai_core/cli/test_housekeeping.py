"""`storage`, `db backup --full`, `db restore --full`, and what deletes runs, models and datasets."""

import json
from pathlib import Path
from typing import Any

import pytest

from cai_core.store import models
from cai_core.store.workspace import Workspace
from db.schema import RunParentRow, RunRow
from db.schema_chains import DatasetRow
from tests.cai_core.cli.conftest import Call


def as_json(printed: tuple[str, str]) -> Any:
    return json.loads(printed[0])


@pytest.fixture
def two(opened: Workspace) -> Workspace:
    """A run that another reads from, a model of the first, and a dataset."""
    with opened.writing() as session:
        for uid in ("first", "second"):
            session.add(RunRow(uid=uid, kind="sft", config={}, seed=0, code_revision="", state="done"))
        session.flush()
        session.add(RunParentRow(run_id=2, parent_id=1))
        models.add(session, name="tuned", base="sandbox", adapter="adapters/x", run_id=1)
        session.add(DatasetRow(uid="d", name="frozen", recipe={}, counts={}, hash=""))
    (opened.folder / "logs" / "run-1.log").write_text("log")
    return opened


def test_a_run_goes_with_its_dependents_only_if_told(two: Workspace, call: Call) -> None:
    dry = as_json(call("runs", "delete", "1", "--dry-run", "--json"))
    assert [one["id"] for one in dry["dependents"]] == [2]
    assert (dry["models"], dry["removed"]) == (["tuned"], False)
    assert "run 2 (reads from run 1)" in call("runs", "delete", "1", code=2)[1]
    assert "run 2 (reads from run 1)" not in call("runs", "list")[0]
    assert as_json(call("runs", "delete", "1", "--with-dependents", "--json"))["rows"] == {"runs": 2, "models": 1}
    assert as_json(call("runs", "list", "--json")) == []


def test_models_and_datasets_go_by_name(two: Workspace, call: Call) -> None:
    assert "is removed: 1 datasets" in call("datasets", "delete", "frozen")[0]
    assert "no dataset 'frozen'" in call("datasets", "delete", "frozen", code=2)[1]
    assert "may take model 'tuned' from run 1" in call("models", "delete", "tuned", code=2)[1]
    call("runs", "delete", "2")
    assert "is removed: 1 models" in call("models", "delete", "tuned")[0]


def test_storage_and_a_backup_there_and_back(two: Workspace, call: Call, tmp_path: Path) -> None:
    found = as_json(call("storage", "--json"))
    assert (found["runs"][0]["run"], found["runs"][0]["total"]) == (1, 3)
    assert "database" in call("storage")[0]
    out = tmp_path / "all.tar"
    assert as_json(call("db", "backup", "--full", str(out), "--json"))["files"] == 0
    assert "exists and is not written over" in call("db", "backup", "--full", str(out), code=2)[1]
    call("db", "restore", "--full", str(out), "-w", str(tmp_path / "new"))
    assert len(as_json(call("runs", "list", "-w", str(tmp_path / "new"), "--json"))) == 2
