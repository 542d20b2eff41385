"""Chains go out with the exact inputs of their calls, and come in with them."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from cai_core.errors import DataFileError
from cai_core.interchange.rows import Export, read_rows
from cai_core.runs.chain_inputs import DIFFERS, FROM_A_FILE, export_with_inputs
from cai_core.store.chain_exports import export_chains
from cai_core.store.chain_files import import_chains
from cai_core.store.workspace import Workspace
from cai_core.types import input_hash
from db.queries.chain_filter import ChainFilter
from db.queries.chains import told_inputs
from db.schema import ModelRow
from db.schema_chains import ChainRow, InputRow
from tests.cai_core.runs.helpers import add_scripted, finished
from tests.chain_files import as_lines, full
from tests.workspaces import fresh

ALL = ChainFilter()
NAMES = {"sent": "input", "critique_sent": "critique_input", "revision_sent": "revision_input"}


@pytest.fixture
def made(opened: Workspace) -> Workspace:
    """A chain with revisions, and the two plain samples of a helpful prompt."""
    add_scripted(opened)
    finished(opened, red_team_prompts=1, helpful_prompts=1, look_alike_prompts=0)
    return opened


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def calls_of(line: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Hash and input of every call of a chain, taking both out of the line."""
    calls = []
    for part in (line, *line["rounds"]):
        calls += [(part[name], part.pop(there, None)) for name, there in NAMES.items() if part.get(name)]
    return calls


def with_inputs(workspace: Workspace, path: Path, wanted: ChainFilter = ALL) -> Export:
    return export_with_inputs(workspace, path, wanted)


def test_every_call_has_its_input_and_nothing_else_changes(made: Workspace, tmp_path: Path) -> None:
    export = with_inputs(made, tmp_path / "inputs.jsonl")
    export_chains(made, tmp_path / "plain.jsonl", ALL)
    lines = lines_of(tmp_path / "inputs.jsonl")
    calls = [call for line in lines for call in calls_of(line)]
    assert export.lost == ()
    assert len(calls) == len(lines) + sum(2 * len(line["rounds"]) for line in lines) > 6
    assert all(text is not None and input_hash(text) == sent for sent, text in calls)
    assert any("Critique Request: " in (text or "") for _, text in calls)
    assert lines == lines_of(tmp_path / "plain.jsonl")


def test_it_is_read_kept_shown_and_written_again(made: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    with_inputs(made, path)
    other = fresh(tmp_path / "other")
    assert import_chains(other, read_rows(path)).accepted == 3
    export_chains(other, tmp_path / "two.jsonl", ALL)
    assert (tmp_path / "two.jsonl").read_bytes() == path.read_bytes()
    assert with_inputs(other, tmp_path / "three.jsonl").lost == ()
    assert (tmp_path / "three.jsonl").read_bytes() == path.read_bytes()
    with other.reading() as session:
        for line in lines_of(path):
            chain = session.scalars(select(ChainRow).where(ChainRow.uid == line["uid"])).one()
            told = told_inputs(session, chain.id)
            assert [(one.sent, one.text) for one in told] == calls_of(line)
            assert [one.round for one in told] == [0, *(n for n in range(1, len(line["rounds"]) + 1) for _ in "cr")]
    with made.reading() as session:
        assert session.scalar(select(func.count()).select_from(InputRow)) == 0, "those made here are built again"
    other.close()


def test_what_is_not_sure_stays_out_and_is_said(made: Workspace, tmp_path: Path) -> None:
    with made.writing() as session:
        session.execute(update(ChainRow).where(ChainRow.id == 1).values(sent="0" * 16))
    import_chains(made, read_rows(as_lines([full()]), name="theirs.jsonl"))
    export = with_inputs(made, tmp_path / "a.jsonl")
    assert export.rows == 4
    assert sorted(export.lost) == sorted(
        [f"the exact input of 1 calls: {DIFFERS}", f"the exact input of 4 calls: {FROM_A_FILE}"]
    )
    told = {line["run"]["uid"]: [text for _, text in calls_of(line)] for line in lines_of(tmp_path / "a.jsonl")}
    assert told[full().run.uid] == [None] * 4


def test_a_model_that_is_gone_is_said(made: Workspace, tmp_path: Path) -> None:
    with made.writing() as session:
        session.execute(update(ModelRow).where(ModelRow.name == "scripted").values(name="renamed"))
    (lost,) = with_inputs(made, tmp_path / "a.jsonl").lost
    assert "there is no model 'scripted'" in lost
    assert all(text is None for line in lines_of(tmp_path / "a.jsonl") for _, text in calls_of(line))


def test_other_formats_have_no_place_for_them(made: Workspace, tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="only cai-chain holds them"):
        export_with_inputs(made, tmp_path / "a.jsonl", ALL, format="preference")
    assert list(tmp_path.glob("*.jsonl")) == []
