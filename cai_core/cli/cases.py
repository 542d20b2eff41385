"""`cai-studio cases ...`, and `cai-studio constitution check NAME[@N] --cases`: a constitution's regression tests."""

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from cai_core.cli import common
from cai_core.errors import ConstitutionError
from cai_core.types import Case, CaseKind, CaseState, RunKind, user

app = typer.Typer(
    help="The cases that a constitution is held to: list, add, retire, export, import.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="A constitution, without a version.")]
BAD = (CaseState.FAIL, CaseState.FAILED, CaseState.TOO_LONG)
"""States that make a check fail: what could not be tried is not as it was hoped for either."""
WORDS = {
    "pass": "passes",
    "fail": "fails",
    "could_not_tell": "could not tell",
    "unjudged": "to be read",
    "too_long": "too long",
    "failed": "could not run",
}
COUNTED = {**WORDS, "pass": "pass", "fail": "fail"}
"""Said of several."""
LEAST, SHORT = 16, 24
"""Characters of a table's last text, however narrow it is; and of a text before it."""


def check_cases(
    folder: Path | None, ref: str, *, model: str = "sandbox", judge: str = "", seed: int = 0, as_json: bool = False
) -> None:
    """Try all cases of the version that `ref` means, and print what each came to.

    Exits with 0 where none fails, 1 where one fails or could not be tried, 2 where the run did not get done. Cases that
    nothing could be told of, or that are to be read, are counted and fail nothing.
    """
    from cai_core.cli.follow import to_the_end
    from cai_core.runs import queue

    workspace = common.workspace(folder, create=False)
    values = {"constitution": ref, "model": model, "judge": judge}
    run_id = queue.enqueue(workspace, RunKind.CASES, values, seed=seed, note="check")
    if not to_the_end(workspace, [run_id], quiet=as_json):
        raise typer.Exit(2)
    with workspace.reading() as session:
        report = _report(session, run_id)
    if as_json:
        common.print_json(report)
    else:
        _print_report(report)
    if any(report["states"].get(state) for state in BAD):
        raise typer.Exit(1)


def _report(session: Any, run_id: int) -> dict[str, Any]:
    """A run's results, each beside what the case came to on the version before."""
    from db.queries import cases as lists
    from db.queries.cases_runs import cases_runs, constitution_of_run, run_before

    name = constitution_of_run(session, run_id) or ""
    runs = cases_runs(session, name)
    shown = next(run for run in runs if run.id == run_id)
    before = run_before(runs, shown)
    wanted = lists.CaseFilter(name, run_id, None if before is None else before.id, tried=True)
    counts = lists.case_counts(session, wanted)
    rows, after, more = [], 0, True
    while more:
        page = lists.case_page(session, wanted, after)
        rows += [_row(line) for line in page.rows]
        after, more = (page.rows[-1].id if page.rows else after), page.more
    return {
        "run": run_id,
        "version": f"{name}@{shown.version}",
        "before": before and {"run": before.id, "version": f"{name}@{before.version}"},
        "alike": before is None or before.asked == shown.asked,
        "states": counts.states,
        "changed": {"all": counts.changed, "from_pass_to_fail": counts.broke, "from_fail_to_pass": counts.mended},
        "cases": rows,
    }


def _row(line: Any) -> dict[str, Any]:
    names = ("id", "kind", "prompt", "principle", "state", "before", "p_a", "p_hoped", "why")
    return {name: getattr(line, name) for name in names}


def _print_report(report: dict[str, Any]) -> None:
    table: list[list[object]] = [
        [
            row["id"],
            row["principle"] or "",
            WORDS[row["state"]],
            WORDS.get(row["before"] or "", "") if row["before"] != row["state"] else "",
            "" if row["p_hoped"] is None else f"{row['p_hoped']:.2f}",
            row["prompt"],
        ]
        for row in report["cases"]
    ]
    _print_table(["case", "principle", "now", "was", "p(hoped)", "prompt"], table)
    for row in report["cases"]:
        if row["state"] not in ("pass", "unjudged") and row["why"]:
            common.say(common.on_terminal(f"case {row['id']} {WORDS[row['state']]}: {row['why']}"))
    counted = ", ".join(f"{report['states'][state]} {COUNTED[state]}" for state in WORDS if state in report["states"])
    common.say(f"{report['version']} in run {report['run']}: {counted}.")
    if report["before"]:
        changed, other = report["changed"], "" if report["alike"] else ", which asked otherwise"
        common.say(
            f"Since {report['before']['version']} (run {report['before']['run']}{other}): {changed['all']} changed, "
            f"{changed['from_pass_to_fail']} from pass to fail, {changed['from_fail_to_pass']} from fail to pass."
        )


def _print_table(columns: list[str], rows: list[list[object]]) -> None:
    """A table whose last column, a text, takes a line and what room the others leave."""
    others = [
        max(len(str(cell)) for cell in column) for column in zip(columns[:-1], *(r[:-1] for r in rows), strict=True)
    ]
    room = max(LEAST, common.console.width - sum(others) - 2 * len(others))
    common.print_table(columns, [[*row[:-1], _cut(str(row[-1]), room)] for row in rows])


def _cut(text: str, room: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= room else line[: room - 1] + "…"


@app.command("list")
def list_cases(
    name: Name,
    folder: common.Folder = None,
    retired: Annotated[bool, typer.Option("--retired", help="Those that are retired, too.")] = False,
    as_json: common.Json = False,
) -> None:
    """A constitution's cases, the oldest first."""
    from cai_core.store import case_files, cases

    with common.workspace(folder, create=False).reading() as session:
        _check_name(session, name)
        rows = [
            {
                "id": row.id,
                "uid": row.uid,
                **case_files.plain(cases.to_noun(row)),
                "retired": row.retired_at is not None,
            }
            for row in cases.of_constitution(session, name, retired=retired)
        ]
    if as_json:
        common.print_json(rows)
        return
    table: list[list[object]] = [
        [
            row["id"],
            row["kind"] + (", retired" if row["retired"] else ""),
            row.get("principle", ""),
            f"prefers {row['preferred']}" if row["kind"] == "pair" else _cut(row.get("hope", ""), SHORT),
            row.get("prompt") or row["turns"][-1]["content"],
        ]
        for row in rows
    ]
    _print_table(["case", "kind", "principle", "hoped for", "prompt"], table)


@app.command()
def add(
    name: Name,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What a person says to the model.")],
    folder: common.Folder = None,
    hope: Annotated[
        str, typer.Option(help="What is hoped for, put to the judge as a comparison is: 'Which response ...?'")
    ] = "",
    principle: Annotated[str, typer.Option(metavar="ID", help="The principle it is about; else one is drawn.")] = "",
    response_a: Annotated[str, typer.Option("--response-a", "-a", help="Of a pair.")] = "",
    response_b: Annotated[str, typer.Option("--response-b", "-b", help="Of a pair.")] = "",
    preferred: Annotated[str, typer.Option(metavar="a|b", help="Which response of the pair is hoped for.")] = "",
    as_json: common.Json = False,
) -> None:
    """Add a prompt, or with two responses a pair; one that is there already is left, or brought back if retired."""
    from cai_core.store import cases

    pair = bool(response_a or response_b or preferred)
    case = Case(
        CaseKind.PAIR if pair else CaseKind.PROMPT,
        (user(prompt),),
        hope,
        principle or None,
        response_a if pair else None,
        response_b if pair else None,
        preferred if pair else None,
    )
    with common.workspace(folder, create=False).writing() as session:
        case_id = cases.add(session, name, case, author=_author())
    if as_json:
        common.print_json({"id": case_id})
    else:
        common.say(f"case {case_id} of {name}.")


@app.command()
def retire(
    case_id: Annotated[list[int], typer.Argument(metavar="ID...", max=common.MOST, help="Cases to run no more.")],
    folder: common.Folder = None,
) -> None:
    """Run cases no more; their results stay, and adding one again brings it back."""
    from cai_core.store import cases

    with common.workspace(folder, create=False).writing() as session:
        for one in case_id:
            cases.retire(session, one)
    common.say(f"{'case' if len(case_id) == 1 else 'cases'} {' '.join(map(str, case_id))} retired.")


@app.command("export")
def export_cases(
    name: Name,
    folder: common.Folder = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File of JSON Lines; else standard output.")] = None,
    retired: Annotated[bool, typer.Option("--retired", help="Those that are retired, too.")] = False,
) -> None:
    """A constitution's cases as JSON Lines, which `import` reads."""
    from cai_core.store import case_files, cases

    with common.workspace(folder, create=False).reading() as session:
        _check_name(session, name)
        found = [cases.to_noun(row) for row in cases.of_constitution(session, name, retired=retired)]
    if out is None:
        typer.echo(case_files.dump(found), nl=False)
        return
    common.write_text(out, case_files.dump(found))
    common.say(f"{len(found)} cases written to {out}.")


@app.command("import")
def import_cases(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines, a case a line.")],
    folder: common.Folder = None,
    as_json: common.Json = False,
) -> None:
    """Add a file's cases to a constitution: all, or none where a line cannot be used."""
    from cai_core.store import case_files

    found = case_files.read(file)
    with common.workspace(folder, create=False).writing() as session:
        report = case_files.add(session, name, found, author=_author())
    if as_json:
        common.print_json({"added": report.added, "known": report.known})
    else:
        common.say(f"{report.added} cases added, {report.known} were known.")


def _check_name(session: Any, name: str) -> None:
    from db.queries.cases import names_with_cases

    if name not in (known := names_with_cases(session)):
        raise ConstitutionError(
            f"there is no constitution {name!r} here. There are: {', '.join(known)}. Name one of them."
        )


def _author() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # a container's user may have no name
