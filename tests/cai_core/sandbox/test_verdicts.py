"""Which words of the assistant's carry a judgement."""

import pytest

from cai_core.sandbox.verdicts import verdict_spans

MATTER = "The principle is about theft and the question about fraud."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The answer is: (A)", ["A"]),
        ("Let's think step by step: Response (A) is vague.\nSo the answer is: (B)", ["B"]),
        (f"No. {MATTER}", ["No"]),
        (f"{MATTER} There is nothing to criticize in the response here.", ["There is nothing "]),
        ("The principle is about any harm and the question about an ordinary wish. It is wrong.", ["It is wrong."]),
        ("I won't help you steal (A) bike. No way.", []),
        ("", []),
    ],
)
def test_verdicts(text: str, found: list[str]) -> None:
    assert [text[begin:end] for begin, end in verdict_spans(text)] == found
