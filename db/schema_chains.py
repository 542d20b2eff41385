"""The tables of the supervised stage: chains and their rounds, their scores, reviews, and the datasets made of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base, now, one_of
from db.schema import ROW_STATES, PrincipleRow, PromptRow, RunRow
from db.schema_authoring import PersonRow

EDITS = ("critique", "revision", "principle")
VERDICTS = ("accept", "reject", "flag", "none")
GATES = ("preamble", "echo", "role", "empty", "cut", "unchanged", "refusal", "repetition")
"""Which bit of the gates' columns means what: the first is 1, the second 2, the third 4, ..."""
# As queries say it, word for word: else SQLite would not know that the index serves them.
CURRENT: dict[str, Any] = {"sqlite_where": text("current = 1"), "postgresql_where": text("current")}


class ChainRow(Base):
    """A prompt's initial response; its rounds are revisions."""

    __tablename__ = "chains"
    __table_args__ = (
        one_of("state", ROW_STATES),
        UniqueConstraint("run_id", "prompt_id", "sample", "branch"),
        UniqueConstraint("uid"),
        Index(None, "changed", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32))
    """Hash of the run's uid, the prompt's uid, sample and branch: the same in every workspace."""
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), index=True)
    prompt_id: Mapped[int] = mapped_column(ForeignKey("prompts.id"), index=True)
    sample: Mapped[int]
    branch: Mapped[int] = mapped_column(default=0)
    """0: as the run made it. 1, 2, ...: continued from a round that somebody changed."""
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("chains.id"), index=True)
    """Of a branch: the chain that it left; the rounds before are the same in both."""
    author: Mapped[str | None]
    """Of a branch: who changed the round that it begins with."""
    seed: Mapped[int]
    state: Mapped[str]
    response: Mapped[str | None]
    few_shot: Mapped[int | None]
    sent: Mapped[str | None]
    error: Mapped[str | None]
    recalled: Mapped[int] = mapped_column(default=0)
    """How many of its answers were taken over from a parent chains run that had asked the very same."""
    gates: Mapped[int | None]
    """What the initial response ran into, as bits of `cai_core.types.Gate`; None: not looked at."""
    hits: Mapped[int | None]
    """The same of all its texts together."""
    words: Mapped[int | None]
    """Words of the initial response; None: not counted."""
    changed: Mapped[float | None]
    """Share of the words that differ between the initial response and the last revision; None: not measured."""
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Of an imported chain: the columns of its file that nothing else was made of."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    prompt: Mapped[PromptRow] = relationship()
    run: Mapped[RunRow] = relationship()
    revisions: Mapped[list["RevisionRow"]] = relationship(order_by="RevisionRow.round")


class RevisionRow(Base):
    """One round of a chain: critique and revision under one principle."""

    __tablename__ = "revisions"
    __table_args__ = (
        UniqueConstraint("chain_id", "round"),
        one_of("edited", EDITS),
        # Covers a principle's record, the newest rounds first.
        Index(None, "principle_id", "id", "found", "changed", "longer"),
        # Covers the choice of chains by a principle that one of their rounds drew.
        Index(None, "principle_id", "chain_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    chain_id: Mapped[int] = mapped_column(ForeignKey("chains.id"))
    round: Mapped[int]
    principle_id: Mapped[int] = mapped_column(ForeignKey("principles.id"))
    critique: Mapped[str | None]
    revision: Mapped[str]
    written: Mapped[str | None]
    """What the model wrote, where a preamble was taken off the revision; None: the revision is what it wrote."""
    critique_sent: Mapped[str | None]
    revision_sent: Mapped[str | None]
    """None: no model was asked, because it was skipped or written by hand."""
    finished: Mapped[bool]
    skipped: Mapped[bool] = mapped_column(default=False)
    """No revision was asked for, since the critique found nothing: the response stands."""
    edited: Mapped[str | None]
    """Of a branch's first own round, what somebody changed in it; None: nothing."""
    found: Mapped[bool | None]
    """Whether the critique names something to mend; None: it cannot be told, or was not looked at."""
    changed: Mapped[float | None]
    """Share of the words that the revision changed, 0..1; None: not measured."""
    longer: Mapped[int | None]
    """How many words longer the revision is than what it revised; negative: shorter; None: not measured."""
    critique_gates: Mapped[int | None]
    """What the critique ran into, as bits of `cai_core.types.Gate`; None: not looked at."""
    revision_gates: Mapped[int | None]
    principle: Mapped[PrincipleRow] = relationship()


class InputRow(Base):
    """The exact input of one call of a chain, as it came in a file; of chains made here it is built again instead."""

    __tablename__ = "inputs"
    chain_id: Mapped[int] = mapped_column(ForeignKey("chains.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    """0: the response's call, 2n-1 and 2n: those of round n's critique and revision."""
    text: Mapped[str]


class ScoreRow(Base):
    """What a judge makes of a chain's text at one round."""

    __tablename__ = "scores"
    __table_args__ = (
        one_of("state", ROW_STATES),
        UniqueConstraint("run_id", "chain_id", "round"),
        Index(None, "chain_id", "round"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    """The scores run, which names the judge."""
    chain_id: Mapped[int] = mapped_column(ForeignKey("chains.id"))
    round: Mapped[int]
    """0: the initial response."""
    state: Mapped[str]
    value: Mapped[float | None]
    """Higher is better; None where the judge could not tell."""
    verdict: Mapped[str | None]
    """Gold's class of the text."""
    principle_id: Mapped[int | None] = mapped_column(ForeignKey("principles.id"), index=True)
    """Under which a feedback model was asked."""
    error: Mapped[str | None]
    """Why there is no value."""


class ReviewRow(Base):
    """What somebody says of a chain. Nothing is ever overwritten: a later word makes the former one past."""

    __tablename__ = "reviews"
    __table_args__ = (
        one_of("verdict", VERDICTS),
        Index(None, "chain_id", "person_id", "id"),
        # What stands now, of each person at most one row a chain.
        Index("ix_reviews_standing", "verdict", "chain_id", "name", **CURRENT),
        Index("ix_reviews_reviewer", "name", "verdict", "chain_id", **CURRENT),
        Index("uq_reviews_current", "chain_id", "person_id", unique=True, **CURRENT),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    chain_id: Mapped[int] = mapped_column(ForeignKey("chains.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    name: Mapped[str]
    """The person's name as it was then."""
    verdict: Mapped[str]
    """'none' takes the former one back."""
    note: Mapped[str] = mapped_column(default="")
    current: Mapped[bool] = mapped_column(default=True)
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("reviews.id"), index=True)
    """Of an undo: the review that it takes back."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    person: Mapped[PersonRow] = relationship()


class FilterRow(Base):
    """A filter that somebody saved by name."""

    __tablename__ = "saved_filters"
    __table_args__ = (UniqueConstraint("page", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    page: Mapped[str]
    """'chains', 'prompts', ..."""
    name: Mapped[str]
    query: Mapped[dict[str, Any]]
    """As it stands in the page's address."""
    author: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class DatasetRow(Base):
    """Examples to train on, frozen: which texts of which chains, in which order."""

    __tablename__ = "datasets"
    __table_args__ = (UniqueConstraint("name"), UniqueConstraint("uid"))
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32))
    name: Mapped[str]
    recipe: Mapped[dict[str, Any]]
    """The filter and the choices that it was frozen from."""
    counts: Mapped[dict[str, Any]]
    """Texts taken, and left out by reason."""
    hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 over the examples' splits and turns in order: what is trained on, whatever it is called."""
    author: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class RunDatasetRow(Base):
    """The dataset that a run trains on."""

    __tablename__ = "run_datasets"
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id"), index=True)
    dataset: Mapped[DatasetRow] = relationship()


class DatasetExampleRow(Base):
    """One example of a dataset: a chain's text at one round."""

    __tablename__ = "dataset_examples"
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    chain_id: Mapped[int] = mapped_column(ForeignKey("chains.id"), index=True)
    round: Mapped[int]
    """0: the initial response, of a plain sample."""
    split: Mapped[str] = mapped_column(default="train")
    """'train', or 'heldout': measured while training and never trained on."""
    chain: Mapped[ChainRow] = relationship()
