"""Which words of the assistant's carry a judgement."""

import pytest

from cai_core.sandbox.verdicts import choice_span, verdict_spans

MATTER = "The principle is about theft and the question about fraud, so it does not apply."
OTHER = "The principle is about any harm and the question about an ordinary wish, so it applies."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Let's think step by step: Response (A) is vague.\nSo the answer is: (B)", ["is"]),
        (f"Let's think step by step: {MATTER} So both are fine.\nSo the answer is: (B)", ["does not apply"]),
        (f"No. {MATTER}", ["No", "does not apply"]),
        (f"{MATTER} Yes.", ["Yes", "does not apply", "Yes."]),
        (f"{MATTER} There is nothing to criticize here.", ["does not apply", "There is nothing "]),
        (f"{OTHER} It is wrong.", ["applies", "It is wrong."]),
        ("I won't help you steal (A) bike. No way.", []),
        ("", []),
    ],
)
def test_verdicts(text: str, found: list[str]) -> None:
    assert [text[begin:end] for begin, end in verdict_spans(text)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The answer is: (A)", "A"),
        ("Let's think step by step: Response (A) is vague.\nSo the answer is: (B)", "B"),
        ("I won't help you steal (A) bike.", None),
        ("The answer is: (C)", None),
        ("", None),
    ],
)
def test_choices(text: str, found: str | None) -> None:
    span = choice_span(text)
    assert (span and text[slice(*span)]) == found
