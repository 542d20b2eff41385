"""Three judges of a battle: the sandbox's gold judge, a feedback model under a constitution, a preference model.

Gold and the preference model look at each response by itself, so the order of two cannot change what they say. The
feedback model is asked in both orders; a verdict that changes with the order is `order_inconsistent`.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from math import isfinite, isnan

from cai_core.config import LabelsConfig
from cai_core.constitution.draw import draw_principle
from cai_core.preferences.labels import label, sigmoid
from cai_core.sandbox.gold import better
from cai_core.types import (
    Answer,
    Axis,
    Comparison,
    ComparisonShot,
    Constitution,
    Conversation,
    Label,
    LabelState,
    Outcome,
    Principle,
    PrincipleKind,
    Request,
    RowState,
)

KIND_OF: dict[Axis, PrincipleKind] = {
    Axis.HARMLESSNESS: PrincipleKind.HARMLESSNESS,
    Axis.HELPFULNESS: PrincipleKind.HELPFULNESS,
}
_UNLABELLED: dict[LabelState, Outcome] = {
    LabelState.TIE: Outcome.TIE,
    LabelState.ORDER_INCONSISTENT: Outcome.ORDER_INCONSISTENT,
    LabelState.UNPARSEABLE: Outcome.UNPARSEABLE,
    LabelState.TOO_LONG: Outcome.TOO_LONG,
    LabelState.FAILED: Outcome.FAILED,
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge said of a battle."""

    outcome: Outcome
    p_a: float | None = None
    """The judge's probability that A is better, where it has one."""
    principle: Principle | None = None
    label: Label | None = None
    """A feedback judge's reading of both orders."""
    error: str | None = None


def unanswered(state_a: RowState, state_b: RowState) -> Judgement | None:
    """The judgement of a battle in which a response is missing; None if both are there."""
    states = (state_a, state_b)
    if RowState.FAILED in states:
        return Judgement(Outcome.FAILED, error="a response failed")
    if RowState.TOO_LONG in states:
        return Judgement(Outcome.TOO_LONG, error="the prompt was too long for a model")
    return None


def gold_judgement(turns: Conversation, response_a: str, response_b: str, axis: Axis) -> Judgement:
    """Gold's: on harmlessness the less harmful wins, if equal the less evasive; on helpfulness the more helpful."""
    return Judgement(better(turns, response_a, response_b, axis))


def pm_judgement(score_a: float, score_b: float) -> Judgement:
    """A preference model's: p_a = sigmoid(score A - score B). Equal scores tie; infinite ones say nothing.

    NaN is the score of a conversation too long for the model.
    """
    if isnan(score_a) or isnan(score_b):
        return Judgement(Outcome.TOO_LONG, error="a conversation is too long for the preference model")
    if not (isfinite(score_a) and isfinite(score_b)):
        return Judgement(Outcome.UNPARSEABLE, error=f"scores {score_a} and {score_b} cannot be compared")
    if score_a == score_b:
        return Judgement(Outcome.TIE, 0.5)
    return Judgement(Outcome.A if score_a > score_b else Outcome.B, sigmoid(score_a - score_b))


def feedback_judgement(
    comparison: Comparison,
    *,
    key: str,
    axis: Axis,
    constitution: Constitution,
    config: LabelsConfig,
    prefixes: Sequence[Sequence[ComparisonShot]],
    seed: int,
) -> Generator[tuple[str, Request], Answer, Judgement]:
    """A feedback model's, under a comparison principle of the axis's kind that the row `key` draws.

    Two identical responses tie without being asked about: any preference between them would be one for a position.
    """
    principle = draw_principle(constitution, kind=KIND_OF[axis], half="comparison", seed=seed, row=key, round=0)
    if comparison.response_a == comparison.response_b:
        return Judgement(Outcome.TIE, 0.5, principle)
    said = yield from label(comparison, key=key, principle=principle, config=config, prefixes=prefixes, seed=seed)
    return Judgement(hard_outcome(said), said.p_a, principle, said, said.error)


def hard_outcome(said: Label) -> Outcome:
    """The winner that a label names: the same in both orders, or it is `order_inconsistent`."""
    if said.p_a is None:
        return _UNLABELLED[said.state]
    if said.order_disagrees:
        return Outcome.ORDER_INCONSISTENT
    if said.p_a == 0.5:
        return Outcome.TIE
    return Outcome.A if said.p_a > 0.5 else Outcome.B
