"""Conversations: turns in order, verbatim, and the seed of a row."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Who speaks in a conversation."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn, verbatim and untrusted."""

    role: Role
    content: str


Conversation = tuple[Message, ...]
"""Turns in order. Sent to a model, a last assistant turn is a prefill: the model goes on from it."""


def user(content: str) -> Message:
    """A user's turn."""
    return Message(Role.USER, content)


def assistant(content: str) -> Message:
    """An assistant's turn."""
    return Message(Role.ASSISTANT, content)


def derive_seed(seed: int, *key: object) -> int:
    """A seed in 0..2**63-1 for one row, from the run's seed and the row's key (SHA-256).

    It depends on nothing else, so a row gives the same text in any batch and after any resume.
    """
    text = "\x1f".join([str(seed), *map(str, key)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
