"""What is to be mended in one entry, on one line."""

from collections import Counter
from collections.abc import Iterable

FIELDS = {
    "half": "",
    "conversation": "a turn",
    "principles": "",
    "response_a": "response A",
    "response_b": "response B",
}
SHOTS = {
    "critique_revision": "critique",
    "comparison": "comparison",
    "comparison_with_reasoning": "reasoned",
}
"""A few-shot's list, as a table's cell and a label say it."""


def shot_name(name: str, index: int) -> str:
    """'Few-shot 2 · reasoned', by its list and its place in that, from 0."""
    return f"Few-shot {index + 1} · {SHOTS[name]}"


def mend_in_words(found: Iterable[tuple[str, str]]) -> str:
    """Of (field, text): 'title: it is blank; write it', and each text once, after all fields that it is said of."""
    said: dict[str, Counter[str]] = {}
    for field, text in found:
        said.setdefault(text, Counter())[FIELDS.get(field, field.replace("_", " "))] += 1
    return "; ".join(_said(text, fields) for text, fields in said.items())


def _said(text: str, fields: Counter[str]) -> str:
    names = [f"{count} turns" if name == "a turn" and count > 1 else name for name, count in fields.items() if name]
    several = len(names) > 1 or max(fields.values()) > 1
    text = text.replace("it is blank; write it", "blank; write them") if several else text
    return f"{', '.join(names)}: {text}" if names else text
