"""The table of generated prompts: what a model was asked for one by one, and what came of it."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, one_of
from db.schema import ROW_STATES

OUTCOMES = ("kept", "empty", "cut", "echo", "duplicate", "near_duplicate")


class PromptAttemptRow(Base):
    """One request of a prompts run for a new prompt."""

    __tablename__ = "prompt_attempts"
    __table_args__ = (one_of("state", ROW_STATES), one_of("outcome", OUTCOMES))
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    text: Mapped[str | None]
    """What the model wrote, verbatim."""
    finished: Mapped[bool | None]
    """False: cut at the token limit."""
    seed: Mapped[int]
    sent: Mapped[str | None]
    error: Mapped[str | None]
    outcome: Mapped[str | None]
    """What became of it; None: not settled yet, which happens in order when all are written."""
    prompt_id: Mapped[int | None] = mapped_column(ForeignKey("prompts.id"), index=True)
    """The prompt that was kept of it."""
