"""What training leaves on disk: checkpoints to resume from, snapshots to use, and the result once it is done.

    folder/checkpoints/checkpoint-N   trainer state, adapter, optimiser, random states; the newest two are kept
    folder/snapshots/step-N           an adapter alone, as `ModelRef.adapter` takes it
    folder/best/step-N                the adapters with the least held-out loss so far, where the best is to be kept
    folder/evaluations.json           [{"step", "loss"}, ...]: the held-out loss, measure by measure
    folder/result.json                written last: its being there means the stage is done

A trainer writes a checkpoint file by file, so one cut short by a kill looks like any other; ours gets a marker when
its last file is written, and those without are removed. Snapshots and results appear by a rename, whole or not at all.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cai_core.types import Snapshot, TrainingResult

MARKER = "complete"
NEEDED = (
    "adapter_model.safetensors",
    "adapter_config.json",
    "optimizer.pt",
    "scheduler.pt",
    "rng_state.pth",
    "trainer_state.json",
)
"""What a resume on one process reads; several processes save a random state each, named by rank."""
RESULT = "result.json"


def checkpoints_folder(folder: Path) -> Path:
    """Where a run's trainer writes its checkpoints."""
    return folder / "checkpoints"


def checkpoint_folder(checkpoints: Path, step: int) -> Path:
    """The trainer's own name for the checkpoint of a step."""
    return checkpoints / f"checkpoint-{step}"


def mark_complete(checkpoint: Path) -> None:
    """Say that every file of this checkpoint is written."""
    (checkpoint / MARKER).touch()


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint of a run, or None. Incomplete ones are removed."""
    complete: dict[int, Path] = {}
    for path in checkpoints_folder(folder).glob("checkpoint-*"):
        step = _complete_step(path)
        if step is None:
            shutil.rmtree(path)
        else:
            complete[step] = path
    return complete[max(complete)] if complete else None


def _complete_step(checkpoint: Path) -> int | None:
    """The checkpoint's step, if marked, with all its files, and its state readable and of that very step."""
    names = {path.name for path in checkpoint.iterdir()} if checkpoint.is_dir() else set()
    random_state = "rng_state.pth" in names or any(name.startswith("rng_state_") for name in names)
    if MARKER not in names or not random_state or not names.issuperset(set(NEEDED) - {"rng_state.pth"}):
        return None
    try:
        step = json.loads((checkpoint / "trainer_state.json").read_text())["global_step"]
    except (ValueError, KeyError, TypeError, OSError):
        return None
    return step if checkpoint.name == f"checkpoint-{step}" else None


def step_of(path: Path) -> int:
    """The step in the name of a checkpoint's, a snapshot's or a best adapter's folder."""
    return int(path.name.rpartition("-")[2])


def save_snapshot(model: Any, folder: Path, step: int) -> Snapshot:
    """Save the adapter that trains (never a frozen reference beside it) as `folder/snapshots/step-<step>`."""
    return Snapshot(step, save_adapter(model, snapshot_folder(folder, step)))


def save_adapter(model: Any, final: Path) -> Path:
    """Save the adapter that trains as the folder `final`, whole or not at all."""
    return _appear(final, lambda draft: model.save_pretrained(draft, selected_adapters=["default"]))


def copy_snapshot(adapter: Path, folder: Path, step: int) -> Snapshot:
    """A saved adapter, once more as the snapshot of a step."""
    return Snapshot(step, _appear(snapshot_folder(folder, step), lambda draft: shutil.copytree(adapter, draft)))


def _appear(final: Path, write: Callable[[Path], object]) -> Path:
    draft = final.with_name(f".{final.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    write(draft)
    shutil.rmtree(final, ignore_errors=True)
    os.replace(draft, final)
    return final


def snapshot_folder(folder: Path, step: int) -> Path:
    """Where the snapshot of a step lies."""
    return folder / "snapshots" / f"step-{step}"


def snapshots(folder: Path) -> tuple[Snapshot, ...]:
    """All snapshots of a run so far, oldest first."""
    found = [Snapshot(int(path.name.removeprefix("step-")), path) for path in (folder / "snapshots").glob("step-*")]
    return tuple(sorted(found, key=lambda snapshot: snapshot.step))


def save_result(folder: Path, facts: Mapping[str, object]) -> TrainingResult:
    """Write down that training is done and what came of it."""
    draft = folder / f".{RESULT}.part"
    draft.write_text(json.dumps(facts, indent=1, allow_nan=False))
    os.replace(draft, folder / RESULT)
    return TrainingResult(snapshots(folder), stopped=False, facts=facts)


def load_result(folder: Path) -> TrainingResult | None:
    """The result of a run that is done, so that starting it again trains nothing; None where it is not."""
    if not (folder / RESULT).is_file():
        return None
    facts: dict[str, object] = json.loads((folder / RESULT).read_text())
    return TrainingResult(snapshots(folder), stopped=False, facts=facts)
