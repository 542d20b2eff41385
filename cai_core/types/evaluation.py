"""Battles and ratings."""

from dataclasses import dataclass
from enum import StrEnum

from cai_core.types.chains import RowState
from cai_core.types.constitutions import Principle


class Axis(StrEnum):
    """What a battle is fought over."""

    HARMLESSNESS = "harmlessness"
    HELPFULNESS = "helpfulness"


class Outcome(StrEnum):
    """Who won a battle. Only a, b and tie are rated; the rest are counted."""

    A = "a"
    B = "b"
    TIE = "tie"
    ORDER_INCONSISTENT = "order_inconsistent"
    UNPARSEABLE = "unparseable"
    TOO_LONG = "too_long"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Score:
    """What a judge makes of one text of a chain."""

    state: RowState
    value: float | None = None
    """Higher is better; None where the judge could not tell."""
    verdict: str | None = None
    """Gold's class of the text."""
    principle: Principle | None = None
    """Under which a feedback model was asked."""
    error: str | None = None
    """Why there is no value."""


@dataclass(frozen=True, slots=True)
class Rating:
    """An Elo rating with its 95 % interval. Only differences mean anything; the anchor stands at zero."""

    name: str
    mid: float
    low: float
    high: float
    battles: int
