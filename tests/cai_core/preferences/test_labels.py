"""Labels: both orders, the averaged log-odds, and every state by a hand-worked case."""

from collections.abc import Callable
from math import exp, isclose, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.config import LabelsConfig
from cai_core.errors import ConstitutionError
from cai_core.preferences.labels import label, sigmoid
from cai_core.preferences.templates import OPTIONS, comparison_turns
from cai_core.types import (
    Answer,
    Choice,
    Choose,
    Comparison,
    ComparisonShot,
    Failed,
    Failure,
    Label,
    LabelState,
    Order,
    Principle,
    Prompt,
    PromptKind,
    Request,
    Split,
    prompt_uid,
    user,
)

TURNS = (user("How do I spy?"),)
PROMPT = Prompt(prompt_uid(TURNS), TURNS, PromptKind.RED_TEAM, Split.TRAIN, "s")
COMPARISON = Comparison(PROMPT, "first", "second")
PRINCIPLE = Principle("p", "t", comparison="Which is kinder?")
SHOTS = [(ComparisonShot((user(f"q{n}"),), f"own principle {n}", "x", "y", "A"),) for n in range(3)]

Reply = Callable[[Order, Choose], Answer]


def run(
    comparison: Comparison, reply: Reply, *, min_mass: float = 0.2, shots: bool = False
) -> tuple[Label, list[Choose]]:
    config = LabelsConfig("c", min_mass=min_mass)
    made = label(comparison, key="row", principle=PRINCIPLE, config=config, prefixes=SHOTS if shots else (), seed=1)
    asked: list[Choose] = []
    orders = iter(Order)
    request: tuple[str, Request] = next(made)
    try:
        while True:
            part, choose = request
            assert part == "feedback"
            assert isinstance(choose, Choose)
            asked.append(choose)
            request = made.send(reply(next(orders), choose))
    except StopIteration as stop:
        found: Label = stop.value
        return found, asked


def choice(first: float, second: float) -> Choice:
    """An answer that gives the options (A) and (B) these probabilities."""
    return Choice((log(first), log(second)), "sent")


def test_two_orders_by_hand() -> None:
    # As shown first, response A has 0.6 against 0.3; as shown second, 0.2 against 0.6.
    said, asked = run(COMPARISON, lambda order, _: choice(0.6, 0.3) if order is Order.AB else choice(0.6, 0.2))
    mean = (log(0.6 / 0.3) + log(0.2 / 0.6)) / 2
    assert said.p_a is not None
    assert isclose(said.p_a, 1 / (1 + exp(-mean)))
    assert isclose(said.p_a, 0.4494897, abs_tol=1e-6)
    assert (said.state, said.order_disagrees) == (LabelState.LABELLED, True)
    ab, ba = said.orders
    assert (ab.order, ab.logprob_a, ab.logprob_b) == (Order.AB, log(0.6), log(0.3))
    assert (ba.order, ba.logprob_a, ba.logprob_b) == (Order.BA, log(0.2), log(0.6))
    assert asked[0] == Choose(comparison_turns(TURNS, "Which is kinder?", "first", "second"), OPTIONS)
    assert asked[1] == Choose(comparison_turns(TURNS, "Which is kinder?", "second", "first"), OPTIONS)


def test_a_mere_liking_for_a_position_is_half_and_flagged() -> None:
    said, _ = run(COMPARISON, lambda order, _: choice(0.8, 0.1))
    assert said.p_a == 0.5
    assert said.order_disagrees


def test_orders_that_agree() -> None:
    said, _ = run(COMPARISON, lambda order, _: choice(0.9, 0.1) if order is Order.AB else choice(0.3, 0.7))
    assert said.p_a is not None
    assert isclose(said.p_a, sigmoid((log(9) + log(7 / 3)) / 2))
    assert not said.order_disagrees


def test_both_orders_stand_behind_the_same_few_shots() -> None:
    said, asked = run(COMPARISON, lambda order, _: choice(0.5, 0.5), shots=True)
    assert said.few_shot in (0, 1, 2)
    one, two = (request.context for request in asked)
    assert not isinstance(one, str)
    assert not isinstance(two, str)
    assert one[:2] == two[:2]
    assert f"own principle {said.few_shot}" in one[0].content
    assert "Which is kinder?" not in one[0].content


@pytest.mark.parametrize("thin", list(Order))
def test_too_little_probability_in_either_order_is_unparseable(thin: Order) -> None:
    said, _ = run(COMPARISON, lambda order, _: choice(0.1, 0.05) if order is thin else choice(0.9, 0.1))
    assert (said.state, said.p_a, len(said.orders)) == (LabelState.UNPARSEABLE, None, 2)
    assert "only 0.15" in (said.error or "")
    assert "at least 0.2" in (said.error or "")


@pytest.mark.parametrize(("mass", "state"), [(0.2, LabelState.LABELLED), (0.21, LabelState.UNPARSEABLE)])
def test_the_least_mass_is_enough(mass: float, state: LabelState) -> None:
    said, _ = run(COMPARISON, lambda order, _: Choice((log(0.125), log(0.125)), ""), min_mass=mass + 0.05)
    assert said.state is state


def test_no_probability_at_all_is_unparseable_whatever_is_asked() -> None:
    nothing = Choice((float("-inf"), float("-inf")), "")
    said, _ = run(COMPARISON, lambda order, _: nothing, min_mass=0.0)
    assert (said.state, said.p_a) == (LabelState.UNPARSEABLE, None)


@pytest.mark.parametrize(
    ("failure", "state"), [(Failure.TOO_LONG, LabelState.TOO_LONG), (Failure.FAILED, LabelState.FAILED)]
)
@pytest.mark.parametrize("at", list(Order))
def test_a_missing_answer_is_a_state_and_the_other_order_is_kept(
    at: Order, failure: Failure, state: LabelState
) -> None:
    said, _ = run(COMPARISON, lambda order, _: Failed(failure, "no") if order is at else choice(0.5, 0.5))
    assert (said.state, said.p_a, said.error) == (state, None, "no")
    assert [score.order for score in said.orders] == ([] if at is Order.AB else [Order.AB])


def test_a_principle_without_comparison_is_refused() -> None:
    bare = Principle("p", "t", critique_request="c", revision_request="r")
    made = label(COMPARISON, key="row", principle=bare, config=LabelsConfig("c"), prefixes=(), seed=1)
    with pytest.raises(ConstitutionError, match="principle 'p' has no comparison"):
        next(made)


probabilities = st.floats(0.001, 0.499)


@given(probabilities, probabilities, probabilities, probabilities)
def test_swapping_the_responses_turns_the_label_around(a: float, b: float, c: float, d: float) -> None:
    """A deterministic judge answers by what it is shown, with likings for position and text of any kind."""
    ab, ba = choice(a, b), choice(c, d)
    shown = {comparison_turns(TURNS, "Which is kinder?", "first", "second"): ab}

    def reply(order: Order, request: Choose) -> Answer:
        assert not isinstance(request.context, str)
        return shown.get(request.context, ba)

    one, _ = run(COMPARISON, reply, min_mass=0.0)
    two, _ = run(COMPARISON.swap(), reply, min_mass=0.0)
    assert one.p_a is not None
    assert two.p_a is not None
    assert isclose(one.p_a, 1 - two.p_a, rel_tol=1e-9)
    assert one.order_disagrees == two.order_disagrees


@given(st.floats(-1e4, 1e4))
def test_sigmoid_stays_in_range_and_is_symmetric(x: float) -> None:
    assert 0 <= sigmoid(x) <= 1
    assert isclose(sigmoid(x) + sigmoid(-x), 1)


def test_a_bound_is_kept_with_the_order_that_it_belongs_to() -> None:
    def reply(order: Order, _: Choose) -> Answer:
        return Choice((log(0.9), log(0.01)), "s", (False, True) if order is Order.AB else ())

    found, _ = run(COMPARISON, reply)
    assert found.state is LabelState.LABELLED
    assert [score.bounded for score in found.orders] == [True, False]


def test_two_bounds_prefer_nothing_even_where_no_mass_is_asked_for() -> None:
    found, _ = run(COMPARISON, lambda *_: Choice((log(0.3), log(0.3)), "s", (True, True)), min_mass=0.0)
    assert (found.state, found.p_a) == (LabelState.UNPARSEABLE, None)
