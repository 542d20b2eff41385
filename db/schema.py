"""The tables. Enum values appear here as plain strings; a test holds them to the enums of `cai_core.types`.

Rows that a run writes carry a unique key (run, prompt, sample, ...), so that writing them twice is refused and a
resumed run knows what it has. Where pages list a run's rows by id, a plain index on the run keeps them from sorting it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base as Base
from db.base import UtcDateTime as UtcDateTime
from db.base import now as now
from db.base import one_of

RUN_KINDS = ("prompts", "chains", "scores", "sft", "comparisons", "labels", "pm", "rl", "battles", "cases")
RUN_STATES = ("waiting", "running", "stopped", "failed", "lost", "done")
PROMPT_KINDS = ("red_team", "helpful", "look_alike")
SPLITS = ("train", "dev", "test")
PRINCIPLE_KINDS = ("harmlessness", "helpfulness")
ROW_STATES = ("done", "too_long", "failed")
LABEL_STATES = ("labelled", "tie", "order_inconsistent", "unparseable", "too_long", "failed")
ORDERS = ("ab", "ba")
MODEL_KINDS = ("causal", "preference")


class PromptRow(Base):
    """A partial conversation that ends with a user's turn."""

    __tablename__ = "prompts"
    __table_args__ = (
        one_of("kind", PROMPT_KINDS),
        one_of("split", SPLITS),
        UniqueConstraint("uid"),
        Index(None, "source", "kind", "split", "topic"),
        Index("ix_prompts_tagged", "id", sqlite_where=text("tags <> '[]'")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str]
    split: Mapped[str]
    source: Mapped[str]
    topic: Mapped[str | None]
    turns: Mapped[list[Any]]
    """[{"role", "content"}, ...]"""
    tags: Mapped[list[Any]] = mapped_column(default=list)
    extra: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The columns of its file that nothing else was made of."""
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"), index=True)
    """Of a generated prompt: the run that wrote it."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class ConstitutionRow(Base):
    """A name that versions belong to."""

    __tablename__ = "constitutions"
    __table_args__ = (UniqueConstraint("name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    versions: Mapped[list["ConstitutionVersionRow"]] = relationship(
        back_populates="constitution", order_by="ConstitutionVersionRow.number"
    )


class ConstitutionVersionRow(Base):
    """An immutable version of a constitution."""

    __tablename__ = "constitution_versions"
    __table_args__ = (UniqueConstraint("constitution_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    constitution_id: Mapped[int] = mapped_column(ForeignKey("constitutions.id"))
    number: Mapped[int]
    """1, 2, ..."""
    description: Mapped[str]
    few_shots: Mapped[dict[str, Any]]
    hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the whole content: saving what is already the newest version makes no new one."""
    author: Mapped[str]
    message: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    constitution: Mapped[ConstitutionRow] = relationship(back_populates="versions")
    principles: Mapped[list["VersionPrincipleRow"]] = relationship(
        back_populates="version", order_by="VersionPrincipleRow.position"
    )


class PrincipleRow(Base):
    """A principle by content: versions that say the same share the row."""

    __tablename__ = "principles"
    __table_args__ = (one_of("kind", PRINCIPLE_KINDS), UniqueConstraint("uid"))
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(16))
    slug: Mapped[str]
    title: Mapped[str]
    kind: Mapped[str]
    tags: Mapped[list[Any]]
    critique_request: Mapped[str | None]
    revision_request: Mapped[str | None]
    comparison: Mapped[str | None]


class VersionPrincipleRow(Base):
    """A principle's place in a version."""

    __tablename__ = "version_principles"
    version_id: Mapped[int] = mapped_column(ForeignKey("constitution_versions.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    principle_id: Mapped[int] = mapped_column(ForeignKey("principles.id"), index=True)
    weight: Mapped[float]
    enabled: Mapped[bool]
    version: Mapped[ConstitutionVersionRow] = relationship(back_populates="principles")
    principle: Mapped[PrincipleRow] = relationship(lazy="joined")


class RunRow(Base):
    """A recorded attempt at a stage, and its process."""

    __tablename__ = "runs"
    __table_args__ = (
        one_of("kind", RUN_KINDS),
        one_of("state", RUN_STATES),
        UniqueConstraint("uid"),
        Index(None, "state", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default="waiting")
    config: Mapped[dict[str, Any]]
    seed: Mapped[int]
    constitution_version_id: Mapped[int | None] = mapped_column(ForeignKey("constitution_versions.id"), index=True)
    code_revision: Mapped[str]
    origin: Mapped[str | None]
    """Of a run that was not made here: the file that it was imported from."""
    told: Mapped[dict[str, Any] | None]
    """Of a run that was not made here: all that its file says of it."""
    note: Mapped[str] = mapped_column(default="")
    done: Mapped[int] = mapped_column(default=0)
    """Rows or steps finished."""
    total: Mapped[int | None]
    """Rows or steps in all, once known."""
    phase: Mapped[str] = mapped_column(default="")
    """What it is doing, in words."""
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the stage found: counts, accuracies, ratings."""
    error: Mapped[str | None]
    stop_requested: Mapped[bool] = mapped_column(default=False)
    attempt: Mapped[int] = mapped_column(default=0)
    """How often it was started."""
    device: Mapped[str | None]
    pid: Mapped[int | None]
    process_started: Mapped[float | None]
    """The process's start time in seconds since the epoch (psutil): guards against a reused pid."""
    heartbeat_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    seconds: Mapped[float] = mapped_column(default=0.0)
    """Time at work, over all attempts."""
    parents: Mapped[list["RunParentRow"]] = relationship(
        foreign_keys="RunParentRow.run_id", order_by="RunParentRow.parent_id"
    )
    constitution_version: Mapped[ConstitutionVersionRow | None] = relationship()


class RunParentRow(Base):
    """A run reads what its parent made."""

    __tablename__ = "run_parents"
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    parent_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True, index=True)
    parent: Mapped[RunRow] = relationship(foreign_keys=[parent_id])


class RunPromptRow(Base):
    """A run's input prompts, fixed when it first starts."""

    __tablename__ = "run_prompts"
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    prompt_id: Mapped[int] = mapped_column(ForeignKey("prompts.id"), index=True)


class ModelRow(Base):
    """A model by name: a base, or an adapter that a run saved (a snapshot)."""

    __tablename__ = "models"
    __table_args__ = (one_of("kind", MODEL_KINDS), UniqueConstraint("name"))
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    base: Mapped[str]
    """'sandbox', a folder, a Hub id, or a server's base URL."""
    adapter: Mapped[str | None]
    """Folder of the adapter, relative to the workspace where it lies inside."""
    revision: Mapped[str | None]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id"), index=True)
    step: Mapped[int | None]
    final: Mapped[bool] = mapped_column(default=True)
    """The last snapshot of its run; False: one on the way."""
    endpoint: Mapped[dict[str, Any] | None]
    """How a server is asked for it (`cai_core.config.EndpointConfig`); None: weights that are loaded here."""
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the check found when it was added: parameters, context, template, option tokens, memory."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class MetricRow(Base):
    """One value of a training step."""

    __tablename__ = "metrics"
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[float]


class ComparisonRow(Base):
    """Two responses to one prompt."""

    __tablename__ = "comparisons"
    __table_args__ = (
        one_of("state", ROW_STATES),
        UniqueConstraint("run_id", "prompt_id", "sample"),
        UniqueConstraint("uid"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32))
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), index=True)
    prompt_id: Mapped[int] = mapped_column(ForeignKey("prompts.id"), index=True)
    sample: Mapped[int] = mapped_column(default=0)
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), index=True)
    state: Mapped[str]
    response_a: Mapped[str | None]
    response_b: Mapped[str | None]
    seed_a: Mapped[int]
    seed_b: Mapped[int]
    finished_a: Mapped[bool | None]
    """False: cut at the token limit."""
    finished_b: Mapped[bool | None]
    sent: Mapped[str | None]
    """Hash of what was sent for both."""
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    prompt: Mapped[PromptRow] = relationship()


class LabelRow(Base):
    """An AI label of a comparison under one principle."""

    __tablename__ = "labels"
    __table_args__ = (
        one_of("state", LABEL_STATES),
        UniqueConstraint("run_id", "comparison_id", "principle_id"),
        # Cover a principle's record, the newest labels first, and which principles a comparison is labelled under.
        Index(None, "principle_id", "id", "state", "p_a", "order_disagrees"),
        Index(None, "comparison_id", "principle_id", "run_id", "p_a"),
        CheckConstraint("(state = 'labelled') = (p_a IS NOT NULL)", name="p_a_only_when_labelled"),
        CheckConstraint("p_a IS NULL OR (p_a >= 0 AND p_a <= 1)", name="p_a_in_range"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    comparison_id: Mapped[int] = mapped_column(ForeignKey("comparisons.id"))
    principle_id: Mapped[int] = mapped_column(ForeignKey("principles.id"))
    state: Mapped[str]
    p_a: Mapped[float | None]
    order_disagrees: Mapped[bool]
    few_shot: Mapped[int | None]
    error: Mapped[str | None]
    recalled: Mapped[bool] = mapped_column(default=False)
    """Taken over from a parent labels run that had asked the very same."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    comparison: Mapped[ComparisonRow] = relationship()
    principle: Mapped[PrincipleRow] = relationship()
    orders: Mapped[list["LabelOrderRow"]] = relationship(order_by="LabelOrderRow.order")


class LabelOrderRow(Base):
    """One order's reading: log-probabilities of the responses A and B, whichever position they stood in."""

    __tablename__ = "label_orders"
    __table_args__ = (one_of("order", ORDERS),)
    label_id: Mapped[int] = mapped_column(ForeignKey("labels.id"), primary_key=True)
    order: Mapped[str] = mapped_column(primary_key=True)
    logprob_a: Mapped[float]
    logprob_b: Mapped[float]
    sent: Mapped[str]
    bounded: Mapped[bool] = mapped_column(default=False)
    """A server did not list one of the options: its log-probability is at most the one written here."""


class RolloutRow(Base):
    """A response sampled during training, in RL with its reward."""

    __tablename__ = "rollouts"
    __table_args__ = (UniqueConstraint("run_id", "step", "position"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    step: Mapped[int]
    position: Mapped[int]
    """Place within the step."""
    prompt_id: Mapped[int] = mapped_column(ForeignKey("prompts.id"), index=True)
    text: Mapped[str]
    reward: Mapped[float | None]
    """None: nobody scored it, for it was only sampled to be read."""
    prompt: Mapped[PromptRow] = relationship()
