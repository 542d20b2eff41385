"""How good labels are: agreement with gold, calibration, disagreement between orders."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cai_core.stats.calibration import Bin, expected_calibration_error, reliability
from cai_core.types import Label, LabelState


@dataclass(frozen=True, slots=True)
class LabelQuality:
    """Figures over labels; None where nothing could be compared."""

    num: int
    states: dict[str, int]
    """How many labels are in each state, zeros included."""
    order_disagrees: float | None
    """Share of labelled rows whose two orders prefer different responses, 0..1."""
    gold_agreement: float | None
    """Share of rows with p_a other than 0.5 and a decided gold verdict where both prefer the same response, 0..1."""
    num_gold: int
    """How many rows that share is over."""
    ece: float | None
    """Expected calibration error of p_a against gold's choice, 0..1."""
    reliability: tuple[Bin, ...]


def label_quality(labels: Iterable[tuple[Label, float | None]], *, bins: int = 10) -> LabelQuality:
    """Figures over (label, gold) pairs; gold is 1 if A is better, 0 if B is, None if it is a tie or unknown.

    Only labelled rows with a decided gold verdict are compared; ties of gold are left out, not called half right.
    """
    states: Counter[str] = Counter()
    disagreements: list[bool] = []
    compared: list[tuple[float, float]] = []
    for label, gold in labels:
        states[label.state.value] += 1
        if label.state is LabelState.LABELLED:
            disagreements.append(label.order_disagrees)
            if label.p_a is not None and gold is not None:
                compared.append((label.p_a, gold))
    p_a = np.array([p for p, _ in compared], dtype=float)
    gold_a = np.array([g for _, g in compared], dtype=float)
    decided = p_a != 0.5
    return LabelQuality(
        num=states.total(),
        states={state.value: states[state.value] for state in LabelState},
        order_disagrees=_share(disagreements),
        gold_agreement=_share(list((p_a > 0.5)[decided] == (gold_a > 0.5)[decided])),
        num_gold=int(decided.sum()),
        ece=expected_calibration_error(p_a, gold_a, bins=bins) if compared else None,
        reliability=reliability(p_a, gold_a, bins=bins),
    )


def _share(flags: Sequence[bool]) -> float | None:
    return float(np.mean(flags)) if flags else None
