"""Transcripts as hh-rlhf and the paper's files have them: turns labelled Human and Assistant, in one text."""

import re

from cai_core.interchange.rows.nouns import RowError
from cai_core.types import Conversation, Message, Role

_LABEL = re.compile(r"\n\n(Human|Assistant):")
_BEGIN = re.compile(r"\s*(Human|Assistant):")
_ROLES = {"Human": Role.USER, "Assistant": Role.ASSISTANT}
_NAMES = {Role.USER: "Human", Role.ASSISTANT: "Assistant"}


def is_transcript(text: object) -> bool:
    """Whether a text begins as a transcript does, with its two line ends."""
    return isinstance(text, str) and text.startswith("\n\nHuman:")


def parse_transcript(text: str, what: str) -> tuple[Conversation, tuple[str, ...]]:
    """The turns of a transcript, and notes on what was mended.

    A turn is what stands between two labels, verbatim but for the one space after its label. A label within a turn
    cannot be told from a turn's beginning: turns in a row by one speaker (13 in hh-rlhf's harmless test split) are
    that turn's parts, and are joined by an empty line. Not yet `checked`.
    """
    begin = _BEGIN.match(text)
    if not begin:
        raise RowError(f"{what} does not begin with 'Human:'")
    pieces = _LABEL.split("\n\n" + text[begin.start(1) :])
    turns: list[Message] = []
    joined = 0
    for label, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        role, content = _ROLES[label], piece.removeprefix(" ")
        if turns and turns[-1].role is role:
            joined += 1
            content = "\n\n".join(filter(None, (turns.pop().content, content)))
        turns.append(Message(role, content))
    mended = f"{joined} turn{'s' if joined > 1 else ''} of {what} joined to the one before, by the same speaker"
    return tuple(turns), (mended,) if joined else ()


def parse_prompt(text: str, what: str) -> tuple[Conversation, tuple[str, ...]]:
    """The turns of a transcript that asks: the 'Assistant:' that it may end with is no turn."""
    turns, notes = parse_transcript(text, what)
    return (turns[:-1] if turns[-1].role is Role.ASSISTANT and not turns[-1].content.strip() else turns), notes


def render_transcript(turns: Conversation) -> str:
    """The transcript of turns; `RowError` for a system's turn, or one that its label would cut in two."""
    if any(turn.role is Role.SYSTEM for turn in turns):
        raise RowError("a transcript has no system turn")
    if any(_LABEL.search(turn.content) for turn in turns):
        raise RowError("a later paragraph of a turn begins with 'Human:' or 'Assistant:', as turns do")
    return "".join(f"\n\n{_NAMES[turn.role]}: {turn.content}" for turn in turns)


def render_prompt(turns: Conversation) -> str:
    """The transcript of turns that ask, with the label of the answer to come."""
    return f"{render_transcript(turns)}\n\nAssistant:"
