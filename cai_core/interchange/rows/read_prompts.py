"""Rows that ask: prompt sets of many makers, each as the turns of a conversation that ends with the user's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from cai_core.interchange.rows.nouns import About, ReadPrompt, Row, RowError
from cai_core.interchange.rows.transcripts import is_transcript, parse_prompt, parse_transcript
from cai_core.interchange.rows.turns import checked, messages
from cai_core.interchange.rows.values import StrictJson, kind_of, shown, words
from cai_core.types import Conversation, PromptKind, Role, Split, user

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Columns:
    """A prompt set with a text a row: which of its columns says what."""

    prompt: str
    kind: PromptKind
    topic: str | None = None
    tags: tuple[str, ...] = ()
    context: str | None = None
    """What the prompt is about, sent before it."""


HARMBENCH = Columns(
    "Behavior", PromptKind.RED_TEAM, "SemanticCategory", ("FunctionalCategory", "Tags"), context="ContextString"
)
ADVBENCH = Columns("goal", PromptKind.RED_TEAM)
STRONGREJECT = Columns("forbidden_prompt", PromptKind.RED_TEAM, "category")
SIMPLE_SAFETY_TESTS = Columns("prompts_final", PromptKind.RED_TEAM, "harm_area", ("category",))
TRUTHFULQA = Columns("Question", PromptKind.HELPFUL, "Category", ("Type",))


def of_columns(columns: Columns) -> Callable[[Row], ReadPrompt]:
    """The reader of such a set. A context goes before its prompt as HarmBench sends it, a line of dashes between."""

    def read(row: Row) -> ReadPrompt:
        rest = dict(row.fields)
        text = words(rest.pop(columns.prompt), columns.prompt)
        if columns.context and (context := rest.pop(columns.context, None)):
            text = f"{words(context, columns.context)}\n\n---\n\n{text}"
        topic = taken_text(rest, columns.topic) if columns.topic else None
        tags = [tag for name in columns.tags for tag in listed(rest.pop(name, None), name)]
        return ReadPrompt(row.number, (user(text),), About(columns.kind, None, topic, tuple(tags), rest))

    return read


def own_prompt(row: Row) -> ReadPrompt:
    """A row of our own files: `prompt` or `turns`, with `kind`, `split`, `topic`, `tags` and `extra` where known."""
    rest = dict(row.fields)
    if ("prompt" in rest) == ("turns" in rest):
        raise RowError("needs either 'prompt' or 'turns'")
    what = "prompt" if "prompt" in rest else "turns"
    turns, notes = asking(rest.pop(what), what)
    kind = one_of(PromptKind, rest.pop("kind", None), "kind")
    split = one_of(Split, rest.pop("split", None), "split")
    topic, tags = taken_text(rest, "topic"), listed(rest.pop("tags", None), "tags")
    extra = _extra(rest.pop("extra", None)) | rest
    return ReadPrompt(row.number, turns, About(kind, split, topic, tuple(tags), extra, notes))


def plain_prompt(row: Row) -> ReadPrompt:
    """TRL's prompt-only: `prompt`, a text or a list of messages; every other column is kept as it is."""
    return _column_prompt(row, "prompt")


def text_prompt(row: Row) -> ReadPrompt:
    """A prompt in the column `text`."""
    return _column_prompt(row, "text")


def unpaired(row: Row) -> ReadPrompt:
    """TRL's unpaired preference: the prompt alone, for a completion that may be a bad one is nothing to learn from."""
    return _column_prompt(row, "prompt")


def xstest_prompt(row: Row) -> ReadPrompt:
    """XSTest: safe prompts sound like unsafe ones; their contrasts are unsafe, by label or by type ('contrast_…').

    A model's completion is kept beside the prompt, with its labels: it is there to be measured, not learned from.
    """
    rest = dict(row.fields)
    turns, _ = asking(rest.pop("prompt"), "prompt")
    topic, label = words(rest.pop("type"), "type"), rest.pop("label", None)
    if label not in (None, "", "safe", "unsafe"):
        raise RowError(f"label is {shown(str(label))}; it should be safe or unsafe")
    unsafe = label == "unsafe" if label else topic.startswith("contrast_")
    kind = PromptKind.RED_TEAM if unsafe else PromptKind.LOOK_ALIKE
    return ReadPrompt(row.number, turns, About(kind, None, topic, (), rest))


def mt_bench_prompt(row: Row) -> ReadPrompt:
    """MT-Bench: the first question; those that follow the model's answers are kept as `later_turns`."""
    rest = dict(row.fields)
    asked = rest.pop("turns")
    if not isinstance(asked, list) or not asked:
        raise RowError(f"turns is {kind_of(asked)}; it should be a list of questions")
    first, *later = [words(turn, f"question {number}") for number, turn in enumerate(asked, start=1)]
    topic = taken_text(rest, "category")
    extra = rest | ({"later_turns": later} if later else {})
    return ReadPrompt(row.number, (user(first),), About(PromptKind.HELPFUL, topic=topic, extra=extra))


def sampled_prompt(row: Row) -> ReadPrompt:
    """The paper's samples scored by a preference model: the prompt; the samples and scores are kept as they are."""
    rest = dict(row.fields)
    turns, notes = parse_prompt(words(rest.pop("rl_prompt"), "rl_prompt"), "rl_prompt")
    return ReadPrompt(row.number, checked(turns, "rl_prompt", end=Role.USER), About(extra=rest, notes=notes))


def attempt(row: Row) -> ReadPrompt:
    """Red-team attempts: the transcript up to the human's last turn; the answer to it is kept as `last_reply`."""
    rest = dict(row.fields)
    turns, notes = parse_transcript(words(rest.pop("transcript"), "transcript"), "transcript")
    if turns[-1].role is Role.ASSISTANT:
        rest["last_reply"] = turns[-1].content
        turns = turns[:-1]
    tags = tuple(listed(rest.pop("tags", None), "tags"))
    about = About(PromptKind.RED_TEAM, tags=tags, extra=rest, notes=notes)
    return ReadPrompt(row.number, checked(turns, "transcript", end=Role.USER), about)


def asking(value: Any, what: str) -> tuple[Conversation, tuple[str, ...]]:
    """The turns of a prompt (a text, a transcript or a list of messages) and notes; the last is the user's."""
    if isinstance(value, str):
        turns, notes = parse_prompt(value, what) if is_transcript(value) else ((user(words(value, what)),), ())
    else:
        turns, notes = messages(value, what)
    return checked(turns, what, end=Role.USER), notes


def one_of(kinds: type[Choice], value: Any, what: str) -> Choice | None:
    """The value's choice; None where it is left out."""
    if value in (None, ""):
        return None
    if not isinstance(value, str) or value not in list(kinds):
        raise RowError(f"{what} is {shown(str(value))}; it should be {', '.join(kinds)} or left out")
    return kinds(value)


def taken_text(rest: dict[str, Any], name: str) -> str | None:
    """The text of a column that may be empty or missing, which is taken away; a number stays as its digits."""
    value = rest.pop(name, None)
    if value in (None, "") or isinstance(value, bool):
        return None
    return words(str(value) if isinstance(value, int | float) else value, name)


def listed(value: Any, what: str) -> list[str]:
    """Tags: a list of texts, a JSON list in a text, or texts between commas."""
    if isinstance(value, str):
        texts = [tag.strip() for tag in value.split(",")]
        value = StrictJson().read(value) if value.startswith("[") else [tag for tag in texts if tag]
    if not isinstance(value, list | None):
        raise RowError(f"{what} is {kind_of(value)}; it should be a list of texts")
    return [words(tag, f"a tag of {what}") for tag in value or []]


def _column_prompt(row: Row, name: str) -> ReadPrompt:
    rest = dict(row.fields)
    turns, notes = asking(rest.pop(name), name)
    return ReadPrompt(row.number, turns, About(extra=rest, notes=notes))


def _extra(value: Any) -> dict[str, Any]:
    """Other columns as our own files keep them: an object, in CSV and Parquet as its JSON."""
    if isinstance(value, str):
        value = StrictJson().read(value) if value.strip() else None
    if not isinstance(value, dict | None):
        raise RowError(f"extra is {kind_of(value)}; it should be an object")
    return value or {}


def says_kind(fields: Mapping[str, Any]) -> bool:
    """Whether a row says its kind or split in our words; other makers' columns may have the same names."""
    kinds: dict[str, type[StrEnum]] = {"kind": PromptKind, "split": Split}
    told = {name: fields[name] for name in kinds if fields.get(name) not in (None, "")}
    return bool(told) and all(isinstance(value, str) and value in list(kinds[name]) for name, value in told.items())
