"""What changed between two constitutions: principle by principle, matched by id, and few-shot by few-shot.

Few-shots have no ids. Those that say the same are matched, then those about the same conversation, then those that
stand at the same place between two that are matched already.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import count

from cai_core.types import SHOT_LISTS, ComparisonShot, Constitution, CritiqueRevisionShot, Principle

Shot = CritiqueRevisionShot | ComparisonShot


class Change(StrEnum):
    """What happened to a principle or to a few-shot."""

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
class ShotChange:
    """One few-shot, before and after; `before` is None if it was added, `after` if it was removed."""

    list: str
    """One of `SHOT_LISTS`: what it is an example of."""
    number: int
    """Its number from 1: among the new ones, or the old ones if it was removed."""
    change: Change
    before: Shot | None
    after: Shot | None
    fields: tuple[FieldChange, ...] = ()
    moved: bool = False
    """As of a principle."""


@dataclass(frozen=True, slots=True)
class ConstitutionDiff:
    """All changes, in the new order with the removed ones where they stood."""

    fields: tuple[FieldChange, ...]
    """Name and description, where they differ."""
    principles: tuple[PrincipleChange, ...]
    shots: tuple[ShotChange, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed at all."""
        each: tuple[PrincipleChange | ShotChange, ...] = (*self.principles, *self.shots)
        return not self.fields and all(one.change == Change.SAME and not one.moved for one in each)


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
        for name in ("name", "description")
        if getattr(old, name) != getattr(new, name)
    )
    shots = (
        change
        for name in SHOT_LISTS
        for change in diff_shots(name, getattr(old.few_shots, name), getattr(new.few_shots, name))
    )
    return ConstitutionDiff(top, changes, tuple(shots))


def diff_shots(name: str, old: Sequence[Shot], new: Sequence[Shot]) -> tuple[ShotChange, ...]:
    """What changed in one list of few-shots, in the new order with the removed ones where they stood."""
    partner = _partners(old, new)
    keys = [f"{place}" for place in range(len(old))]
    new_keys = [keys[partner[place]] if place in partner else f"+{place}" for place in range(len(new))]
    moved = _moved(keys, new_keys)
    before, after = dict(zip(keys, old, strict=True)), dict(zip(new_keys, new, strict=True))
    numbers = {key: place + 1 for each in (keys, new_keys) for place, key in enumerate(each)}
    return tuple(
        _shot_change(name, numbers[key], before.get(key), after.get(key), key in moved)
        for key in _merged(keys, new_keys)
    )


def _shot_change(name: str, number: int, before: Shot | None, after: Shot | None, moved: bool) -> ShotChange:
    if before is None:
        return ShotChange(name, number, Change.ADDED, None, after)
    if after is None:
        return ShotChange(name, number, Change.REMOVED, before, None)
    changed = _changed(before, after)
    return ShotChange(name, number, Change.CHANGED if changed else Change.SAME, before, after, changed, moved)


def _partners(old: Sequence[Shot], new: Sequence[Shot]) -> dict[int, int]:
    """The old place behind each new one that has any."""
    found: dict[int, int] = {}
    _pair(found, lambda place: old[place], lambda place: new[place], len(old), len(new))
    _pair(found, lambda place: old[place].conversation, lambda place: new[place].conversation, len(old), len(new))
    # What is left: the n-th after an old one that stayed with the n-th after the same one now.
    gaps_old, gaps_new = _gaps({at: at for at in found.values()}, len(old)), _gaps(found, len(new))
    _pair(found, gaps_old.__getitem__, gaps_new.__getitem__, len(old), len(new))
    return found


def _pair(
    found: dict[int, int], of_old: Callable[[int], Hashable], of_new: Callable[[int], Hashable], olds: int, news: int
) -> None:
    """Match the places that are free and say the same, each once, in order."""
    taken = set(found.values())
    free: dict[Hashable, list[int]] = {}
    for place in range(olds):
        if place not in taken:
            free.setdefault(of_old(place), []).append(place)
    for place in range(news):
        if place not in found and (there := free.get(of_new(place))):
            found[place] = there.pop(0)


def _gaps(partner: dict[int, int], length: int) -> list[tuple[int, int]]:
    """For each place: the old place of the last one with a partner before it, and how many follow that one."""
    gaps, anchor, numbers = [], -1, count()
    for place in range(length):
        if place in partner:
            anchor, numbers = partner[place], count()
        gaps.append((anchor, next(numbers)))
    return gaps


def _change(id: str, before: Principle | None, after: Principle | None, moved: bool) -> PrincipleChange:
    if before is None:
        return PrincipleChange(id, Change.ADDED, None, after)
    if after is None:
        return PrincipleChange(id, Change.REMOVED, before, None)
    changed = _changed(before, after)
    return PrincipleChange(id, Change.CHANGED if changed else Change.SAME, before, after, changed, moved)


def _changed(before: Principle | Shot, after: Principle | Shot) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(field.name, getattr(before, field.name), getattr(after, field.name))
        for field in fields(before)
        if getattr(before, field.name) != getattr(after, field.name)
    )


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
