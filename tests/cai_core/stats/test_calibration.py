"""Calibration on hand-worked tables."""

from math import isclose

import numpy as np
import pytest

from cai_core.stats.calibration import Bin, expected_calibration_error, reliability


def test_by_hand() -> None:
    predicted, observed = [0.1, 0.15, 0.85, 1.0], [0, 1, 1, 1]
    assert reliability(predicted, observed, bins=5) == (
        Bin(0.0, 0.2, 2, pytest.approx(0.125), 0.5),
        Bin(0.8, 1.0, 2, pytest.approx(0.925), 1.0),
    )
    ece = expected_calibration_error(predicted, observed, bins=5)
    assert ece is not None
    assert isclose(ece, 0.5 * 0.375 + 0.5 * 0.075)


def test_perfect_and_worst() -> None:
    assert expected_calibration_error([0.0, 1.0], [0, 1]) == 0
    assert expected_calibration_error([0.0, 1.0], [1, 0]) == 1
    assert expected_calibration_error([0.25] * 4, [0, 0, 0, 1]) == 0
    assert expected_calibration_error([0.7, 0.2], [0.7, 0.2]) == pytest.approx(0)


def test_no_data_is_none() -> None:
    assert expected_calibration_error([], []) is None
    assert reliability(np.array([]), np.array([])) == ()


@pytest.mark.parametrize(("p", "y"), [([0.5], [0, 1]), ([1.5], [1]), ([float("nan")], [1]), ([0.5], [-1])])
def test_what_is_no_probability_is_refused(p: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match=r"one length|0\.\.1"):
        reliability(p, y)
