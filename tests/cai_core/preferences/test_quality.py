"""Label quality on a hand-worked table."""

from math import isclose

from cai_core.preferences.quality import label_quality
from cai_core.types import Label, LabelState, Principle

PRINCIPLE = Principle("p", "t", comparison="c")


def soft(p_a: float, disagrees: bool = False) -> Label:
    return Label(LabelState.LABELLED, PRINCIPLE, p_a, (), disagrees)


def test_by_hand() -> None:
    labels: list[tuple[Label, float | None]] = [
        (soft(0.9), 1.0),  # right
        (soft(0.8), 1.0),  # right
        (soft(0.3), 1.0),  # wrong
        (soft(0.1), 0.0),  # right
        (soft(0.5), 1.0),  # no preference: in calibration, not in agreement
        (soft(0.7, True), None),  # gold has no verdict
        (Label(LabelState.UNPARSEABLE, PRINCIPLE, None, ()), 1.0),
    ]
    quality = label_quality(labels, bins=2)
    assert quality.num == 7
    assert {k: v for k, v in quality.states.items() if v} == {"labelled": 6, "unparseable": 1}
    assert quality.order_disagrees == 1 / 6
    assert quality.gold_agreement == 3 / 4
    assert quality.num_gold == 4
    # Below 0.5: predictions 0.3, 0.1 (mean 0.2), outcomes 1, 0 (mean 0.5). From 0.5: 0.9, 0.8, 0.5 (0.7333), all 1.
    assert quality.ece is not None
    assert isclose(quality.ece, 2 / 5 * 0.3 + 3 / 5 * (1 - 2.2 / 3))
    assert [row.count for row in quality.reliability] == [2, 3]


def test_nothing_to_compare_is_none_not_zero() -> None:
    for labels in ([], [(Label(LabelState.FAILED, PRINCIPLE, None, ()), 1.0)]):
        quality = label_quality(labels)
        assert (quality.gold_agreement, quality.ece, quality.order_disagrees) == (None, None, None)
        assert (quality.num_gold, quality.reliability) == (0, ())
