"""Asks: what somebody waits for while a warm model answers."""

from dataclasses import dataclass
from enum import StrEnum

from cai_core.types.conversations import Conversation


class AskKind(StrEnum):
    """What is asked."""

    SAMPLE = "sample"
    """A response."""
    CHOOSE = "choose"
    """Log-probabilities of given options."""
    CRITIQUE_REVISION = "critique_revision"
    """A response, its critique under a principle, and a revision: one round of a chain."""


class AskState(StrEnum):
    """Where an ask stands."""

    WAITING = "waiting"
    ANSWERING = "answering"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    """Stopped on request; what was written until then is kept."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to one model, with all that its answer depends on."""

    kind: AskKind
    model: str
    """A model's name in the workspace."""
    turns: Conversation
    """Ends with a user's turn; of a choice, perhaps with the beginning of an answer."""
    seed: int = 0
    """As a run's seed: the same prompt gets what a chains run of this seed would write."""
    temperature: float = 1.0
    """0 means greedy."""
    max_new_tokens: int = 256
    """Longest response, critique or revision."""
    options: tuple[str, ...] = ()
    """Of a choice."""
    constitution: str | None = None
    """'name@3', for a critique and revision."""
    principle: str | None = None
    """Id of the principle in that version."""
    few_shots: int = 0
    """Few-shot examples of the constitution in front of critique and revision."""


@dataclass(frozen=True, slots=True)
class AskPart:
    """One request of an ask, and its answer so far."""

    part: str
    """'response', 'critique', 'revision' or 'choice'."""
    text: str | None
    rendered: str | None
    """Exactly what was sent."""
    sent: str | None
    """Hash of what was sent; None until the answer is whole."""
    finished: bool | None
    """None: still being written. False: cut at the token limit."""
    num_tokens: int | None = None
    seed: int | None = None
    logprobs: tuple[float, ...] | None = None
    """Of a choice, in the order of its options."""
    bounded: tuple[bool, ...] = ()
    """Which of them are only upper bounds; empty: none."""
    thinking: str | None = None
    """What a reasoning model wrote before its answer."""
