"""A lossless word diff of two texts, for reading what a revision changed.

Joining the equal and deleted runs gives the old text back, equal and inserted ones the new text, to the character.
"""

import re
from difflib import SequenceMatcher
from enum import StrEnum

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
FOLD = 2
"""A common run of at most this many words between two edits is folded into them: it says nothing by itself."""
MAX_TOKENS = 20_000
"""Longer texts are shown as one deletion and one insertion: comparing them would take too long for a page."""


class Op(StrEnum):
    """What a run of text is."""

    EQUAL = "equal"
    DELETE = "delete"
    INSERT = "insert"


Runs = list[tuple[Op, str]]
_Block = tuple[str, str]
"""An edit or, where both sides are the same, a common run: (old text, new text)."""


def word_diff(old: str, new: str) -> Runs:
    """The runs from `old` to `new`, deletions before insertions; no two neighbours with the same op, none empty."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    if len(before) + len(after) > MAX_TOKENS:
        return _runs([(old, new)])
    blocks = [
        ("".join(before[i:j]), "".join(after[k:n]))
        for _, i, j, k, n in SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    ]
    return _runs(_folded(blocks))


def _folded(blocks: list[_Block]) -> list[_Block]:
    """Blocks with short common runs between two edits joined to these."""
    folded: list[_Block] = []
    for number, (old, new) in enumerate(blocks):
        inside = 0 < number < len(blocks) - 1
        edit = old != new or (inside and sum(word.isalnum() for word in re.findall(r"\w+|\S", old)) <= FOLD)
        if edit and folded and folded[-1][0] != folded[-1][1]:
            folded[-1] = (folded[-1][0] + old, folded[-1][1] + new)
        else:
            folded.append((old, new))
    return folded


def _runs(blocks: list[_Block]) -> Runs:
    runs: Runs = []
    for old, new in blocks:
        parts = [(Op.EQUAL, old)] if old == new else [(Op.DELETE, old), (Op.INSERT, new)]
        for op, text in parts:
            if text and runs and runs[-1][0] == op:
                runs[-1] = (op, runs[-1][1] + text)
            elif text:
                runs.append((op, text))
    return runs
