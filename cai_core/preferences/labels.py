"""AI preference labels (paper section 4.1), as a generator that asks in both orders.

The feedback model is asked which of two responses a principle prefers, once with response A shown as option (A) and
once with B there. With z = log P(A) - log P(B) in each order, the soft label is p_a = sigmoid((z_ab + z_ba) / 2): a
constant liking for one position cancels. The paper asks in one order only.
"""

from collections.abc import Generator, Mapping, Sequence
from math import exp

from cai_core.chains.critique_revision import behind, shared_turns
from cai_core.chains.few_shots import prefix_of
from cai_core.config import LabelsConfig
from cai_core.errors import ConstitutionError
from cai_core.preferences.templates import OPTIONS, comparison_turns, shot_turns
from cai_core.types import (
    Answer,
    Choice,
    Choose,
    Comparison,
    ComparisonShot,
    Conversation,
    Failed,
    Failure,
    Label,
    LabelState,
    Order,
    OrderScore,
    Principle,
    Request,
)

FAILURES = {Failure.TOO_LONG: LabelState.TOO_LONG, Failure.FAILED: LabelState.FAILED}
Labelling = Generator[tuple[str, Request], Answer, Label]


def sigmoid(x: float) -> float:
    """1 / (1 + e^-x), without overflow."""
    return 1.0 / (1.0 + exp(-x)) if x >= 0 else exp(x) / (1.0 + exp(x))


def label(
    comparison: Comparison,
    *,
    key: str,
    principle: Principle,
    config: LabelsConfig,
    prefixes: Sequence[Sequence[ComparisonShot]],
    seed: int,
) -> Labelling:
    """Label one comparison under one principle; `key` names the row and picks the prefix of both orders.

    Where either order fails, or has less than `config.min_mass` on the two options, there is no `p_a`.
    """
    if principle.comparison is None:
        raise ConstitutionError(f"principle '{principle.id}' has no comparison; add one, or draw another principle")
    chosen = prefix_of(key, count=len(prefixes), seed=seed)
    shots: Conversation = ()
    if chosen is not None:
        shots = tuple(turn for shot in prefixes[chosen] for turn in shot_turns(shot))
    answers: dict[Order, Choice | Failed] = {}
    for order in Order:
        context = behind(shots, _question(comparison, principle.comparison, order))
        answer = yield "feedback", Choose(context, OPTIONS, shared_turns(shots, context))
        if not isinstance(answer, Choice | Failed):
            raise TypeError(f"a choice was answered with {type(answer).__name__}")
        answers[order] = answer
        if isinstance(answer, Failed):
            break
    return label_of(principle, answers, min_mass=config.min_mass, few_shot=chosen)


def label_of(
    principle: Principle, answers: Mapping[Order, Choice | Failed], *, min_mass: float, few_shot: int | None = None
) -> Label:
    """The label that the answers in both orders make; the first that failed is why there is none."""
    orders: list[OrderScore] = []
    mass = 1.0
    for order in Order:
        answer = answers[order]
        if isinstance(answer, Failed):
            state = FAILURES[answer.failure]
            return Label(state, principle, None, tuple(orders), few_shot=few_shot, error=answer.message)
        orders.append(_score(order, answer))
        mass = min(mass, answer.mass)
    return soft_label(principle, (orders[0], orders[1]), mass=mass, min_mass=min_mass, few_shot=few_shot)


def soft_label(
    principle: Principle, orders: tuple[OrderScore, OrderScore], *, mass: float, min_mass: float, few_shot: int | None
) -> Label:
    """The label that two orders make; `mass` is the smaller probability that an order has on its two options."""
    odds = [score.log_odds for score in orders]
    mean = sum(odds) / 2
    # NaN and infinity minus infinity mean that neither option had any probability; a mass of none, that only bounds
    # are known, which prefer nothing.
    if not mass >= min_mass or mass == 0.0 or mean != mean:
        error = f"only {mass:.3g} of the probability lies on the two options; at least {min_mass:g} is wanted"
        return Label(LabelState.UNPARSEABLE, principle, None, orders, few_shot=few_shot, error=error)
    return Label(LabelState.LABELLED, principle, sigmoid(mean), orders, disagree(odds[0], odds[1]), few_shot)


def disagree(first: float, second: float) -> bool:
    """Whether two log-odds prefer different responses; zero prefers neither and disagrees with nothing."""
    return first * second < 0


def _question(comparison: Comparison, text: str, order: Order) -> Conversation:
    shown = comparison if order is Order.AB else comparison.swap()
    return comparison_turns(comparison.prompt.turns, text, shown.response_a, shown.response_b)


def _score(order: Order, choice: Choice) -> OrderScore:
    """Log-probabilities by response: in order `ba`, option (A) is response B."""
    first, second = choice.logprobs
    a, b = (first, second) if order is Order.AB else (second, first)
    return OrderScore(order, a, b, choice.sent, any(choice.bounded))
