"""`cai-studio constitution compare A B`: two versions on the same prompts and pairs, as runs, and what differs."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cai_core.cli import common
from cai_core.errors import RunError
from cai_core.types import PromptKind

if TYPE_CHECKING:
    from cai_core.runs.compare import VersionComparison
    from cai_core.store.workspace import Workspace

Ref = Annotated[str, typer.Argument(metavar="NAME[@N]")]
DEFAULT = 300
"""Prompts, and pairs, where none are asked for."""


def compare(
    a: Ref,
    b: Ref,
    folder: common.Folder = None,
    model: Annotated[str, typer.Option(help="Model that answers, revises and writes fresh pairs.")] = "sandbox",
    label_model: Annotated[str, typer.Option(help="Feedback model; else the same.")] = "",
    num_prompts: Annotated[
        int | None, typer.Option("--prompts", min=0, max=10_000_000, help="Red-team prompts that get a chain.")
    ] = None,
    red_team: Annotated[int | None, typer.Option(min=0, max=10_000_000, help="The same, by its kind's name.")] = None,
    helpful: Annotated[int, typer.Option(min=0, max=10_000_000, help="Helpful prompts beside them.")] = 0,
    look_alike: Annotated[int, typer.Option(min=0, max=10_000_000, help="Benign look-alikes beside them.")] = 0,
    pairs: Annotated[
        int | None,
        typer.Option(
            min=0, max=10_000_000, help="Fresh pairs to label, of the prompts' kinds; else as many as prompts."
        ),
    ] = None,
    comparisons: Annotated[
        int | None, typer.Option(metavar="RUN", max=common.MOST, help="Label the pairs of this run instead.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Critique-revision rounds a chain.")] = 4,
    seed: Annotated[int, typer.Option(help="Of prompts, draws and texts.")] = 0,
    source: Annotated[str, typer.Option(help="Take prompts only from this source.")] = "",
    wait: Annotated[bool, typer.Option(help="Follow the runs to their end.")] = True,
    as_json: common.Json = False,
) -> None:
    """Chains and labels under A and under B, on the same data; rows that draw nothing changed are taken over from A."""
    from cai_core.runs import queue
    from cai_core.runs.compare import VersionComparison, scaled

    counts = _counts(num_prompts, red_team, helpful, look_alike)
    queue.check_seed(seed)
    workspace = common.workspace(folder, create=folder is None)
    wanted = VersionComparison(
        a,
        b,
        model=model,
        chains=counts,
        pairs=None if comparisons is not None else scaled(counts, pairs),
        pairs_from=comparisons,
        label_model=label_model,
        rounds=rounds,
        seed=seed,
        source=source,
    )
    _run(workspace, wanted, wait=wait, as_json=as_json)


def _run(workspace: "Workspace", wanted: "VersionComparison", *, wait: bool, as_json: bool) -> None:
    """Enqueue, follow, and say what differs."""
    from cai_core.cli.follow import to_the_end
    from cai_core.runs import queue
    from cai_core.runs.compare import comparison_report, enqueue_compare

    ids = enqueue_compare(workspace, wanted)
    queue.kick(workspace)
    done = not wait or to_the_end(workspace, list(ids.values()), quiet=as_json)
    with workspace.reading() as session:
        report = comparison_report(session, ids)
    if as_json:
        common.print_json(report)
    elif wait:
        _say(report)
    else:
        common.say(f"runs {' '.join(map(str, ids.values()))} are enqueued; the Compare page shows what comes of them.")
    if not done:
        raise typer.Exit(1)


def _counts(num_prompts: int | None, red_team: int | None, helpful: int, look_alike: int) -> dict[PromptKind, int]:
    if num_prompts is not None and red_team is not None:
        raise RunError("--prompts and --red-team say the same thing. Give one of them.")
    first = red_team if num_prompts is None else num_prompts
    if first is None:
        first = 0 if helpful or look_alike else DEFAULT
    return {PromptKind.RED_TEAM: first, PromptKind.HELPFUL: helpful, PromptKind.LOOK_ALIKE: look_alike}


def _say(report: dict[str, Any]) -> None:
    for kind, say in (("chains", _say_chains), ("labels", _say_labels)):
        if (found := report[kind]) is not None:
            say(found)


def _say_chains(found: dict[str, Any]) -> None:
    differ = found["differ"]
    common.say(f"chains, {found['before']} and {found['after']} (runs {found['run']} and {found['own_run']}):")
    common.say(f"  {_recalled(found, 'chains')}")
    common.say(
        f"  {found['redrawn']} of {found['revised']} drew a principle that differs; {differ['count']} of {differ['n']} "
        f"end in another text{_between(differ, percent=True)}."
    )
    if found["untold"]:
        common.say(f"  {found['untold']} ended early under one version or both, and are compared with nothing.")
    rows: list[list[object]] = [
        [one["rate"].replace("_", "-"), one["topic"] or "all", one["change"]["n"], *_rate(one)]
        for one in found["rates"]
    ]
    if rows:
        common.print_table(["rate", "topic", "prompts", found["before"], found["after"], "change", "95 %"], rows)


def _rate(one: dict[str, Any]) -> list[object]:
    change = one["change"]
    return [f"{one['before']:.2f}", f"{one['after']:.2f}", f"{change['value']:+.2f}", _interval(change, "+.2f")]


def _say_labels(found: dict[str, Any]) -> None:
    whole = found["parts"][0]
    flips, size = whole["flips"], whole["size"]
    common.say(f"labels, {found['before']} and {found['after']} (runs {found['run']} and {found['own_run']}):")
    common.say(f"  {_recalled(found, 'labels')}")
    common.say(f"  {found['redrawn']} of {found['pairs']} pairs drew a principle that differs.")
    if flips["n"]:
        common.say(
            f"  {flips['count']} of {flips['n']} flip{_between(flips, percent=True)}; p(A) moves by "
            f"{size['value']:.3f} on average{_between(size)}."
        )
    if untold := sum(found["untold"].values()):
        common.say(f"  {untold} pairs have no p(A) under one version or both, and count as no flip.")
    rows: list[list[object]] = [
        [one["before"], one["after"] + (" (reworded)" if one["reworded"] else ""), one["pairs"], one["flips"]]
        for one in found["principles"]
    ]
    if rows:
        common.print_table([f"principle in {found['before']}", f"in {found['after']}", "pairs", "flips"], rows)


def _recalled(found: dict[str, Any], what: str) -> str:
    recalled = found["recalled"]
    return f"{recalled['rows']} {what} were taken over whole, and {recalled['answers']} of {recalled['of']} answers."


def _between(found: dict[str, Any], *, percent: bool = False) -> str:
    """', 5.3 % [3.3, 8.5]', or the interval alone."""
    if found["low"] is None:
        return ""
    if percent:
        return f", {100 * found['value']:.1f} % [{100 * found['low']:.1f}, {100 * found['high']:.1f}]"
    return f" {_interval(found, '.3f')}"


def _interval(found: dict[str, Any], form: str) -> str:
    return "" if found["low"] is None else f"[{found['low']:{form}}, {found['high']:{form}}]"
