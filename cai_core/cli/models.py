"""`cai-studio models ...`: what a model is and came from; an adapter merged into its base."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cai_core.cli import common
from cai_core.errors import ModelError

app = typer.Typer(help="Look at models; merge an adapter into its base.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The model's name.")]


@app.command()
def show(name: Name, folder: common.Folder = None, as_json: common.Json = False) -> None:
    """One model: its weights, the runs behind it, and where human judgement entered."""
    from cai_core.store import models, provenance

    with common.workspace(folder, create=False).reading() as session:
        row = models.get(session, name)
        behind = [] if row.run_id is None else [[one.id, one.kind] for one in provenance.causes(session, row.run_id)]
        found: dict[str, Any] = {
            "name": row.name,
            "kind": row.kind,
            "base": row.base,
            "adapter": row.adapter,
            "step": row.step,
            "facts": row.facts,
            "runs": [{"run": run, "kind": kind} for run, kind in behind],
            "human_judgement": dict(provenance.of_model(session, row)),
        }
    if as_json:
        common.print_json(found)
        return
    common.say(common.on_terminal(f"model {found['name']}: {found['kind']}, base {found['base']}"))
    common.say("  runs behind it: " + (", ".join(f"{one['run']} ({one['kind']})" for one in found["runs"]) or "none"))
    for what, said in found["human_judgement"].items():
        common.say(common.on_terminal(f"  {what}: {said}"))


@app.command()
def merge(
    name: Name,
    out: Annotated[Path, typer.Argument(help="The folder to write; it must not be there yet.")],
    folder: common.Folder = None,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"],
        typer.Option(help="Precision of what is written; float32 rounds nothing."),
    ] = "float32",
    as_json: common.Json = False,
) -> None:
    """Write a model's base and adapter as one folder of safetensors that transformers loads."""
    from cai_core.store import models
    from cai_core.training.merge import merge_adapter

    workspace = common.workspace(folder, create=False)
    with workspace.reading() as session:
        row = models.get(session, name)
        ref = models.to_ref(row, workspace.folder)
    if row.kind != "causal":
        raise ModelError(f"model {name!r} is a {row.kind} model: its head is part of its adapter. Merge a causal one.")
    difference = merge_adapter(ref, out, dtype=dtype)
    if as_json:
        common.print_json({"folder": str(out.absolute()), "dtype": dtype, "difference": difference})
        return
    common.say(f"{out} holds {name}, merged; log-probabilities differ by at most {difference:.2g}.")
