"""`cai-studio rounds`: what became of chains round by round (paper figures 5 to 7)."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from cai_core.cli import common


class Measure(StrEnum):
    """What is measured."""

    SCORE = "score"
    WORDS = "words"
    REFUSAL = "refusal"
    GATES = "gates"
    CLASSES = "classes"


class By(StrEnum):
    """What it is broken down by."""

    PRINCIPLE = "principle"
    TOPIC = "topic"


def rounds(
    run: Annotated[
        list[int], typer.Argument(metavar="RUN...", max=common.MOST, help="Chains runs, or scores runs of them.")
    ],
    folder: common.Folder = None,
    measure: Annotated[
        Measure,
        typer.Option(help="A judge's score, words, the share refused, of each gate, of each of gold's classes."),
    ] = Measure.SCORE,
    by: Annotated[
        By | None, typer.Option(help="Break it down by the round's principle, or the prompt's topic.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="Whose newest scores of a chains run, as in 'gold, helpfulness'; else any's.")
    ] = None,
    as_json: common.Json = False,
) -> None:
    """Means by round with 95 % intervals over prompts; of several runs also how each differs from the first."""
    workspace = common.workspace(folder, create=False)
    with workspace.reading() as session:
        report = rounds_report(session, run, measure.value, by=by and by.value, judge=judge)
    if as_json:
        common.print_json(report)
        return
    for one in report["runs"]:
        common.say(f"{one['name']}: {measure.value}, {one['unit']}{_judged(one)}")
        common.print_table(["round", "of", "mean", "95 %", "texts", "prompts", "unknown"], [*map(_line, one["points"])])
    for one in report["differences"]:
        common.say(f"{one['name']}, less {report['runs'][0]['name']}, on the prompts of both:")
        lines = [_line(point) for point in one["points"]]
        common.print_table(["round", "of", "mean", "95 %", "prompts"], [[*line[:4], line[5]] for line in lines])
        if not lines:
            common.say("They share no prompt.")


def rounds_report(
    session: Session, ids: list[int], measure: str, *, by: str | None = None, judge: str | None = None
) -> dict[str, Any]:
    """All of it as plain JSON values."""
    from cai_core.runs.rounds import curve, differences, question, run_names, unit
    from db.queries.rounds import judge_words
    from db.schema import RunRow

    asked = [question(session, one, measure, by=by, judge=judge) for one in dict.fromkeys(ids)]
    names = run_names(session, [one.run for one in asked])
    described = [
        {
            "run": one.run,
            "name": names[one.run],
            "scores": one.scores,
            "judge": one.scores and judge_words(session.get_one(RunRow, one.scores).config),
            "unit": unit(session, one),
        }
        for one in asked
    ]
    found = [{**said, "points": _plain(curve(session, one).points)} for said, one in zip(described, asked, strict=True)]
    apart = [
        {"run": one.run, "name": names[one.run], "points": _plain(differences(session, asked[0], one))}
        for one in (asked[1:] if by is None else [])
    ]
    return {"measure": measure, "by": by, "runs": found, "differences": apart}


def _plain(points: Any) -> list[dict[str, Any]]:
    return [asdict(point) for point in points]


def _judged(run: dict[str, Any]) -> str:
    return f", judged by {run['judge']} (run {run['scores']})" if run["judge"] else ""


def _line(point: dict[str, Any]) -> list[object]:
    value, low, high = point["value"], point["low"], point["high"]
    mean = "–" if value is None else f"{value:.3f}"
    span = "–" if low is None or high is None else f"{low:.3f} to {high:.3f}"
    of = " ".join(part for part in (point["group"], point["name"]) if part)
    return [point["round"], of, mean, span, point["texts"], point["prompts"], point["unknown"] or ""]
