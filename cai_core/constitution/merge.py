"""Three-way merge: what two people made of the same version, as one constitution.

What only one of them changed is taken; what both changed alike is taken once; what both changed differently is a
conflict, a field of a principle at a time, and somebody chooses. Principles are matched by id.

- **Removed and changed:** a principle that one took out and the other changed is a conflict of its presence.
- **Order:** where one of them moved principles, that order holds; where both did, differently, it is a conflict. Each
  principle that only the other order knows comes behind the one that it follows there.
- **Few-shots** have no ids: each list is aligned with the base's by content. Where both changed the same stretch it is
  matched entry by entry if it kept its length, else as a whole; what both add at one place is kept, theirs first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from cai_core.types import SHOT_LISTS, Constitution, FewShots, Principle

PRESENCE, ORDER = "presence", "order"
"""What a conflict may be about beside a field."""
FIELDS = tuple(field.name for field in fields(Principle) if field.name != "id")


class Side(StrEnum):
    """Whose words hold."""

    MINE = "mine"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that both changed, differently."""

    principle: str | None
    """Its id; None: the constitution's own name, description, order or few-shots."""
    field: str
    """A field's name, 'presence', 'order', or a list of few-shots with the stretch's number: 'comparison 1'."""
    base: Any
    mine: Any
    theirs: Any

    @property
    def key(self) -> str:
        """What its choice is kept under."""
        return f"{self.field}\x1f{self.principle or ''}"


@dataclass(frozen=True, slots=True)
class Merge:
    """One constitution out of two, and what somebody has to choose."""

    merged: Constitution
    """Under the choices; what is not chosen yet is as it is in mine."""
    conflicts: tuple[Conflict, ...]
    """All, chosen or not."""


def merge(
    base: Constitution, mine: Constitution, theirs: Constitution, choices: Mapping[str, Side] | None = None
) -> Merge:
    """Merge what `mine` and `theirs` made of `base`; ids are unique in each. `choices` go by the conflicts' keys."""
    merger = _Merger(choices or {})
    values = {name: merger.value(None, name, *_each(name, base, mine, theirs)) for name in ("name", "description")}
    chosen = merger.principles(_by_id(base), _by_id(mine), _by_id(theirs))
    order = merger.order(_ids(base), _ids(mine), _ids(theirs), set(chosen))
    shots = {
        name: tuple(merger.shots(name, *_each(name, base.few_shots, mine.few_shots, theirs.few_shots)))
        for name in SHOT_LISTS
    }
    merged = Constitution(**values, principles=tuple(chosen[id] for id in order), few_shots=FewShots(**shots))
    return Merge(merged, tuple(merger.conflicts))


def _by_id(constitution: Constitution) -> dict[str, Principle]:
    return {principle.id: principle for principle in constitution.principles}


def _ids(constitution: Constitution) -> list[str]:
    return [principle.id for principle in constitution.principles]


def _each(name: str, *nouns: Any) -> list[Any]:
    return [getattr(noun, name) for noun in nouns]


class _Merger:
    """The choices that were made, and the conflicts found on the way."""

    def __init__(self, choices: Mapping[str, Side]) -> None:
        self.choices, self.conflicts = choices, list[Conflict]()

    def value(self, principle: str | None, field: str, base: Any, mine: Any, theirs: Any) -> Any:
        """One value out of three."""
        if mine == theirs or theirs == base:
            return mine
        if mine == base:
            return theirs
        conflict = Conflict(principle, field, None if base is _ABSENT else base, mine, theirs)
        self.conflicts.append(conflict)
        return theirs if self.choices.get(conflict.key) is Side.THEIRS else mine

    def principles(
        self, base: dict[str, Principle], mine: dict[str, Principle], theirs: dict[str, Principle]
    ) -> dict[str, Principle]:
        """Every principle that stays, by id."""
        ids = dict.fromkeys([*theirs, *mine])
        found = ((id, self._principle(id, base.get(id), mine.get(id), theirs.get(id))) for id in ids)
        return {id: principle for id, principle in found if principle is not None}

    def _principle(
        self, id: str, base: Principle | None, mine: Principle | None, theirs: Principle | None
    ) -> Principle | None:
        if mine is None or theirs is None:
            whole: Principle | None = self.value(id, PRESENCE, base, mine, theirs)
            return whole
        # Both added it where there is no base: then nothing is as it was, and each difference is a conflict.
        was = [getattr(base, name) if base else _ABSENT for name in FIELDS]
        values = {
            name: self.value(id, name, before, getattr(mine, name), getattr(theirs, name))
            for name, before in zip(FIELDS, was, strict=True)
        }
        return replace(mine, **values)

    def order(self, base: list[str], mine: list[str], theirs: list[str], staying: set[str]) -> list[str]:
        """The ids of all principles that stay, in order."""
        common = set(base) & set(mine) & set(theirs)
        orders = [tuple(id for id in ids if id in common) for ids in (base, mine, theirs)]
        first, second = (theirs, mine) if self.value(None, ORDER, *orders) == orders[2] else (mine, theirs)
        order = [id for id in first if id in staying]
        last: str | None = None
        for id in second:
            if id in staying and id not in order:
                order.insert(0 if last is None else order.index(last) + 1, id)
            last = id if id in order else last
        return order

    def shots(self, name: str, base: Sequence[Any], mine: Sequence[Any], theirs: Sequence[Any]) -> list[Any]:
        """One list of few-shots out of three."""
        merged: list[Any] = []
        for number, (was, my, their) in enumerate(_stretches(base, mine, theirs), start=1):
            if not was and my != their:
                merged += [*their, *(shot for shot in my if shot not in their)]
            elif len(was) == len(my) == len(their):
                places = enumerate(zip(was, my, their, strict=True), start=1)
                merged += [self.value(None, f"{name} {number}.{place}", *each) for place, each in places]
            else:
                merged += self.value(None, f"{name} {number}", was, my, their)
        return merged


_ABSENT = object()
"""Equal to no value of a field."""


def _stretches(
    base: Sequence[Any], mine: Sequence[Any], theirs: Sequence[Any]
) -> list[tuple[Sequence[Any], Sequence[Any], Sequence[Any]]]:
    """The three lists cut at every entry that all have in the same order."""
    in_mine, in_theirs = _places(base, mine), _places(base, theirs)
    cuts = [(n, in_mine[n], in_theirs[n]) for n in range(len(base)) if n in in_mine and n in in_theirs]
    found, start = [], (0, 0, 0)
    for cut in [*cuts, (len(base), len(mine), len(theirs))]:
        found.append(tuple(each[a:b] for each, a, b in zip((base, mine, theirs), start, cut, strict=True)))
        found.append(tuple(each[at : at + 1] for each, at in zip((base, mine, theirs), cut, strict=True)))
        start = (cut[0] + 1, cut[1] + 1, cut[2] + 1)
    return [one for one in found if any(one)]  # type: ignore[misc]


def _places(base: Sequence[Any], other: Sequence[Any]) -> dict[int, int]:
    """Where entries of the base stand in the other list."""
    blocks = SequenceMatcher(None, base, other, autojunk=False).get_matching_blocks()
    return {block.a + n: block.b + n for block in blocks for n in range(block.size)}
