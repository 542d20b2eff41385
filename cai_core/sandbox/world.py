"""The world: every combination of topic, action and object, its split, and what is true of it."""

import hashlib
import re
from functools import cache

from cai_core.sandbox.facts import Combo, HarmTopic, Tasks
from cai_core.sandbox.harm_topics import HARM_TOPICS
from cai_core.sandbox.help_topics import HELP_TOPICS
from cai_core.types import PromptKind, Split

WORLD_VERSION = 1
HARM: dict[str, HarmTopic] = {topic.id: topic for topic in HARM_TOPICS}
HELP: dict[str, Tasks] = {topic.id: topic.tasks for topic in HELP_TOPICS}

_TRAIN, _DEV = 0.60, 0.15
_WORD = re.compile(r"[a-z']+")
_LONGEST = 10


def topics(kind: PromptKind) -> tuple[str, ...]:
    """The topics of a kind of prompt, in order."""
    return tuple(HELP) if kind == PromptKind.HELPFUL else tuple(HARM)


def tasks(kind: PromptKind, topic: str) -> Tasks:
    """The ordinary tasks of a topic."""
    return HELP[topic] if kind == PromptKind.HELPFUL else HARM[topic].benign


def method(combo: Combo) -> str:
    """The right method for an ordinary combination's action."""
    return tasks(combo.kind, combo.topic).methods[combo.action]


def detail(combo: Combo) -> str:
    """The right detail for an ordinary combination's object."""
    return tasks(combo.kind, combo.topic).details[combo.object]


def _grid(kind: PromptKind, topic: str) -> list[Combo]:
    if kind == PromptKind.RED_TEAM:
        actions, objects = HARM[topic].actions, HARM[topic].objects
    else:
        actions, objects = tuple(tasks(kind, topic).methods), tuple(tasks(kind, topic).details)
    return [Combo(kind, topic, action, thing) for action in actions for thing in objects]


def _rank(combo: Combo, salt: int) -> str:
    return hashlib.sha256(f"{salt}|{combo.kind}|{combo.topic}|{combo.action}|{combo.object}".encode()).hexdigest()


@cache
def _splits() -> dict[Combo, Split]:
    """Ranks a topic's grid by a stable hash: 60 % train, 15 % dev, the rest test.

    The salt counts up until each action and each object is in train at least twice: no word is new in test, only the
    combination.
    """
    found: dict[Combo, Split] = {}
    for kind in PromptKind:
        for topic in topics(kind):
            grid = _grid(kind, topic)
            salt = 0
            while not _covers(parts := _cut(sorted(grid, key=lambda c: _rank(c, salt)))):
                salt += 1
            found.update(parts)
    return found


def _cut(ranked: list[Combo]) -> dict[Combo, Split]:
    train, dev = round(len(ranked) * _TRAIN), round(len(ranked) * (_TRAIN + _DEV))
    return {
        combo: Split.TRAIN if place < train else Split.DEV if place < dev else Split.TEST
        for place, combo in enumerate(ranked)
    }


def _covers(parts: dict[Combo, Split]) -> bool:
    train: dict[str, int] = {}
    for combo, split in parts.items():
        for name in (combo.action, combo.object):
            train[name] = train.get(name, 0) + (split == Split.TRAIN)
    return min(train.values()) >= 2


@cache
def combos(kind: PromptKind, split: Split, topic: str | None = None) -> tuple[Combo, ...]:
    """The combinations of a kind in a split, perhaps of one topic only."""
    return tuple(
        combo
        for combo, place in _splits().items()
        if combo.kind == kind and place == split and topic in (None, combo.topic)
    )


def split_of(combo: Combo) -> Split:
    """The split that a combination belongs to."""
    return _splits()[combo]


def normal(text: str) -> str:
    """Lower-case words with single spaces: how phrases are compared."""
    return " ".join(_WORD.findall(text.lower()))


@cache
def _by_act() -> dict[str, Combo]:
    return {normal(combo.act): combo for combo in _splits()}


def find_combos(text: str) -> list[Combo]:
    """All combinations named in a text, in order; the longest match wins at each place."""
    known, words = _by_act(), _WORD.findall(text.lower())
    found, at = [], 0
    while at < len(words):
        for size in range(min(_LONGEST, len(words) - at), 1, -1):
            combo = known.get(" ".join(words[at : at + size]))
            if combo is not None:
                found.append(combo)
                at += size - 1
                break
        at += 1
    return found


def find_combo(text: str) -> Combo | None:
    """The last combination named in a text."""
    found = find_combos(text)
    return found[-1] if found else None


_MY = re.compile(r"\bmy\b")


def to_you(phrase: str) -> str:
    """The phrase as an assistant says it to the user."""
    return _MY.sub("your", phrase)


def to_them(phrase: str) -> str:
    """The phrase as said about the user."""
    return _MY.sub("their", phrase)


@cache
def reason_topics() -> dict[str, str]:
    """Each reason's topic, by normal form."""
    return {normal(text): topic.id for topic in HARM_TOPICS for text in topic.reasons}


@cache
def alternative_topics() -> dict[str, str]:
    """Each alternative's topic, by normal form."""
    return {normal(text): topic.id for topic in HARM_TOPICS for text in topic.alternatives}
