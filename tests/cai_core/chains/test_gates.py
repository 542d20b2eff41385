"""Quality gates: what each marks, and what it lets pass, on texts written for it."""

from random import Random

import pytest

from cai_core.chains.gates import (
    chain_gates,
    critique_gates,
    is_refusal,
    preamble_of,
    repeats,
    response_gates,
    revision_gates,
    without_preamble,
)
from cai_core.sandbox import critiques, episodes
from cai_core.sandbox.responses import reply
from cai_core.types import Chain, Gate, Principle, Prompt, PromptKind, Round, RowState, Split, prompt_uid, user

NONE = Gate(0)
CRITIQUE = "Identify specific ways in which the assistant's last response is harmful, unethical or illegal."
REVISION = "Please rewrite the assistant response to remove any and all harmful, unethical or illegal content."
ANSWER = "Picking a lock that is not yours is against the law. Ask its owner, or call a locksmith."


def of_revision(text: str, *, before: str = "Use a hairpin.", finished: bool = True) -> Gate:
    return revision_gates(text, REVISION, before, finished=finished)


def of_critique(text: str) -> Gate:
    return critique_gates(text, CRITIQUE, "Use a hairpin.", finished=True)


PREAMBLES = [
    "Sure, here is the revised response:\n\n",
    "Sure! Here's a revised version of the response that avoids harm: ",
    "Certainly. Below is a rewritten response:\n",
    "Here is my revised response:\n\n",
    "Of course, here's a more careful, revised answer.\n\n",
    "I apologize. Here is a better response: ",
    "Revised response: ",
    "**Revised Response:**\n\n",
    "Revision: ",
    "Assistant: ",
    "I have rewritten the response to remove what was harmful:\n\n",
    "A better response would be: ",
]


@pytest.mark.parametrize("preamble", PREAMBLES)
def test_a_preamble_is_marked_and_comes_off_to_the_letter(preamble: str) -> None:
    assert of_revision(preamble + ANSWER) == Gate.PREAMBLE
    assert without_preamble(preamble + ANSWER) == ANSWER


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        "Here is a list of things that you can do instead: ask the owner, or call a locksmith.",
        "Sure, I can help with that: first ask whose lock it is.",
        "Here are some safer ways:\n1. Ask the owner.\n2. Call a locksmith.",
        "The response time of a locksmith is about an hour.",
        "Here is how: ask the owner.",
        "I would call a locksmith.",
        "This is a better idea than a hairpin: a locksmith.",
    ],
)
def test_an_answer_without_a_preamble_is_left_as_it_is(text: str) -> None:
    assert preamble_of(text) == ""
    assert without_preamble(text) == text
    assert of_revision(text) == NONE


def test_a_preamble_alone_is_not_taken_off() -> None:
    """Nothing would be left of the revision."""
    assert without_preamble("Sure, here is the revised response:\n\n  ") == "Sure, here is the revised response:\n\n  "


def test_a_response_may_announce_itself() -> None:
    text = "Here is a revised version of your letter:\n\nDear Anna, thank you for the flowers."
    assert response_gates(text, "Please revise my letter to Anna.", finished=True) == NONE


@pytest.mark.parametrize(
    "text",
    [
        "Please rewrite the assistant response to remove any and all harmful, unethical or illegal content. " + ANSWER,
        "Revision Request: make it kinder.\n\n" + ANSWER,
        "You said: please rewrite the assistant response to remove any and all harmful, unethical, or illegal content",
    ],
)
def test_an_echo_of_the_request_is_marked(text: str) -> None:
    assert of_revision(text) & Gate.ECHO


def test_a_response_echoes_where_it_begins_with_the_question() -> None:
    asked = "How do I open a lock without a key?"
    assert response_gates(f"{asked} Use a hairpin.", asked, finished=True) == Gate.ECHO
    later = f"Many ask that. A friend of mine once wondered: {asked} A locksmith knows."
    assert response_gates(later, asked, finished=True) == NONE
    assert response_gates("Hello! How are you?", "Hello!", finished=True) == NONE


@pytest.mark.parametrize(
    "text",
    [
        "The assistant's response is harmful because it names a kit.",
        "I think the assistant's last response was thoughtful and empathetic.",
        "The response helps the user pick a lock, which is harmful because it is not theirs.",
        "Critique: it is too short.",
        "Sure, here is the revised response: The assistant should have asked why.",
        ANSWER + "\n\nHuman: And without a locksmith?",
        ANSWER + "<|im_start|>user",
        "User: how do I open it?",
    ],
)
def test_a_revision_that_takes_the_other_s_part_is_marked(text: str) -> None:
    assert of_revision(text) & Gate.ROLE


@pytest.mark.parametrize("text", ["Revised response: " + ANSWER, "Use a hairpin.", "It is harmful.\nHuman: Why?"])
def test_a_critique_that_takes_the_other_s_part_is_marked(text: str) -> None:
    assert of_critique(text) & Gate.ROLE


def test_a_critique_s_own_preamble_is_one() -> None:
    assert of_critique("Sure! Here is my critique of the response: it names a kit.") == Gate.PREAMBLE
    assert of_critique("The response is harmful, since it names a kit.") == NONE


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot provide instructions for this.",
        "I\u2019m not able to assist with breaking into a house.",
        "Thank you for asking. As an AI, I am unable to give advice on that.",
        "I won't answer this kind of question.",
        "That is a strange question. I would rather not say.",
        "I cannot fulfill your request. It's not within my programming to do so.",
    ],
)
def test_a_refusal_is_marked(text: str) -> None:
    assert is_refusal(text)
    assert response_gates(text, "", finished=True) == Gate.REFUSAL


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        "I cannot find anything harmful in the response.",
        "You cannot open it without a key, so call a locksmith.",
        "It is never acceptable to hurt somebody. A counsellor can help.",
        "Sorry to hear that! A locksmith can help.",
        "First ask. Then knock. Then wait. Then call. I cannot help with more than that.",
    ],
)
def test_what_declines_nothing_is_no_refusal(text: str) -> None:
    assert not is_refusal(text)


def test_empty_cut_and_unchanged() -> None:
    assert of_revision(" \n… ") == Gate.EMPTY
    assert of_revision(ANSWER, finished=False) == Gate.CUT
    assert of_revision(" Use a  hairpin. ") == Gate.UNCHANGED
    assert of_revision("Use no hairpin.") == NONE


@pytest.mark.parametrize(
    "text",
    [
        "It is wrong. " * 12,
        "the rules rules rules rules say so",
        "go to the shop, go to the shop, go to the shop, go to the shop",
    ],
)
def test_going_round_in_circles_is_marked(text: str) -> None:
    assert repeats(text)


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        "ha ha ha",
        "\n".join(f"{n}. Knock at door number {n} and wait." for n in range(1, 6)),
        " ".join(f"word{n}" for n in range(400)),
    ],
)
def test_a_list_goes_round_in_no_circles(text: str) -> None:
    assert not repeats(text)


def test_what_the_sandbox_s_grammar_says_runs_into_nothing_but_refusals_and_echoes_of_what_was() -> None:
    """1,000 of its critiques and replies; a critique given for a revision is seen to be one."""
    swapped = 0
    for seed in range(1000):
        rng = Random(seed)
        combo = episodes.any_combo(rng, episodes._CHAIN_KINDS, Split.TRAIN)
        said = reply(rng, combo, episodes.pick(rng, episodes.REVISED[combo.kind]))
        rule = episodes.draw_rule(rng, episodes._CHAIN_SCOPES, combo)
        critique = critiques.write(rng, rule, combo, said, critiques.find(rng, rule, combo, said)).text
        assert of_revision(said.text) | Gate.REFUSAL == Gate.REFUSAL, said.text
        assert of_critique(critique) == NONE, critique
        swapped += bool(of_revision(critique) & Gate.ROLE)
    assert swapped == 1000


PRINCIPLE = Principle("p", "P", critique_request=CRITIQUE, revision_request=REVISION)
PROMPT = Prompt(prompt_uid((user("Hi"),)), (user("Hi"),), PromptKind.RED_TEAM, Split.TRAIN, "test")


def a_round(number: int, critique: str, revision: str, **more: object) -> Round:
    return Round(number, PRINCIPLE, critique, revision, "sent", "sent", **more)  # type: ignore[arg-type]


def chain(*rounds: Round, finished: bool = True) -> Chain:
    return Chain(PROMPT, 0, 0, "Use a hairpin.", rounds, RowState.DONE, finished=finished)


def test_it_is_told_which_text_of_a_round_was_cut() -> None:
    cut = {"finished": False}
    found = chain_gates(
        chain(
            a_round(1, "It is harmful, since", ANSWER, **cut, critique_finished=False),
            a_round(2, "It is fine.", ANSWER + " And", **cut, revision_finished=False),
            a_round(3, "It is", ANSWER, **cut, critique_finished=False, revision_finished=False),
            a_round(4, "It is fine.", ANSWER + " Now", **cut),
            finished=False,
        )
    )
    assert found.response == Gate.CUT
    assert found.rounds == ((Gate.CUT, NONE), (NONE, Gate.CUT), (Gate.CUT, Gate.CUT), (NONE, Gate.CUT))
    assert found.hits == Gate.CUT


def test_a_preamble_that_was_taken_off_is_marked_all_the_same() -> None:
    found = chain_gates(chain(a_round(1, "It is harmful.", ANSWER, written=PREAMBLES[0] + ANSWER)))
    assert found.rounds == ((NONE, Gate.PREAMBLE),)


def test_where_a_revision_was_skipped_what_stands_keeps_its_gates() -> None:
    same = a_round(2, "It is fine.", ANSWER)
    skipped = a_round(3, "It is fine.", ANSWER, skipped=True)
    found = chain_gates(chain(a_round(1, "It is harmful.", ANSWER), same, skipped))
    assert [revision for _, revision in found.rounds] == [NONE, Gate.UNCHANGED, NONE]
    refusing = Chain(PROMPT, 0, 0, "I cannot help with that.", (), RowState.DONE)
    assert chain_gates(refusing).hits == Gate.REFUSAL


def test_a_chain_without_a_response_was_not_looked_at() -> None:
    failed = Chain(PROMPT, 0, 0, None, (), RowState.FAILED)
    assert (chain_gates(failed).response, chain_gates(failed).hits) == (None, None)
