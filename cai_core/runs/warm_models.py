"""The models that a warm worker keeps: within a budget of memory, the one unused longest let go first."""

import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cai_core.errors import ModelError
from cai_core.models.base import TextModel
from cai_core.models.files import SCRIPTED
from cai_core.models.load import load_text_model
from cai_core.types import ModelRef

MEMORY = "CAI_STUDIO_WARM_MEMORY"
"""GiB that warm models may take; half of what is free unless set."""
GIB = 2**30
CGROUP = Path("/sys/fs/cgroup")


@dataclass
class _Kept:
    """A model in memory."""

    name: str
    model: TextModel
    size: int
    used: float


class WarmModels:
    """Models in memory, loaded when first asked for."""

    def __init__(
        self,
        budget: int,
        *,
        load: Callable[[ModelRef], TextModel] = load_text_model,
        size: Callable[[ModelRef], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`budget` in bytes; `size` foretells what a model takes."""
        self.budget = budget
        self._load, self._size, self._clock = load, size or memory_needed, clock
        self._kept: dict[ModelRef, _Kept] = {}

    @property
    def names(self) -> list[str]:
        """What is in memory, the model used last in the end."""
        return [kept.name for kept in sorted(self._kept.values(), key=lambda kept: kept.used)]

    @property
    def memory(self) -> int:
        """Bytes that they take, as foretold."""
        return sum(kept.size for kept in self._kept.values())

    def has(self, ref: ModelRef) -> bool:
        """Whether it need not be loaded."""
        return ref in self._kept

    def get(self, name: str, ref: ModelRef) -> TextModel:
        """The model, from memory or loaded; `ModelError` where it would not fit even alone."""
        kept = self._kept.get(ref)
        if kept is None:
            size = self._size(ref)
            self._make_room(name, size)
            kept = self._kept[ref] = _Kept(name, self._load(ref), size, 0.0)
        kept.used = self._clock()
        return kept.model

    def _make_room(self, name: str, size: int) -> None:
        if size > self.budget:
            raise ModelError(
                f"model {name!r} takes about {size / GIB:.1f} GiB, and warm models may take {self.budget / GIB:.1f} "
                f"here: half of what was free, or what {MEMORY} says. Ask a smaller model, close other programs and "
                f"ask again, or set {MEMORY} to more GiB."
            )
        oldest = sorted(self._kept, key=lambda ref: self._kept[ref].used)
        excess = self.memory + size - self.budget
        dropped = []
        while excess > 0:
            dropped.append(oldest.pop(0))
            excess -= self._kept[dropped[-1]].size
        self._drop(dropped)

    def let_go(self, unused: float) -> bool:
        """Drop what was not used for so many seconds; whether anything was."""
        old = [ref for ref, kept in self._kept.items() if self._clock() - kept.used >= unused]
        self._drop(old)
        return bool(old)

    def _drop(self, refs: Sequence[ModelRef]) -> None:
        for ref in refs:
            del self._kept[ref]
        if refs:
            gc.collect()  # modules and their hooks refer to each other


def memory_needed(ref: ModelRef) -> int:
    """Bytes that a model takes in this process, by its config; none where it answers elsewhere."""
    if ref.base == SCRIPTED or ref.endpoint is not None:
        return 0
    from cai_core.models.check import memory_needed

    return memory_needed(ref)


def budget(device: str) -> int:
    """Bytes that warm models may take on a device: as `CAI_STUDIO_WARM_MEMORY` says, or half of what is free now."""
    named = os.environ.get(MEMORY, "").strip()
    try:
        return int(float(named) * GIB) if named else free_memory(device) // 2
    except (ValueError, OverflowError):
        raise ModelError(f"{MEMORY} is {named!r}: give a number of GiB, for example 4, or leave it out.") from None


def free_memory(device: str) -> int:
    """Bytes free on a device; of the machine's memory no more than this process's group may have."""
    if device.startswith("cuda"):
        import torch

        # A worker sees its own GPU alone, whichever number that has for others.
        return int(torch.cuda.mem_get_info()[0])
    import psutil

    return min([int(psutil.virtual_memory().available), *_left_to_group()])


def _left_to_group() -> list[int]:
    try:
        most, used = ((CGROUP / f"memory.{name}").read_text().strip() for name in ("max", "current"))
    except OSError:
        return []
    return [max(0, int(most) - int(used))] if most.isdigit() and used.isdigit() else []
