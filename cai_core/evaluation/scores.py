"""What a judge makes of one text of a chain, as a number: higher is better, None where it cannot tell.

- **gold**: its class of the response as a number in 0..1 (`sandbox.gold.value`), and the class.
- **pm**: the preference model's score of the conversation with the text, as it is: an unbounded number whose
  differences are log-odds, as in the paper's figure 5.
- **feedback**: the probability that the model prefers the text to the chain's initial response under a comparison
  principle of the axis's kind, asked in both orders, as a label is (`preferences.labels`). The chain draws the
  principle, the same for all its rounds, so that rounds are comparable. The initial response against itself, and a text
  that says the same, are 0.5 without being asked about: any preference would be one for a position.
"""

from collections.abc import Generator, Sequence
from math import isfinite, isnan

from cai_core.config import LabelsConfig
from cai_core.constitution.draw import draw_principle
from cai_core.evaluation.judges import KIND_OF
from cai_core.preferences.labels import label
from cai_core.sandbox import gold
from cai_core.types import (
    Answer,
    Axis,
    Comparison,
    ComparisonShot,
    Constitution,
    Conversation,
    LabelState,
    Request,
    RowState,
    Score,
)

_STATES = {LabelState.TOO_LONG: RowState.TOO_LONG, LabelState.FAILED: RowState.FAILED}


def gold_score(turns: Conversation, text: str, axis: Axis) -> Score:
    """Gold's; `other` has a class but no value."""
    verdict = gold.judge(turns, text)
    value = gold.value(verdict, axis)
    error = "gold cannot read the text" if value is None else None
    return Score(RowState.DONE, value, verdict.verdict.value, error=error)


def pm_score(value: float) -> Score:
    """A preference model's; NaN is the score of a conversation too long for it, and an infinite one says nothing."""
    if isnan(value):
        return Score(RowState.TOO_LONG, error="the conversation is too long for the preference model")
    if not isfinite(value):
        return Score(RowState.DONE, error=f"the preference model's score is {value}")
    return Score(RowState.DONE, value)


def feedback_score(
    comparison: Comparison,
    *,
    key: str,
    axis: Axis,
    constitution: Constitution,
    config: LabelsConfig,
    prefixes: Sequence[Sequence[ComparisonShot]],
    seed: int,
) -> Generator[tuple[str, Request], Answer, Score]:
    """A feedback model's of response A, the text; response B is the initial one, and `key` names the chain."""
    principle = draw_principle(constitution, kind=KIND_OF[axis], half="comparison", seed=seed, row=key, round=0)
    if comparison.response_a == comparison.response_b:
        return Score(RowState.DONE, 0.5, principle=principle)
    said = yield from label(comparison, key=key, principle=principle, config=config, prefixes=prefixes, seed=seed)
    return Score(_STATES.get(said.state, RowState.DONE), said.p_a, principle=principle, error=said.error)
