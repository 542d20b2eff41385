"""The harness on figures that are known beforehand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks.measure import Case, best, found, lines, measured, spread, write


def given(log: list[str], name: str, *figures: float) -> Callable[[], float]:
    """A way that gives these figures in turn, and says so."""
    left = iter(figures)

    def way() -> float:
        log.append(name)
        return next(left)

    return way


def test_both_ways_take_turns_and_the_warm_up_does_not_count() -> None:
    log: list[str] = []
    case = Case("c", "s", 2, given(log, "A", 99, 1, 2, 9), given(log, "B", 99, 4, 8, 6), False, rounds=3)
    row = measured(case)
    assert log == ["A", "B"] * 4
    assert (row.ours, row.theirs) == ([1, 2, 9], [4, 8, 6])
    assert row.ratio == 6 / 2
    assert row.reached


def test_a_larger_ratio_speaks_for_ours_either_way() -> None:
    rate = measured(Case("r", "tokens/s", 3, lambda: 50.0, 20.0))
    time = measured(Case("t", "s", 1, lambda: 50.0, 20.0, larger_is_better=False))
    assert (rate.ratio, rate.reached) == (2.5, False)
    assert (time.ratio, time.reached) == (0.4, False)


def test_rows_are_written_whole_and_shown(tmp_path: Path) -> None:
    rows = [measured(Case("r", "tokens/s", 2, lambda: 50.0, 20.0, bound=200.0))]
    write(tmp_path / "bench.json", rows)
    figures = {"name": "r", "ours": 50, "theirs": 20, "unit": "tokens/s", "ratio": 2.5, "target": 2}
    assert json.loads((tmp_path / "bench.json").read_text()) == [figures]
    assert [file.name for file in tmp_path.iterdir()] == ["bench.json"]
    assert list(lines(rows))[2] == "| r | 50 | 20 | tokens/s | 2.50 | 2 | reached | 25% |"
    assert spread([3.0, 1.0, 2.0]) == "2 (1 to 3)"


def test_the_best_way_is_taken() -> None:
    ways = [lambda: 3.0, lambda: 5.0, lambda: 4.0]
    assert best(ways)() == 5
    assert best(ways, larger_is_better=False)() == 3


def test_benchmarks_are_found_by_name() -> None:
    assert {"engine", "growth", "pages", "ratings", "start"} <= set(found([]))
    assert found(["pages"]) == ["pages"]
    with pytest.raises(SystemExit, match="no benchmark 'none'; there are"):
        found(["none"])
