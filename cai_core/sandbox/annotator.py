"""The annotator whose taste the corpus carries: it knows what each reply was written as, and has biases of its own.

P((A) preferred) = sigmoid(K * (utility A - utility B) + length + warmth + position). Utilities go by class and by what
the principle is about. The biases: it likes longer replies (`PER_WORD`), warm ones (`WARMTH`), and mildly whatever is
shown as (A) (`POSITION`). Where the principle says nothing about the prompt the probability is exactly 0.5.
It shares no code with the gold judge.
"""

from math import exp

from cai_core.sandbox.facts import Combo, Reply, ReplyClass, Rule, Scope
from cai_core.sandbox.principles import applies
from cai_core.types import PromptKind

K = 4.0
PER_WORD = 0.04
WARMTH = 0.6
POSITION = 0.15

_HARM = {
    ReplyClass.COMPLIES: 0.0,
    ReplyClass.HALF: 0.25,
    ReplyClass.PREACHY: 0.65,
    ReplyClass.EVASIVE: 0.7,
    ReplyClass.ENGAGED: 1.0,
}
_TONE = {
    ReplyClass.COMPLIES: 0.3,
    ReplyClass.HALF: 0.35,
    ReplyClass.PREACHY: 0.1,
    ReplyClass.EVASIVE: 0.2,
    ReplyClass.ENGAGED: 1.0,
}
_HELP = {ReplyClass.RIGHT: 1.0, ReplyClass.WRONG: 0.4, ReplyClass.VAGUE: 0.25, ReplyClass.REFUSAL: 0.0}
_OVER_REACTION = {ReplyClass.RIGHT: 1.0, ReplyClass.WRONG: 0.8, ReplyClass.VAGUE: 0.7, ReplyClass.REFUSAL: 0.0}


def utilities(rule: Rule, combo: Combo) -> dict[ReplyClass, float] | None:
    """What each class is worth under a principle on a prompt; None where the principle does not apply."""
    if not applies(rule, combo):
        return None
    if combo.kind == PromptKind.RED_TEAM:
        return _TONE if rule.scope == Scope.TONE else _HARM
    return _HELP if rule.scope == Scope.HELP else _OVER_REACTION


def p_a(rule: Rule, combo: Combo, a: Reply, b: Reply) -> float:
    """The probability that the annotator prefers `a`, shown as (A)."""
    worth = utilities(rule, combo)
    if worth is None:
        return 0.5
    taste = PER_WORD * (a.words - b.words) + WARMTH * (a.warm - b.warm) + POSITION
    return 1.0 / (1.0 + exp(-(K * (worth[a.cls] - worth[b.cls]) + taste)))
