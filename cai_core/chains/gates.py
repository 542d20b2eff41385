"""Quality gates: what may be wrong with a text that a model wrote in a chain, told from its words alone.

A gate marks; it drops nothing. Each rule would rather miss than accuse: whoever doubts a rate opens its chains. The
rules in words are in docs/method.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import eq, or_

from cai_core.types import Chain, Gate, Role

_WORD = re.compile(r"\w+")
_BEGIN = 600
"""Characters of a text's beginning that are looked at for how it opens."""

_OPENER = (
    r"(?:(?:sure(?: thing)?|certainly|of course|absolutely|ok(?:ay)?|all ?right|yes|no problem|understood|got it|"
    r"gladly|thank you|thanks|(?:i(?:'m| am) )?sorry(?: about that)?|my apologies|i apologi[sz]e)\b"
    r"[^\w\n]{0,3}\s*){0,2}"
)
_MADE = (
    r"(?:revis(?:ed|ion)|rewrit(?:e|ten)|re-?worded|rephrased|updated|improved|corrected|edited|modified|amended|"
    r"alternative|better|new)"
)
_TEXT = r"(?:response|revision|version|answer|reply|rewrite|text|statement|attempt)"
_HERE = r"(?:here(?:'s| is| are| would be)|this is|below is|the following is)"
_ANNOUNCED = (
    rf"{_HERE}\b[^:.\n]{{0,60}}?\b(?:{_MADE}\b[^:.\n]{{0,40}}?\b{_TEXT}|revision|rewrite)",
    r"(?:i(?:'ve| have| will|'ll| would|'d)?|let me) (?:\w+ )?(?:revise|revised|rewrite|rewritten|rewrote|rephrased?|"
    r"try again)\b",
    rf"(?:a|the|my) (?:{_MADE} )(?:\w+ ){{0,2}}{_TEXT} (?:is|would be|could be|might be|could read|is as follows)",
)
_ENDS = r"[^:.\n]{0,160}(?::|\.(?=\s*\n)|(?=\n))"
"""Where an announcement ends: with a colon, or with its line."""
_LABEL = rf"[*_#\s]{{0,4}}(?:(?:{_MADE}|assistant|final|assistant's) ){{0,3}}(?:{_TEXT}|assistant)[*_]{{0,3}}\s?:"
_PREAMBLE = re.compile(rf"\s*(?:{_OPENER}(?:{'|'.join(_ANNOUNCED)}){_ENDS}|{_LABEL})[*_\s]*", re.I)
"""What announces a revision before it comes."""
_CRITIQUE_LABEL = r"[*_#\s]{0,4}(?:critique|criticism|feedback|review)[*_]{0,3}\s?:"
_CRITIQUE_PREAMBLE = re.compile(
    rf"\s*(?:{_OPENER}{_HERE}\b[^:.\n]{{0,60}}?\b(?:critiques?|criticisms?|analysis|review|feedback|evaluation){_ENDS}|"
    rf"{_CRITIQUE_LABEL})",
    re.I,
)
_AS_CRITIC = re.compile(
    rf"\s*(?:{_CRITIQUE_LABEL}|(?:(?:i (?:think|believe|feel|find)|overall|yes|no|while|although)\b,? (?:that )?)?"
    r"(?:(?:the|this) (?:ai |ai's )?(?:assistant(?:'s)?|chatbot(?:'s)?|model's)\b|"
    r"(?:the|this|that) (?:\w+ )?response (?:is|was|does|did|has|gives|helps|supports|provides|contains|could|should|"
    r"may|might|would|fails|refuses|warns|scolds|tells|overreacts|encourages|promotes|implies|seems|appears|makes)\b|"
    r"the principle (?:is|applies|does)\b|i see no problem with the response|nothing in the response|"
    r"there (?:is|are) (?:nothing|no)\b[^.\n]{0,40}\bresponse\b|the human (?:is|was)\b|"
    r"nothing (?:obvious|to criticize)\b|this is (?:a|an) (?:\w+ ){0,2}response by\b|"
    r"[^.\n]{0,120}\b(?:the assistant (?:is|was|does|did|has|gives|could|should|may|might|would|failed|fails|"
    r"correctly)|"
    r"the assistant's (?:last |previous )?(?:response|reply|answer|jokes?|explanation|advice))\b))",
    re.I,
)
"""How a critique begins: it speaks of the assistant or of the response as of somebody else's."""
_USERS_TURN = re.compile(
    r"(?:^|\n)[*_#]{0,3}(?:human|user)[*_]{0,2}\s?:|<\|im_start\|>|<\|(?:user|assistant|end_header_id)\|>|\[/?INST\]",
    re.I,
)
"""A turn's label, or a chat format's marks, which end a turn."""
_REQUEST_LABEL = re.compile(r"\b(?:critique|revision) ?request\s?:", re.I)

_CANNOT = r"(?:can(?:no|')t|can not|could(?: not|n't)|am (?:not able|unable)|'m (?:not able|unable))"
_DO = (
    r"(?:to )?(?:help|assist|provide|answer|fulfill?|comply|do (?:that|this|so)|give|offer|engage|support|share|advise|"
    r"recommend|suggest|create|write|generate|discuss|encourage|endorse|condone|participate|respond|tell|teach|speak|"
    r"comment|promote|facilitate|satisfy|in good|process|complete|accommodate|produce|speculate|make|accept|carry|"
    r"perform|express|guide|instruct|explain|describe)"
)
_REFUSAL = re.compile(
    r"\bi(?:"
    rf"(?: \w+ly| simply| just)? ?{_CANNOT} (?:\w+ly )?{_DO}\b|"
    r" (?:will not|won't|must (?:respectfully )?decline|have to decline|refuse to|decline to|would rather not|"
    r"would prefer not)\b|"
    r" (?:do not|don't) (?:feel comfortable|think (?:i (?:should|can)|it(?:'s| is) (?:appropriate|right for me))|"
    r"wish to|want to (?:help|assist|answer|talk|discuss|say|give|engage|comment))\b|"
    r"'d (?:rather|prefer) not\b|(?: am|'m) not (?:comfortable|going to|willing to|in a position to)\b|"
    r"t(?:'s| is| would be) not (?:within my|(?:appropriate|ethical|possible|right) (?:or \w+ )?(?:for me )?to "
    r"(?:provide|help|assist|answer|give|share|engage|discuss|support))\b|"
    r" have nothing to say (?:about|on|to)\b)|"
    r"\b(?:i'm sorry|i am sorry|sorry|i apologi[sz]e|my apologies), (?:but|however)\b[^.\n]{0,60}\b(?:can(?:no|')t|"
    r"can not|unable|not able|won't|will not)\b|"
    r"^(?:i'm sorry, but |i apologi[sz]e, but )?it(?:'s| is) (?:not|never) (?:appropriate|ethical)\b|"
    r"\b(?:please|let us|let's|can we) (?:talk|speak|ask me) about something else\b|\bask me something else\b|"
    r"\bthat is not something (?:that )?i (?:can|will|want to)\b"
)
_REFUSED_WITHIN = 3
"""Sentences of the beginning in which a refusal stands."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")

_LEAST_ECHO, _ECHO_WITHIN = 5, 4
_LEAST_LOOP, _DISTINCT = 30, 0.6
_LONGEST_STUTTER, _TIMES = 8, 4
"""The same one to eight words at least four times in a row."""


@dataclass(frozen=True, slots=True)
class ChainGates:
    """What the texts of a chain ran into."""

    response: Gate | None
    """None: there is no response."""
    rounds: tuple[tuple[Gate | None, Gate], ...]
    """Of each round: of the critique (None: there is none) and of the revision."""

    @property
    def hits(self) -> Gate | None:
        """Of all texts together; None without any."""
        if self.response is None:
            return None
        each = [gate for pair in self.rounds for gate in pair if gate is not None]
        return reduce(or_, each, self.response)


def chain_gates(chain: Chain) -> ChainGates:
    """The gates of every text of a chain.

    Where a revision was skipped, what stands keeps its gates, but for 'unchanged': nothing was asked of it.
    """
    if chain.response is None:
        return ChainGates(None, ())
    asked = next((turn.content for turn in reversed(chain.prompt.turns) if turn.role is Role.USER), "")
    first = stands = response_gates(chain.response, asked, finished=chain.finished)
    before, rounds = chain.response, []
    for one in chain.rounds:
        critique, principle = None, one.principle
        if one.critique is not None:
            request = principle.critique_request or ""
            critique = critique_gates(one.critique, request, before, finished=one.critique_finished)
        if one.skipped:
            stands &= ~Gate.UNCHANGED
        else:
            request = principle.revision_request or ""
            stands = revision_gates(one.revision, request, before, finished=not one.revision_cut)
            if one.written is not None and preamble_of(one.written):
                stands |= Gate.PREAMBLE
        rounds.append((critique, stands))
        before = one.revision
    return ChainGates(first, tuple(rounds))


def response_gates(text: str, request: str, *, finished: bool) -> Gate:
    """Of an initial response; `request` is the user's turn that it answers. It may announce itself as it likes."""
    echo = _echoes(text, request, anywhere=False)
    return _plain_gates(text, finished) | _if(echo, Gate.ECHO) | _if(_writes_user(text), Gate.ROLE)


def critique_gates(text: str, request: str, before: str, *, finished: bool) -> Gate:
    """Of a critique; `before` is the response that it is to criticise.

    It takes the other's part where it begins as a revision does, or says the response again.
    """
    role = _writes_user(text) or _PREAMBLE.match(text) is not None or (bool(text.strip()) and _same(text, before))
    return (
        _plain_gates(text, finished)
        | _if(_CRITIQUE_PREAMBLE.match(text) is not None, Gate.PREAMBLE)
        | _if(_echoes(text, request, anywhere=True), Gate.ECHO)
        | _if(role, Gate.ROLE)
    )


def revision_gates(text: str, request: str, before: str, *, finished: bool) -> Gate:
    """Of a revision; `before` is the response that it revises."""
    begun = preamble_of(text)
    role = _writes_user(text) or _AS_CRITIC.match(text, len(begun)) is not None
    return (
        _plain_gates(text, finished)
        | _if(bool(begun), Gate.PREAMBLE)
        | _if(_echoes(text, request, anywhere=True), Gate.ECHO)
        | _if(role, Gate.ROLE)
        | _if(_same(text, before), Gate.UNCHANGED)
    )


def preamble_of(text: str) -> str:
    """What announces a revision before it comes, as it stands at the beginning; empty where nothing does."""
    found = _PREAMBLE.match(text[:_BEGIN])
    return "" if found is None else found[0]


def without_preamble(revision: str) -> str:
    """The revision without its preamble and the white space behind that; as it is where nothing else is left."""
    left = revision[len(preamble_of(revision)) :].lstrip()
    return left if left and left != revision.lstrip() and _WORD.search(left) else revision


def count_words(text: str) -> int:
    """How many words a text has."""
    return len(_words(text))


def _plain_gates(text: str, finished: bool) -> Gate:
    """What can be wrong with any text."""
    return (
        _if(_WORD.search(text) is None, Gate.EMPTY)
        | _if(not finished, Gate.CUT)
        | _if(is_refusal(text), Gate.REFUSAL)
        | _if(repeats(text), Gate.REPETITION)
    )


def _if(hit: bool, gate: Gate) -> Gate:
    return gate if hit else Gate(0)


def is_refusal(text: str) -> bool:
    """Whether one of the first sentences declines, in the first person."""
    sentences = _SENTENCE.split(text[:_BEGIN].lower().replace("\u2019", "'").strip(), _REFUSED_WITHIN)
    return _REFUSAL.search(" ".join(sentences[:_REFUSED_WITHIN])) is not None


def repeats(text: str) -> bool:
    """Whether a text goes round in circles: few of its runs of four words differ, or it stutters."""
    words = _words(text)
    if any(b"\1" * ((_TIMES - 1) * n) in bytes(map(eq, words[n:], words)) for n in range(1, _LONGEST_STUTTER + 1)):
        return True
    if len(words) < _LEAST_LOOP:
        return False
    distinct = len(set(zip(words, words[1:], words[2:], words[3:], strict=False)))
    return distinct < _DISTINCT * (len(words) - 3)


def _same(text: str, before: str) -> bool:
    return text == before or _words(text) == _words(before)


@lru_cache(maxsize=16)
def _words(text: str) -> Sequence[str]:
    """A text's words without regard to case; each text is looked at by several rules in a row."""
    return _WORD.findall(text.lower())


def _writes_user(text: str) -> bool:
    return _USERS_TURN.search(text) is not None


def _echoes(text: str, request: str, *, anywhere: bool) -> bool:
    """Whether the words of the request's first sentence, or of all where it is short, stand in the text as a run."""
    if _REQUEST_LABEL.search(text):
        return True
    wanted = _first_words(request)
    if not wanted:
        return False
    words = " ".join(_words(text))
    at = f" {words} ".find(wanted)
    return at >= 0 and (anywhere or words[:at].count(" ") < _ECHO_WITHIN)


@lru_cache(maxsize=4096)
def _first_words(request: str) -> str:
    """A request's first sentence as words between spaces; empty where it is too short to say anything."""
    first = _SENTENCE.split(request.strip(), 1)[0]
    words = _words(first) if len(_words(first)) >= _LEAST_ECHO else _words(request)
    return f" {' '.join(words)} " if len(words) >= _LEAST_ECHO else ""
