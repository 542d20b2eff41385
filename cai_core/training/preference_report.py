"""How good a preference model is on comparisons it has not seen, by source (paper figure 12 and section 4.3)."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cai_core.stats.calibration import expected_calibration_error, reliability
from cai_core.training.pairs import Pair

Floats = NDArray[np.float64]


def preference_report(pairs: Sequence[Pair], margins: Sequence[float]) -> dict[str, Any]:
    """Facts of held-out `pairs`, where `margins` are score A − score B (logits), one each a pair.

    `heldout`: by source, and over `all`, what `agreement` says. `length_correlation`: Pearson's between the margin
    and how many characters longer A is, or None; far from 0, the model may be paying for length.
    """
    margin = np.asarray(margins, dtype=np.float64)
    names = sorted({pair.source for pair in pairs})
    sources = np.array([pair.source for pair in pairs])
    p_a = np.array([pair.p_a for pair in pairs], dtype=np.float64)
    heldout = {source: agreement(margin[sources == source], p_a[sources == source]) for source in names}
    if len(heldout) > 0:
        heldout["all"] = agreement(margin, p_a)
    longer = np.array([pair.length_a - pair.length_b for pair in pairs], dtype=np.float64)
    return {"heldout": heldout, "length_correlation": correlation(margin, longer)}


def agreement(margin: Floats, p_a: Floats) -> dict[str, Any]:
    """Accuracy and calibration against soft labels. Shapes (N,), N > 0.

    `accuracy`: share of labels other than 0.5 whose side the margin takes, None if there is none (a margin of exactly
    0 takes no side); `log_loss`: nats; `ece`: gap between σ(margin) and the labels' mean, averaged over bins of
    σ(margin) by their size; `bins`: what a reliability diagram draws.
    """
    predicted = np.exp(-np.logaddexp(0.0, -margin))  # σ(margin), without overflow
    decided = p_a != 0.5
    right = np.sign(margin[decided]) == np.sign(p_a[decided] - 0.5)
    log_loss = p_a * np.logaddexp(0.0, -margin) + (1 - p_a) * np.logaddexp(0.0, margin)
    return {
        "n": len(p_a),
        "accuracy": float(right.mean()) if len(right) else None,
        "log_loss": float(log_loss.mean()),
        "ece": expected_calibration_error(predicted, p_a),
        "bins": [asdict(bin) for bin in reliability(predicted, p_a)],
    }


def correlation(x: Floats, y: Floats) -> float | None:
    """Pearson's; None for fewer than three points or where one side does not vary."""
    if len(x) < 3 or x.std() == 0 or y.std() == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])
