"""Comparisons and their labels."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp

from cai_core.types.constitutions import Principle
from cai_core.types.prompts import Prompt


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two responses to one prompt, unlabelled."""

    prompt: Prompt
    response_a: str
    response_b: str

    def swap(self) -> "Comparison":
        """The same comparison with A and B exchanged; twice is the identity."""
        return replace(self, response_a=self.response_b, response_b=self.response_a)


class Order(StrEnum):
    """How a comparison was shown: `ab` has response A as option (A), `ba` has response B as option (A)."""

    AB = "ab"
    BA = "ba"


class LabelState(StrEnum):
    """What a label says. Only `labelled` rows may train."""

    LABELLED = "labelled"
    TIE = "tie"
    """A hard verdict of 'equal'."""
    ORDER_INCONSISTENT = "order_inconsistent"
    """A hard verdict that changed with the order."""
    UNPARSEABLE = "unparseable"
    """Too little probability on the two options."""
    TOO_LONG = "too_long"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OrderScore:
    """One order's reading. Log-probabilities belong to the responses A and B, not to the positions."""

    order: Order
    logprob_a: float
    logprob_b: float
    sent: str
    bounded: bool = False
    """A server did not list one of the options: its log-probability is at most the one given here."""

    @property
    def log_odds(self) -> float:
        """Natural logarithm of P(A preferred) / P(B preferred)."""
        return self.logprob_a - self.logprob_b

    @property
    def p_a(self) -> float | None:
        """The probability of A, of the two alone: what this order says by itself. None where neither had any."""
        odds = exp(-abs(self.log_odds))
        if odds != odds:
            return None
        return 1 / (1 + odds) if self.log_odds >= 0 else odds / (1 + odds)


@dataclass(frozen=True, slots=True)
class Label:
    """An AI preference label (paper section 4.1): one drawn principle, both orders, a soft `p_a`."""

    state: LabelState
    principle: Principle
    p_a: float | None
    """Sigmoid of the mean log-odds over both orders; None unless state is `labelled`."""
    orders: tuple[OrderScore, ...]
    order_disagrees: bool = False
    """The two orders prefer different responses: a flag on a soft label, not a state."""
    few_shot: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class LabelledComparison:
    """A comparison with the probability that A is preferred: what a preference model trains on."""

    comparison: Comparison
    p_a: float
    source: str
    """Which part of the mixture it belongs to, e.g. 'red_team' or 'helpful'."""
