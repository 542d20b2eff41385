"""What keeps a constitution from being saved, each problem with its place, for a form to show beside the field."""

from collections import Counter
from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cai_core.constitution.load import as_plain
from cai_core.constitution.schema import ConstitutionEntry
from cai_core.types import SHOT_LISTS, Constitution

HALF = "half"
"""The field of a problem with a principle's halves."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend."""

    list: str | None
    """'principles' or a list of few-shots; None: the constitution itself."""
    index: int
    """Of the entry, from 0."""
    field: str
    """Its field; 'half' for what both halves lack; '' for the whole entry."""
    turn: int | None
    """Of a few-shot's conversation, from 0."""
    text: str
    """What is wrong and what to do: 'it is blank; write it'."""


def find_problems(constitution: Constitution) -> tuple[Problem, ...]:
    """All problems, in order of place; none exactly where `check_constitution` accepts it."""
    found = _duplicates(constitution)
    try:
        ConstitutionEntry.model_validate(as_plain(constitution))
    except ValidationError as error:
        found += [_problem(detail) for detail in error.errors(include_url=False)]
    places: list[str | None] = [None, "principles", *SHOT_LISTS]
    return tuple(sorted(found, key=lambda one: (places.index(one.list), one.index)))


def _duplicates(constitution: Constitution) -> list[Problem]:
    counts = Counter(principle.id for principle in constitution.principles if principle.id)
    return [
        Problem("principles", n, "id", None, "another principle has this id; give each its own")
        for n, principle in enumerate(constitution.principles)
        if counts[principle.id] > 1
    ]


def _problem(detail: ErrorDetails) -> Problem:
    steps = [step for step in detail["loc"] if step != "few_shots"]
    at = next((n for n, step in enumerate(steps) if isinstance(step, int)), None)
    if at is None:
        field = str(steps[0]) if steps else "description"
        return Problem(None, 0, field, None, _words(detail))
    rest = steps[at + 1 :]
    turn = next((step for step in rest if isinstance(step, int)), None) if "conversation" in rest else None
    field = HALF if detail["type"] == "half" else str(rest[0]) if rest else ""
    return Problem(str(steps[at - 1]), int(steps[at]), field, turn, _words(detail))


def _words(detail: ErrorDetails) -> str:
    """The message, in words that suit a form where the schema's suit a file."""
    blank = "it is blank; write it"
    if detail["input"] == "":
        return blank
    return {
        "blank": blank,
        "missing": blank,
        "too_short": "at least one principle is wanted; add one",
        "greater_than": "a weight is above 0; to leave a principle out, switch it off",
        "half": detail["msg"]
        .replace("critique_request", "a critique request")
        .replace("revision_request", "a revision request")
        .replace(", or comparison", ", or a comparison"),
    }.get(detail["type"], detail["msg"])
