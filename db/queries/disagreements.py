"""Where principles disagree: comparisons that one model labelled under both, and preferred different responses."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import combinations, groupby
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.schema import LabelRow, RunRow

COMPARISONS = 20_000
"""How many comparisons are read, the newest of those with labels under several principles."""
LABELS = 300_000
"""How many labels, those of the newest comparisons, are looked through for them."""
PAIRS = 300_000
"""How many pairs of labels are held against each other."""
EXAMPLES = 10


@dataclass(slots=True)
class Both:
    """Two principles over the comparisons labelled under both."""

    n: int = 0
    """Comparisons on which both prefer a response."""
    differ: int = 0
    examples: list[int] = field(default_factory=list)
    """The newest comparisons on which they prefer different ones."""


@dataclass(frozen=True, slots=True)
class Disagreements:
    """What was found of all pairs of principles."""

    pairs: dict[tuple[int, int], Both]
    """By the row ids of two wordings, the lower first."""
    comparisons: int
    """How many comparisons with several labels were read."""
    whole: bool
    """All there are were read, not only the newest."""

    def between(self, ones: Collection[int], others: Collection[int]) -> Both:
        """Any wording of the one against any of the other."""
        found = Both()
        for one in ones:
            for other in others:
                pair = self.pairs.get((min(one, other), max(one, other))) if one != other else None
                if pair is not None:
                    found.n, found.differ = found.n + pair.n, found.differ + pair.differ
                    found.examples += pair.examples
        found.examples = sorted(set(found.examples), reverse=True)[:EXAMPLES]
        return found


def disagreements(session: Session) -> Disagreements:
    """Every pair of principles over the newest comparisons that have several labels.

    Labels of one comparison by one model under one principle count once, by their mean. A mean of 0.5 prefers neither
    and counts as no preference; labels without a p_a say nothing.
    """
    shared, whole = _shared(session)
    found: dict[tuple[int, int], Both] = {}
    for comparison, preferred in _preferences(session, shared) if shared else ():
        for (one, a), (other, b) in combinations(preferred, 2):
            pair = found.setdefault((one, other), Both())
            pair.n += 1
            if a != b:
                pair.differ += 1
                if len(pair.examples) < EXAMPLES:
                    pair.examples.append(comparison)
    return Disagreements(found, len(shared), whole)


def _shared(session: Session) -> tuple[list[int], bool]:
    """The newest comparisons with labels under several principles, and whether these are all."""
    edge = select(LabelRow.comparison_id).order_by(LabelRow.comparison_id.desc()).offset(LABELS).limit(1)
    oldest = session.scalar(edge)
    rows = select(LabelRow.comparison_id, func.count()).where(LabelRow.p_a.is_not(None))
    if oldest is not None:
        rows = rows.where(LabelRow.comparison_id > oldest)
    rows = rows.group_by(LabelRow.comparison_id).order_by(LabelRow.comparison_id.desc()).limit(COMPARISONS + 1)
    counted = session.execute(rows.having(func.min(LabelRow.principle_id) < func.max(LabelRow.principle_id))).all()
    shared: list[int] = []
    left = PAIRS
    for comparison, count in counted[:COMPARISONS]:
        left -= count * (count - 1) // 2
        if left < 0:
            break
        shared.append(comparison)
    return shared, oldest is None and len(shared) == len(counted)


def _preferences(session: Session, shared: list[int]) -> Iterator[tuple[int, list[tuple[int, bool]]]]:
    """For each comparison and model, newest first: (wording, whether A is preferred), by wording."""
    named = select(RunRow.id, RunRow.config["model"].as_string()).where(RunRow.kind == "labels")
    models = {run: model for run, model in session.execute(named)}  # noqa: C416 - a Result of rows, not of tuples
    wanted = set(shared)
    rows = (
        select(LabelRow.comparison_id, LabelRow.principle_id, LabelRow.run_id, LabelRow.p_a)
        .where(LabelRow.comparison_id.between(shared[-1], shared[0]), LabelRow.p_a.is_not(None))
        .order_by(LabelRow.comparison_id.desc(), LabelRow.principle_id.desc())
    )
    for comparison, labels in groupby(session.execute(rows), key=lambda row: row[0]):
        if comparison not in wanted:
            continue
        said: dict[str | None, dict[int, list[Any]]] = {}
        for _, wording, run, p_a in labels:
            said.setdefault(models.get(run), {}).setdefault(wording, []).append(p_a)
        for own in said.values():
            means = sorted((wording, sum(values) / len(values)) for wording, values in own.items())
            yield comparison, [(wording, mean > 0.5) for wording, mean in means if mean != 0.5]
