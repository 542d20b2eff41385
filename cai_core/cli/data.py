"""`cai-studio import ...` and `cai-studio export ...`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cai_core.cli import common
from cai_core.errors import ModelError
from cai_core.types import PromptKind, Split

import_app = typer.Typer(help="Bring in prompts, a constitution or a model.", no_args_is_help=True)


class What(StrEnum):
    """What can be exported."""

    CHAINS = "chains"
    COMPARISONS = "comparisons"
    LABELS = "labels"


class Role(StrEnum):
    """What an imported model is for."""

    TEXT = "text"
    PREFERENCE = "preference"


@import_app.command("prompts")
def import_prompts(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Text or .jsonl, one prompt a line.")],
    kind: Annotated[PromptKind, typer.Option(help="What the prompts are for, where a line does not say.")],
    folder: common.Folder = None,
    split: Annotated[Split, typer.Option(help="Split, where a line does not say.")] = Split.TRAIN,
    source: Annotated[str, typer.Option(help="Name of the set; else the file's.")] = "",
    as_json: common.Json = False,
) -> None:
    """Add a file's prompts; lines that cannot be used are set aside and listed."""
    from cai_core.store import prompt_files

    good, bad_lines = prompt_files.read(file, kind=kind, split=split, source=source)
    report = prompt_files.add(common.workspace_to_fill(folder), good, bad_lines)
    if as_json:
        bad = [{"line": number, "why": why} for number, why in report.bad]
        common.print_json({"added": report.added, "known": report.known, "bad": bad})
        return
    common.say(f"{report.added} prompts added, {report.known} were known, {len(report.bad)} lines set aside.")
    for number, why in report.bad[:20]:
        common.say(f"  line {number}: {why}")


@import_app.command("constitution")
def import_constitution(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    folder: common.Folder = None,
    as_json: common.Json = False,
) -> None:
    """Save a constitution's file as its next version."""
    from cai_core.cli.constitution import save

    save(file, folder, as_json=as_json)


@import_app.command("model")
def import_model(
    base: Annotated[str, typer.Argument(metavar="[BASE]", help="A folder or a Hub id; none for an endpoint.")] = "",
    folder: common.Folder = None,
    name: Annotated[str, typer.Option(help="Name in the workspace; else the base's.")] = "",
    adapter: Annotated[Path | None, typer.Option(help="Folder of a LoRA adapter on the base.")] = None,
    revision: Annotated[str | None, typer.Option(help="Revision on the Hub.")] = None,
    role: Annotated[Role, typer.Option(help="What it is for: to write and to choose, or to score.")] = Role.TEXT,
    endpoint: common.EndpointUrl = None,
    model: common.EndpointModel = "",
    api: common.EndpointApi = common.Api.CHAT,
    key_env: common.EndpointKey = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--config", "-c", metavar="KEY=VALUE", help="Limits and prices of an endpoint; may be repeated."),
    ] = None,
    as_json: common.Json = False,
) -> None:
    """Check a causal language model, a preference model's adapter or a server's model, and add it."""
    from cai_core.cli.model_files import add_model

    if endpoint is not None:
        if base or adapter or revision or role != Role.TEXT:
            raise ModelError("an endpoint has no base, adapter, revision or role of its own. Leave them out.")
        _import_endpoint(folder, endpoint, settings, as_json, name=name, model=model, api=api.value, key_env=key_env)
        return
    if not base or model or key_env or settings:
        raise ModelError("a model is a folder or a Hub id, or an endpoint with --endpoint URL. Give one of them.")
    found = add_model(folder, base, name=name, adapter=adapter, revision=revision, role=role.value)
    if as_json:
        common.print_json(found)
    else:
        setting = "-c preference_model=" if role == Role.PREFERENCE else "--model "
        common.say(f"added as {found['name']!r}; use it with {setting}{found['name']}.")


def _import_endpoint(folder: Path | None, url: str, settings: list[str] | None, as_json: bool, **values: Any) -> None:
    from cai_core.cli.endpoint_files import add_endpoint, show
    from cai_core.cli.runs import read_settings

    found = add_endpoint(folder, url, **{**read_settings(settings or []), **values})
    if as_json:
        common.print_json(found)
        return
    show(found["facts"])
    common.say(f"added as {found['name']!r}; use it with --model {found['name']!r}.")


def export(
    what: Annotated[What, typer.Argument(help="What to export.")],
    folder: common.Folder = None,
    run: Annotated[
        list[int] | None, typer.Option(metavar="ID", max=common.MOST, help="Only these runs; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File; .csv writes CSV, else JSON Lines.")] = None,
    as_json: common.Json = False,
) -> None:
    """Write chains, comparisons or labels to a file, in the workspace's exports/ if none is named."""
    from cai_core.store import exports

    workspace = common.workspace(folder, create=False)
    path = out or workspace.exports / f"{what.value}.jsonl"
    count = exports.write(workspace, what.value, path, run or [])
    if as_json:
        common.print_json({"file": str(path), "rows": count})
    else:
        common.say(f"{count} {what.value} written to {path}.")
