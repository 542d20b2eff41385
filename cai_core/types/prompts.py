"""Prompts: what a model is asked."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cai_core.types.conversations import Conversation


class PromptKind(StrEnum):
    """What a prompt is for."""

    RED_TEAM = "red_team"
    """Tries to draw out harm."""
    HELPFUL = "helpful"
    """Asks for ordinary help."""
    LOOK_ALIKE = "look_alike"
    """Benign, but sounds like a red-team prompt: refusing it is over-refusal."""


class Split(StrEnum):
    """Train feeds training, dev tunes settings, test is only reported."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


class PromptOutcome(StrEnum):
    """What came of asking a model for a new prompt."""

    KEPT = "kept"
    EMPTY = "empty"
    CUT = "cut"
    """At the token limit, so it may lack its end."""
    ECHO = "echo"
    """One of the examples that it was shown."""
    DUPLICATE = "duplicate"
    """The workspace has it, or an earlier one of the run is the same."""
    NEAR_DUPLICATE = "near_duplicate"
    """Nearly one of its set, of the examples' set, or of the run."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A partial conversation that ends with a user's turn."""

    uid: str
    """Hash of the turns: the same prompt has the same uid in every workspace."""
    turns: Conversation
    kind: PromptKind
    split: Split
    source: str
    """Name of the prompt set it came from, e.g. 'sandbox'."""
    topic: str | None = None
    tags: tuple[str, ...] = ()
    # A mapping has no hash; prompts that are equal have the same one without it.
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The columns of its file that nothing else was made of, as plain JSON values."""


def prompt_uid(turns: Conversation) -> str:
    """The uid of a prompt: 16 hex digits of SHA-256 over its roles and texts."""
    text = "\x1e".join(f"{turn.role}\x1f{turn.content}" for turn in turns)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
