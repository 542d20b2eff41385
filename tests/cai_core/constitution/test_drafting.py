"""Drafting: what a model is asked, which replies make a principle, and which are refused in words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.constitution.drafting import EXAMPLE, Undrafted, parse_draft, request_turns
from cai_core.types import Principle, Role, assistant, user

CRITIQUE = "Say where the response makes fun of the person instead of helping."
REVISION = "Rewrite the response so that it is kind, and keep what helps."
COMPARISON = "Choose the response that treats the person with more kindness."
PLAIN = f"Critique request: {CRITIQUE}\nRevision request: {REVISION}\nComparison: {COMPARISON}"
TURNS = (user("Hello {principle}"), assistant("Hi."), user("I failed my exam."))


def test_a_request_holds_what_was_said_and_one_worked_example() -> None:
    turns = request_turns(TURNS, "Ha ha!", good="", bad="It mocks.", better="I am sorry to hear that.")
    assert [turn.role for turn in turns] == [Role.USER, Role.ASSISTANT, Role.USER]
    # In the very form that is read: only that it is the example keeps it from being a principle.
    echoed = parse_draft(turns[1].content)
    assert isinstance(echoed, Undrafted)
    assert "repeats the example" in echoed.reason
    asked = turns[2].content
    for said in ("Person: Hello {principle}", "Assistant: Hi.", "Person: I failed my exam.", "Ha ha!", "It mocks."):
        assert said in asked
    assert "What is good" not in asked
    assert "How it should have read: I am sorry to hear that." in asked
    assert all(text in turns[1].content for text in EXAMPLE.values())


REPLIES = {
    "plain": PLAIN,
    "spoken before and after": f"Sure, here it is:\n\n{PLAIN}\n\nLet me know if you want another one.",
    "bold": f"**Critique request:** {CRITIQUE}\n**Revision request**: {REVISION}\n**Comparison:** {COMPARISON}",
    "numbered": f"1. Critique Request: {CRITIQUE}\n2. REVISION REQUEST: {REVISION}\n3) comparison: {COMPARISON}",
    "headings": f"# Critique request\n{CRITIQUE}\n\n### Revision request\n\n{REVISION}\n\n## Comparison\n{COMPARISON}",
    "quoted": f'- Critique request: "{CRITIQUE}"\n- Revision request: “{REVISION}”\n- Comparison: "{COMPARISON}"',
    "broken over lines": PLAIN.replace(" the ", "\nthe ", 1),
    "without blanks": f"CritiqueRequest: {CRITIQUE}\nRevisionRequest: {REVISION}\nComparisonText: {COMPARISON}",
    "in short": f"Critique: {CRITIQUE}\nRevision: {REVISION}\nComparison request: {COMPARISON}",
    "json": json.dumps({"critique_request": CRITIQUE, "revision_request": REVISION, "comparison": COMPARISON}),
    "json in a fence": "Here:\n```json\n"
    + json.dumps({"rule": {"critiqueRequest": CRITIQUE, "Revision Request": REVISION, "comparison": COMPARISON}})
    + "\n```\nDone.",
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())
def test_replies_that_make_a_principle(reply: str) -> None:
    found = parse_draft(reply)
    assert isinstance(found, Principle), found
    assert (found.critique_request, found.revision_request, found.comparison) == (CRITIQUE, REVISION, COMPARISON)
    assert (found.id, found.title) == ("", "The response that treats the person with more kindness")


def reply(**changed: str) -> str:
    sections = {"Critique request": CRITIQUE, "Revision request": REVISION, "Comparison": COMPARISON}
    sections |= {name.replace("_", " "): text for name, text in changed.items()}
    return "\n".join(f"{name}: {text}" for name, text in sections.items())


ASKED = ("It mocks somebody who has come here for help with an exam, and it laughs at them.",)
NONSENSE = {
    "": "The reply is empty.",
    "I will not help with that.": "no section 'Critique request', 'Revision request' and 'Comparison'",
    PLAIN.partition("\nComparison")[0]: "no section 'Comparison'",
    f"{PLAIN}\n{PLAIN}": "more than one section 'Critique request', 'Revision",
    reply(Comparison="Which?"): "'Comparison' says nothing: it has 1 word.",
    reply(Comparison=""): "'Comparison' says nothing: it has 0 words.",
    reply(Critique_request="The response is unkind and it is wrong."): "'Critique request' does not ask for anything",
    reply(Comparison="Is the response kind to the person?"): "'Comparison' does not ask for a choice",
    reply(Revision_request="Rewrite it " + "and again " * 100): "has 202 words; a request has at most 150",
    reply(Critique_request=EXAMPLE["critique_request"]): "'Critique request' repeats the example",
    reply(Comparison=f"Which one? {ASKED[0]}"): "'Comparison' repeats what it was told",
    reply(
        Revision_request="Asks to rewrite a response accordingly, and to keep what was good here."
    ): "what it was told",
    reply(Revision_request=CRITIQUE): "repeat each other",
    '{"critique_request": 1, "revision_request": 2, "comparison": 3}': "no section",
    "{" * 5000: "no section",
}


@pytest.mark.parametrize(("text", "reason"), NONSENSE.items(), ids=range(len(NONSENSE)))
def test_nonsense_is_refused_in_words(text: str, reason: str) -> None:
    found = parse_draft(text, asked=ASKED)
    assert isinstance(found, Undrafted), found
    assert reason in found.reason


@given(st.text(st.sampled_from('Critique request:Revision\nComparison{}*#" \0\u202e'), max_size=300))
def test_any_reply_is_a_principle_or_a_reason(text: str) -> None:
    found = parse_draft(text)
    assert found.reason if isinstance(found, Undrafted) else found.comparison


@given(st.text(max_size=200))
def test_what_surrounds_the_sections_does_not_matter(around: str) -> None:
    """Unless it is a label itself."""
    if "critique" in around.lower() or "revision" in around.lower() or "comparison" in around.lower() or "{" in around:
        return
    assert parse_draft(f"{around}\n{PLAIN}\n\n{around}") == parse_draft(PLAIN)
