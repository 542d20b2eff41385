"""Where in a text of the assistant's a judgement falls: the words that pretraining weighs more than others.

A comparison is decided by one letter, its choice; a critique by whether the principle applies and by the words after
that. Among a hundred tokens that only carry the form, a small model would learn these last.
"""

import re

from cai_core.sandbox.critiques import APPLIES, MATTER

_MATTER = re.escape(MATTER).replace(r"\{rule\}", "[^.]+?").replace(r"\{combo\}", "[^.]+?")
_APPLIES = "|".join(APPLIES.values())
_CHOICE = re.compile(r" \(([AB])\)$")
_VERDICTS = (
    re.compile(r"(?:^|\. )(Yes|No)\."),
    re.compile(r"Response \([AB]\) (\S+)"),
    re.compile(_MATTER.replace(r"\{applies\}", f"({_APPLIES})")),
    re.compile("^" + _MATTER.replace(r"\{applies\}", f"(?:{_APPLIES})") + r" ((?:\S+ ?){1,3})"),
)


def verdict_spans(text: str) -> list[tuple[int, int]]:
    """Begin and end, in characters, of each stretch of `text` that carries a judgement."""
    return [match.span(1) for pattern in _VERDICTS for match in pattern.finditer(text)]


def choice_span(text: str) -> tuple[int, int] | None:
    """Begin and end, in characters, of the letter that a comparison's answer chooses; None if `text` is no answer."""
    match = _CHOICE.search(text)
    return match.span(1) if match else None
