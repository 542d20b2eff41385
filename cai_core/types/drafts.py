"""Drafts: constitutions as they are typed, valid or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cai_core.types.constitutions import ComparisonShot, Constitution, CritiqueRevisionShot, Principle

SHOT_LISTS = ("critique_revision", "comparison", "comparison_with_reasoning")
"""The lists of few-shots, as `FewShots` names them."""

Place = tuple[str, str]
"""An entry of a draft: 'principles' or one of `SHOT_LISTS`, and the entry's key."""


@dataclass(frozen=True, slots=True)
class Removed:
    """An entry that was taken out and can be put back."""

    place: Place
    entry: Principle | CritiqueRevisionShot | ComparisonShot


@dataclass(frozen=True, slots=True)
class Draft:
    """Somebody's unsaved edits of a version, or a new constitution."""

    id: int
    """Never given twice."""
    person_id: int
    base: str | None
    """'name@3'; None: a new constitution."""
    before: Constitution | None
    """What the base says."""
    now: Constitution
    """As it was typed: ids may be blank or twice there, texts may be missing; `check_constitution` says so."""
    keys: tuple[str, ...]
    """One for each principle of `now`, in the same order: it stays while ids change. Of the base's, their ids."""
    shot_keys: Mapping[str, tuple[str, ...]]
    """The same for each of `SHOT_LISTS`."""
    removed: tuple[Removed, ...]
    """What can be put back, the last one first."""
    revision: int
    """Counts the edits."""
    updated_at: datetime
    message: str = ""
    """What changed and why, as it will stand with the version."""
