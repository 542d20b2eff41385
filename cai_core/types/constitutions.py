"""Constitutions: principles in order, and few-shots."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from cai_core.types.conversations import Conversation


class PrincipleKind(StrEnum):
    """Which axis a principle judges."""

    HARMLESSNESS = "harmlessness"
    HELPFULNESS = "helpfulness"


@dataclass(frozen=True, slots=True)
class Principle:
    """One rule. Either half may be absent: critique and revision requests (SL), or comparison (RL)."""

    id: str
    """Slug, unique in its constitution."""
    title: str
    kind: PrincipleKind = PrincipleKind.HARMLESSNESS
    critique_request: str | None = None
    revision_request: str | None = None
    comparison: str | None = None
    tags: tuple[str, ...] = ()
    weight: float = 1.0
    """How often it is drawn, relative to the others; > 0. Not part of its content hash."""
    enabled: bool = True
    """Not part of its content hash."""

    @property
    def uid(self) -> str:
        """Content hash: what it says, not how often it is drawn."""
        parts = [self.id, self.title, self.kind, self.critique_request, self.revision_request, self.comparison]
        text = "\x1e".join(["" if p is None else "\x1f" + p for p in parts] + list(self.tags))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class CritiqueRevisionShot:
    """A few-shot example of one critique and revision."""

    conversation: Conversation
    """Ends with the assistant's response that is criticised."""
    critique_request: str
    critique: str
    revision_request: str
    revision: str


@dataclass(frozen=True, slots=True)
class ComparisonShot:
    """A few-shot example of one comparison, with or without reasoning before the answer."""

    conversation: Conversation
    """Ends with a user's turn."""
    comparison: str
    """The principle's text."""
    response_a: str
    response_b: str
    answer: str
    """'A' or 'B'."""
    reasoning: str | None = None


@dataclass(frozen=True, slots=True)
class FewShots:
    """The few-shot examples of a constitution."""

    critique_revision: tuple[CritiqueRevisionShot, ...] = ()
    comparison: tuple[ComparisonShot, ...] = ()
    comparison_with_reasoning: tuple[ComparisonShot, ...] = ()


@dataclass(frozen=True, slots=True)
class Constitution:
    """Named principles in order, with their few-shots."""

    name: str
    description: str
    principles: tuple[Principle, ...]
    few_shots: FewShots = FewShots()
