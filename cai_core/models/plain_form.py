r"""The paper's plain form of a conversation, `\n\nHuman: ...` and `\n\nAssistant:`: for models without a template."""

from collections.abc import Sequence

from cai_core.types import Conversation, Role

HUMAN = "\n\nHuman:"
_SPEAKER = {Role.USER: HUMAN + " ", Role.ASSISTANT: "\n\nAssistant: ", Role.SYSTEM: ""}


def plain_text(turns: Conversation) -> str:
    """The turns as one text; a last assistant turn is left open, to be gone on from."""
    answers = not turns or turns[-1].role is not Role.ASSISTANT
    return "".join(_SPEAKER[turn.role] + turn.content for turn in turns) + ("\n\nAssistant:" if answers else "")


def cut_at(text: str, stops: Sequence[str]) -> str:
    """All before the first stop string."""
    return text[: min((text.index(stop) for stop in stops if stop in text), default=len(text))]
