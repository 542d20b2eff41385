"""Reading a reply back: its sentences by form, with what fills their slots. It sees text only."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cai_core.sandbox import phrases


class Form(StrEnum):
    """What a sentence does."""

    NEUTRAL = "neutral"
    COMPLY = "comply"
    STEP = "step"
    HALF = "half"
    WARN = "warn"
    EVADE = "evade"
    SCOLD = "scold"
    OBJECT = "object"
    OFFER = "offer"
    METHOD = "method"
    DETAIL = "detail"
    VAGUE = "vague"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence's form and slots, in lower case."""

    form: Form
    act: str = ""
    reason: str = ""
    alternative: str = ""
    method: str = ""
    detail: str = ""


_NEUTRAL = (*phrases.WARM_OPENERS, *phrases.WARM_CLOSERS, *phrases.PLAIN_OPENERS, *phrases.FILLERS)
_FIXED: dict[str, Form] = {
    text.lower(): form
    for form, texts in (
        (Form.NEUTRAL, _NEUTRAL),
        (Form.WARN, phrases.WARN),
        (Form.EVADE, phrases.EVADE),
        (Form.SCOLD, phrases.SCOLD),
        (Form.VAGUE, phrases.VAGUE),
    )
    for text in texts
}
_SLOTTED = (
    (Form.HALF, phrases.HALF),
    (Form.COMPLY, phrases.COMPLY),
    (Form.OBJECT, phrases.OBJECT),
    (Form.OFFER, phrases.OFFER),
    (Form.STEP, phrases.STEP),
    (Form.METHOD, phrases.METHOD),
    (Form.DETAIL, phrases.DETAIL),
)
_SLOT = re.compile(r"\\{(\w+)\\}")
_SPLIT = re.compile(r"(?<=[.!?])\s+")


def _pattern(template: str) -> re.Pattern[str]:
    """A template as a pattern: words and spaces in its slots, at most twelve words or so."""
    return re.compile(_SLOT.sub(r"(?P<\1>[a-z' ]{2,70})", re.escape(template.lower())))


_PATTERNS = tuple((form, _pattern(text)) for form, texts in _SLOTTED for text in texts)


@lru_cache(maxsize=1 << 16)
def read_sentence(text: str) -> Sentence:
    """One sentence by its form; UNKNOWN where it fits none."""
    text = text.lower()
    fixed = _FIXED.get(text)
    if fixed is not None:
        return Sentence(fixed)
    for form, pattern in _PATTERNS:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        slots = match.groupdict()
        if form == Form.STEP and slots["step"] not in phrases.STEPS:
            continue
        return Sentence(
            form,
            slots.get("act", ""),
            slots.get("reason", ""),
            slots.get("alt", ""),
            slots.get("method", ""),
            slots.get("detail", ""),
        )
    return Sentence(Form.UNKNOWN)


def read(response: str) -> tuple[Sentence, ...] | None:
    """A reply's sentences; None if it is empty, cut off, says something twice or holds a sentence of no known form."""
    text = response.strip()
    if not text or text[-1] not in ".!?":
        return None
    parts = _SPLIT.split(text)
    if len({part.lower() for part in parts}) < len(parts):
        return None
    found = tuple(read_sentence(part) for part in parts)
    return None if any(one.form == Form.UNKNOWN for one in found) else found
