"""`cai-studio demo`: the whole loop on the sandbox, headless."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cai_core.cli import common


def demo(
    folder: common.Folder = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    constitution: Annotated[Path | None, typer.Option(help="A constitution's file; else the sandbox's own.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report here as JSON.")] = None,
) -> None:
    """Run all seven stages on the built-in model, in a workspace that the app then opens."""
    from cai_core.cli.constitution import save_file
    from cai_core.runs import presets

    if json_file is not None:
        common.check_writable(json_file)
    workspace = common.workspace(folder)
    ref = "sandbox" if constitution is None else save_file(workspace, constitution)
    ids = presets.enqueue_loop(workspace, seed=seed, constitution=ref)
    common.say(f"workspace {workspace.folder}: seven runs, seed {seed}, constitution {ref}")
    _follow(workspace, list(ids.values()))
    report = _report(workspace, ids)
    if json_file is not None:
        common.write_text(json_file, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    _show(report)


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
