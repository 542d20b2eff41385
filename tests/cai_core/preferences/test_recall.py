"""What a label was told, told again."""

from dataclasses import replace

import pytest

from cai_core.chains.recall import Known, recalling
from cai_core.config import LabelsConfig
from cai_core.models.base import sent_hash
from cai_core.models.scripted import ScriptedModel
from cai_core.preferences.labels import label
from cai_core.preferences.recall import answers_of_label
from cai_core.types import (
    Choice,
    Comparison,
    Label,
    LabelState,
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
PRINCIPLE = Principle("p", "t", comparison="Which is kinder?")


def told(known: Known, principle: Principle = PRINCIPLE, min_mass: float = 0.2) -> tuple[Label, int, int]:
    """The label, how many of its orders were recalled, and how often the model was asked."""
    model = ScriptedModel(seed=3)
    task = label(
        Comparison(PROMPT, "first", "second"),
        key="row",
        principle=principle,
        config=LabelsConfig("c", min_mass=min_mass),
        prefixes=(),
        seed=1,
    )

    def sent(_: str, request: Request) -> str:
        return sent_hash(model.render(request), request)

    wrapped = recalling(task, known, sent)
    try:
        _, request = next(wrapped)
        while True:
            _, request = wrapped.send(next(iter(model.answer([("row", request)])))[1])
    except StopIteration as stop:
        found, recalled = stop.value
        return found, recalled, len(model.history)


def test_both_orders_are_told_again_to_the_last_bit() -> None:
    first, recalled, asked = told({})
    assert (first.state, recalled, asked) == (LabelState.LABELLED, 0, 2)
    assert first.orders[0].logprob_a != first.orders[1].logprob_a
    again = told(answers_of_label(first))
    assert again == (first, 2, 0)


def test_another_wording_is_asked() -> None:
    first, _, _ = told({})
    other = replace(PRINCIPLE, comparison="Which is safer?")
    assert told(answers_of_label(first), other) == told({}, other)


def test_a_readings_state_is_judged_anew() -> None:
    """The least mass is this run's own."""
    known = answers_of_label(told({})[0])
    found, recalled, asked = told(known, min_mass=0.99)
    assert (found.state, found.p_a, recalled, asked) == (LabelState.UNPARSEABLE, None, 2, 0)


@pytest.mark.parametrize("order", [0, 1])
def test_a_bound_is_asked_again(order: int) -> None:
    """Which of the options it was of is not kept, and its mass would be wrong."""
    first, _, _ = told({})
    orders = [replace(one, bounded=number == order) for number, one in enumerate(first.orders)]
    known = answers_of_label(replace(first, orders=tuple(orders)))
    assert list(known) == [("feedback", 2 - order)]
    assert all(isinstance(one, Choice) for one in known.values())
    assert told(known)[1:] == (1, 1)
