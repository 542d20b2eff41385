"""Cases: what a constitution is held to, version by version."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cai_core.types.comparisons import OrderScore
from cai_core.types.constitutions import Principle
from cai_core.types.conversations import Conversation


class CaseKind(StrEnum):
    """What a case holds."""

    PROMPT = "prompt"
    """A prompt, criticised and revised; the hope says in words what the revision should be like."""
    PAIR = "pair"
    """Two responses, of which one should be preferred."""


class CaseState(StrEnum):
    """What a case came to under a version."""

    PASS = "pass"
    FAIL = "fail"
    COULD_NOT_TELL = "could_not_tell"
    """The two orders prefer different responses, neither is preferred, or too little probability is on the options."""
    UNJUDGED = "unjudged"
    """Answered; nothing says what was hoped for, or nobody was asked: to be read."""
    TOO_LONG = "too_long"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Case:
    """A prompt or a pair of responses with what is hoped for."""

    kind: CaseKind
    turns: Conversation
    """Ends with a user's turn."""
    hope: str = ""
    """What is hoped for, in words."""
    principle: str | None = None
    """Id of the principle it is about; None: whichever is drawn."""
    response_a: str | None = None
    response_b: str | None = None
    preferred: str | None = None
    """Of a pair: 'a' or 'b'."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What a case came to under one version."""

    state: CaseState
    principle: Principle | None = None
    """What it was held to; None where the version has no such principle."""
    response: str | None = None
    critique: str | None = None
    revision: str | None = None
    p_a: float | None = None
    """Of a pair: that A is preferred. Of a prompt: that the revision meets the hope better than the response does."""
    orders: tuple[OrderScore, ...] = ()
    """Both orders behind `p_a`; of a prompt, A is the revision and B the response."""
    order_disagrees: bool = False
    sent: Mapping[str, str] = field(default_factory=dict)
    """Hash of what was sent, by part: 'response', 'critique', 'revision', 'ab', 'ba'."""
    error: str | None = None
    """Why nothing could be told, or why there is no result."""


def case_uid(constitution: str, case: Case) -> str:
    """32 hex digits of SHA-256 over a constitution's name and all that a case says: the same in every workspace."""
    said = [case.hope, case.principle, case.response_a, case.response_b, case.preferred]
    parts = [constitution, case.kind, *("" if one is None else f"\x1f{one}" for one in said)]
    parts += [f"{turn.role}\x1f{turn.content}" for turn in case.turns]
    return hashlib.sha256("\x1e".join(parts).encode()).hexdigest()[:32]
