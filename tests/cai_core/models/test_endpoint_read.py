"""From replies to answers, by hand-worked ones: sums over tokens, bounds, thinking; what is not whole is no answer."""

from math import exp, log
from typing import Any

import pytest

from cai_core.errors import ModelError
from cai_core.models.endpoint_body import Call, call_for
from cai_core.models.endpoint_read import read_choice, read_text, spells, split_thinking, text_so_far
from cai_core.models.endpoint_trouble import Hitch, Refused
from cai_core.types import Choice, Choose, Endpoint, Sample, Text, assistant, user

ASKED = (user("Which?"), assistant("The answer is:"))
CHOOSE = call_for(Endpoint("m"), Choose(ASKED, (" (A)", " (B)")))
CHOOSE_TEXT = call_for(Endpoint("m", api="completions"), Choose(ASKED, (" (A)", " (B)")))
SAMPLE = call_for(Endpoint("m"), Sample((user("Hi"),), 1, 8, stop=("END",)))
SAMPLE_TEXT = call_for(Endpoint("m", api="completions"), Sample((user("Hi"),), 1, 8))


def listed(**tokens: float) -> dict[str, Any]:
    """A chat reply with these likeliest first tokens; '_' stands for a space."""
    tops = [{"token": token.replace("_", " "), "logprob": log(p)} for token, p in tokens.items()]
    return {"choices": [{"index": 0, "logprobs": {"content": [{"token": "x", "logprob": -1, "top_logprobs": tops}]}}]}


def said(content: str | None, reason: str | None = "stop", **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"content": content, **message}, "finish_reason": reason}
    return {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


def text(call: Call, reply: Any) -> Text:
    return read_text(call, reply, lambda words: -len(words))


def probabilities(choice: Choice) -> list[float]:
    return [exp(logprob) for logprob in choice.logprobs]


def test_a_choice_sums_every_token_that_spells_the_option() -> None:
    choice = read_choice(CHOOSE, listed(A=0.5, _A=0.125, B=0.25, An=0.0625))
    assert probabilities(choice) == pytest.approx([0.625, 0.25])
    assert (choice.bounded, choice.mass) == ((), pytest.approx(0.875))


def test_a_choice_is_read_off_plain_completions_too() -> None:
    tops = {"top_logprobs": [{"B)": log(0.75), "A": log(0.125)}], "tokens": ["B)"], "token_logprobs": [log(0.75)]}
    choice = read_choice(CHOOSE_TEXT, {"choices": [{"index": 0, "text": "B)", "logprobs": tops}]})
    assert probabilities(choice) == pytest.approx([0.125, 0.75])


def test_an_option_that_is_not_listed_gets_the_smallest_listed_as_a_bound() -> None:
    choice = read_choice(CHOOSE, listed(A=0.9, The=0.05, If=0.01))
    assert probabilities(choice) == pytest.approx([0.9, 0.01])
    assert choice.bounded == (False, True)
    assert choice.mass == pytest.approx(0.9), "a bound is no known probability"


def test_options_that_are_both_not_listed_have_no_mass() -> None:
    choice = read_choice(CHOOSE, listed(The=0.6, If=0.3))
    assert (choice.bounded, choice.mass) == ((True, True), 0.0)


def test_an_answer_that_ends_at_once_has_no_mass() -> None:
    reply = {"choices": [{"index": 0, "logprobs": {"content": []}, "finish_reason": "stop"}]}
    assert read_choice(CHOOSE, reply).mass == 0.0


@pytest.mark.parametrize("logprobs", [None, []])
def test_a_server_without_log_probabilities_is_called_one(logprobs: Any) -> None:
    with pytest.raises(ModelError, match=r"transformers serve.*vLLM"):
        read_choice(CHOOSE, {"choices": [{"index": 0, "logprobs": logprobs}]})


@pytest.mark.parametrize("entry", [{"token": "A"}, {"token": None, "logprob": -1.0}, {"token": "A", "logprob": 2.0}])
def test_a_log_probability_that_is_none_is_asked_for_again(entry: dict[str, Any]) -> None:
    reply = {"choices": [{"index": 0, "logprobs": {"content": [{"top_logprobs": [entry]}]}}]}
    with pytest.raises(Hitch):
        read_choice(CHOOSE, reply)


@pytest.mark.parametrize("token", ["A", " A", "A)", "▁A", "ĠA", "A).", "A)\n"])
def test_tokens_that_spell_an_option(token: str) -> None:
    assert spells(token, "A)")


@pytest.mark.parametrize("token", ["", " ", "An", "a", "B", "(A", ")"])
def test_tokens_that_do_not(token: str) -> None:
    assert not spells(token, "A)")


@pytest.mark.parametrize(
    ("content", "message", "answer", "thinking"),
    [
        ("Plain.", {}, "Plain.", None),
        ("Answer.", {"reasoning_content": "Let me see."}, "Answer.", "Let me see."),
        ("Answer.", {"reasoning": "Let me see."}, "Answer.", "Let me see."),
        ("<think>\nLet me see.\n</think>\n\nAnswer.", {}, "Answer.", "Let me see."),
        ("Let me see.\n</think>\nAnswer.", {}, "Answer.", "Let me see."),
        ("<think>All of it", {}, "", "All of it"),
        (None, {"reasoning_content": "All of it"}, "", "All of it"),
        ("Say <think> and </think> as tags.", {}, "Say <think> and </think> as tags.", None),
    ],
)
def test_thinking_is_kept_apart(content: str | None, message: dict[str, Any], answer: str, thinking: str) -> None:
    found = text(SAMPLE, said(content, "stop", **message))
    assert (found.text, found.thinking) == (answer, thinking)


def test_thinking_that_is_cut_is_no_answer() -> None:
    assert split_thinking("  <think> so far") == ("", "so far")
    assert not text(SAMPLE, said("<think> so far", "length")).finished


@pytest.mark.parametrize(
    ("reply", "answer", "finished"),
    [
        (said("All."), "All.", True),
        (said("Cut", "length"), "Cut", False),
        (said("All. END and more", "length"), "All. ", True),
    ],
)
def test_an_answer_ends_where_it_should(reply: Any, answer: str, finished: bool) -> None:
    found = text(SAMPLE, reply)
    assert (found.text, found.finished, found.num_tokens, found.sent) == (answer, finished, 2, SAMPLE.sent)


def test_in_the_plain_form_the_space_after_assistant_is_no_part_of_the_answer() -> None:
    reply = {"choices": [{"index": 0, "text": " Yes.\n\nHuman: more", "finish_reason": "stop"}]}
    found = text(SAMPLE_TEXT, reply)
    assert (found.text, found.num_tokens) == ("Yes.", -len(" Yes.")), "tokens the server does not count are estimated"
    assert text_so_far(SAMPLE_TEXT, {"choices": [{"index": 0, "text": " Y"}]}) == "Y"
    assert text_so_far(SAMPLE_TEXT, {"choices": [{"index": 0}]}) == ""


@pytest.mark.parametrize(
    "reply",
    [
        None,
        {},
        {"choices": []},
        {"choices": [{"index": 1, "message": {"content": "other"}, "finish_reason": "stop"}]},
        {"choices": [said("a")["choices"][0], said("b")["choices"][0]]},
        said("breaks off", None),
        said("breaks off", "abort"),
        said(None),
        {"choices": [{"index": 0, "finish_reason": "stop"}]},
    ],
)
def test_what_is_no_whole_answer_is_asked_for_again(reply: Any) -> None:
    with pytest.raises(Hitch):
        text(SAMPLE, reply)


def test_what_a_filter_holds_back_is_not_asked_for_again() -> None:
    with pytest.raises(Refused, match="filter") as refused:
        text(SAMPLE, said("", "content_filter"))
    assert refused.value.own
