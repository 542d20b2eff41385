"""A draft's content as its row holds it: plain values in which every entry stands under a key of its own.

    {"name", "description", "message", "principles": [entry, ...], "critique_revision": [...], "comparison": [...],
     "comparison_with_reasoning": [...], "removed": [{"list", "after", "entry"}, ...]}

An entry is a principle or a few-shot as its noun names its fields, and "key". The keys of a version's entries follow
from it (a principle's id, a few-shot's place), so they are the same before an edit begins a draft and after it. All
functions here change the content in place; what they are given was copied by their caller.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from cai_core.errors import ConstitutionError
from cai_core.types import (
    SHOT_LISTS,
    ComparisonShot,
    Constitution,
    CritiqueRevisionShot,
    FewShots,
    Message,
    Place,
    Principle,
    PrincipleKind,
    Removed,
    Role,
)

Content = dict[str, Any]
Entry = dict[str, Any]
Noun = Principle | CritiqueRevisionShot | ComparisonShot

OPTIONAL = ("critique_request", "revision_request", "comparison")
"""A principle's texts: blank is absent."""
PRINCIPLE_FIELDS = ("id", "title", "kind", "weight", "enabled", "tags", *OPTIONAL)
CRITIQUE_FIELDS = ("critique_request", "critique", "revision_request", "revision")
COMPARISON_FIELDS = ("comparison", "response_a", "response_b", "answer")
SHOT_FIELDS = {
    "critique_revision": CRITIQUE_FIELDS,
    "comparison": COMPARISON_FIELDS,
    "comparison_with_reasoning": (*COMPARISON_FIELDS, "reasoning"),
}
_SLUG = re.compile(r"[^a-z0-9]+")


def content_of(constitution: Constitution) -> Content:
    """A version as a draft's content."""
    shots = constitution.few_shots
    return {
        "name": constitution.name,
        "description": constitution.description,
        "message": "",
        "principles": [plain(one, key) for one, key in zip(constitution.principles, _keys(constitution), strict=True)],
        **{name: [plain(one, f"{n}") for n, one in enumerate(getattr(shots, name))] for name in SHOT_LISTS},
        "removed": [],
    }


def _keys(constitution: Constitution) -> list[str]:
    """Ids, and places where ids are blank or twice, as a content that is no version's may have them."""
    ids = [principle.id for principle in constitution.principles]
    return [id if id and ids.index(id) == n else f"+{n}" for n, id in enumerate(ids)]


def plain(noun: Noun, key: str) -> Entry:
    """A principle or few-shot as an entry."""
    entry = {"key": key, **asdict(noun)}
    if isinstance(noun, Principle):
        return {**entry, "kind": noun.kind.value, "tags": list(noun.tags)}
    return {**entry, "conversation": [{"role": one.role.value, "content": one.content} for one in noun.conversation]}


def constitution_of(content: Content) -> Constitution:
    """The constitution as it was typed, whether it is valid or not."""
    shots = {name: tuple(noun_of(name, entry) for entry in content[name]) for name in SHOT_LISTS}
    principles = tuple(noun_of("principles", entry) for entry in content["principles"])
    return Constitution(content["name"], content["description"], principles, FewShots(**shots))


def noun_of(name: str, entry: Entry) -> Any:
    """The principle or few-shot of an entry of this list."""
    values = {field: value for field, value in entry.items() if field != "key"}
    if name == "principles":
        return Principle(**{**values, "kind": PrincipleKind(entry["kind"]), "tags": tuple(entry["tags"])})
    turns = tuple(Message(Role(turn["role"]), turn["content"]) for turn in entry["conversation"])
    noun = CritiqueRevisionShot if name == "critique_revision" else ComparisonShot
    return noun(**{**values, "conversation": turns})


def removed_of(content: Content) -> tuple[Removed, ...]:
    """What can be put back, the last one first."""
    return tuple(
        Removed((one["list"], one["entry"]["key"]), noun_of(one["list"], one["entry"]))
        for one in reversed(content["removed"])
    )


def keys_of(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The entries' keys, in order."""
    return tuple(entry["key"] for entry in entries)


def put(content: Content, place: Place | None, field: str, value: Any) -> None:
    """Set a field of an entry; without a place, the name, the description or the message."""
    if place is None:
        _known(field, ("name", "description", "message"))
        content[field] = str(value)
        return
    entry = entry_at(content, place)
    if place[0] != "principles":
        _known(field, SHOT_FIELDS[place[0]])
        entry[field] = str(value)
        return
    _known(field, PRINCIPLE_FIELDS)
    entry[field] = _principle_value(field, value)
    if field == "title" and not entry["id"]:
        entry["id"] = free_id(content, str(value))


def _known(field: str, fields: Iterable[str]) -> None:
    if field not in fields:
        raise ConstitutionError(f"there is no field {field!r} here; it has: {', '.join(fields)}.")


def _principle_value(field: str, value: Any) -> Any:
    if field in OPTIONAL:
        return str(value) if value and str(value).strip() else None
    if field == "tags":
        return [str(tag) for tag in value]
    if field == "weight":
        return float(value)
    if field == "enabled":
        return bool(value)
    return PrincipleKind(value).value if field == "kind" else str(value)


def free_id(content: Content, title: str) -> str:
    """An id made of a title's words that no principle has yet; '' where nothing of the title can be in one."""
    stem = _SLUG.sub("-", title.lower()).strip("-")[:48].strip("-")
    taken = {entry["id"] for entry in content["principles"]}
    number, found = 1, stem
    while found and found in taken:
        number += 1
        found = f"{stem}-{number}"
    return found


def put_turn(content: Content, place: Place, number: int, text: str) -> None:
    """Set what is said in a few-shot's turn, counted from 0."""
    turns = entry_at(content, place)["conversation"]
    if not 0 <= number < len(turns):
        raise ConstitutionError(f"this example has {len(turns)} turns, and no turn {number + 1}; look at it again.")
    turns[number]["content"] = text


def add_turns(content: Content, place: Place, count: int) -> None:
    """Add an exchange, two turns, where fewer than `count` are there: the roles go on alternating."""
    turns = entry_at(content, place)["conversation"]
    if len(turns) < count:
        first = Role.USER if turns[-1]["role"] == Role.ASSISTANT else Role.ASSISTANT
        second = Role.ASSISTANT if first == Role.USER else Role.USER
        turns += [{"role": role.value, "content": ""} for role in (first, second)]


def drop_turns(content: Content, place: Place, count: int) -> None:
    """Take the last exchange, two turns, where more than `count` are there."""
    turns = entry_at(content, place)["conversation"]
    spoken = sum(turn["role"] != Role.SYSTEM for turn in turns)
    if len(turns) > count and spoken > 2:
        del turns[-2:]


def place_system(content: Content, place: Place, there: bool) -> None:
    """Begin the conversation with a system turn, or take it out."""
    turns = entry_at(content, place)["conversation"]
    has = bool(turns) and turns[0]["role"] == Role.SYSTEM
    if there and not has:
        turns.insert(0, {"role": Role.SYSTEM.value, "content": ""})
    elif has and not there:
        del turns[0]


def entry_at(content: Content, place: Place) -> Entry:
    """The entry at a place; `ConstitutionError` where it was taken out meanwhile."""
    found = index_at(content, place)
    if found is None:
        what = "principle" if place[0] == "principles" else "example"
        raise ConstitutionError(f"this {what} is not in the draft any more; it was taken out elsewhere.")
    entry: Entry = content[place[0]][found]
    return entry


def index_at(content: Content, place: Place) -> int | None:
    """Where an entry stands in its list."""
    return next((n for n, entry in enumerate(content[place[0]]) if entry["key"] == place[1]), None)


def insert(content: Content, name: str, entry: Entry, after: str | None) -> None:
    """Add an entry behind another, or at the end; once: a key that is there stays as it is."""
    if index_at(content, (name, entry["key"])) is None:
        at = None if after is None else index_at(content, (name, after))
        content[name].insert(len(content[name]) if at is None else at + 1, entry)


def move(content: Content, place: Place, to: int) -> None:
    """Let an entry stand at this index of its list, or as near to it as there are entries."""
    entry = entry_at(content, place)
    entries = content[place[0]]
    entries.remove(entry)
    entries.insert(max(0, to), entry)


def remove(content: Content, place: Place) -> None:
    """Take an entry out, once; one that says anything is kept to be put back."""
    at = index_at(content, place)
    if at is None:
        return
    entry = content[place[0]].pop(at)
    if _says_something(entry):
        after = content[place[0]][at - 1]["key"] if at else None
        content["removed"].append({"list": place[0], "after": after, "entry": entry})


def _says_something(entry: Entry) -> bool:
    texts = (
        value for field, value in entry.items() if isinstance(value, str) and field not in ("key", "kind", "answer")
    )
    return any(texts) or any(turn["content"] for turn in entry.get("conversation", ()))


def put_back(content: Content, place: Place) -> None:
    """Undo a removal, once."""
    for number, one in enumerate(content["removed"]):
        if (one["list"], one["entry"]["key"]) == place:
            del content["removed"][number]
            entries = content[place[0]]
            at = index_at(content, (place[0], one["after"])) if one["after"] is not None else -1
            entries.insert(len(entries) if at is None else at + 1, one["entry"])
            return
