"""What comes out of a file of rows, and goes into one. All text is verbatim and untrusted.

`number` is the row's as a person sees it: the line of a JSON Lines or text file, the record of a CSV (the header is
number 1), the position in a JSON list or a Parquet file from 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cai_core.types import (
    Chain,
    Conversation,
    Gate,
    Principle,
    PromptKind,
    Role,
    RowState,
    Split,
    Verdict,
    chain_uid,
)


class RowError(ValueError):
    """A row cannot be used; the text says why. It never leaves this package: a reader gives `Refused`."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as its file has it, before anyone knows what it means."""

    number: int
    fields: Mapping[str, Any]
    """Plain JSON values by column. No text holds a NUL or half of a surrogate pair."""
    where: str = ""
    """Added to reasons where `number` alone does not find the row: ' (it starts in line 12)'."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be used, set aside."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class About:
    """What a row says beside its turns."""

    kind: PromptKind | None = None
    """None: the file does not say."""
    split: Split | None = None
    topic: str | None = None
    tags: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """The columns that nothing else was made of, as plain JSON values."""
    notes: tuple[str, ...] = ()
    """What was mended or is unusual: 'the chosen reply is empty'."""


@dataclass(frozen=True, slots=True)
class ReadPrompt:
    """A conversation that ends with a user's turn."""

    number: int
    turns: Conversation
    about: About = About()


@dataclass(frozen=True, slots=True)
class ReadExample:
    """A conversation that ends with an assistant's turn, to learn from; a document is that one turn alone."""

    number: int
    turns: Conversation
    about: About = About()


@dataclass(frozen=True, slots=True)
class ReadPair:
    """A conversation that ends with a user's turn, and two ways on of which one was preferred."""

    number: int
    turns: Conversation
    chosen: Conversation
    """One assistant's turn, but where the two part before the last turn: then all turns after the parting."""
    rejected: Conversation
    about: About = About()

    @property
    def answers(self) -> tuple[str, str] | None:
        """The chosen and the rejected reply; None where one of them is more than a reply."""
        if len(self.chosen) != 1 or len(self.rejected) != 1:
            return None
        return self.chosen[0].content, self.rejected[0].content


@dataclass(frozen=True, slots=True)
class ReadStep:
    """One critique and revision."""

    critique_request: str
    critique: str
    revision_request: str
    revision: str
    principle: str | None = None
    """The key that the file gives its principle, such as 'harmful10'; None: it gives none."""


@dataclass(frozen=True, slots=True)
class ReadChain:
    """A conversation that ends with a user's turn, the initial response to it, and its steps in order."""

    number: int
    turns: Conversation
    response: str
    steps: tuple[ReadStep, ...]
    about: About = About()


@dataclass(frozen=True, slots=True)
class ToldModel:
    """A model's name where a run was made, and the weights behind it as far as they are told."""

    name: str
    base: str | None = None
    adapter: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class ToldVersion:
    """A version of a constitution, known anywhere by the hash of its content."""

    name: str
    version: int
    hash: str


@dataclass(frozen=True, slots=True)
class ToldRun:
    """What a file tells of the run that made its rows."""

    uid: str
    origin: str | None = None
    """The file that the run itself was imported from; None: it was made where the rows were written."""
    seed: int = 0
    code_revision: str = ""
    note: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    model: ToldModel | None = None
    constitution: ToldVersion | None = None


@dataclass(frozen=True, slots=True)
class ToldReview:
    """What somebody said of a chain, and when."""

    by: str
    """Who, by 16 hex digits that are the same in every file."""
    name: str
    verdict: Verdict
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ToldScore:
    """What a judge made of a chain's text at one round; 0: the initial response."""

    round: int
    state: RowState
    value: float | None
    verdict: str | None
    principle: Principle | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ToldScores:
    """What one scores run made of a chain."""

    run: ToldRun
    rounds: tuple[ToldScore, ...]


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """A chain of a workspace with all that is known of it: a line of `cai-chain`."""

    number: int
    run: ToldRun
    chain: Chain
    parent: str | None = None
    """Of a branch: the uid of the chain that it left."""
    gates: tuple[Gate | None, ...] | None = None
    """Of the response, then of critique and revision of each round; None: the file does not say."""
    recalled: int = 0
    created_at: datetime | None = None
    reviews: tuple[ToldReview, ...] = ()
    """In the order they were said."""
    scores: tuple[ToldScores, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """The columns that nothing else was made of, as plain JSON values; `about.extra` are the prompt's."""
    about: About = About()
    inputs: Mapping[int, str] = field(default_factory=dict)
    """Exact inputs of its calls, as far as they are told. 0: the response's, 2n-1 and 2n: those of round n's critique
    and revision."""

    @property
    def turns(self) -> Conversation:
        """The prompt's."""
        return self.chain.prompt.turns

    @property
    def uid(self) -> str:
        """The chain's, the same in every workspace."""
        return chain_uid(self.run.uid, self.chain)


Item = ReadPrompt | ReadExample | ReadPair | ReadChain | ReadRecord


def prompt_of(item: Item) -> Conversation | None:
    """The turns up to the last user's: what a model would be asked. None for a document, which asks nothing."""
    if not isinstance(item, ReadExample):
        return item.turns
    return item.turns[:-1] if len(item.turns) > 1 and item.turns[-2].role is Role.USER else None
