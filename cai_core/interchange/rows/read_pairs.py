"""Rows that say which of two ways on was preferred: transcripts, TRL's types and others."""

from itertools import takewhile
from typing import Any

from cai_core.interchange.rows.nouns import About, ReadPair, Row, RowError
from cai_core.interchange.rows.read_prompts import asking, taken_text
from cai_core.interchange.rows.transcripts import is_transcript, parse_transcript
from cai_core.interchange.rows.turns import checked, messages, reply_notes, shared
from cai_core.interchange.rows.values import kind_of, shown, words
from cai_core.types import Conversation, Role, assistant, user


def hh_pair(row: Row) -> ReadPair:
    """hh-rlhf: two transcripts. The prompt is what they share, up to the human's last turn of it."""
    return _implicit_pair(row)


def implicit_pair(row: Row) -> ReadPair:
    """TRL's preference with an implicit prompt: two conversations, or two texts that begin alike.

    Texts are parted after the last white space that they share, so that a prompt is whole words.
    """
    chosen, rejected = row.fields["chosen"], row.fields["rejected"]
    if not isinstance(chosen, str) or not isinstance(rejected, str) or is_transcript(chosen):
        return _implicit_pair(row)
    if chosen == rejected:
        raise RowError("chosen and rejected are the same")
    place = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(chosen, rejected, strict=False)))
    while place and not chosen[place - 1].isspace():
        place -= 1
    if not chosen[:place].strip():
        raise RowError("chosen and rejected share no beginning that could be the prompt")
    turns = (user(chosen[:place].rstrip()),)
    return _pair(row, turns, (assistant(chosen[place:]),), (assistant(rejected[place:]),), ())


def explicit_pair(row: Row) -> ReadPair:
    """TRL's preference: `prompt`, and how it goes on. A prompt that chosen and rejected repeat is not doubled."""
    prompt, notes = asking(row.fields["prompt"], "prompt")
    after_label = is_transcript(row.fields["prompt"])
    chosen, chosen_notes = _going_on(row.fields["chosen"], "chosen", after_label)
    rejected, rejected_notes = _going_on(row.fields["rejected"], "rejected", after_label)
    notes = (*notes, *chosen_notes, *rejected_notes)
    whole = [turns[0].role is not Role.ASSISTANT for turns in (chosen, rejected)]
    if not any(whole):
        if chosen == rejected:
            raise RowError("chosen and rejected are the same")
        return _pair(row, prompt, chosen, rejected, notes)
    if not all(whole):
        raise RowError("one of chosen and rejected repeats the prompt and the other does not")
    turns, chosen, rejected = _parted(chosen, rejected)
    if prompt[-1] not in turns:
        raise RowError("the prompt is not how chosen and rejected begin")
    return _pair(row, turns, chosen, rejected, notes)


def hhh_pair(row: Row) -> ReadPair:
    """HHH alignment: `input` is a transcript without its first label."""
    turns, notes = parse_transcript(f"\n\nHuman: {words(row.fields['input'], 'input')}", "input")
    prompt = checked(turns, "input", end=Role.USER)
    chosen, rejected = (assistant(words(row.fields[name], name)) for name in ("chosen", "rejected"))
    return _pair(row, prompt, (chosen,), (rejected,), notes, also=("input",), topic="category")


def preferred_text_pair(row: Row) -> ReadPair:
    """A table of `text_a`, `text_b` and which is preferred; the prompt is a column, or stands in both texts."""
    texts = [words(row.fields[name], name) for name in ("text_a", "text_b")]
    asked = next((row.fields[name] for name in ("prompt", "input") if row.fields.get(name)), None)
    if asked is None:
        parts = [_instruction(text) for text in texts]
        if parts[0][0] != parts[1][0]:
            raise RowError("text_a and text_b answer different instructions")
        asked, texts = parts[0][0], [answer for _, answer in parts]
    preferred = row.fields["preferred_text"]
    if preferred not in ("text_a", "text_b"):
        raise RowError(f"preferred_text is {shown(str(preferred))}; it should be text_a or text_b")
    turns, notes = asking(asked, "the prompt")
    chosen, rejected = texts if preferred == "text_a" else reversed(texts)
    also = ("text_a", "text_b", "preferred_text", "input")
    return _pair(row, turns, (assistant(chosen),), (assistant(rejected),), notes, also=also)


def annotated_pair(row: Row) -> ReadPair:
    """An annotated pair: two responses, and the preference of the file's default annotator."""
    turns, notes = asking(row.fields["prompt"], "prompt")
    texts = {side: _response(row.fields[f"response_{side}"], f"response_{side}") for side in ("a", "b")}
    who = row.fields.get("default_annotator")
    annotations = row.fields["annotations"]
    said = annotations.get(who) if isinstance(annotations, dict) else None
    side = said.get("pref") if isinstance(said, dict) else None
    if side not in texts:
        heard = "nothing" if side is None else shown(str(side))
        raise RowError(f"the default annotator says {heard}; it should be a or b")
    chosen, rejected = texts[side], texts["b" if side == "a" else "a"]
    also = ("response_a", "response_b", "default_annotator")
    return _pair(row, turns, (assistant(chosen),), (assistant(rejected),), notes, also=also)


def _implicit_pair(row: Row) -> ReadPair:
    chosen, notes = _whole(row.fields["chosen"], "chosen")
    rejected, more = _whole(row.fields["rejected"], "rejected")
    turns, chosen, rejected = _parted(chosen, rejected)
    return _pair(row, turns, chosen, rejected, (*notes, *more))


def _parted(chosen: Conversation, rejected: Conversation) -> tuple[Conversation, Conversation, Conversation]:
    for turns, what in ((chosen, "chosen"), (rejected, "rejected")):
        checked(turns, what, end=Role.ASSISTANT, empty_reply=True)
    return shared(chosen, rejected)


def _whole(value: Any, what: str) -> tuple[Conversation, tuple[str, ...]]:
    """A whole conversation with its reply."""
    return parse_transcript(value, what) if isinstance(value, str) else messages(value, what)


def _going_on(value: Any, what: str, after_label: bool) -> tuple[Conversation, tuple[str, ...]]:
    """A reply, or the whole conversation with it."""
    if isinstance(value, str):
        if is_transcript(value):
            return parse_transcript(value, what)
        return (assistant(value.removeprefix(" ") if after_label else value),), ()
    turns, notes = messages(value, what)
    if turns[0].role is Role.ASSISTANT and len(turns) > 1:
        checked((user("?"), *turns), what, end=Role.ASSISTANT, empty_reply=True)
    return turns, notes


def _pair(
    row: Row,
    turns: Conversation,
    chosen: Conversation,
    rejected: Conversation,
    notes: tuple[str, ...],
    *,
    also: tuple[str, ...] = (),
    topic: str | None = None,
) -> ReadPair:
    """A pair with its notes; `also` are the columns beside TRL's that it was made of."""
    used = {"prompt", "chosen", "rejected", *also}
    extra = {name: value for name, value in row.fields.items() if name not in used}
    named = taken_text(extra, topic) if topic else None
    notes = (*notes, *reply_notes(turns, chosen, rejected))
    return ReadPair(row.number, turns, chosen, rejected, About(topic=named, extra=extra, notes=notes))


def _instruction(text: str) -> tuple[str, str]:
    """The two parts of 'Instruction: …', an empty line, 'Output: …'."""
    asked, sep, answer = text.partition("\n\nOutput:")
    if not sep or not asked.startswith("Instruction:"):
        raise RowError("there is no prompt: no column prompt or input, and no 'Instruction: … Output: …' in the texts")
    return asked.removeprefix("Instruction:").strip(), answer.removeprefix(" ")


def _response(value: Any, what: str) -> str:
    if not isinstance(value, dict):
        raise RowError(f"{what} is {kind_of(value)}; it should be an object with text")
    return words(value.get("text"), what)
