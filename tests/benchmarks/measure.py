"""Measures every `bench_*.py` beside this file: `make bench`, or `make bench ARGS="store ratings"` for some.

A benchmark is a module `bench_NAME.py` with `def cases() -> Iterator[Case]`. A generator is meant: what a case needs
is made before its `yield` and put away after it, when the case has been measured. A case is two ways to one figure,
`ours` and `theirs`, measured A B A B in this process, so that whatever else the machine does meets both; medians are
compared, and the spread is printed. The rows go to `bench.json` as each is there.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter

HERE = Path(__file__).parent
Measure = Callable[[], float]
"""Does the work once and gives its figure, in the case's unit."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table."""

    name: str
    """What is measured, and against what: 'labels, both orders: batched forward'."""
    unit: str
    """Of both figures: 'tokens/s', 's', 'MB'."""
    target: float
    """What `ratio` should reach at least."""
    ours: Measure
    theirs: Measure | float
    """The other way, measured beside ours; a number for a fixed limit."""
    larger_is_better: bool = True
    """True for rates, False for times and sizes; either way a larger ratio speaks for ours."""
    rounds: int = 5
    """How often each is measured."""
    warm_up: int = 1
    """How often each is done before that, unmeasured."""
    bound: float | None = None
    """What the hardware could do at most, in the unit, where it is known: see `tests.benchmarks.hardware`."""


@dataclass(frozen=True, slots=True)
class Row:
    """A case's figures, in the order they were taken."""

    case: Case
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How many times better ours is."""
        ours, theirs = median(self.ours), median(self.theirs)
        return ours / theirs if self.case.larger_is_better else theirs / ours

    @property
    def reached(self) -> bool:
        """Whether the target is."""
        return self.ratio >= self.case.target

    def as_json(self) -> dict[str, str | float]:
        """The row as `bench.json` holds it."""
        case = self.case
        ours, theirs = median(self.ours), median(self.theirs)
        figures = {"ours": ours, "theirs": theirs, "unit": case.unit, "ratio": self.ratio, "target": case.target}
        return {"name": case.name, **figures}


def measured(case: Case) -> Row:
    """Measure a case: A B A B, after the warm-up."""
    row = Row(case)
    for number in range(-case.warm_up, case.rounds):
        ours = case.ours()
        theirs = case.theirs() if callable(case.theirs) else case.theirs
        if number >= 0:
            row.ours.append(ours)
            row.theirs.append(theirs)
    return row


def seconds(work: Callable[[], object]) -> float:
    """How long it takes by the clock."""
    begun = perf_counter()
    work()
    return perf_counter() - begun


def per_second(count: float, work: Callable[[], object]) -> float:
    """How many of `count` are done a second."""
    return count / seconds(work)


def best(ways: Iterable[Measure], *, larger_is_better: bool = True) -> Measure:
    """The way whose one trial is the best: a baseline measured at its best batch size, say."""
    tried = [(way(), way) for way in ways]
    pick = max if larger_is_better else min
    return pick(tried, key=lambda pair: pair[0])[1]


HEAD = ("what", "ours", "theirs", "unit", "ratio", "target", "", "of the hardware's")


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """The table in Markdown, medians with (least to most)."""
    yield "| " + " | ".join(HEAD) + " |"
    yield "|" + "---|" * len(HEAD)
    for row in rows:
        yield "| " + " | ".join(_cells(row)) + " |"


def _cells(row: Row) -> tuple[str, ...]:
    case = row.case
    share = "" if case.bound is None else f"{_share(row):.0%}"
    said = "reached" if row.reached else "missed"
    return (
        case.name, spread(row.ours), spread(row.theirs), case.unit, f"{row.ratio:.2f}", f"{case.target:g}", said, share,
    )  # fmt: skip


def _share(row: Row) -> float:
    ours, bound = median(row.ours), row.case.bound or 0.0
    return ours / bound if row.case.larger_is_better else bound / ours


def spread(figures: list[float]) -> str:
    """'1.24 (1.21 to 1.3)'; one number where all are the same."""
    low, mid, high = min(figures), median(figures), max(figures)
    return f"{mid:.4g}" if low == high else f"{mid:.4g} ({low:.3g} to {high:.3g})"


def write(file: Path, rows: Iterable[Row]) -> None:
    """Replace the file whole."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n")
    os.replace(new, file)


def found(names: Iterable[str]) -> list[str]:
    """The benchmarks asked for, all for none; `SystemExit` for one that is not there."""
    there = sorted(file.stem.removeprefix("bench_") for file in HERE.glob("bench_*.py"))
    asked = list(names)
    if strange := [name for name in asked if name not in there]:
        raise SystemExit(f"no benchmark {strange[0]!r}; there are {', '.join(there)}.")
    return asked or there


def main(names: Iterable[str], file: Path) -> None:
    """Measure, print and write; a benchmark that fails leaves what was measured before it."""
    from tests.benchmarks.hardware import hardware

    asked, rows = found(names), list[Row]()
    print(hardware(), flush=True)
    for name in asked:
        for case in import_module(f"tests.benchmarks.bench_{name}").cases():
            rows.append(measured(case))
            print(f"{case.name}: {spread(rows[-1].ours)} {case.unit}, ratio {rows[-1].ratio:.2f}", flush=True)
            write(file, rows)
    print("", *lines(rows), "", hardware(), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:], HERE.parents[1] / "bench.json")
