"""The tables of authoring: people, their unsaved drafts, and the cases that a constitution is held to."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base, now, one_of
from db.schema import ConstitutionRow, ConstitutionVersionRow, PrincipleRow, RunRow

CASE_KINDS = ("prompt", "pair")
CASE_STATES = ("pass", "fail", "could_not_tell", "unjudged", "too_long", "failed")
OPTIONS = ("a", "b")


class PersonRow(Base):
    """Somebody who writes: a browser, or a login."""

    __tablename__ = "people"
    __table_args__ = (UniqueConstraint("key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    """'browser:' and a hash of the browser's cookie, or 'login:' and the login's subject; no secret."""
    name: Mapped[str] = mapped_column(default="")
    """As it stands with versions; empty: not asked yet."""
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the person chose for their own pages, such as {"blur": true}."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class DraftRow(Base):
    """Somebody's unsaved edits of a version, or a new constitution that has none."""

    __tablename__ = "drafts"
    # An id is never given twice: an old address, or a tab left open, must not lead into somebody's newer draft.
    __table_args__ = (UniqueConstraint("person_id", "base_version_id"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    base_version_id: Mapped[int | None] = mapped_column(ForeignKey("constitution_versions.id"), index=True)
    """What the edits began from; None: a new constitution."""
    content: Mapped[dict[str, Any]]
    """A constitution as it was typed, whether it is valid or not; each entry under a key of its own."""
    revision: Mapped[int] = mapped_column(default=0)
    """Counts the edits."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    person: Mapped[PersonRow] = relationship()
    base_version: Mapped[ConstitutionVersionRow | None] = relationship()


class CaseRow(Base):
    """A prompt, or a pair of responses, with what is hoped for: kept to hold a constitution's versions to it."""

    __tablename__ = "cases"
    __table_args__ = (
        one_of("kind", CASE_KINDS),
        UniqueConstraint("uid"),
        Index(None, "constitution_id", "id"),
        CheckConstraint("preferred IS NULL OR preferred IN ('a', 'b')", name="preferred"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32))
    constitution_id: Mapped[int] = mapped_column(ForeignKey("constitutions.id"))
    kind: Mapped[str]
    turns: Mapped[list[Any]]
    """[{"role", "content"}, ...], ending with a user's turn."""
    principle: Mapped[str | None]
    """Id of the principle it is about, the same in all versions; None: whichever is drawn, or all."""
    response_a: Mapped[str | None]
    response_b: Mapped[str | None]
    preferred: Mapped[str | None]
    """Of a pair: 'a' or 'b'."""
    hope: Mapped[str] = mapped_column(default="")
    """What is hoped for, in words."""
    author: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    retired_at: Mapped[datetime | None]
    """Not run any more; its results stay."""
    constitution: Mapped[ConstitutionRow] = relationship()


class CaseResultRow(Base):
    """What a case came to under a version, in a cases run."""

    __tablename__ = "case_results"
    __table_args__ = (
        one_of("state", CASE_STATES),
        UniqueConstraint("run_id", "case_id"),
        Index(None, "case_id", "run_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    state: Mapped[str]
    principle_id: Mapped[int | None] = mapped_column(ForeignKey("principles.id"), index=True)
    response: Mapped[str | None]
    critique: Mapped[str | None]
    revision: Mapped[str | None]
    p_a: Mapped[float | None]
    """Of a pair: that A is preferred. Of a prompt: that the revision meets the hope better than the response does."""
    orders: Mapped[list[Any]] = mapped_column(default=list)
    """[{"order", "logprob_a", "logprob_b", "bounded"}, ...] behind `p_a`."""
    order_disagrees: Mapped[bool] = mapped_column(default=False)
    sent: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Hashes of what was sent, by part."""
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    run: Mapped[RunRow] = relationship()
    case: Mapped[CaseRow] = relationship()
    principle: Mapped[PrincipleRow | None] = relationship()
