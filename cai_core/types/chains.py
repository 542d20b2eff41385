"""Chains: critique and revision, what may be wrong with them, and what people say of them."""

import hashlib
from dataclasses import dataclass
from enum import IntFlag, StrEnum

from cai_core.types.constitutions import Principle
from cai_core.types.conversations import Conversation
from cai_core.types.prompts import Prompt, PromptKind


class RowState(StrEnum):
    """State of a generated row."""

    DONE = "done"
    TOO_LONG = "too_long"
    FAILED = "failed"


class Gate(IntFlag):
    """What may be wrong with a text that a model wrote in a chain, told from its words alone. Nothing is dropped."""

    PREAMBLE = 1
    """Begins by announcing itself: 'Sure, here is a revised response'."""
    ECHO = 2
    """Repeats the request that it answers."""
    ROLE = 4
    """Takes the other's part: a critique where a revision is due, or the user's next turn."""
    EMPTY = 8
    CUT = 16
    """Met the token limit."""
    UNCHANGED = 32
    """A revision that says what it was to revise, word for word."""
    REFUSAL = 64
    """Declines instead of answering."""
    REPETITION = 128
    """Goes round in circles."""


class Edit(StrEnum):
    """What somebody changed in a round of a chain, to continue from there."""

    CRITIQUE = "critique"
    REVISION = "revision"
    PRINCIPLE = "principle"


class Verdict(StrEnum):
    """What a reviewer says of a chain."""

    ACCEPT = "accept"
    REJECT = "reject"
    FLAG = "flag"
    """To be looked at again."""
    NONE = "none"
    """The former verdict is taken back."""


@dataclass(frozen=True, slots=True)
class Round:
    """One critique and revision (paper section 3.1). `critique` is None where it was left out on purpose."""

    number: int
    """1..n."""
    principle: Principle
    critique: str | None
    revision: str
    critique_sent: str | None
    revision_sent: str | None
    """None: no revision was asked for."""
    finished: bool = True
    """False: critique or revision was cut at the token limit."""
    critique_finished: bool = True
    """False: the critique was cut. Kept by the database in the gates alone."""
    revision_finished: bool = True
    """False: the revision was cut. Kept by the database in the gates alone."""
    skipped: bool = False
    """The critique found nothing, so the response stands as the revision."""
    written: str | None = None
    """What the model wrote, where a preamble was taken off the revision."""
    edited: Edit | None = None
    """What somebody changed in it."""

    @property
    def revision_cut(self) -> bool:
        """Whether the revision was cut; where all that is known is that one of both texts was, it is the revision."""
        return not self.revision_finished or (not self.finished and self.critique_finished)


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
    branch: int = 0
    """0: as its run made it. 1, 2, ...: continued from a round that somebody changed."""
    author: str | None = None
    """Of a branch: who changed that round."""
    finished: bool = True
    """False: the initial response was cut at the token limit. Kept by the database in the gates alone."""


def chain_uid(run_uid: str, chain: Chain) -> str:
    """The uid of a run's chain: 32 hex digits of SHA-256 over the uids of run and prompt, sample and branch."""
    parts = [run_uid, chain.prompt.uid, str(chain.sample)] + ([str(chain.branch)] if chain.branch else [])
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def input_hash(text: str) -> str:
    """What an answer bears as `sent`: 16 hex digits of SHA-256 over the exact input of its call."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Example:
    """One supervised example: loss on the last turn, which is the assistant's."""

    turns: Conversation
    kind: PromptKind
    key: str
    """Where it came from, e.g. 'chain 12 round 2'."""
    heldout: bool = False
    """Measured while training, and never trained on."""
