"""`cai-studio demo`: the whole loop on the sandbox, headless."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cai_core.cli import common
from cai_core.cli.page import write_report
from cai_core.errors import CAIError
from cai_core.store.workspace import default_folder


def demo(
    folder: common.Folder = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    constitution: Annotated[Path | None, typer.Option(help="A constitution's file; else the sandbox's own.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here as JSON.")] = None,
    seeds: Annotated[str, typer.Option(help="Several seeds, as in 100,101,102: a loop each, in DIR/seed-N.")] = "",
    page: Annotated[Path | None, typer.Option("--report", help="Write tables of all seeds into this page.")] = None,
) -> None:
    """Run all seven stages on the built-in model, in a workspace that the app then opens."""
    for file in (json_file, page):
        if file is not None:
            common.check_writable(file)
    if not seeds:
        reports = [_loop(folder, seed, constitution)]
    else:
        numbers = _numbers(seeds)
        reports = [_loop((folder or default_folder()) / f"seed-{one}", one, constitution) for one in numbers]
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


def _loop(folder: Path | None, seed: int, constitution: Path | None) -> dict[str, Any]:
    """One whole loop, followed to its end; its report."""
    from cai_core.cli.constitution import save_file
    from cai_core.runs import presets

    workspace = common.workspace(folder)
    ref = "sandbox" if constitution is None else save_file(workspace, constitution)
    ids = presets.enqueue_loop(workspace, seed=seed, constitution=ref)
    common.say(f"workspace {workspace.folder}: seven runs, seed {seed}, constitution {ref}")
    _follow(workspace, list(ids.values()))
    report = _report(workspace, ids)
    _show(report)
    return report


def _follow(workspace: Any, ids: list[int]) -> None:
    from cai_core.cli.follow import follow
    from cai_core.runs.launchers import tail

    listed = " ".join(map(str, ids))
    go_on = f"`cai-studio runs resume ID... --workspace {workspace.folder}` lets them go on where they were."
    try:
        rows = follow(workspace, ids)
    except KeyboardInterrupt:
        common.say(f"runs {listed} are stopped. {go_on}")
        raise typer.Exit(130) from None
    for row in rows:
        if row["state"] != "done" and row["state"] != "waiting":
            common.say(f"run {row['id']} ({row['kind']}) is {row['state']}: {row['error'] or 'on request'}")
            common.say(tail(workspace.folder, row["id"], 15))
            common.say(go_on)
            raise typer.Exit(1)


def _report(workspace: Any, ids: Any) -> dict[str, Any]:
    from cai_core.runs.summary import loop_report

    return loop_report(workspace, ids)


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
