"""`cai-studio import ...` and `cai-studio export ...`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cai_core.cli import chain_files, common, prompts
from cai_core.errors import ModelError

import_app = typer.Typer(help="Bring in prompts, chains, a constitution or a model.", no_args_is_help=True)
import_app.command("prompts")(prompts.import_prompts)
import_app.command("chains")(chain_files.import_chains)
export_app = typer.Typer(
    help="Write prompts, chains, a dataset, comparisons or labels to a file.", no_args_is_help=True
)
export_app.command("prompts")(prompts.export_prompts)
export_app.command("chains")(chain_files.export_chains)
export_app.command("dataset")(chain_files.export_dataset)


class Role(StrEnum):
    """What an imported model is for."""

    TEXT = "text"
    PREFERENCE = "preference"


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


Runs = Annotated[
    list[int] | None, typer.Option("--run", metavar="ID", max=common.MOST, help="Only these runs; may be repeated.")
]
Out = Annotated[Path | None, typer.Argument(metavar="[OUT]", help="File; .csv writes CSV, else JSON Lines.")]


@export_app.command("comparisons")
def export_comparisons(
    out: Out = None, folder: common.Folder = None, run: Runs = None, as_json: common.Json = False
) -> None:
    """Write comparisons to a file, in the workspace's exports/ if none is named."""
    _export("comparisons", folder, run, out, as_json=as_json)


@export_app.command("labels")
def export_labels(
    out: Out = None, folder: common.Folder = None, run: Runs = None, as_json: common.Json = False
) -> None:
    """Write labels to a file, in the workspace's exports/ if none is named."""
    _export("labels", folder, run, out, as_json=as_json)


def _export(what: str, folder: Path | None, run: list[int] | None, out: Path | None, *, as_json: bool) -> None:
    from cai_core.store import exports

    workspace = common.workspace(folder, create=False)
    path = out or workspace.exports / f"{what}.jsonl"
    count = exports.write(workspace, what, path, run or [])
    if as_json:
        common.print_json({"file": str(path), "rows": count})
    else:
        common.say(f"{count} {what} written to {path}.")
