"""Removal: what needs a thing is named, all of it goes or none, and a kill leaves no half."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cai_core.errors import CAIError, RunError
from cai_core.store import leftovers, models, prompts, removal
from cai_core.store.removal import Thing
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import Prompt, PromptKind, Split, prompt_uid, user
from db import search
from db.base import Base
from db.schema import ModelRow, RunRow
from db.schema_authoring import PersonRow
from db.schema_chains import ChainRow, DatasetExampleRow, DatasetRow, InputRow, ReviewRow
from tests.app.seed import seeded

CHAINS, SFT, COMPARISONS, LABELS, PM, RL, BATTLES = range(1, 8)
"""The seeded runs."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished loop with files of its runs."""
    folder = tmp_path_factory.mktemp("seeded") / "workspace"
    workspace = seeded(folder, rows=5)
    with workspace.writing() as session:
        for run in session.scalars(select(RunRow)):
            snapshot = Path("adapters") / f"run-{run.id}-{run.uid[:8]}" / "snapshots" / "step-1"
            (folder / snapshot).mkdir(parents=True)
            (folder / snapshot / "adapter_model.safetensors").write_text("weights")
            (folder / "logs" / f"run-{run.id}.log").write_text("log")
            for model in models.of_run(session, run.id, final_only=False):
                model.adapter = str(snapshot)
        chain = session.scalars(select(ChainRow)).first()
        assert chain is not None
        person = PersonRow(key="ada", name="Ada")
        session.add(person)
        session.flush()
        session.add(ReviewRow(chain_id=chain.id, person_id=person.id, name="Ada", verdict="accept"))
        dataset = DatasetRow(uid="d", name="frozen", recipe={}, counts={}, hash="h")
        session.add(dataset)
        session.flush()
        session.add(DatasetExampleRow(dataset_id=dataset.id, position=0, chain_id=chain.id, round=1))
    workspace.close()
    return folder


@pytest.fixture
def loop(folder: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(folder, tmp_path / "copy")
    return open_workspace(tmp_path / "copy")


def contents(workspace: Workspace) -> dict[str, int]:
    """Rows by table, and files."""
    with workspace.reading() as session:
        rows = {t.name: session.scalar(select(func.count()).select_from(t)) or 0 for t in Base.metadata.sorted_tables}
        plants = search.matching(search.Index.CHAINS, "plant water")
        assert plants is not None
        rows["searchable chains"] = len(session.scalars(plants).all())
    files = [path for part in ("adapters", "logs", leftovers.ASIDE) for path in (workspace.folder / part).rglob("*")]
    return {**rows, "files": sum(path.is_file() for path in files)}


def plan(workspace: Workspace, kind: str, name: str) -> removal.Plan:
    with workspace.reading() as session:
        return removal.plan(session, removal.find(session, kind, name))


def test_a_run_that_nothing_needs_goes_whole(loop: Workspace) -> None:
    before = contents(loop)
    found = removal.remove(loop, Thing("run", BATTLES))
    after = contents(loop)
    assert (found.needs, found.running) == ((), ())
    assert found.rows["battles"] == before["battles"] > 0 == after["battles"] == after["responses"]
    assert after["runs"] == before["runs"] - 1
    assert after["files"] == before["files"] - 2
    assert not (loop.folder / leftovers.ASIDE / "x").exists()


def test_what_needs_a_run_is_named_and_it_is_refused(loop: Workspace) -> None:
    before, found = contents(loop), plan(loop, "run", str(CHAINS))
    assert {str(need.thing) for need in found.needs} == {*(f"run {n}" for n in range(2, 8)), "dataset 1"}
    assert (found.rows["reviews"], found.rows["datasets"]) == (1, 1)
    with pytest.raises(RunError, match=r"needed, so it is not removed: .*run 2 \(reads from run 1\)"):
        removal.remove(loop, Thing("run", CHAINS))
    with pytest.raises(RunError, match="dataset 1"):
        removal.remove(loop, Thing("run", CHAINS), [need.thing for need in found.needs if need.thing.kind == "run"])
    assert contents(loop) == before


def test_all_that_needs_it_goes_along_where_it_is_named(loop: Workspace) -> None:
    with loop.writing() as session:
        session.add(InputRow(chain_id=1, position=0, text="as it was sent"))
    found = plan(loop, "run", str(CHAINS))
    removal.remove(loop, Thing("run", CHAINS), found.things)
    after = contents(loop)
    gone = ("runs", "chains", "revisions", "inputs", "reviews", "comparisons", "labels", "label_orders", "battles",
            "rollouts", "metrics", "datasets", "dataset_examples", "run_parents", "searchable chains",
            "files")  # fmt: skip
    assert {name: after[name] for name in gone} == dict.fromkeys(gone, 0)
    with loop.reading() as session:
        assert list(session.scalars(select(ModelRow.name))) == ["sandbox"]
        assert session.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert search.count(session, search.Index.CHAINS) == 0


def test_a_model_is_needed_by_runs_that_name_it_or_hold_its_answers(loop: Workspace) -> None:
    found = plan(loop, "model", "sl-cai-2")
    whys = {need.thing.id: need.why for need in found.needs}
    assert whys[COMPARISONS] == "holds answers of model 'sl-cai-2'"
    assert "run 2" not in {str(need.thing) for need in found.needs}
    with pytest.raises(RunError, match="needed"):
        removal.remove(loop, found.target)


def test_a_model_that_nothing_needs_goes_with_its_folder_only_inside_the_workspace(
    loop: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (loop.folder / "adapters" / "mine").mkdir()
    with loop.writing() as session:
        models.add(session, name="outside", base="sandbox", adapter=str(tmp_path / "outside"))
        models.add(session, name="inside", base="sandbox", adapter="adapters/mine")
    for name in ("outside", "inside"):
        removal.remove(loop, plan(loop, "model", name).target)
    assert (tmp_path / "outside").is_dir()
    assert not (loop.folder / "adapters" / "mine").exists()


def test_a_dataset_goes_and_its_chains_stay(loop: Workspace) -> None:
    before = contents(loop)
    removal.remove(loop, plan(loop, "dataset", "frozen").target)
    after = contents(loop)
    assert (after["datasets"], after["dataset_examples"], after["chains"]) == (0, 0, before["chains"])


def test_a_run_at_work_is_never_removed(loop: Workspace) -> None:
    with loop.writing() as session:
        session.get_one(RunRow, BATTLES).state = "running"
    found = plan(loop, "run", str(SFT))
    assert found.running == (BATTLES,)
    with pytest.raises(RunError, match="run 7 is at work"):
        removal.remove(loop, found.target, found.things)


def test_prompts_that_a_run_wrote_go_with_it_unless_another_uses_them(loop: Workspace) -> None:
    turns = (user("zyxwv"),)
    with loop.writing() as session:
        run = RunRow(uid="writer", kind="prompts", config={}, seed=0, code_revision="", state="done")
        session.add(run)
        session.flush()
        writer = run.id
        made = Prompt(prompt_uid(turns), turns, PromptKind.HELPFUL, Split.TRAIN, "mine")
        prompts.add(session, [made], run_id=writer)
    found = plan(loop, "run", str(writer))
    assert (found.needs, found.rows["prompts"]) == ((), 1)
    removal.remove(loop, found.target)
    with loop.reading() as session:
        assert prompts.ids_by_uid(session, [made.uid]) == {}
        matching = search.matching(search.Index.PROMPTS, "zyxwv")
        assert matching is not None
        assert list(session.scalars(matching)) == []


@pytest.mark.parametrize(("kind", "name"), [("run", "99"), ("model", "nobody"), ("dataset", "9" * 30)])
def test_what_is_not_there_is_said(loop: Workspace, kind: str, name: str) -> None:
    with pytest.raises(CAIError, match=f"no {kind}"):
        plan(loop, kind, name)


def killed(folder: Path, module: Any, name: str, when: Callable[[int], bool]) -> None:
    """Remove the battles run in a process that dies at a call of `module.name`, as `kill -9` would end it."""
    pid = os.fork()
    if pid == 0:
        call, times = getattr(module, name), [0]

        def dying(*args: Any, **more: Any) -> Any:
            times[0] += 1
            if when(times[0]):
                os._exit(9)
            return call(*args, **more)

        setattr(module, name, dying)
        removal.remove(open_workspace(folder), Thing("run", BATTLES))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9


@pytest.mark.parametrize(
    ("module", "name", "at", "gone"),
    [
        (leftovers, "set_aside", 1, False),
        (leftovers, "_move", 1, False),
        (leftovers, "_move", 2, False),
        (leftovers, "discard", 1, True),
        (leftovers.shutil, "rmtree", 1, True),
        (leftovers.shutil, "rmtree", 2, True),
    ],
)
def test_a_kill_leaves_all_or_nothing(loop: Workspace, module: Any, name: str, at: int, gone: bool) -> None:
    before = contents(loop)
    loop.close()
    killed(loop.folder, module, name, lambda times: times == at)
    after = contents(open_workspace(loop.folder))
    assert after["runs"] == before["runs"] - gone
    assert after["files"] == before["files"] - 2 * gone
    assert not list((loop.folder / leftovers.ASIDE).glob("*"))
    assert (loop.folder / "logs" / "run-7.log").exists() is not gone


def test_files_that_cannot_be_moved_stop_the_removal(loop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(loop)
    move, times = leftovers._move, [0]

    def full(folder: Path, one: Any) -> Path:
        times[0] += 1
        if times[0] == 2:
            raise OSError(28, "No space left on device", str(folder))
        return move(folder, one)

    monkeypatch.setattr(leftovers, "_move", full)
    with pytest.raises(CAIError, match=r"No space left on device. Nothing was removed"):
        removal.remove(loop, Thing("run", BATTLES))
    assert contents(loop) == before
