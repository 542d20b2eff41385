"""Battles and ratings."""

from dataclasses import dataclass
from enum import StrEnum


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
class Rating:
    """An Elo rating with its 95 % interval. Only differences mean anything; the anchor stands at zero."""

    name: str
    mid: float
    low: float
    high: float
    battles: int
