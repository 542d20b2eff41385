"""The formats that rows go out in: each noun as the columns of a row, or `RowError` where it does not fit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from cai_core.interchange.rows.nouns import (
    Item,
    ReadChain,
    ReadExample,
    ReadPair,
    ReadPrompt,
    ReadRecord,
    RowError,
    prompt_of,
)
from cai_core.interchange.rows.own_chains import COLUMNS, own_chain_fields
from cai_core.interchange.rows.recognise import FileKind
from cai_core.interchange.rows.transcripts import is_transcript, render_prompt, render_transcript
from cai_core.types import Conversation, Role, assistant

Fields = dict[str, Any]
Noun = TypeVar("Noun", ReadPrompt, ReadExample, ReadPair, ReadChain, ReadRecord)


class Style(StrEnum):
    """TRL's two ways to write turns."""

    CONVERSATIONAL = "conversational"
    """Lists of messages: what a chat template is applied to."""
    STANDARD = "standard"
    """Texts: a prompt of one turn as it is, longer ones as transcripts."""


class Column(StrEnum):
    """What a column holds, for files whose columns have types."""

    TEXT = "text"
    MESSAGES = "messages"
    TAGS = "tags"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class WriteFormat:
    """A format to write."""

    about: str
    render: Callable[[Item, Style], Fields]
    columns: Callable[[Style], dict[str, Column]]
    """In order."""
    reads_as: Callable[[Style], str]
    """The format, a key of `FORMATS`, that gives the same noun back."""
    holds: frozenset[str] = frozenset()
    """Which parts of `About` it holds."""
    asks: bool = False
    """It holds prompts alone, whatever follows them."""
    kinds: frozenset[FileKind] = frozenset(FileKind) - {FileKind.LINES}
    """The kinds of file that can hold it."""


def prompt_row(item: Item, style: Style) -> Fields:
    """Our own prompts, with all that is known of them."""
    about = item.about
    return {
        "turns": messages_of(_asked(item)),
        "kind": about.kind.value if about.kind else None,
        "split": about.split.value if about.split else None,
        "topic": about.topic,
        "tags": list(about.tags),
        "extra": dict(about.extra),
    }


def prompt_only(item: Item, style: Style) -> Fields:
    """TRL's prompt-only."""
    return {"prompt": _prompt(_asked(item), style)}


def prompt_completion(item: Item, style: Style) -> Fields:
    """TRL's prompt-completion."""
    example = _a(ReadExample, item)
    return {
        "prompt": _prompt(_asked(example), style),
        "completion": _reply(example.turns[:-1], example.turns[-1:], style),
    }


def preference(item: Item, style: Style) -> Fields:
    """TRL's preference, its prompt explicit."""
    pair = _a(ReadPair, item)
    return {
        "prompt": _prompt(pair.turns, style),
        "chosen": _reply(pair.turns, pair.chosen, style),
        "rejected": _reply(pair.turns, pair.rejected, style),
    }


def language_modeling(item: Item, style: Style) -> Fields:
    """TRL's language modeling: messages, or texts, which are transcripts where there is more than one turn."""
    turns = _a(ReadExample, item).turns
    if style is Style.CONVERSATIONAL:
        return {"messages": messages_of(_told(turns))}
    return {"text": turns[0].content if len(turns) == 1 else render_transcript(turns)}


def chat(item: Item, style: Style) -> Fields:
    """OpenAI's chat: messages, which the assistant ends in an example and the user in a prompt."""
    if not isinstance(item, ReadPrompt | ReadExample):
        raise RowError(f"{_kind(item)} is no conversation")
    return {"messages": messages_of(_told(item.turns))}


def hh_rlhf(item: Item, style: Style) -> Fields:
    """hh-rlhf's two transcripts."""
    pair = _a(ReadPair, item)
    return {
        name: render_transcript((*pair.turns, *way))
        for name, way in (("chosen", pair.chosen), ("rejected", pair.rejected))
    }


def cai_conversation(item: Item, style: Style) -> Fields:
    """Hugging Face's cai-conversation: one critique and revision, and the same for TRL's trainers."""
    chain = _a(ReadChain, item)
    if len(chain.steps) != 1:
        raise RowError(f"a chain of {len(chain.steps)} steps, where a row holds one")
    (step,) = chain.steps
    revised = messages_of((*chain.turns, assistant(step.revision)))
    return {
        "init_prompt": _prompt(chain.turns, Style.STANDARD),
        "init_response": chain.response,
        "critic_prompt": step.critique_request,
        "critic_response": step.critique,
        "revision_prompt": step.revision_request,
        "revision_response": step.revision,
        "prompt": chain.turns[-1].content,
        "messages": revised,
        "chosen": revised,
        "rejected": messages_of((*chain.turns, assistant(chain.response))),
    }


def own_chain_row(item: Item, style: Style) -> Fields:
    """Our own chains, with all that is known of them."""
    return own_chain_fields(_a(ReadRecord, item))


def one_by_one(item: Item) -> Iterator[Item]:
    """A chain's steps as chains of one step, each from the response that it began with; anything else as it is."""
    if not isinstance(item, ReadChain):
        yield item
        return
    response = item.response
    for step in item.steps:
        yield replace(item, response=response, steps=(replace(step, principle=None),))
        response = step.revision


def messages_of(turns: Conversation) -> list[dict[str, str]]:
    """The turns as TRL and OpenAI write them."""
    return [{"role": turn.role.value, "content": turn.content} for turn in turns]


def _a(noun: type[Noun], item: Item) -> Noun:
    if not isinstance(item, noun):
        raise RowError(f"{_kind(item)} is no {noun.__name__.removeprefix('Read').lower()}")
    return item


def _kind(item: Item) -> str:
    name = type(item).__name__.removeprefix("Read").lower()
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _asked(item: Item) -> Conversation:
    turns = prompt_of(item)
    if turns is None:
        raise RowError("a document asks nothing")
    return turns


def _told(turns: Conversation) -> Conversation:
    if turns[0].role is Role.ASSISTANT:
        raise RowError("a document has no user's turn")
    return turns


def _prompt(turns: Conversation, style: Style) -> str | list[dict[str, str]]:
    if style is Style.CONVERSATIONAL:
        return messages_of(turns)
    if len(turns) > 1:
        return render_prompt(turns)
    if is_transcript(turns[0].content):
        raise RowError("the prompt is a text that looks like a transcript")
    return turns[0].content


def _reply(prompt: Conversation, reply: Conversation, style: Style) -> str | list[dict[str, str]]:
    if style is Style.CONVERSATIONAL:
        return messages_of(reply)
    if len(reply) > 1:
        raise RowError("a reply of several turns, where a text holds one")
    return f" {reply[0].content}" if len(prompt) > 1 else reply[0].content


def _columns(**standard: Column) -> Callable[[Style], dict[str, Column]]:
    """Columns that hold texts in one style and messages in the other."""
    return lambda style: standard if style is Style.STANDARD else dict.fromkeys(standard, Column.MESSAGES)


_TEXT = Column.TEXT
_CAI = {
    **dict.fromkeys(
        ("init_prompt", "init_response", "critic_prompt", "critic_response", "revision_prompt", "revision_response"),
        _TEXT,
    ),
    "prompt": _TEXT,
    **dict.fromkeys(("messages", "chosen", "rejected"), Column.MESSAGES),
}
_OWN = {
    "turns": Column.MESSAGES,
    "kind": _TEXT,
    "split": _TEXT,
    "topic": _TEXT,
    "tags": Column.TAGS,
    "extra": Column.JSON,
}

WRITERS: dict[str, WriteFormat] = {
    "prompts": WriteFormat(
        "our own prompts, with all that is known of them",
        prompt_row,
        lambda style: _OWN,
        lambda style: "prompts",
        frozenset({"kind", "split", "topic", "tags", "extra"}),
        asks=True,
    ),
    "prompt-only": WriteFormat(
        "TRL's prompt-only", prompt_only, _columns(prompt=_TEXT), lambda style: "prompt-only", asks=True
    ),
    "prompt-completion": WriteFormat(
        "TRL's prompt-completion",
        prompt_completion,
        _columns(prompt=_TEXT, completion=_TEXT),
        lambda style: "prompt-completion",
    ),
    "preference": WriteFormat(
        "TRL's preference", preference, _columns(prompt=_TEXT, chosen=_TEXT, rejected=_TEXT), lambda style: "preference"
    ),
    "language-modeling": WriteFormat(
        "TRL's language modeling",
        language_modeling,
        lambda style: {"text": _TEXT} if style is Style.STANDARD else {"messages": Column.MESSAGES},
        lambda style: "language-modeling" if style is Style.STANDARD else "chat",
    ),
    "chat": WriteFormat("OpenAI's chat", chat, lambda style: {"messages": Column.MESSAGES}, lambda style: "chat"),
    "hh-rlhf": WriteFormat(
        "hh-rlhf's transcripts", hh_rlhf, lambda style: {"chosen": _TEXT, "rejected": _TEXT}, lambda style: "hh-rlhf"
    ),
    "cai-chain": WriteFormat(
        "our own chains, with all that is known of them",
        own_chain_row,
        lambda style: dict.fromkeys(COLUMNS, Column.JSON),
        lambda style: "cai-chain",
        frozenset({"kind", "split", "topic", "tags", "extra"}),
        kinds=frozenset({FileKind.JSONL, FileKind.JSON}),
    ),
    "cai-conversation": WriteFormat(
        "Hugging Face's cai-conversation", cai_conversation, lambda style: _CAI, lambda style: "cai-conversation"
    ),
}
