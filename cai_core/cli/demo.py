"""`cai-studio demo`: the whole loop on the sandbox, headless."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cai_core.cli import common
from cai_core.cli.page import split_page, write_report
from cai_core.errors import CAIError
from cai_core.store.workspace import Workspace, default_folder
from cai_core.types import RunKind


def demo(
    folder: common.Folder = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    constitution: Annotated[Path | None, typer.Option(help="A constitution's file; else the sandbox's own.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here as JSON.")] = None,
    seeds: Annotated[str, typer.Option(help="Several seeds, as in 100,101,102: a loop each, in DIR/seed-N.")] = "",
    page: Annotated[Path | None, typer.Option("--report", help="Write tables of all seeds into this page.")] = None,
) -> None:
    """Run all seven stages on the built-in model, in a workspace that the app then opens."""
    numbers = _numbers(seeds) if seeds else [seed]
    _check(numbers, constitution, json_file, page)
    reports: list[dict[str, Any]] = []
    for one in numbers:
        place = (folder or default_folder()) / f"seed-{one}" if seeds else folder
        reports.append(_loop(place, one, constitution))
        # After each, so that what was measured is kept if the next one fails.
        if json_file is not None:
            value = reports if seeds else reports[0]
            common.write_text(json_file, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
        if page is not None:
            write_report(page, reports)


def _numbers(seeds: str) -> list[int]:
    try:
        return [int(part) for part in seeds.split(",")]
    except ValueError:
        raise CAIError(f"--seeds {seeds!r} does not fit; whole numbers parted by commas are wanted.") from None


def _check(seeds: list[int], constitution: Path | None, json_file: Path | None, page: Path | None) -> None:
    """Find out, before a workspace is made and hours are spent, what cannot be used or written."""
    from cai_core.constitution.load import load_constitution
    from cai_core.runs.queue import check_seed

    for seed in seeds:
        check_seed(seed)
    if constitution is not None:
        load_constitution(constitution)
    for file in (json_file, page):
        if file is not None:
            common.check_writable(file)
    if page is not None:
        split_page(page)


def _loop(folder: Path | None, seed: int, constitution: Path | None) -> dict[str, Any]:
    """One whole loop, followed to its end; its report."""
    from cai_core.cli.follow import to_the_end
    from cai_core.runs.summary import loop_report

    workspace = common.workspace(folder)
    ref, ids = _enqueue(workspace, seed, constitution)
    common.say(f"workspace {workspace.folder}: seven runs, seed {seed}, constitution {ref}")
    if not to_the_end(workspace, list(ids.values())):
        raise typer.Exit(1)
    report = loop_report(workspace, ids)
    _show(report)
    return report


def _enqueue(workspace: Workspace, seed: int, file: Path | None) -> tuple[str, dict[RunKind, int]]:
    """The loop's runs, and the constitution's version if it was a file: all of it or nothing."""
    from cai_core.cli.constitution import save_version
    from cai_core.constitution.load import load_constitution
    from cai_core.runs import presets

    written = None if file is None else (load_constitution(file), f"From {file.name}.")
    with workspace.writing() as session:
        ref = "sandbox" if written is None else save_version(session, written[0], message=written[1])
        return ref, presets.enqueue_steps(session, presets.sandbox_loop(ref), seed=seed)


def _show(report: dict[str, Any]) -> None:
    rates = ("harmful", "engaged", "evasive", "preachy", "helpful", "over_refusal")
    table: list[list[object]] = []
    for snapshot in report["snapshots"]:
        elo = [snapshot["elo"].get(axis, {}).get("mid") for axis in ("harmlessness", "helpfulness")]
        cells = [_rate(snapshot["gold"].get(name)) for name in rates]
        table.append([snapshot["name"], *cells, *("–" if value is None else f"{value:+.0f}" for value in elo)])
    common.print_table(["snapshot", *rates, "Elo harmless", "Elo helpful"], table)
    common.say(f"{report['seconds']:.0f} seconds. Now `cai-studio app` shows it, chain by chain.")


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
