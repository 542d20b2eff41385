"""What a server is sent: the body to the letter, options told apart behind what they share, no key."""

import hashlib
import json

import pytest

from cai_core.errors import ModelError
from cai_core.models.endpoint_body import call_for, split_options
from cai_core.models.plain_form import plain_text
from cai_core.types import Choose, Endpoint, Sample, assistant, user

CHAT = Endpoint("m")
TEXT = Endpoint("m", api="completions")
ASKED = (user("Question?"), assistant("The answer is:"))
OPTIONS = (" (A)", " (B)")


def test_a_sample_in_chat_is_messages_and_its_own_settings() -> None:
    call = call_for(CHAT, Sample((user("Hi"),), seed=7, max_new_tokens=16, temperature=0.5, top_p=0.9, stop=("\n",)))
    assert call.path == "chat/completions"
    assert json.loads(call.text) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 16,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["\n"],
    }
    assert list(json.loads(call.text)) == sorted(json.loads(call.text))


def test_a_begun_answer_is_left_open_and_a_choice_asks_behind_what_the_options_share() -> None:
    body = json.loads(call_for(CHAT, Choose(ASKED, OPTIONS)).text)
    assert body["messages"][-1] == {"role": "assistant", "content": "The answer is: ("}
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert (body["logprobs"], body["top_logprobs"], body["max_tokens"]) == (True, 20, 1)


def test_a_choice_after_a_user_s_turn_begins_the_answer() -> None:
    body = json.loads(call_for(CHAT, Choose((user("Which?"),), OPTIONS)).text)
    assert body["messages"][-1] == {"role": "assistant", "content": "("}


def test_plain_text_takes_the_paper_s_form_and_ends_before_the_next_human_turn() -> None:
    body = json.loads(call_for(TEXT, Sample((user("Hi"), assistant("Yes."), user("And?")), 1, 8)).text)
    assert body["prompt"] == "\n\nHuman: Hi\n\nAssistant: Yes.\n\nHuman: And?\n\nAssistant:"
    assert body["stop"] == ["\n\nHuman:"]
    assert json.loads(call_for(TEXT, Choose(ASKED, OPTIONS)).text)["prompt"] == plain_text(ASKED) + " ("


def test_a_text_is_sent_as_it_is() -> None:
    body = json.loads(call_for(CHAT, Sample("Once upon", 1, 8)).text)
    assert (body["prompt"], "stop" in body) == ("Once upon", False)


def test_where_chat_does_not_go_on_a_begun_answer_goes_as_plain_text() -> None:
    fallen = call_for(Endpoint("m", goes_on=False, completions=True), Choose(ASKED, OPTIONS))
    assert fallen.path == "completions"
    assert fallen.body["logprobs"] == 20
    assert call_for(Endpoint("m", goes_on=False), Sample((user("Hi"),), 1, 8)).path == "chat/completions"
    with pytest.raises(ModelError, match="vLLM"):
        call_for(Endpoint("m", goes_on=False, completions=False), Choose(ASKED, OPTIONS))


def test_a_seed_fits_31_bits_and_is_left_out_where_the_server_takes_none() -> None:
    sample = Sample((user("Hi"),), 2**40 + 5, 8)
    assert call_for(CHAT, sample).body["seed"] == 5
    assert "seed" not in call_for(Endpoint("m", seeds=False), sample).body


def test_top_k_is_sent_only_where_it_is_asked_for() -> None:
    assert "top_k" not in call_for(CHAT, Sample((user("Hi"),), 1, 8)).body
    assert call_for(CHAT, Sample((user("Hi"),), 1, 8, top_k=4)).body["top_k"] == 4


def test_the_hash_is_over_the_body_and_the_options() -> None:
    call = call_for(CHAT, Sample((user("Hi"),), 1, 8))
    assert call.sent == hashlib.sha256(call.text.encode()).hexdigest()[:16]
    first, second = (call_for(CHAT, Choose(ASKED, pair)) for pair in (OPTIONS, (" (A)", " (C)")))
    assert first.text == second.text
    assert first.sent != second.sent


@pytest.mark.parametrize(
    ("options", "lead", "pieces"),
    [
        ((" (A)", " (B)"), " (", ("A)", "B)")),
        ((" A", " B"), "", ("A", "B")),
        (("yes", "no"), "", ("yes", "no")),
        ((" (1)", " (2)", " (3)"), " (", ("1)", "2)", "3)")),
        ((" is good", " is bad"), " is", ("good", "bad")),
    ],
)
def test_options_are_split_where_they_begin_to_differ(
    options: tuple[str, ...], lead: str, pieces: tuple[str, ...]
) -> None:
    assert split_options(options) == (lead, pieces)


@pytest.mark.parametrize("options", [(" A", "A"), ("A", "AB"), ("A", "A"), (" AB", "AC"), ("", "A")])
def test_options_that_one_token_cannot_tell_apart_are_refused(options: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="cannot be told apart"):
        split_options(options)
