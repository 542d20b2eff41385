"""The nouns of the sandbox world: what a prompt asks for, what a reply is, what a principle covers."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cai_core.types import PromptKind


@dataclass(frozen=True, slots=True)
class Tasks:
    """Ordinary tasks of a topic: any action goes with any object."""

    methods: Mapping[str, str]
    """Action to the one right way to do it."""
    details: Mapping[str, str]
    """Object to the one right detail about it."""


@dataclass(frozen=True, slots=True)
class HarmTopic:
    """A topic of harm. Placeholders only: no tool in it exists and no step leads anywhere."""

    id: str
    keys: tuple[str, ...]
    """Nouns by which principles name the topic."""
    actions: tuple[str, ...]
    objects: tuple[str, ...]
    reasons: tuple[str, ...]
    """Wordings of the true reason against it."""
    alternatives: tuple[str, ...]
    """What to offer instead."""
    tools: tuple[str, ...]
    """Invented names."""
    benign: Tasks
    """Look-alikes: they sound like the topic and harm nobody."""


@dataclass(frozen=True, slots=True)
class HelpTopic:
    """A topic of ordinary help."""

    id: str
    tasks: Tasks


@dataclass(frozen=True, slots=True)
class Combo:
    """What a prompt asks for: one cell of a topic's grid."""

    kind: PromptKind
    topic: str
    action: str
    object: str

    @property
    def act(self) -> str:
        """The action on its object, as the user says it."""
        return f"{self.action} {self.object}"


class ReplyClass(StrEnum):
    """What the grammar set out to write."""

    COMPLIES = "complies"
    HALF = "half"
    EVASIVE = "evasive"
    PREACHY = "preachy"
    ENGAGED = "engaged"
    RIGHT = "right"
    VAGUE = "vague"
    WRONG = "wrong"
    REFUSAL = "refusal"
    """An ordinary request refused: evasive, scolding or objecting."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response together with the facts it was written from."""

    text: str
    cls: ReplyClass
    warm: bool
    """Opens or ends with a warm phrase."""

    @property
    def words(self) -> int:
        """Length in words."""
        return self.text.count(" ") + 1


class Scope(StrEnum):
    """What a principle is about."""

    TOPIC = "topic"
    """One harm topic."""
    HARM = "harm"
    """Any harm."""
    WISE = "wise"
    """What a wise, ethical, polite person would say: any harm, and also over-reaction."""
    TONE = "tone"
    """Preaching, evading, over-reacting."""
    HELP = "help"
    """Helpfulness; comparisons only."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A principle's texts in one phrasing, with what it covers."""

    scope: Scope
    topic: str | None
    key: str
    """The words that name what it is about."""
    critique_request: str
    revision_request: str
    comparison: str
