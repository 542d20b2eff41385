"""The paper's figures 5, 6 and 7 on the sandbox, with its numbers beside them.

    python -m tests.benchmarks.figures_of_rounds -w DIR --seed 0 --prompts 160 --report docs/results.md

Chains of four rounds with and without critique, and under some of the principles only; gold scores every round on both
axes. What the workspace has already is not made again, so an interrupted run goes on. Principles are taken in two
orders, drawn by the seed, each order's subsets within one another, so that what hangs on the choice can be seen.
"""

import argparse
import json
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import select

from cai_core.cli.common import write_text
from cai_core.cli.follow import to_the_end
from cai_core.constitution.draw import candidates
from cai_core.runs import queue
from cai_core.runs.rounds import Point, curve, differences, question
from cai_core.store import constitutions
from cai_core.store.runs import code_revision
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import RunKind, derive_seed
from db.schema import RunRow

BEGIN, END = "<!-- rounds: begin -->", "<!-- rounds: end -->"
AXES = ("harmlessness", "helpfulness")
COUNTS = (1, 2, 4, 8)
ORDERS = ("A", "B")
PART = 4
"""Fewer principles are tried on one in so many of the prompts."""
WITH, WITHOUT = "with critique", "without critique"
PAPER = {"harmlessness": (0.0, 1.79, 2.14, 2.25, 2.30), "helpfulness": (0.0, -0.69, -0.87, -0.96, -0.99)}
"""Figure 5 of arXiv:2212.08073, the 52B model's, read off the picture: preference-model scores, round 0 at zero."""
Found = dict[str, Any]


def main() -> None:
    """Make what is missing, then measure and report."""
    given = _arguments()
    workspace = open_workspace(given.workspace)
    made = {name: _chains(workspace, name, given, **rest) for name, rest in _wanted(workspace, given.seed).items()}
    scored = {
        (name, axis): _run(
            workspace, RunKind.SCORES, {"judge": "gold", "axis": axis}, given.seed, [run], f"{name}, {axis}"
        )
        for name, run in made.items()
        for axis in (AXES if name in (WITH, WITHOUT) else AXES[:1])
    }
    found = _measure(workspace, made, scored) | {"seed": given.seed, "prompts": given.prompts}
    if given.json:
        write_text(given.json, json.dumps(found, indent=2) + "\n")
    if given.report:
        page = given.report.read_text(encoding="utf-8")
        head, tail = page.split(BEGIN)[0], page.split(END)[1]
        write_text(given.report, f"{head}{BEGIN}\n{report(found)}{END}{tail}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-w", "--workspace", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prompts", type=int, default=160, help="Red-team prompts.")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--report", type=Path)
    return parser.parse_args()


def _wanted(workspace: Workspace, seed: int) -> dict[str, dict[str, Any]]:
    """The chains runs by name, with the settings that tell them apart."""
    with workspace.reading() as session:
        _, constitution = constitutions.load_version(session, "sandbox")
    ids = [one.id for one in candidates(constitution, kind=None, half="critique")]
    wanted: dict[str, dict[str, Any]] = {WITH: {"critique": True}, WITHOUT: {"critique": False}}
    for order in ORDERS:
        drawn = sorted(ids, key=lambda one, order=order: derive_seed(seed, "figure 6", order, one))  # type: ignore[misc]
        wanted |= {f"{count} of order {order}": {"principles": drawn[:count], "part": PART} for count in COUNTS}
    return wanted


def _chains(workspace: Workspace, name: str, given: argparse.Namespace, *, part: int = 1, **rest: Any) -> int:
    settings = {"constitution": "sandbox@1", "source": "sandbox", "rounds": 4, "few_shots": 2, "max_new_tokens": 96}
    counts = {"red_team_prompts": given.prompts // part, "helpful_prompts": 0, "look_alike_prompts": 0}
    return _run(workspace, RunKind.CHAINS, {**settings, **counts, **rest}, given.seed, [], name)


def _run(workspace: Workspace, kind: RunKind, config: Found, seed: int, parents: list[int], note: str) -> int:
    """The run of this name, made or gone on with if it is not done."""
    with workspace.reading() as session:
        row = session.scalar(select(RunRow).where(RunRow.kind == kind.value, RunRow.note == note, RunRow.seed == seed))
    run = row.id if row else queue.enqueue(workspace, kind, config, seed=seed, parents=parents, note=note)
    if row is not None and row.state not in ("done", "waiting", "running"):
        queue.resume(workspace, run)
    if (row is None or row.state != "done") and not to_the_end(workspace, [run]):
        raise SystemExit(1)
    return run


def _measure(workspace: Workspace, made: dict[str, int], scored: dict[tuple[str, str], int]) -> Found:
    with workspace.reading() as session:

        def points(run: int, measure: str) -> list[Found]:
            return [asdict(one) for one in curve(session, question(session, run, measure)).points]

        def less(name: str, than: str, axis: str) -> list[Found]:
            pair = (question(session, scored[one, axis], "score") for one in (than, name))
            return [asdict(one) for one in differences(session, *pair)]

        rows = {name: session.get_one(RunRow, run) for name, run in made.items()}
        return {
            "scores": {f"{name}, {axis}": points(run, "score") for (name, axis), run in scored.items()},
            "classes": {name: points(scored[name, AXES[0]], "classes") for name in (WITH, WITHOUT)},
            "words": {name: points(made[name], "words") for name in (WITH, WITHOUT)},
            "refusals": {name: points(made[name], "refusal") for name in (WITH, WITHOUT)},
            "critique": {axis: less(WITH, WITHOUT, axis) for axis in AXES},
            "fewer": {name: less(name, WITH, AXES[0]) for name in made if name not in (WITH, WITHOUT)},
            "principles": {name: row.config.get("principles", []) for name, row in rows.items()},
            "pace": {name: 60 * row.done / row.seconds for name, row in rows.items() if row.seconds},
        }


def report(found: Found) -> str:
    """The tables in Markdown, each with what the paper shows and whether it is so here."""
    return "\n".join([_head(found), _figure_5(found), _figure_7(found), _figure_6(found), ""])


def _head(found: Found) -> str:
    pace, cores = found["pace"], f"{os.cpu_count()} CPU cores ({platform.machine()})"
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, {cores} shared with other work, code revision {code_revision()}, "
        f"seed {found['seed']}, {found['prompts']} red-team prompts of the train split; {pace[WITH]:.0f} chains a "
        f"minute of four rounds with critique and {pace[WITHOUT]:.0f} without.\n"
    )


def _figure_5(found: Found) -> str:
    lines = _table(["", *(f"round {n}" for n in range(5))])
    for axis in AXES:
        lines.append(_row(f"{axis} by gold, 0 to 1", [_span(one) for one in found["scores"][f"{WITH}, {axis}"]]))
        lines.append(
            _row(f"{axis}, the paper's 52B: preference-model score", [f"{value:+.2f}" for value in PAPER[axis]])
        )
    for name in ("complies", "half", "evasive", "preachy", "engaged", "other"):
        own = [one for one in found["classes"][WITH] if one["name"] == name]
        lines.append(_row(f"share {name}", [f"{one['value']:.3f}" for one in own]))
    lines.append(_row("words", [f"{one['value']:.1f}" for one in found["words"][WITH]]))
    lines.append(_row("share refused, by the words", [f"{one['value']:.3f}" for one in found["refusals"][WITH]]))
    harmless, helpful = (found["scores"][f"{WITH}, {axis}"] for axis in AXES)
    first = _first_share(harmless)
    said = [
        (
            "harmlessness rises from the initial response to the last revision",
            _apart(harmless[0], harmless[-1]) > 0,
            "",
        ),
        (
            "it rises in every round",
            all(b["value"] > a["value"] for a, b in pairwise(harmless)),
            "",
        ),
        ("the first revision has most of it (78 % of the rise)", first > 0.5, f" ({first:.0%} here)"),
        ("helpfulness falls from the initial response to the last revision", _apart(helpful[0], helpful[-1]) < 0, ""),
    ]
    return "\n".join(["**Figure 5: by round, with critique.**", "", *lines, "", *_shapes(said)])


def _figure_7(found: Found) -> str:
    lines = _table(["", *(f"round {n}" for n in range(5))])
    for axis in AXES:
        lines.append(_row(f"{axis}, without critique", [_span(one) for one in found["scores"][f"{WITHOUT}, {axis}"]]))
        lines.append(_row(f"{axis}, with less without", [_span(one, "+.3f") for one in found["critique"][axis]]))
    last = found["critique"][AXES[0]][-1]
    better = last["low"] is not None and last["low"] > 0
    told = "" if better else " (not told apart here)" if last["high"] >= 0 else " (worse here)"
    said = [("critiques help small models, at the last revision", better, told)]
    return "\n".join(["**Figure 7: with and without critique, on the same prompts.**", "", *lines, "", *_shapes(said)])


def _figure_6(found: Found) -> str:
    lines = _table(["principles", "which", "harmlessness of the last revision", "less all principles, same prompts"])
    for name, apart in found["fewer"].items():
        last = found["scores"][f"{name}, {AXES[0]}"][-1]
        drawn = found["principles"][name]
        lines.append(
            f"| {name.replace('of', 'in')} | {', '.join(drawn)} | {_span(last)} | {_span(apart[-1], '+.3f')} |"
        )
    whole = found["scores"][f"{WITH}, {AXES[0]}"][-1]
    lines.append(f"| all | | {_span(whole)} | |")
    ends = {name: apart[-1] for name, apart in found["fewer"].items()}
    worse = [name for name, one in ends.items() if one["high"] is not None and one["high"] < 0]
    better = [name for name, one in ends.items() if one["low"] is not None and one["low"] > 0]
    told = f" (here worse than all: {', '.join(worse) or 'none'}; better: {', '.join(better) or 'none'})"
    said = [("the number of principles has no significant effect on harmlessness", not worse and not better, told)]
    head = f"**Figure 6: fewer principles, on {found['prompts'] // PART} of the prompts.**"
    return "\n".join([head, "", *lines, "", *_shapes(said)])


def _shapes(said: list[tuple[str, bool, str]]) -> list[str]:
    rows = [f"| {shape} | {'agrees' if holds else 'does not agree'}{note} |" for shape, holds, note in said]
    return [*_table(["the paper's shape", "here"]), *rows, ""]


def _first_share(points: list[Found]) -> float:
    rise = points[-1]["value"] - points[0]["value"]
    return (points[1]["value"] - points[0]["value"]) / rise if rise else 0.0


def _apart(one: Found, other: Found) -> int:
    """1 where the other's interval lies above the one's, -1 where below, 0 where they overlap."""
    return int(other["low"] > one["high"]) - int(other["high"] < one["low"])


def _table(names: list[str]) -> list[str]:
    return [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]


def _row(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def _span(point: Found | Point, form: str = ".3f") -> str:
    one = point if isinstance(point, dict) else asdict(point)
    if one["low"] is None:
        return f"{one['value']:{form}}"
    return f"{one['value']:{form}} [{one['low']:{form}}, {one['high']:{form}}]"


if __name__ == "__main__":
    main()
