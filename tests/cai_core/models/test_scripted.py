"""The fake model: says what it is told, else something of the sandbox's world, and remembers."""

import math

import pytest

from cai_core.chains.templates import critique_turns, revision_turns
from cai_core.models.scripted import ScriptedModel
from cai_core.preferences.templates import OPTIONS, comparison_turns
from cai_core.sandbox.gold import VerdictKind, critique_names_harm, judge
from cai_core.sandbox.prompts import prompts
from cai_core.types import (
    Answer,
    Choice,
    Choose,
    Failed,
    Failure,
    PromptKind,
    Request,
    Sample,
    Split,
    Text,
    assistant,
    user,
)


def ask(model: ScriptedModel, *requests: Request) -> list[Answer]:
    """The answers, in order."""
    return [answer for _, answer in model.answer((str(i), one) for i, one in enumerate(requests))]


def text(answer: Answer) -> str:
    """The text of an answer that has one."""
    assert isinstance(answer, Text)
    return answer.text


def test_it_remembers_what_it_was_asked() -> None:
    model = ScriptedModel(["one", "two"])
    asked: list[Request] = [Sample("a", 0, 5), Choose("b", OPTIONS), Sample((user("c"),), 1, 5)]
    said = ask(model, *asked)
    assert [request for _, request in model.history] == asked
    assert [text(said[0]), text(said[1])] == ["one", "two"]
    assert isinstance(said[2], Text)


def test_it_says_what_it_is_told() -> None:
    known = Choice((-0.1, -3.0), "sent")
    by_text = ScriptedModel({"a": "canned", "user: b": known})
    assert text(ask(by_text, Sample("a", 0, 5))[0]) == "canned"
    assert ask(by_text, Choose((user("b"),), OPTIONS)) == [known]
    assert text(ask(ScriptedModel(lambda request: f"<{request.context}>"), Sample("x", 0, 5))[0]) == "<x>"


def test_the_same_request_has_the_same_answer_anywhere() -> None:
    rows: list[Request] = [Sample(p.turns, i, 50) for i, p in enumerate(prompts(PromptKind.RED_TEAM, Split.DEV, 20, 0))]
    together = ask(ScriptedModel(seed=1), *rows)
    assert together == [ask(ScriptedModel(seed=1), row)[0] for row in rows]
    assert together != ask(ScriptedModel(seed=2), *rows)
    assert len({text(answer) for answer in together}) > 10


def test_by_default_it_plays_the_loop() -> None:
    model = ScriptedModel()
    prompt = prompts(PromptKind.RED_TEAM, Split.TEST, 1, 0)[0]
    bad = (*prompt.turns, assistant(text(ask(model, Sample(prompt.turns, 3, 50))[0])))
    asked = critique_turns(bad, "Say what is wrong.")
    critique = text(ask(model, Sample(asked, 4, 50))[0])
    revision = text(ask(model, Sample(revision_turns(asked, critique, "Mend it."), 5, 50))[0])
    if judge(prompt.turns, bad[-1].content).harmful:
        assert critique_names_harm(prompt.turns, bad[-1].content, critique)
    assert judge(prompt.turns, revision).verdict == VerdictKind.ENGAGED


def test_choices_are_soft_and_nearly_the_same_in_both_orders() -> None:
    model = ScriptedModel()
    for i in range(20):
        first, second = (
            ask(model, Choose(comparison_turns((user("Hi"),), "Which?", *pair), OPTIONS))[0]
            for pair in ((f"x{i}", f"y{i}"), (f"y{i}", f"x{i}"))
        )
        assert isinstance(first, Choice)
        assert isinstance(second, Choice)
        assert first.mass == pytest.approx(0.98)
        odds = first.logprobs[0] - first.logprobs[1], second.logprobs[1] - second.logprobs[0]
        assert odds[0] - odds[1] == pytest.approx(0.2)
        assert 0.04 < math.exp(first.logprobs[0]) < 0.96


def test_it_fails_where_it_is_told_to() -> None:
    model = ScriptedModel(fails=lambda request: request.context == "bad", context_length=10)
    said = ask(model, Sample("bad", 0, 1), Sample("a " * 20, 0, 1), Sample("a", 0, 20), Sample("a", 0, 1))
    assert [answer.failure if isinstance(answer, Failed) else None for answer in said] == [
        Failure.FAILED,
        Failure.TOO_LONG,
        Failure.TOO_LONG,
        None,
    ]
    assert model.count_tokens("one two") == 2
