"""Which words say what a format cannot hold. What was written is read back and compared: nothing is guessed."""

from collections.abc import Iterable, Sequence

from cai_core.types import Constitution, Principle

FIELDS = ("id", "title", "kind", "tags", "weight", "critique_request", "revision_request", "comparison")


def changed_fields(written: Sequence[Principle], read: Sequence[Principle]) -> list[str]:
    """'weight of privacy and brevity': the fields that come back as something else, of principles in the same order."""
    lost = []
    for field in FIELDS:
        pairs = zip(written, read, strict=True)
        ids = [before.id for before, after in pairs if getattr(before, field) != getattr(after, field)]
        if ids:
            lost.append(f"{field} of {named(ids)}")
    return lost


def left_out(constitution: Constitution, kept: Iterable[Principle], why: str) -> list[str]:
    """Principles that are not written at all: the disabled ones, which others would use, and those `why` is about."""
    there = {principle.id for principle in kept}
    disabled = [principle.id for principle in constitution.principles if not principle.enabled]
    rest = [one.id for one in constitution.principles if one.enabled and one.id not in there]
    lost = [f"disabled, so left out: {named(disabled)}"] if disabled else []
    return lost + ([f"{why}, so left out: {named(rest)}"] if rest else [])


def has_critique(principle: Principle) -> bool:
    """Whether it is enabled and has a critique half."""
    return principle.enabled and principle.critique_request is not None


def has_comparison(principle: Principle) -> bool:
    """Whether it is enabled and has a comparison half."""
    return principle.enabled and principle.comparison is not None


def head(constitution: Constitution) -> list[str]:
    """What stands above the principles, in a format that has no place for it."""
    return [f"the name {constitution.name!r}"] + (["the description"] if constitution.description else [])


def shots_left_out(kind: str, numbers: Sequence[int], why: str) -> list[str]:
    """Few-shots that are not written, by their numbers from 1."""
    if not numbers:
        return []
    shown = named([str(number) for number in numbers])
    return [f"{kind} few-shot{'s' if len(numbers) > 1 else ''} {shown} left out: {why}"]


def named(ids: Sequence[str], most: int = 5) -> str:
    """'a, b and c', or the first few and how many more."""
    ids = list(dict.fromkeys(ids))
    if len(ids) > most:
        return f"{', '.join(ids[:most])} and {len(ids) - most} more"
    return " and ".join(filter(None, [", ".join(ids[:-1]), ids[-1]]))
