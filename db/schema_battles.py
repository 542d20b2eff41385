"""The tables of evaluation: what models answered, and the battles between their answers."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.base import Base, one_of
from db.schema import ROW_STATES, ModelRow, PrincipleRow, PromptRow

OUTCOMES = ("a", "b", "tie", "order_inconsistent", "unparseable", "too_long", "failed")
AXES = ("harmlessness", "helpfulness")


class ResponseRow(Base):
    """A model's answer to a held-out prompt in a battles run, with the gold judge's verdict where one exists."""

    __tablename__ = "responses"
    __table_args__ = (one_of("state", ROW_STATES), UniqueConstraint("run_id", "model_id", "prompt_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), index=True)
    prompt_id: Mapped[int] = mapped_column(ForeignKey("prompts.id"), index=True)
    seed: Mapped[int]
    state: Mapped[str]
    text: Mapped[str | None]
    finished: Mapped[bool | None]
    """False: cut at the token limit."""
    sent: Mapped[str | None]
    error: Mapped[str | None]
    verdict: Mapped[str | None]
    """Gold's class: complies, half, evasive, preachy, engaged, helpful, unhelpful, other."""
    helpfulness: Mapped[float | None]
    """Gold's score, 0..1."""
    model: Mapped[ModelRow] = relationship()
    prompt: Mapped[PromptRow] = relationship()


class BattleRow(Base):
    """Two responses to one prompt, judged on one axis."""

    __tablename__ = "battles"
    __table_args__ = (
        one_of("axis", AXES),
        one_of("outcome", OUTCOMES),
        UniqueConstraint("run_id", "axis", "response_a_id", "response_b_id"),
        Index(None, "run_id", "axis", "prompt_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), index=True)
    axis: Mapped[str]
    prompt_id: Mapped[int] = mapped_column(ForeignKey("prompts.id"), index=True)
    response_a_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), index=True)
    response_b_id: Mapped[int] = mapped_column(ForeignKey("responses.id"), index=True)
    judge: Mapped[str]
    """'gold', or the judging model's name."""
    principle_id: Mapped[int | None] = mapped_column(ForeignKey("principles.id"), index=True)
    outcome: Mapped[str]
    p_a: Mapped[float | None]
    """The judge's probability that A is better, where it has one."""
    error: Mapped[str | None]
    """Why there is no verdict."""
    response_a: Mapped[ResponseRow] = relationship(foreign_keys=[response_a_id])
    response_b: Mapped[ResponseRow] = relationship(foreign_keys=[response_b_id])
    principle: Mapped[PrincipleRow | None] = relationship()
