"""`cai-studio prompts ...`: look at prompts and their sets, tag, split, sample, deduplicate and remove them."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from cai_core.cli import common
from cai_core.errors import PromptError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.queries.prompt_filter import PromptFilter

app = typer.Typer(
    help="Prompts: list, show, tag, split, sample, deduplicate, delete. `import prompts` brings them in, "
    "`run prompts` writes more.",
    no_args_is_help=True,
)
T = TypeVar("T")
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter", "-f", metavar="KEY=VALUE", help="source, kind, split, topic, tag, run, used or text; repeatable."
    ),
]
Set = Annotated[str, typer.Option("--set", help="Only this prompt set.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Only count: nothing is changed.")]
Seed = Annotated[int, typer.Option(min=0, max=common.MOST, help="Draws.")]
CUT = 70


@app.command("sets")
def list_sets(folder: common.Folder = None, as_json: common.Json = False) -> None:
    """Every prompt set, by kind and split."""
    from db.queries.prompts import prompt_sets

    with common.workspace(folder, create=False).reading() as session:
        found = prompt_sets(session)
    if as_json:
        common.print_json([asdict(one) for one in found])
        return
    rows: list[list[object]] = [
        [one.name, f"{one.count:,}", _counted(one.kinds), _counted(one.splits)] for one in found
    ]
    common.print_table(["set", "prompts", "kinds", "splits"], rows)


@app.command("list")
def list_prompts(
    folder: common.Folder = None,
    filters: Filters = None,
    source: Set = "",
    after: Annotated[int, typer.Option(min=0, max=common.MOST, help="Begin after this prompt.")] = 0,
    as_json: common.Json = False,
) -> None:
    """Fifty prompts that pass the filter, and how many there are."""
    from db.queries.prompts import count_prompts, count_used, prompt_page

    wanted = _filter(filters, source)
    with common.workspace(folder, create=False).reading() as session:
        page, count = prompt_page(session, wanted, after), count_prompts(session, wanted)
        used = count_used(session, wanted)
    if as_json:
        rows_ = [asdict(line) for line in page.rows]
        common.print_json({"prompts": count, "used": used, "more": page.more, "rows": rows_})
        return
    rows: list[list[object]] = [
        [line.id, line.source, line.kind, line.split, line.topic, ", ".join(line.tags), _line(line.prompt)]
        for line in page.rows
    ]
    common.print_table(["prompt", "set", "kind", "split", "topic", "tags", "last turn"], rows)
    more = f" More follow: --after {page.rows[-1].id}." if page.more else ""
    common.say(f"{count:,} prompts pass, of which runs have used {used:,}.{more}")


@app.command()
def show(
    prompt_id: Annotated[int, typer.Argument(metavar="ID", max=common.MOST, help="A prompt's number.")],
    folder: common.Folder = None,
    as_json: common.Json = False,
) -> None:
    """One prompt: its turns, where it came from, and what used it."""
    from db.queries.prompts import prompt_detail

    with common.workspace(folder, create=False).reading() as session:
        found = prompt_detail(session, prompt_id)
    if found is None:
        raise PromptError(f"there is no prompt {prompt_id} in this workspace. `cai-studio prompts list` lists them.")
    if as_json:
        common.print_json(asdict(found))
        return
    for role, text in found.turns:
        common.say(f"{role}: {common.on_terminal(text)}")
    written = f", written by run {found.run}" if found.run else ""
    where = " · ".join(filter(None, (found.source, found.kind, found.split, found.topic, ", ".join(found.tags))))
    common.say(common.on_terminal(f"prompt {found.id} ({found.uid}): {where}{written}"))
    for name, value in found.extra.items():
        common.say(common.on_terminal(f"  {name}: {value}"))
    for name in ("runs", "chains", "comparisons", "responses"):
        if (uses := getattr(found, name)).count:
            common.say(f"  {name}: {uses.count:,} ({', '.join(str(one.id) for one in uses.shown[:10])})")


@app.command()
def tag(
    name: Annotated[str, typer.Argument(metavar="TAG")],
    folder: common.Folder = None,
    filters: Filters = None,
    source: Set = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take it off instead.")] = False,
    dry_run: Dry = False,
    as_json: common.Json = False,
) -> None:
    """Put a tag on the prompts that pass the filter, or take it off."""
    from cai_core.store import prompt_sets

    wanted, act = _filter(filters, source), prompt_sets.untag if remove else prompt_sets.tag
    done = _changed(folder, lambda session: act(session, wanted, name), dry_run)
    _report(asdict(done), dry_run, as_json, f"{done.changed:,} prompts changed, {done.unchanged:,} were so already.")


@app.command()
def split(
    shares: Annotated[str, typer.Argument(metavar="SPLIT", help="A split, or train=.8,dev=.1,test=.1.")],
    folder: common.Folder = None,
    filters: Filters = None,
    source: Set = "",
    seed: Seed = 0,
    used_too: Annotated[
        bool, typer.Option("--used-too", help="Move prompts that runs have used: a test may meet what was trained on.")
    ] = False,
    dry_run: Dry = False,
    as_json: common.Json = False,
) -> None:
    """Draw splits by a hash of each prompt; those that runs have used keep theirs."""
    from cai_core.store import prompt_sets
    from cai_core.store.prompt_splits import read_shares

    wanted, read = _filter(filters, source), read_shares(shares)
    done = _changed(
        folder, lambda session: prompt_sets.split(session, wanted, read, seed=seed, used_too=used_too), dry_run
    )
    kept = f" {done.kept:,} keep theirs, for runs have used them." if done.kept else ""
    out = f" {done.used_changed:,} of them were used, {done.out_of_train:,} in train." if done.used_changed else ""
    said = f"{done.changed:,} prompts moved, {done.unchanged:,} were there already.{kept}{out} {_counted(done.splits)}."
    _report(asdict(done), dry_run, as_json, said)


@app.command()
def sample(
    count: Annotated[int, typer.Argument(metavar="N", min=1)],
    name: Annotated[str, typer.Argument(metavar="TAG", help="A tag that nothing has yet.")],
    folder: common.Folder = None,
    filters: Filters = None,
    source: Set = "",
    seed: Seed = 0,
    dry_run: Dry = False,
    as_json: common.Json = False,
) -> None:
    """Put a new tag on N prompts drawn from those that pass the filter."""
    from cai_core.store import prompt_sets

    wanted = _filter(filters, source)
    done = _changed(folder, lambda session: prompt_sets.sample(session, wanted, count, seed=seed, tag=name), dry_run)
    _report({"tagged": done}, dry_run, as_json, f"{done:,} prompts drawn into {name!r}.")


@app.command()
def dedupe(
    source: Annotated[str, typer.Argument(metavar="SET")],
    folder: common.Folder = None,
    near: Annotated[float, typer.Option(help="Least overlap (Jaccard) of their runs of three words.")] = 0.8,
    seed: Seed = 0,
    name: Annotated[str, typer.Option("--tag", help="Put this tag on them.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Remove them.")] = False,
    as_json: common.Json = False,
) -> None:
    """Find the near duplicates of a set; tag or remove them where told so. What runs have used stays."""
    from cai_core.store import prompt_sets

    if name and remove:
        raise PromptError("near duplicates are tagged or removed, not both. Leave out --tag or --remove.")
    workspace = common.workspace(folder, create=False)
    found = prompt_sets.near_duplicates(workspace, source, near, seed=seed)
    values = {
        "looked_at": found.looked_at,
        "near_duplicates": len(found.ids),
        "across_splits": found.across,
        "used_pairs": [{"a": a, "b": b, "overlap": round(share, 3)} for a, b, share in found.used_pairs],
        "pairs": [{"stays": a, "other": b, "overlap": round(share, 3)} for a, b, share in found.pairs],
        "tagged": 0,
        "removed": 0,
    }
    if name or remove:
        with workspace.writing() as session:
            if name:
                values["tagged"] = prompt_sets.tag_duplicates(session, found, name).changed
            else:
                values["removed"] = prompt_sets.remove_duplicates(session, found).removed
    done = f" {values['tagged']:,} tagged." if name else f" {values['removed']:,} removed." if remove else ""
    said = (
        f"{len(found.ids):,} of {found.looked_at:,} prompts are near duplicates of another; {found.across:,} pairs are "
        f"in two splits, {len(found.used_pairs):,} pairs are both used by runs and stay.{done}"
    )
    _report(values, dry_run=False, as_json=as_json, said=said)
    if not as_json:
        for one, other, overlap in (*found.used_pairs, *found.pairs)[:20]:
            common.say(f"  {other} is {overlap:.0%} prompt {one}")


@app.command()
def delete(
    folder: common.Folder = None,
    filters: Filters = None,
    source: Set = "",
    dry_run: Dry = False,
    as_json: common.Json = False,
) -> None:
    """Remove the prompts that pass the filter and that no run has used."""
    from cai_core.store import prompt_sets
    from db.queries.prompt_filter import PromptFilter

    wanted = _filter(filters, source)
    if wanted == PromptFilter():
        raise PromptError("no filter is given, which would mean every prompt. Name a --set, or a --filter.")
    done = _changed(folder, lambda session: prompt_sets.remove(session, wanted), dry_run)
    named = ", ".join(map(str, done.kept_ids[:20]))
    kept = (
        f" {done.kept:,} stay, for runs have used them ({named}{', …' if done.kept > 20 else ''})." if done.kept else ""
    )
    _report(asdict(done), dry_run, as_json, f"{done.removed:,} prompts removed.{kept}")


def _changed(folder: Path | None, act: "Callable[[Session], T]", dry_run: bool) -> T:
    """What a change comes to; in a dry run it is made and taken back."""
    with common.workspace(folder, create=False).writing() as session:
        done = act(session)
        if dry_run:
            session.rollback()
    return done


def _filter(given: list[str] | None, source: str) -> "PromptFilter":
    from db.queries.prompt_filter import read_filter

    try:
        found = read_filter(common.conditions(given))
    except ValueError as error:
        raise PromptError(str(error)) from None
    return replace(found, source=source) if source else found


def _report(values: dict[str, Any], dry_run: bool, as_json: bool, said: str) -> None:
    if as_json:
        common.print_json({**values, "dry_run": dry_run})
    else:
        common.say(f"{'Only counted, nothing is changed: ' if dry_run else ''}{said}")


def _counted(counts: Any) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CUT else line[: CUT - 1] + "…"
