"""Rows that hold more than a question: chains of critiques and revisions, and conversations to learn from."""

from typing import Any

from cai_core.interchange.rows.nouns import About, Item, ReadChain, ReadExample, ReadPrompt, ReadStep, Row, RowError
from cai_core.interchange.rows.read_prompts import asking
from cai_core.interchange.rows.transcripts import is_transcript, parse_prompt
from cai_core.interchange.rows.turns import checked, messages
from cai_core.interchange.rows.values import kind_of, words
from cai_core.types import Conversation, Role, assistant


def paper_chain(row: Row) -> ReadChain:
    """The paper's published chains: `rl_prompt`, `initial_response` and the steps of `cst`.

    Samples begin with the space that stands after a label; requests have their labels taken off.
    """
    rest = dict(row.fields)
    turns, notes = parse_prompt(words(rest.pop("rl_prompt"), "rl_prompt"), "rl_prompt")
    response = _sample(_only(rest.pop("initial_response"), "initial_response"), "initial_response")
    steps = rest.pop("cst")
    if not isinstance(steps, list) or not steps:
        raise RowError(f"cst is {kind_of(steps)}; it should be a list of steps")
    read = tuple(_paper_step(step, f"step {number}") for number, step in enumerate(steps, start=1))
    about = About(extra=rest, notes=notes)
    return ReadChain(row.number, checked(turns, "rl_prompt", end=Role.USER), response, read, about)


CAI_STEP = ("critic_prompt", "critic_response", "revision_prompt", "revision_response")
CAI_DERIVED = ("prompt", "messages", "chosen", "rejected")
"""What the set repeats of its chain for TRL: the question with the revision, and with both answers."""


def cai_chain(row: Row) -> ReadChain:
    """Hugging Face's cai-conversation: one step; its principle is known by the words of its requests alone."""
    rest = dict(row.fields)
    turns, notes = asking(rest.pop("init_prompt"), "init_prompt")
    response = words(rest.pop("init_response"), "init_response")
    step = ReadStep(*(words(rest.pop(name), name) for name in CAI_STEP))
    if not _repeats(row, turns, response, step):
        notes = (*notes, "prompt, messages, chosen or rejected say something else than the chain; they were left out")
    extra = {name: value for name, value in rest.items() if name not in CAI_DERIVED}
    return ReadChain(row.number, turns, response, (step,), About(extra=extra, notes=notes))


def chat(row: Row) -> Item:
    """TRL's and OpenAI's `messages`: an example where the assistant ends them, a prompt where the user does."""
    rest = dict(row.fields)
    turns, notes = messages(rest.pop("messages"), "messages")
    return _item(row, checked(turns, "messages"), About(extra=rest, notes=notes))


def document(row: Row) -> Item:
    """TRL's language modeling: `text`. A transcript becomes its turns; any other text is a document."""
    rest = dict(row.fields)
    text = words(rest.pop("text"), "text")
    if not is_transcript(text):
        return ReadExample(row.number, (assistant(text),), About(extra=rest))
    turns, notes = parse_prompt(text, "text")
    return _item(row, checked(turns, "text"), About(extra=rest, notes=notes))


def completion(row: Row) -> ReadExample:
    """TRL's prompt-completion, texts or messages."""
    rest = dict(row.fields)
    asked, answered = rest.pop("prompt"), rest.pop("completion")
    turns, notes = asking(asked, "prompt")
    if isinstance(answered, str):
        text = answered.removeprefix(" ") if is_transcript(asked) else answered
        answer: Conversation = (assistant(words(text, "completion")),)
    else:
        answer, more = messages(answered, "completion")
        notes = (*notes, *more)
    turns = checked((*turns, *answer), "prompt and completion", end=Role.ASSISTANT)
    return ReadExample(row.number, turns, About(extra=rest, notes=notes))


def _item(row: Row, turns: Conversation, about: About) -> Item:
    return (ReadExample if turns[-1].role is Role.ASSISTANT else ReadPrompt)(row.number, turns, about)


def _paper_step(step: Any, what: str) -> ReadStep:
    if not isinstance(step, dict) or not isinstance(step.get("cst_value"), dict):
        raise RowError(f"{what} should be an object with cst_value, critique and revision")
    asked = step["cst_value"]
    key = step.get("cst_key")
    return ReadStep(
        _request(_only(asked.get("prompt"), f"{what}'s prompt"), "Critique", what),
        _sample(step.get("critique"), f"{what}'s critique"),
        _request(asked.get("edit_request"), "Revision", what),
        _sample(step.get("revision"), f"{what}'s revision"),
        words(key, f"{what}'s cst_key") if key is not None else None,
    )


def _request(text: Any, label: str, what: str) -> str:
    """A request without the labels before and after it, where they stand."""
    asked = words(text, f"{what}'s {label.lower()} request").strip()
    return words(asked.removeprefix(f"{label}Request:").removesuffix(f"{label}:").strip(), f"{what}'s request")


def _sample(value: Any, what: str) -> str:
    if not isinstance(value, dict):
        raise RowError(f"{what} is {kind_of(value)}; it should be an object with sample")
    return words(value.get("sample"), what).removeprefix(" ")


def _only(value: Any, what: str) -> Any:
    if not isinstance(value, list) or len(value) != 1:
        raise RowError(f"{what} should be a list of one")
    return value[0]


def _repeats(row: Row, turns: Conversation, response: str, step: ReadStep) -> bool:
    """Whether the columns made for TRL, where they are there, say what the chain says."""
    revised = [*turns, assistant(step.revision)]
    due = {
        "prompt": [turns[-1].content],
        "messages": revised,
        "chosen": revised,
        "rejected": [*turns, assistant(response)],
    }
    said = {name: row.fields[name] for name in due if row.fields.get(name) not in (None, "")}
    return all(_plain(value) == due[name] for name, value in said.items())


def _plain(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [value]
    try:
        return list(messages(value, "it")[0])
    except RowError:
        return []
