"""`cai-studio datasets ...`: freeze chains into what a model is trained on, and look at it."""

from typing import Annotated, Any

import typer

from cai_core.cli import common

app = typer.Typer(help="Freeze chains into datasets to train on, and look at them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The dataset's name.")]
Filter = Annotated[
    list[str] | None,
    typer.Option("--filter", metavar="KEY=VALUE", help="Which chains, as in the Chains page's address; repeatable."),
]


@app.command()
def freeze(
    name: Name,
    folder: common.Folder = None,
    wanted: Filter = None,
    rounds: Annotated[int, typer.Option(help="Revisions of rounds 1 to n; 0 takes all.")] = 0,
    last_only: Annotated[bool, typer.Option("--last-only", help="Only a chain's last revision.")] = False,
    verdicts: Annotated[str, typer.Option(help="Chains by verdict: all, not_rejected or accepted.")] = "all",
    helpful_share: Annotated[
        float | None, typer.Option(help="Share of the examples that are plain helpful samples; else all there are.")
    ] = None,
    heldout: Annotated[float, typer.Option(help="Share of the prompts that are held out.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of what is drawn.")] = 0,
    author: Annotated[str, typer.Option(help="Who freezes it.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count; nothing is written.")] = False,
    as_json: common.Json = False,
) -> None:
    """Freeze the texts of the chains that pass a filter."""
    from cai_core.config.datasets import load_recipe
    from cai_core.store import dataset_rows, datasets

    recipe = load_recipe(
        {
            "filter": common.conditions(wanted or []),
            "rounds": rounds,
            "last_only": last_only,
            "verdicts": verdicts,
            "helpful_share": helpful_share,
            "heldout": heldout,
            "seed": seed,
        }
    )
    workspace = common.workspace(folder, create=False)
    if dry_run:
        with workspace.reading() as session:
            _say_counts(dataset_rows.choose(session, recipe).counts, as_json)
        return
    made = datasets.freeze(workspace, name, recipe, author=author)
    with workspace.reading() as session:
        _show(datasets.summary(session, datasets.get(session, made.name)), as_json)


@app.command("list")
def list_datasets(
    folder: common.Folder = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    as_json: common.Json = False,
) -> None:
    """The newest datasets."""
    from cai_core.store import datasets

    with common.workspace(folder, create=False).reading() as session:
        found = [datasets.summary(session, row) for row in datasets.newest(session, limit)]
    if as_json:
        common.print_json(found)
        return
    rows: list[list[object]] = [
        [one["name"], one["counts"]["train"], one["counts"]["heldout"], one["hash"][:12], one["created_at"][:16]]
        for one in found
    ]
    common.print_table(["dataset", "train", "held out", "hash", "frozen"], rows)


@app.command()
def show(name: Name, folder: common.Folder = None, as_json: common.Json = False) -> None:
    """One dataset: counts, recipe, hash, and the runs that train on it."""
    from cai_core.store import datasets

    with common.workspace(folder, create=False).reading() as session:
        found = datasets.summary(session, datasets.get(session, name))
    _show(found, as_json)


@app.command()
def preview(
    name: Name,
    model: Annotated[str, typer.Option(help="Model by name, or a folder or Hub id.")] = "sandbox",
    folder: common.Folder = None,
    rows: Annotated[int, typer.Option(min=0, max=1000, help="How many examples to show.")] = 3,
    max_length: Annotated[int, typer.Option(min=16, max=131072, help="Longest example in tokens.")] = 1024,
    seed: Annotated[int, typer.Option(min=0, max=common.MOST, help="Which examples.")] = 0,
    as_json: common.Json = False,
) -> None:
    """Examples as the model will see them, what carries loss in brackets, and what would be left out by length."""
    from cai_core.cli.model_files import find_model
    from cai_core.store import datasets, models
    from cai_core.training.preview import LOOKED_AT, to_json
    from cai_core.training.preview import preview as look
    from cai_core.types import ModelRef

    workspace = common.workspace(folder, create=False)
    with workspace.reading() as session:
        row, known = datasets.get(session, name), find_model(session, model)
        ref = ModelRef(model) if known is None else models.to_ref(models.get(session, known), workspace.folder)
        examples = datasets.spread(session, row, LOOKED_AT, seed=seed)
    found = to_json(look(ref, examples, max_length=max_length, rows=rows))
    if as_json:
        common.print_json(found)
        return
    common.say(
        f"{found['too_long']:,} of {found['looked_at']:,} examples looked at have more than {found['limit']:,} tokens "
        f"and would be left out; the median is {found['median']:g}, the longest {found['longest']:,}."
    )
    for one in found["rows"]:
        marks = " (held out)" * one["heldout"] + " (too long)" * one["too_long"]
        common.say(f"\n--- {one['key']}, {one['tokens']} tokens{marks}")
        common.say(
            "".join(
                f"⟦{common.on_terminal(text)}⟧" if loss else common.on_terminal(text) for text, loss in one["segments"]
            )
        )


def _show(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        common.print_json(found)
        return
    common.say(f"dataset {common.on_terminal(found['name'])}, SHA-256 {found['hash']}")
    _say_counts(found["counts"], as_json=False)
    for key, value in found["recipe"].items():
        if value not in (None, {}, "all", 0, False):
            common.say(f"  {key}: {value}")
    used = ", ".join(f"run {run}" for run in found["used_by"])
    common.say(f"  trained on by: {used or 'no run'}")


def _say_counts(counts: dict[str, Any], as_json: bool) -> None:
    from cai_core.store.dataset_rows import LEFT_OUT

    if as_json:
        common.print_json(counts)
        return
    common.say(
        f"  {counts['train']:,} examples to train on and {counts['heldout']:,} held out, of {counts['prompts']:,} "
        f"prompts: {counts['revisions']:,} revisions, {counts['samples']:,} plain samples; {counts['edited']:,} of a "
        "branch that somebody edited"
    )
    for reason, number in counts["left_out"].items():
        common.say(f"  left out {number:,}: {LEFT_OUT[reason]}")
