"""Chains: critique and revision."""

from dataclasses import dataclass
from enum import StrEnum

from cai_core.types.constitutions import Principle
from cai_core.types.conversations import Conversation
from cai_core.types.prompts import Prompt, PromptKind


class RowState(StrEnum):
    """State of a generated row."""

    DONE = "done"
    TOO_LONG = "too_long"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Round:
    """One critique and revision (paper section 3.1). `critique` is None where it was left out on purpose."""

    number: int
    """1..n."""
    principle: Principle
    critique: str | None
    revision: str
    critique_sent: str | None
    revision_sent: str
    finished: bool = True
    """False: critique or revision was cut at the token limit."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A prompt's initial response and its rounds. A helpful prompt's plain sample has no rounds."""

    prompt: Prompt
    sample: int
    """0.. : which of the samples of this prompt."""
    seed: int
    response: str | None
    """The initial response; None only if it failed."""
    rounds: tuple[Round, ...]
    state: RowState
    few_shot: int | None = None
    """Which of the run's few-shot prefixes, 0..K-1."""
    sent: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One supervised example: loss on the last turn, which is the assistant's."""

    turns: Conversation
    kind: PromptKind
    key: str
    """Where it came from, e.g. 'chain 12 round 2'."""
