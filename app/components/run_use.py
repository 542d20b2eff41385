"""What a run asked of servers, and what it was expected to ask, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

KEPT_APART = ("use", "expected")
"""Their names in a run's result."""


def use_lines(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(words, value) for each server's model."""
    for name, found in result.get("expected", {}).items():
        yield f"Expected of {name}", _expected(found)
    for name, found in result.get("use", {}).items():
        yield f"Asked of {name}", _used(found)


def _expected(found: Mapping[str, Any]) -> str:
    parts = [
        f"{found['requests']:,} requests",
        f"about {found['prompt_tokens']:,} tokens in",
        f"at most {found['completion_tokens_at_most']:,} out",
    ]
    return ", ".join([*parts, *([f"cost at most {found['cost_at_most']:,.2f}"] if "cost_at_most" in found else [])])


def _used(found: Mapping[str, Any]) -> str:
    parts = [f"{found['requests']:,} requests"]
    if found["sent_again"]:
        parts.append(f"{found['sent_again']:,} of them again")
    parts += [f"{found['prompt_tokens']:,} tokens in", f"{found['completion_tokens']:,} out"]
    if found["uncounted"]:
        parts.append(f"{found['uncounted']:,} answers whose tokens the server did not tell")
    return ", ".join([*parts, *([f"cost {found['cost']:,.2f}"] if "cost" in found else [])])
