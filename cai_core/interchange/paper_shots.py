"""The paper's three kinds of few-shots: transcripts in one string each, cut at their labels.

Published irregularities that are read: a dangling 'Human:' at the end, openings with fewer line breaks, an introduction
in other words. What is written is regular; a few-shot that would be read back as another one is left out, and named.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from cai_core.interchange.entries import SHOTS
from cai_core.interchange.losses import shots_left_out
from cai_core.types import ComparisonShot, Conversation, CritiqueRevisionShot, FewShots, Role

_LABELS = re.compile(r"\n\n(Human|Assistant|CritiqueRequest|Critique|RevisionRequest|Revision):")
_SPEAKERS = re.compile(r"\n\n(Human|Assistant):")
_SHORT_SPEAKERS = re.compile(r"\n\n([HA]):")
_ROLES = {"Human": "user", "Assistant": "assistant", "H": "user", "A": "assistant"}
_ENDING = ["CritiqueRequest", "Critique", "RevisionRequest", "Revision"]
_FIELDS = ("critique_request", "critique", "revision_request", "revision")
_INTRODUCTION = "\n\nHuman: Consider the following conversation between a human (H) and an assistant (A):"
_SLOT = "\n\n{}\n (A) [[["
"""Where the principle goes, and the first option after it."""
_MIDDLE = "]]]\n (B) [[["
_REASONING = "]]]\n\nAssistant: Let's think step by step:"
_ANSWER = "\n\nHuman:\nSo the answer is:"


class ShotError(ValueError):
    """A few-shot that cannot be read; its text says why."""


def parse_critique(text: Any, _side: str = "A") -> dict[str, Any]:
    """A transcript of a conversation, a critique and a revision."""
    parts = _cut(_text(text), _LABELS)
    if parts[-1] == ("Human", ""):
        parts.pop()
    labels = [label for label, _ in parts]
    if labels[-4:] != _ENDING or not set(labels[:-4]) <= {"Human", "Assistant"}:
        raise ShotError(f"its labels are {', '.join(labels)[:200]}; turns and then {', '.join(_ENDING)} are wanted")
    said = zip(_FIELDS, (words for _, words in parts[-4:]), strict=True)
    return {"conversation": _turns(parts[:-4]), **dict(said)}


def parse_plain(entry: Any, side: str = "A") -> dict[str, Any]:
    """A prompt with a better and a worse response; the better one becomes response A or B."""
    if not isinstance(entry, Mapping):
        raise ShotError('an object with "prompt", "corrects" and "incorrects" is wanted')
    parts = _cut(_text(entry.get("prompt")), _SPEAKERS)
    if parts[-1] == ("Assistant", ""):
        parts.pop()
    better, worse = _only(entry, "corrects"), _only(entry, "incorrects")
    a, b = (better, worse) if side == "A" else (worse, better)
    return {"conversation": _turns(parts), "response_a": a, "response_b": b, "answer": side}


def parse_reasoned(entry: Any, _side: str = "A") -> dict[str, Any]:
    """A comparison in words, with reasoning and an answer, and a slot '{}' for the principle."""
    text = "\n\n" + _text(entry.get("prompt") if isinstance(entry, Mapping) else None).lstrip()
    asked, slot, rest = text.partition(_SLOT)
    a, middle, rest = rest.partition(_MIDDLE)
    b, reasoned, rest = rest.partition(_REASONING)
    reasoning, answered, answer = rest.rpartition(_ANSWER)
    if not (slot and middle and reasoned and answered):
        raise ShotError("it is not laid out as '... {} (A) [[[...]]] (B) [[[...]]] ... So the answer is: (A)'")
    if answer.strip() not in ("(A)", "(B)"):
        raise ShotError(f"its answer is {answer.strip()[:20]!r}; (A) or (B) is wanted")
    speeches = asked[asked.find("\n\nH:") :] if "\n\nH:" in asked else "\n\n"
    values = {"conversation": _turns(_cut(speeches, _SHORT_SPEAKERS)), "response_a": a, "response_b": b}
    return {**values, "reasoning": reasoning, "answer": answer.strip()[1]}


PARSERS: dict[str, tuple[str, Callable[[Any, str], dict[str, Any]]]] = {
    "critique few-shots": ("critique_revision", parse_critique),
    "comparison few-shots": ("comparison", parse_plain),
    "few-shots with reasoning": ("comparison_with_reasoning", parse_reasoned),
}
"""By kind of file: where its few-shots belong, and how one is read."""


def write(few_shots: FewShots) -> tuple[dict[str, list[Any]], list[str]]:
    """The few-shots by kind of file, and what could not be written."""
    data: dict[str, list[Any]] = {}
    lost = []
    for kind, (name, parse) in PARSERS.items():
        data[kind], bad = [], []
        shots: Sequence[CritiqueRevisionShot | ComparisonShot] = getattr(few_shots, name)
        for number, shot in enumerate(shots, 1):
            entry, side = _written(shot)
            if _comes_back(shot, name, parse, entry, side):
                data[kind].append(entry)
            else:
                bad.append(number)
        lost += shots_left_out(name, bad, "a system turn, or text that looks like this format's own labels")
    if data["comparison few-shots"]:
        lost.append("which response of a comparison few-shot is A")
    if data["comparison few-shots"] or data["few-shots with reasoning"]:
        lost.append("the principles of the comparison few-shots")
    return data, lost


def _comes_back(
    shot: CritiqueRevisionShot | ComparisonShot, name: str, parse: Callable[..., dict[str, Any]], entry: Any, side: str
) -> bool:
    """Whether it is read as what it was; its principle apart, for which the format has a slot."""
    slot = {"comparison": shot.comparison} if isinstance(shot, ComparisonShot) else {}
    try:
        again = SHOTS[name].model_validate({**parse(entry, side), **slot}).noun()
    except (ShotError, ValidationError):
        return False
    if name == "comparison_with_reasoning" and entry["prompt"].find("{}") != entry["prompt"].find(_SLOT) + 2:
        return False  # who fills the first '{}' would fill another one
    return bool(again == shot)


def _written(shot: CritiqueRevisionShot | ComparisonShot) -> tuple[Any, str]:
    """A few-shot as it is published, and the side of the better response."""
    if isinstance(shot, CritiqueRevisionShot):
        said = "".join(f"\n\n{label}: {getattr(shot, field)}" for label, field in zip(_ENDING, _FIELDS, strict=True))
        return f"{_transcript(shot.conversation, 'Human', 'Assistant')}{said}\n\nHuman:", "A"
    if shot.reasoning is None:
        better, worse = shot.response_a, shot.response_b
        if shot.answer == "B":
            better, worse = worse, better
        prompt = f"{_transcript(shot.conversation, 'Human', 'Assistant')}\n\nAssistant:"
        return {"prompt": prompt, "corrects": [better], "incorrects": [worse]}, shot.answer
    prompt = f"{_INTRODUCTION}{_transcript(shot.conversation, 'H', 'A')}{_SLOT}{shot.response_a}{_MIDDLE}"
    prompt += f"{shot.response_b}{_REASONING} {shot.reasoning}{_ANSWER} ({shot.answer})"
    return {"prompt": prompt}, shot.answer


def _transcript(conversation: Conversation, user: str, assistant: str) -> str:
    speakers = {Role.SYSTEM: "System", Role.USER: user, Role.ASSISTANT: assistant}
    return "".join(f"\n\n{speakers[turn.role]}: {turn.content}" for turn in conversation)


def _cut(text: str, labels: re.Pattern[str]) -> list[tuple[str, str]]:
    """What follows each label, without the space around it."""
    before, *rest = labels.split("\n\n" + text.strip())
    if before.strip() or not rest:
        raise ShotError("it begins without a label; 'Human:' is wanted")
    return [(label, words.strip()) for label, words in zip(rest[::2], rest[1::2], strict=True)]


def _turns(parts: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"role": _ROLES[label], "content": words} for label, words in parts]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ShotError("a text is wanted where a prompt stands")
    return value


def _only(entry: Mapping[str, Any], key: str) -> str:
    """The one response of a list."""
    texts = entry.get(key)
    if not isinstance(texts, list) or len(texts) != 1 or not isinstance(texts[0], str):
        raise ShotError(f'"{key}" must be a list of one text')
    return texts[0]
