"""What changed between two constitutions, as plain values and in plain text."""

from dataclasses import asdict
from typing import Any

from cai_core.chains.word_diff import Op, word_diff
from cai_core.cli.common import on_terminal
from cai_core.constitution.diff import Change, PrincipleChange, ShotChange, diff_constitutions
from cai_core.types import Constitution, Message

MARKS = {Change.ADDED: "+", Change.REMOVED: "-", Change.CHANGED: "~", Change.SAME: " "}


def as_plain(old: Constitution, new: Constitution) -> dict[str, Any]:
    """All changes as plain values; principles and few-shots that are the same are left out."""
    found = diff_constitutions(old, new)
    return {
        "same": found.is_empty,
        "fields": [asdict(one) for one in found.fields],
        "principles": [
            {
                "id": one.id,
                "change": one.change.value,
                "moved": one.moved,
                "before": asdict(one.before) if one.before is not None and one.after is None else None,
                "after": asdict(one.after) if one.after is not None and one.before is None else None,
                "fields": [asdict(field) for field in one.fields],
            }
            for one in found.principles
            if one.change is not Change.SAME or one.moved
        ],
        "few_shots": [
            {
                "list": one.list,
                "number": one.number,
                "change": one.change.value,
                "moved": one.moved,
                "fields": [asdict(field) for field in one.fields],
            }
            for one in found.shots
            if one.change is not Change.SAME or one.moved
        ],
    }


def as_lines(old: Constitution, new: Constitution) -> list[str]:
    """All changes as lines: + added, - removed, ~ changed; in texts [-old words-] and {+new words+}."""
    found = diff_constitutions(old, new)
    if found.is_empty:
        return ["no difference."]
    lines = [line for one in found.fields for line in _field(one.name, one.before, one.after)]
    lines += [line for one in found.principles for line in _principle(one)]
    lines += [line for one in found.shots for line in _shot(one)]
    return [on_terminal(line) for line in lines]


def _principle(one: PrincipleChange) -> list[str]:
    """A principle's lines; none where it is the same and stands where it stood."""
    if one.change is Change.SAME and not one.moved:
        return []
    head = f"{MARKS[one.change]} principle {one.id}" + (" (moved)" if one.moved else "")
    shown = one.after if one.change is Change.ADDED else one.before if one.change is Change.REMOVED else None
    if shown is None:
        return [head, *(line for field in one.fields for line in _field(field.name, field.before, field.after))]
    values = [(name, value) for name, value in asdict(shown).items() if name != "id" and value not in (None, ())]
    return [head, *(line for name, value in values for line in _indented(f"{name}: {_said(value)}"))]


def _field(name: str, before: Any, after: Any) -> list[str]:
    """A field's old and new value, word by word where both are texts."""
    if isinstance(before, str) and isinstance(after, str):
        return _indented(f"{name}: {_words(before, after)}")
    return _indented(f"{name}: {_said(before)} -> {_said(after)}")


def _words(before: str, after: str) -> str:
    around = {Op.EQUAL: "{}", Op.DELETE: "[-{}-]", Op.INSERT: "{{+{}+}}"}
    return "".join(around[op].format(text) for op, text in word_diff(before, after))


def _shot(one: ShotChange) -> list[str]:
    """A few-shot's lines; none where it is the same and stands where it stood."""
    if one.change is Change.SAME and not one.moved:
        return []
    head = f"{MARKS[one.change]} few-shot {one.list} {one.number}" + (" (moved)" if one.moved else "")
    sides = ((field.name, _turns(field.before), _turns(field.after)) for field in one.fields)
    return [head, *(line for side in sides for line in _field(*side))]


def _turns(value: Any) -> Any:
    """A conversation as one text, a turn a line; any other value as it is."""
    if isinstance(value, tuple) and value and isinstance(value[0], Message):
        return "\n".join(f"{turn.role}: {turn.content}" for turn in value)
    return value


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.split("\n")]
