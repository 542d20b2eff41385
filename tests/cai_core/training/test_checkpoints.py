import json
from pathlib import Path

import pytest

from cai_core.training.checkpoints import (
    NEEDED,
    checkpoint_folder,
    checkpoints_folder,
    load_result,
    mark_complete,
    newest_checkpoint,
    save_result,
    save_snapshot,
    snapshots,
)


def write_checkpoint(folder: Path, step: int) -> Path:
    checkpoint = checkpoint_folder(checkpoints_folder(folder), step)
    checkpoint.mkdir(parents=True)
    for name in NEEDED:
        (checkpoint / name).write_text(json.dumps({"global_step": step}))
    mark_complete(checkpoint)
    return checkpoint


def test_the_newest_is_by_number(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path) is None
    write_checkpoint(tmp_path, 5)
    hundred = write_checkpoint(tmp_path, 100)
    write_checkpoint(tmp_path, 20)
    assert newest_checkpoint(tmp_path) == hundred


@pytest.mark.parametrize("missing", [*NEEDED, "complete"])
def test_one_cut_short_is_passed_over_and_removed(tmp_path: Path, missing: str) -> None:
    whole = write_checkpoint(tmp_path, 10)
    broken = write_checkpoint(tmp_path, 20)
    (broken / missing).unlink()
    assert newest_checkpoint(tmp_path) == whole
    assert not broken.exists()


@pytest.mark.parametrize("text", ["", '{"global_st', "[]", '{"global_step": 7}', "{}"])
def test_a_state_that_is_not_its_own_is_passed_over(tmp_path: Path, text: str) -> None:
    broken = write_checkpoint(tmp_path, 20)
    (broken / "trainer_state.json").write_text(text)
    assert newest_checkpoint(tmp_path) is None
    assert not broken.exists()


class Model:
    """Saves a file; dies before the second."""

    def __init__(self, dies: bool = False) -> None:
        self._dies = dies

    def save_pretrained(self, folder: Path, **_: object) -> None:
        folder.mkdir(parents=True)
        (folder / "config").touch()
        if self._dies:
            raise OSError("disk full")
        (folder / "weights").touch()


def test_a_snapshot_is_whole_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk full"):
        save_snapshot(Model(dies=True), tmp_path, 3)
    assert snapshots(tmp_path) == ()
    for step in (20, 3, 3):
        save_snapshot(Model(), tmp_path, step)
    assert [snapshot.step for snapshot in snapshots(tmp_path)] == [3, 20]
    assert (snapshots(tmp_path)[0].folder / "weights").exists()


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert load_result(tmp_path) is None
    save_snapshot(Model(), tmp_path, 3)
    written = save_result(tmp_path, {"trained": 4, "left_out": {"too_long": 1}})
    assert load_result(tmp_path) == written
    assert not written.stopped
