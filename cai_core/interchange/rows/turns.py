"""Conversations of a file's turns: a system turn first if there is one, then the user and the assistant in turn."""

from collections.abc import Sequence
from typing import Any

from cai_core.interchange.rows.nouns import RowError
from cai_core.interchange.rows.values import StrictJson, kind_of, shown, words
from cai_core.types import Conversation, Message, Role

_ROLES = {role.value: role for role in Role} | {"developer": Role.SYSTEM}
"""OpenAI's newer models call the system's turn the developer's."""
_SPEAKER = {Role.SYSTEM: "the system's", Role.USER: "the user's", Role.ASSISTANT: "the assistant's"}


def checked(turns: Conversation, what: str, *, end: Role | None = None, empty_reply: bool = False) -> Conversation:
    """The turns, if they take turns as they should, say something and end with `end`; else `RowError`.

    With `empty_reply` the last turn may be empty, if it is the assistant's.
    """
    due = Role.USER
    for number, turn in enumerate(turns, start=1):
        is_reply = number == len(turns) and turn.role is Role.ASSISTANT
        if not turn.content.strip() and not (empty_reply and is_reply):
            raise RowError(f"turn {number} of {what}, {_SPEAKER[turn.role]}, is empty")
        if turn.role is Role.SYSTEM and number == 1:
            continue
        if turn.role is not due:
            raise RowError(f"turn {number} of {what} is {_SPEAKER[turn.role]} where {_SPEAKER[due]} is due")
        due = Role.ASSISTANT if due is Role.USER else Role.USER
    if not turns or turns[-1].role is Role.SYSTEM:
        raise RowError(f"{what} has no turn of the user's")
    if end is not None and turns[-1].role is not end:
        raise RowError(f"the last turn of {what} should be {_SPEAKER[end]}, not {_SPEAKER[turns[-1].role]}")
    return turns


def messages(value: Any, what: str) -> tuple[Conversation, tuple[str, ...]]:
    """The turns of a list of `{"role", "content"}`, as TRL and OpenAI write them, and notes. Not yet `checked`."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = StrictJson().read(value)
    if not isinstance(value, list):
        raise RowError(f"{what} is {kind_of(value)}; it should be a list of {{'role', 'content'}}")
    if not value:
        raise RowError(f"{what} is an empty list")
    turns = tuple(_message(one, f"turn {number} of {what}") for number, one in enumerate(value, start=1))
    others = {key for one in value for key, held in one.items() if key not in ("role", "content") and held is not None}
    named = ", ".join(shown(key) for key in sorted(others)[:5])
    return turns, (f"{named} of the messages left out",) if others else ()


def shared(chosen: Conversation, rejected: Conversation) -> tuple[Conversation, Conversation, Conversation]:
    """What two conversations share up to a user's turn, and how each goes on from there; `RowError` if they cannot."""
    if chosen == rejected:
        raise RowError("chosen and rejected are the same")
    count = 0
    for one, other in zip(chosen[:-1], rejected[:-1], strict=False):
        if one != other:
            break
        count += 1
    while count and chosen[count - 1].role is not Role.USER:
        count -= 1
    if not count:
        raise RowError("chosen and rejected share no turn of the user's to begin with")
    return chosen[:count], chosen[count:], rejected[count:]


def reply_notes(prompt: Sequence[Message], chosen: Conversation, rejected: Conversation) -> tuple[str, ...]:
    """What is unusual about the two ways on."""
    notes = [
        f"the {name} reply is empty"
        for name, turns in (("chosen", chosen), ("rejected", rejected))
        if not turns[-1].content.strip()
    ]
    if len(chosen) != 1 or len(rejected) != 1:
        notes.append(f"chosen and rejected part after turn {len(prompt)}, before their last")
    return tuple(notes)


def _message(one: Any, what: str) -> Message:
    if not isinstance(one, dict) or "role" not in one:
        raise RowError(f"{what} is {kind_of(one)} without a role; it should be {{'role', 'content'}}")
    role = one["role"]
    if not isinstance(role, str) or role not in _ROLES:
        said = shown(role) if isinstance(role, str) else kind_of(role)
        raise RowError(f"{what} has the role {said}; roles are system, user and assistant")
    if one.get("content") is None and any(one.get(key) for key in ("tool_calls", "function_call")):
        raise RowError(f"{what} calls a tool; only text is read")
    return Message(_ROLES[role], _content(one.get("content"), what))


def _content(value: Any, what: str) -> str:
    """A message's text, also where it comes in parts."""
    if isinstance(value, list):
        other = next((part for part in value if not isinstance(part, dict) or part.get("type") != "text"), None)
        if other is not None:
            kind = other.get("type") if isinstance(other, dict) else None
            raise RowError(f"{what} has a part that is {shown(str(kind)) if kind else 'no text'}; only text is read")
        value = "".join(words(part.get("text"), what) for part in value)
    if not isinstance(value, str):
        raise RowError(f"{what} is {kind_of(value)}; its content should be text")
    return value
