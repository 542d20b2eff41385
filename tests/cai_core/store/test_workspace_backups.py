"""A workspace in one archive: whole, checked, and never written over anything."""

import shutil
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cai_core.errors import WorkspaceError
from cai_core.store import models, workspace_backups
from cai_core.store.disk import disk_use
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.store.workspace_backups import back_up, check, restore
from db.schema import ModelRow, RunRow


@pytest.fixture
def used(opened: Workspace, tmp_path: Path) -> Workspace:
    """A run with an adapter, a checkpoint and a log; a model elsewhere, and one whose files are gone."""
    with opened.writing() as session:
        run = RunRow(uid="abcdefgh", kind="sft", config={}, seed=0, code_revision="", state="done")
        session.add(run)
        session.flush()
        own = Path("adapters") / f"run-{run.id}-abcdefgh"
        models.add(session, name="mine", base="sandbox", adapter=str(own / "snapshots" / "step-3"), run_id=run.id)
        models.add(session, name="elsewhere", base="sandbox", adapter=str(tmp_path / "far"))
        models.add(session, name="gone", base="sandbox", adapter="adapters/gone")
    for name in ("snapshots/step-3/weights", "snapshots/step-3/card", "checkpoints/checkpoint-2/state"):
        (opened.folder / own / name).parent.mkdir(parents=True, exist_ok=True)
        (opened.folder / own / name).write_text(name * 100)
    (opened.folder / "logs" / f"run-{run.id}.log").write_text("log")
    return opened


def test_an_archive_made_while_in_use_is_the_workspace_again(used: Workspace, tmp_path: Path) -> None:
    with used.reading() as reader, used.writing() as writer:
        assert reader.scalar(select(ModelRow.id).where(ModelRow.name == "mine"))
        writer.add(RunRow(uid="later", kind="sft", config={}, seed=0, code_revision=""))
        writer.flush()
        done = back_up(used.folder, tmp_path / "all.tar")
    assert done.files == 2
    assert "elsewhere" in " ".join(done.left_out)
    assert "gone" in " ".join(done.left_out)
    restore(tmp_path / "all.tar", tmp_path / "new")
    again = open_workspace(tmp_path / "new")
    with again.reading() as session:
        row = models.get(session, "mine")
        assert list(session.scalars(select(RunRow.uid))) == ["abcdefgh"]
    assert row.adapter is not None
    assert sorted(path.name for path in (again.folder / row.adapter).iterdir()) == ["card", "weights"]
    assert not list(again.folder.rglob("checkpoint-2"))


def test_archives_made_while_somebody_writes_all_the_time_are_each_whole(used: Workspace, tmp_path: Path) -> None:
    """A writer commits two rows at a time; no archive holds half of a commit, and none holds less than an earlier."""
    done, written = threading.Event(), threading.Semaphore(0)

    def write() -> None:
        number = 0
        while not done.is_set():
            with used.writing() as session:
                session.add_all(
                    RunRow(uid=f"{side}{number}", kind="sft", config={}, seed=0, code_revision="") for side in "ab"
                )
            number += 1
            written.release()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            written.acquire()
            back_up(used.folder, tmp_path / f"{number}.tar")
    finally:
        done.set()
        writer.join()
    found = []
    for number in range(3):
        restore(tmp_path / f"{number}.tar", tmp_path / str(number))
        with open_workspace(tmp_path / str(number)).reading() as session:
            uids = set(session.scalars(select(RunRow.uid))) - {"abcdefgh"}
        assert {uid[1:] for uid in uids if uid[0] == "a"} == {uid[1:] for uid in uids if uid[0] == "b"}
        found.append(len(uids))
    assert 0 < found[0] <= found[1] <= found[2]


def test_nothing_is_written_over(used: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "all.tar"
    back_up(used.folder, out)
    with pytest.raises(WorkspaceError, match="exists and is not written over"):
        back_up(used.folder, out)
    with pytest.raises(WorkspaceError, match="not empty"):
        restore(out, used.folder)


@pytest.mark.parametrize("harm", ["cut", "changed", "no manifest", "no archive", "climbs out"])
def test_a_damaged_archive_is_refused_and_leaves_nothing(used: Workspace, tmp_path: Path, harm: str) -> None:
    out, bad = tmp_path / "all.tar", tmp_path / "bad.tar"
    back_up(used.folder, out)
    content = out.read_bytes()
    if harm == "cut":
        bad.write_bytes(content[: len(content) // 2])
    elif harm == "changed":
        bad.write_bytes(content.replace(b"snapshots/step-3/weightssnapshots", b"snapshots/step-3/weightsSNAPSHOTS"))
    elif harm == "no archive":
        bad.write_bytes(b"hello")
    else:
        with tarfile.open(bad, "w") as archive:
            (tmp_path / "x").write_text(
                '{"format": "cai-workspace/1", "files": {"../x": "0"}}' if harm == "climbs out" else "{}"
            )
            archive.add(tmp_path / "x", "manifest.json")
    with pytest.raises(WorkspaceError, match="cannot be used as a backup"):
        restore(bad, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "new.part").exists()


@pytest.mark.parametrize("place", ["_write", "check", "copy_database"])
def test_a_full_disk_leaves_no_archive(
    used: Workspace, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workspace_backups, place, full)
    with pytest.raises(WorkspaceError, match="No space left on device"):
        back_up(used.folder, tmp_path / "out" / "all.tar")
    assert list((tmp_path / "out").iterdir()) == []


def test_disk_use_is_told_by_kind_run_and_table(used: Workspace) -> None:
    found = disk_use(used)
    run = found.runs[0]
    assert (run.kind, run.bytes["checkpoints"]) == ("sft", len("checkpoints/checkpoint-2/state") * 100)
    assert (
        run.bytes["adapters"] == found.kinds["adapters"] == 100 * len("snapshots/step-3/weightssnapshots/step-3/card")
    )
    assert found.total == sum(found.kinds.values())
    assert found.kinds["database"] > 0 < found.free
    if found.tables is not None:
        assert {"prompts", "prompt_search"} <= set(found.tables)
        assert sum(found.tables.values()) <= found.kinds["database"]
    shutil.rmtree(used.folder / "adapters")
    assert disk_use(used).kinds["adapters"] == 0


def test_what_check_reads_is_what_was_written(used: Workspace, tmp_path: Path) -> None:
    back_up(used.folder, tmp_path / "all.tar")
    assert len(check(tmp_path / "all.tar")["files"]) == 3
