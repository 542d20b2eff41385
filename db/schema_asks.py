"""The tables of asks, which somebody waits for, and of the warm workers that answer them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base, now, one_of
from db.schema import ConstitutionVersionRow, ModelRow, PrincipleRow

ASK_KINDS = ("sample", "choose", "critique_revision", "compare", "draft", "count", "branch", "render", "preview")
ASK_STATES = ("waiting", "answering", "done", "failed", "stopped")


class AskRow(Base):
    """Something that a person waits for, and how far its answer is."""

    __tablename__ = "asks"
    __table_args__ = (
        one_of("kind", ASK_KINDS),
        one_of("state", ASK_STATES),
        UniqueConstraint("uid"),
        Index(None, "state", "device", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default="waiting")
    request: Mapped[dict[str, Any]]
    """{"turns": [{"role", "content"}, ...], "options": [...], "few_shots": n, "samples": k, "principle_ids": [...],
    "wording": a constitution as it stood unsaved, "response_a", "response_b", "chain": a chain's row id, "of": which
    chain a branch is of, "branching": {...}}; older rows end with the few-shots."""
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), index=True)
    constitution_version_id: Mapped[int | None] = mapped_column(ForeignKey("constitution_versions.id"), index=True)
    principle_id: Mapped[int | None] = mapped_column(ForeignKey("principles.id"), index=True)
    seed: Mapped[int]
    temperature: Mapped[float]
    max_new_tokens: Mapped[int]
    device: Mapped[str]
    """Whose worker answers it."""
    pid: Mapped[int | None]
    """The process that answered it last."""
    attempt: Mapped[int] = mapped_column(default=0)
    """How often a worker took it up."""
    code_revision: Mapped[str] = mapped_column(default="")
    stop_requested: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None]
    plain_because: Mapped[str | None]
    """Why the model was answered the plain way, several times slower; None: it was not, or nothing is known of it."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    first_text_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    model: Mapped["ModelRow"] = relationship()
    constitution_version: Mapped["ConstitutionVersionRow | None"] = relationship()
    principle: Mapped["PrincipleRow | None"] = relationship()
    parts: Mapped[list["AskPartRow"]] = relationship(order_by="AskPartRow.position")


class AskPartRow(Base):
    """One request of an ask and its answer so far: a response, a critique, a revision, a choice."""

    __tablename__ = "ask_parts"
    ask_id: Mapped[int] = mapped_column(ForeignKey("asks.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    """0, 1, ..."""
    part: Mapped[str]
    sample: Mapped[int] = mapped_column(default=0)
    """Which of several samples it belongs to: 0, 1, ...; of a chain's requests, which round."""
    principle_id: Mapped[int | None] = mapped_column(ForeignKey("principles.id"), index=True)
    """The principle behind a critique, a revision or a choice."""
    order: Mapped[str | None]
    """Of a choice between two responses: 'ab' or 'ba'."""
    seed: Mapped[int | None]
    rendered: Mapped[str | None]
    """Exactly what was sent."""
    sent: Mapped[str | None]
    """Hash of what was sent; None until the answer is whole."""
    text: Mapped[str | None]
    """The answer so far."""
    thinking: Mapped[str | None]
    """What a reasoning model wrote before its answer."""
    finished: Mapped[bool | None]
    """None: still being written. False: cut at the token limit."""
    num_tokens: Mapped[int | None]
    logprobs: Mapped[list[Any] | None]
    """Of a choice: natural log-probability of each option."""
    bounded: Mapped[list[Any] | None]
    """Of a choice: which of them are only upper bounds; empty: none."""
    failure: Mapped[str | None]
    """Why there is no answer: 'too_long' or 'failed'; `error` says it in words."""
    error: Mapped[str | None]
    principle: Mapped["PrincipleRow | None"] = relationship()


class WarmWorkerRow(Base):
    """The process that answers the asks of a device; no row: there is none."""

    __tablename__ = "warm_workers"
    device: Mapped[str] = mapped_column(primary_key=True)
    pid: Mapped[int | None]
    """None: it is being launched."""
    process_started: Mapped[float | None]
    """The process's start time in seconds since the epoch (psutil): guards against a reused pid."""
    launched_at: Mapped[datetime] = mapped_column(default=now)
    launches: Mapped[int] = mapped_column(default=0)
    """How often one was launched since one last came up."""
    heartbeat_at: Mapped[datetime | None]
    doing: Mapped[str] = mapped_column(default="")
    """What it does at this moment, in words."""
    models: Mapped[list[Any]] = mapped_column(default=list)
    """Names of the models in memory, the one used last in the end."""
    memory: Mapped[int] = mapped_column(default=0)
    """Bytes that they take."""
    budget: Mapped[int] = mapped_column(default=0)
    """Bytes that they may take."""
