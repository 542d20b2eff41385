"""A run's settings and results as words."""

from collections.abc import Iterator, Mapping
from typing import Any


def flat(values: Mapping[str, Any], ahead: str = "") -> Iterator[tuple[str, str]]:
    """Results as lines; lists are left to the pages that draw them."""
    for name, value in values.items():
        words = f"{ahead}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{words}, ")
        elif not isinstance(value, list):
            yield words if ahead else words[:1].upper() + words[1:], plain(value)


def plain(value: object) -> str:
    """A setting or result as words."""
    if value is None or value in ("", [], ()):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
