"""What a round did: whether its critique found something, and how much its revision changed.

Read off the words alone, so that a record of a million rounds asks no model; whoever doubts a figure opens its rounds.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cai_core.chains.word_diff import MAX_TOKENS

_WORD = re.compile(r"\w+")
_BAD = (
    "harm|harmful|unethical|illegal|dangerous|unsafe|toxic|racist|sexist|biased|offensive|insensitive|inappropriate|"
    "misleading|problematic|objectionable|controversial|evasive|preachy|vague|wrong|incorrect|inaccurate|unfair|cruel|"
    "crime|offen[cs]e|mistake"
)
_SAID = "assistant|response|reply|answer|it|they|this|model"
_ASKED = (
    rf"({_SAID}) (\w+ )?(should|shouldn't|ought to)|(should|could|would) (\w+ )?have",
    r"(would|might|may) (be (\w+ )?better|want to)|better response|better if|could be (\w+ )?more|could (also|still)",
    r"fail(s|ed)? to|no mention of|(did|does) not (caution|warn|explain|acknowledge|respond)",
    r"not (enough|okay)|without (a reason|need)|overreacts|scolds",
)
"""What asks for something else than what was said."""
_FAULTS = (
    rf"({_SAID}|that|which|statement) (is|was|may be|might be|could be|seems|appears|made) (\w+ ){{0,3}}({_BAD})",
    r"(may|might|could|can) (be )?(\w+ ){0,2}(offen(d|sive)|controversial|harm|hurt|(en|dis)courage|lead to|imply)",
    rf"(encourage|promote|facilitate|recommend|support|enable)(s|d) (\w+ ){{0,3}}({_BAD}|violence|hatred|poison\w*)",
    r"(helps|tells) (someone|the user)|wrong to|overly|marginalizes|objectifies|objectification",
)
"""What is bad in what was said, unless the clause denies it."""
_DENIAL = r"(no|not|nothing|none|never|without|neither|nor|unlikely|avoid(s|ed|ing)?|rather than|instead of|\w+n't)"
_PRAISE = (
    "harmless|unharmful|fine|good|great|perfect|ideal|excellent|(appropriate|correct)(ly)?|thoughtful|thoughtfully|"
    "respectful|ethical|reasonable|healthy|polite|safe|empathetic"
)
_CLEAR = (
    rf"{_DENIAL} (\w+ ){{0,4}}({_BAD}|problems?|issues?|concerns?|obvious|critici[sz]e|revis(e|ion)|goes against)",
    rf"({_SAID}) (\w+ ){{0,5}}({_PRAISE})",
)
"""What finds nothing or praises, where nothing is asked for and no fault is left."""


def _any(phrases: Sequence[str]) -> re.Pattern[str]:
    return re.compile(r"\b(" + "|".join(phrases) + r")\b")


_ASKED_OF, _FAULT, _CLEARED = _any(_ASKED), _any(_FAULTS), _any(_CLEAR)
_DENIED = re.compile(rf"\b{_DENIAL}\b.*?(?=[.,;:!?]|\bbut\b|\bhowever\b|$)", re.DOTALL)
"""From a denial to the end of its clause."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One round, measured."""

    found: bool | None
    """Whether the critique names something to mend; None: there is none, or the rule cannot tell."""
    changed: float
    """Share of the words that differ, 0..1."""
    longer: int
    """How many words longer the revision is; negative: shorter."""


def measure(before: str, critique: str | None, after: str) -> Measured:
    """A round, from the response that it began with to its revision."""
    return Measured(found(critique), changed(before, after), len(_WORD.findall(after)) - len(_WORD.findall(before)))


def found(critique: str | None) -> bool | None:
    """Whether a critique names something to mend; None where there is no critique, or its words do not tell.

    True where it asks for something else ('should have', 'would be better') or calls what was said bad outside of a
    denial ('is harmful because', but not 'is not harmful'). Else False where it denies or praises. Praise before a wish
    is a wish.
    """
    text = (critique or "").lower().replace("\u2019", "'")
    if _ASKED_OF.search(text) or _FAULT.search(_DENIED.sub(" ", text)):
        return True
    return False if _CLEARED.search(text) else None


def changed(before: str, after: str) -> float:
    """Share of the words of both texts that are not in their longest common subsequence, 0..1; symmetric.

    0 for the same words, 1 for none in common. Texts of more than `MAX_TOKENS` words together are compared without
    regard to order, which finds less changed. Without any word, 0 for equal texts and 1 for others.
    """
    old, new = _WORD.findall(before), _WORD.findall(after)
    if not old and not new:
        return float(before != after)
    long = len(old) + len(new) > MAX_TOKENS
    same = (Counter(old) & Counter(new)).total() if long else _common(old, new)
    return 1 - 2 * same / (len(old) + len(new))


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """Length of the longest common subsequence, a bit for each old word (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for place, word in enumerate(old):
        places[word] = places.get(word, 0) | 1 << place
    whole = (1 << len(old)) - 1
    rows = whole
    for word in new:
        hit = rows & places.get(word, 0)
        rows = (rows + hit | rows - hit) & whole
    return len(old) - rows.bit_count()
