"""Prompts: what a model is asked."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

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


def prompt_uid(turns: Conversation) -> str:
    """The uid of a prompt: 16 hex digits of SHA-256 over its roles and texts."""
    text = "\x1e".join(f"{turn.role}\x1f{turn.content}" for turn in turns)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
