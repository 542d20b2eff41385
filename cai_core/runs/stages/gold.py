"""What the gold judge says of labels and preference models: facts for the report, never for training."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from cai_core.evaluation.battles import AXIS_OF
from cai_core.preferences.quality import label_quality
from cai_core.sandbox import gold
from cai_core.sandbox.prompts import SOURCE
from cai_core.store import labels
from cai_core.types import Comparison, Label, Outcome


def gold_knows(source: str) -> bool:
    """Whether gold can judge responses to prompts of this source: it knows the built-in world alone."""
    return source == SOURCE


def gold_prefers_a(comparison: Comparison) -> bool | None:
    """Gold's preference; None where it has none or does not know the prompt."""
    if not gold_knows(comparison.prompt.source):
        return None
    a, b = comparison.response_a, comparison.response_b
    outcome = gold.better(comparison.prompt.turns, a, b, AXIS_OF[comparison.prompt.kind])
    return None if outcome == Outcome.TIE else outcome == Outcome.A


def gold_agreement(pairs: Sequence[tuple[Comparison, float]]) -> float | None:
    """Of (comparison, p_a) with a gold preference and p_a off 0.5: the share on gold's side; None if there is none."""
    sides = [(p_a, gold_prefers_a(comparison)) for comparison, p_a in pairs if p_a != 0.5]
    right = [(p_a > 0.5) == side for p_a, side in sides if side is not None]
    return sum(right) / len(right) if right else None


def label_facts(stored: Iterable[labels.Stored]) -> dict[str, Any]:
    """A labels run's result; the labels are looked at one by one."""
    bounded = 0

    def judged() -> Iterator[tuple[Label, float | None]]:
        nonlocal bounded
        for one in stored:
            bounded += any(order.bounded for order in one.label.orders)
            yield one.label, _gold_choice(one)

    quality = label_quality(judged())
    return {
        "rows": quality.num,
        "states": quality.states,
        "order_inconsistent": quality.order_disagrees,
        # How many rest on a bound, where any do: a server did not list one of the options.
        **({"bounded": bounded} if bounded else {}),
        "gold_agreement": quality.gold_agreement,
        "gold_compared": quality.num_gold,
        "ece": quality.ece,
        "reliability": [asdict(row) for row in quality.reliability],
    }


def _gold_choice(one: labels.Stored) -> float | None:
    prefers_a = None if one.labelled is None else gold_prefers_a(one.labelled.comparison)
    return None if prefers_a is None else float(prefers_a)
