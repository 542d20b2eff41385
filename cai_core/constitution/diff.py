"""What changed between two constitutions, principle by principle; principles are matched by id."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from cai_core.types import Constitution, Principle


class Change(StrEnum):
    """What happened to a principle."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field's values before and after."""

    name: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class PrincipleChange:
    """One principle, before and after; `before` is None if it was added, `after` if it was removed."""

    id: str
    change: Change
    before: Principle | None
    after: Principle | None
    fields: tuple[FieldChange, ...] = ()
    moved: bool = False
    """It stands elsewhere among the principles that both have; as few as possible are called moved."""


@dataclass(frozen=True, slots=True)
class ConstitutionDiff:
    """All changes, in the new order with the removed ones where they stood."""

    fields: tuple[FieldChange, ...]
    """Name, description and few-shots, where they differ."""
    principles: tuple[PrincipleChange, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed at all."""
        return not self.fields and all(p.change == Change.SAME and not p.moved for p in self.principles)


def diff_constitutions(old: Constitution, new: Constitution) -> ConstitutionDiff:
    """What changed from `old` to `new`."""
    before = {principle.id: principle for principle in old.principles}
    after = {principle.id: principle for principle in new.principles}
    moved = _moved([p.id for p in old.principles], [p.id for p in new.principles])
    changes = tuple(
        _change(id, before.get(id), after.get(id), id in moved) for id in _merged(list(before), list(after))
    )
    top = tuple(
        FieldChange(name, getattr(old, name), getattr(new, name))
        for name in ("name", "description", "few_shots")
        if getattr(old, name) != getattr(new, name)
    )
    return ConstitutionDiff(top, changes)


def _change(id: str, before: Principle | None, after: Principle | None, moved: bool) -> PrincipleChange:
    if before is None:
        return PrincipleChange(id, Change.ADDED, None, after)
    if after is None:
        return PrincipleChange(id, Change.REMOVED, before, None)
    changed = tuple(
        FieldChange(field.name, getattr(before, field.name), getattr(after, field.name))
        for field in fields(Principle)
        if getattr(before, field.name) != getattr(after, field.name)
    )
    return PrincipleChange(id, Change.CHANGED if changed else Change.SAME, before, after, changed, moved)


def _merged(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The new order, with each removed id after the id that it used to follow."""
    merged, last = list(new), None
    for id in old:
        if id not in merged:
            merged.insert(0 if last is None else merged.index(last) + 1, id)
        last = id
    return merged


def _moved(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """The common ids outside a longest common order (longest increasing run of old places, in the new order)."""
    place = {id: number for number, id in enumerate(old)}
    common = [id for id in new if id in place]
    ends: list[int] = []
    lengths = []
    for id in common:
        at = bisect_left(ends, place[id])
        ends[at : at + 1] = [place[id]]
        lengths.append(at + 1)
    kept, wanted = set(), len(ends)
    bound = len(old)
    for id, length in zip(reversed(common), reversed(lengths), strict=True):
        if length == wanted and place[id] < bound:
            kept.add(id)
            wanted, bound = wanted - 1, place[id]
    return set(common) - kept
