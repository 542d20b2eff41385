import math

import numpy as np
import pytest

from cai_core.training.pairs import Pair
from cai_core.training.preference_report import agreement, correlation, preference_report


def pair(p_a: float, source: str, length_a: int, length_b: int) -> Pair:
    return Pair([1], [2], p_a, source, "x", length_a, length_b, row=0)


def test_by_hand() -> None:
    """Predictions 0.75, 0.25 and 0.5 against labels 0.9, 0.6 and 0.5: one right of two that lean."""
    margin = np.array([math.log(3), -math.log(3), 0.0])
    found = agreement(margin, np.array([0.9, 0.6, 0.5]))
    assert found["n"] == 3
    assert found["accuracy"] == 0.5
    assert found["ece"] == pytest.approx((0.15 + 0.35 + 0.0) / 3)
    losses = [
        -(0.9 * math.log(0.75) + 0.1 * math.log(0.25)),
        -(0.6 * math.log(0.25) + 0.4 * math.log(0.75)),
        math.log(2),
    ]
    assert found["log_loss"] == pytest.approx(sum(losses) / 3)
    assert [(bin["low"], bin["count"]) for bin in found["bins"]] == [(0.2, 1), (0.5, 1), (0.7, 1)]


def test_a_margin_of_nothing_takes_no_side() -> None:
    assert agreement(np.zeros(2), np.array([0.9, 0.1]))["accuracy"] == 0.0
    assert agreement(np.ones(2), np.array([0.5, 0.5]))["accuracy"] is None


def test_the_surest_prediction_has_a_bin() -> None:
    found = agreement(np.array([800.0, -800.0]), np.array([1.0, 0.0]))
    assert found["ece"] == 0.0
    assert found["log_loss"] == 0.0
    assert [bin["count"] for bin in found["bins"]] == [1, 1]


def test_each_source_and_all() -> None:
    pairs = [pair(0.9, "helpful", 10, 1), pair(0.9, "red_team", 1, 10), pair(0.1, "red_team", 5, 5)]
    report = preference_report(pairs, [1.0, -1.0, -1.0])
    assert {name: (found["n"], found["accuracy"]) for name, found in report["heldout"].items()} == {
        "helpful": (1, 1.0),
        "red_team": (2, 0.5),
        "all": (3, pytest.approx(2 / 3)),
    }
    assert report["length_correlation"] == pytest.approx(np.corrcoef([1.0, -1.0, -1.0], [9.0, -9.0, 0.0])[0, 1])


def test_nothing_held_out() -> None:
    assert preference_report([], []) == {"heldout": {}, "length_correlation": None}


def test_no_correlation_where_nothing_varies() -> None:
    assert correlation(np.ones(5), np.arange(5.0)) is None
