"""`cai-studio run KIND` and `cai-studio runs ...`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cai_core.cli import common
from cai_core.errors import RunError
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind

app = typer.Typer(help="Look at runs; stop, resume and clone them.", no_args_is_help=True)

Settings = Annotated[
    list[str] | None,
    typer.Option("--config", "-c", metavar="KEY=VALUE|JSON|@FILE", help="Settings of the stage; may be repeated."),
]


def run(
    kind: Annotated[RunKind, typer.Argument(help="The stage.")],
    folder: common.Folder = None,
    config: Settings = None,
    model: Annotated[str | None, typer.Option(help="Model by name, or a folder or Hub id to add.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything the run draws.")] = 0,
    parent: Annotated[
        list[int] | None, typer.Option(metavar="ID", max=common.MOST, help="A run to read from; may be repeated.")
    ] = None,
    note: Annotated[str, typer.Option(help="A word to yourself.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run to its end.")] = False,
    only_estimate: Annotated[
        bool, typer.Option("--estimate", help="Only say what it would ask of its models; nothing is started.")
    ] = False,
    timed: Annotated[
        bool, typer.Option("--time", help="With --estimate: time a few samples where no former run tells the pace.")
    ] = False,
    as_json: common.Json = False,
) -> None:
    """Enqueue a run of one stage and start it when its turn comes."""
    from cai_core.cli.follow import to_the_end
    from cai_core.runs import queue

    values = read_settings(config or [])
    queue.check_seed(seed)
    workspace = common.workspace(folder)
    if only_estimate:
        values |= {"model": model} if model else {}
        if timed:
            _time(workspace, kind, values, parent or [])
        _say_estimate(workspace, kind, values, parent or [], as_json)
        return
    run_id = _enqueue(workspace, kind, values, model, seed=seed, parents=parent or [], note=note)
    queue.kick(workspace)
    done = not wait or to_the_end(workspace, [run_id], quiet=as_json)
    if as_json:
        common.print_json(_summary(workspace, run_id))
    elif not wait:
        common.say(f"run {run_id} ({kind}) is enqueued; `cai-studio runs show {run_id}` follows it.")
        _say_what_it_waits_for(workspace, run_id)
    if not done:
        raise typer.Exit(1)


def _time(workspace: Workspace, kind: RunKind, values: dict[str, Any], parents: list[int]) -> None:
    """Have a few samples written, and wait for them."""
    from cai_core.cli.ask import follow_ask
    from cai_core.runs.estimate import time_samples

    for ask_id in time_samples(workspace, kind, values, parents):
        found = follow_ask(workspace, ask_id, quiet=True)
        if found["error"]:
            raise RunError(f"the samples that were to be timed came to nothing: {found['error']}")


def _say_estimate(
    workspace: Workspace, kind: RunKind, values: dict[str, Any], parents: list[int], as_json: bool
) -> None:
    """Calls, tokens, time and money, as far as they are known."""
    from dataclasses import asdict

    from cai_core.runs.estimate import estimate

    with workspace.reading() as session:
        found = estimate(session, kind, values, parents, workspace.folder)
    if found is None:
        raise RunError(
            f"there is nothing to estimate: a {kind} run with these settings asks no model for rows, or its settings "
            "do not say enough yet. chains, comparisons, labels (with --parent ID) and battles (with models) do."
        )
    if as_json:
        common.print_json(asdict(found))
        return
    common.say(
        f"{found.rows:,} rows, {found.requests:,} calls, about {found.prompt_tokens:,} tokens in, at most "
        f"{found.completion_tokens_at_most:,} out."
    )
    if found.cost_at_most is not None:
        common.say(f"It costs at most {found.cost_at_most:,.2f}.")
    if found.seconds is not None and found.paced_by is not None:
        common.say(f"About {found.seconds:,.0f} s at the pace of run {found.paced_by}.")
    elif found.seconds is not None:
        common.say(
            f"About {found.seconds:,.0f} s at the pace of {found.timed_calls} sampled calls, a few at a time; a run "
            "asks for more at a time, and is mostly faster."
        )
    elif found.untimed:
        common.say(f"Nothing is known of the pace of {', '.join(found.untimed)}: --time has a few samples timed.")


def _enqueue(workspace: Workspace, kind: RunKind, values: dict[str, Any], model: str | None, **rest: Any) -> int:
    """Enqueue a run, and add its model where it is a folder or Hub id that is not there yet: both or neither."""
    from cai_core.cli.model_files import check_new, find_model
    from cai_core.runs import queue
    from cai_core.store import models

    new: dict[str, Any] | None = None
    if model is not None:
        with workspace.reading() as session:
            name = find_model(session, model)
        if name is None:
            new = check_new(workspace.folder, model)
            name = new["name"]
        values["policy" if kind == RunKind.RL else "model"] = name
    with workspace.writing() as session:
        if new is not None:
            models.add(session, **new)
        return queue.add(session, kind, values, **rest)


def _say_what_it_waits_for(workspace: Workspace, run_id: int) -> None:
    from cai_core.store import runs

    with workspace.reading() as session:
        culprit = runs.held_up_by(session, run_id)
    if culprit is not None:
        common.say(
            f"It waits for run {culprit.id} ({culprit.kind}), which is {culprit.state}; `cai-studio runs resume "
            f"{culprit.id}` lets that go on."
        )


def read_settings(given: list[str]) -> dict[str, Any]:
    """Settings from `key=value`, a JSON object, or `@file` with one; a value is JSON where it can be, else text."""
    values: dict[str, Any] = {}
    for text in given:
        if text.startswith("@"):
            text = _read(Path(text[1:]))
        if text.lstrip().startswith("{"):
            values.update(_object(text))
        elif "=" in text:
            key, value = text.split("=", 1)
            values[key.strip()] = _value(value)
        else:
            raise RunError(f"--config {text!r} cannot be read: it is KEY=VALUE, a JSON object, or @FILE with one.")
    return values


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RunError(f"--config {path} cannot be read: {error.strerror}. Name a file of JSON settings.") from None
    except UnicodeDecodeError:
        raise RunError(f"--config {path} is not UTF-8 text. Save it as UTF-8 and try again.") from None


def _object(text: str) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunError(f"--config holds JSON that cannot be read: {error}. Mend it, or write KEY=VALUE.") from None
    return values


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # no JSON, or a number or a nesting beyond reading: the setting's own check says what fits


def _summary(workspace: Workspace, run_id: int) -> dict[str, Any]:
    from cai_core.store import runs

    with workspace.reading() as session:
        return runs.summary(runs.get(session, run_id))


@app.command("list")
def list_runs(
    folder: common.Folder = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    as_json: common.Json = False,
) -> None:
    """The newest runs."""
    from cai_core.runs import queue
    from cai_core.store import runs

    workspace = common.workspace(folder, create=False)
    queue.kick(workspace)
    with workspace.reading() as session:
        rows = [runs.summary(row) for row in runs.newest(session, limit)]
    if as_json:
        common.print_json(rows)
        return
    table: list[list[object]] = [
        [r["id"], r["kind"], r["state"], runs.progress(r), f"{r['seconds']:.0f} s", r["note"] or r["error"]]
        for r in rows
    ]
    common.print_table(["run", "stage", "state", "progress", "time", "note"], table)


@app.command()
def show(run_id: common.RunId, folder: common.Folder = None, as_json: common.Json = False) -> None:
    """One run: settings, parents, progress, result or error."""
    from cai_core.runs import queue
    from cai_core.store import runs

    workspace = common.workspace(folder, create=False)
    queue.kick(workspace)
    found = _summary(workspace, run_id)
    if as_json:
        common.print_json(found)
        return
    common.say(f"run {run_id}: {found['kind']}, {found['state']}, {runs.progress(found)}")
    for name in ("error", "seed", "constitution", "parents", "device", "seconds", "code_revision", "note"):
        if found[name] not in (None, "", []):
            common.say(f"  {name}: {found[name]}")
    for name in ("config", "result"):
        common.say(f"  {name}: {json.dumps(found[name], indent=2, ensure_ascii=False)}")


@app.command()
def stop(run_id: common.RunId, folder: common.Folder = None) -> None:
    """Ask a run to stop; it keeps what it has and can be resumed."""
    from cai_core.runs import queue

    queue.request_stop(common.workspace(folder, create=False), run_id)
    common.say(f"run {run_id} is asked to stop; `cai-studio runs resume {run_id}` lets it go on.")


@app.command()
def resume(
    run_id: Annotated[list[int], typer.Argument(metavar="ID...", max=common.MOST, help="Runs to resume.")],
    folder: common.Folder = None,
) -> None:
    """Let stopped, failed or lost runs go on where they were."""
    from cai_core.runs import queue

    workspace = common.workspace(folder, create=False)
    queue.resume(workspace, *run_id)
    queue.kick(workspace)
    common.say(f"{'run' if len(run_id) == 1 else 'runs'} {' '.join(map(str, run_id))} will go on.")


@app.command()
def clone(
    run_id: common.RunId,
    folder: common.Folder = None,
    config: Settings = None,
    seed: Annotated[int | None, typer.Option(help="Another seed.")] = None,
    as_json: common.Json = False,
) -> None:
    """Enqueue a run like another, with some settings changed."""
    from cai_core.runs import queue

    changes = read_settings(config or [])
    workspace = common.workspace(folder, create=False)
    new = queue.clone(workspace, run_id, changes, seed=seed)
    queue.kick(workspace)
    if as_json:
        common.print_json(_summary(workspace, new))
    else:
        common.say(f"run {new} is enqueued, a clone of run {run_id}.")


@app.command()
def log(
    run_id: common.RunId,
    folder: common.Folder = None,
    lines: Annotated[int, typer.Option(min=1, help="How many lines from the end.")] = 50,
) -> None:
    """The end of a run's log."""
    from cai_core.runs.launchers import tail
    from cai_core.store import runs

    workspace = common.workspace(folder, create=False)
    with workspace.reading() as session:
        runs.get(session, run_id)
    typer.echo(tail(workspace.folder, run_id, lines))
