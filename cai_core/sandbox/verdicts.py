"""Where in a text of the assistant's a judgement falls: the words that pretraining weighs more than others.

A comparison is decided by one letter, a critique by the words right after it has said what is at hand. Among a hundred
tokens that only carry the form, a small model would learn these last.
"""

import re

from cai_core.sandbox.critiques import MATTER

_MATTER = re.escape(MATTER).replace(r"\{rule\}", ".+?").replace(r"\{combo\}", ".+?")
_VERDICTS = (
    re.compile(r" \(([AB])\)$"),
    re.compile(r"(?:^|\. )(Yes|No)\."),
    re.compile(rf"^{_MATTER} ((?:\S+ ?){{1,3}})"),
)


def verdict_spans(text: str) -> list[tuple[int, int]]:
    """Begin and end, in characters, of each stretch of `text` that carries a judgement."""
    return [match.span(1) for pattern in _VERDICTS for match in pattern.finditer(text)]
