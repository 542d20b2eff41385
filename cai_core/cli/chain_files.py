"""`cai-studio import chains`, `cai-studio export chains` and `export dataset`."""

from pathlib import Path
from typing import Annotated

import typer

from cai_core.cli import common
from cai_core.cli.file_reports import report_export, report_import
from cai_core.interchange.rows.render import Style
from cai_core.types import PromptKind

OUT_HELP = "File: .jsonl, .json, .csv, .tsv (and .gz), .parquet."
Filter = Annotated[
    list[str] | None,
    typer.Option("--filter", metavar="KEY=VALUE", help="Which chains, as in the Chains page's address; repeatable."),
]
Runs = Annotated[
    list[int] | None, typer.Option("--run", metavar="ID", max=common.MOST, help="Only these runs; may be repeated.")
]
As = Annotated[Style, typer.Option("--style", help="Turns as messages, or as texts.")]


def import_chains(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="cai-chain JSON Lines, or published chains, or in gzip.")
    ],
    folder: common.Folder = None,
    source: Annotated[str, typer.Option("--set", help="Prompt set that their prompts join; else the file's.")] = "",
    kind: Annotated[
        PromptKind, typer.Option(help="What the prompts are for where the file does not say.")
    ] = PromptKind.RED_TEAM,
    format: Annotated[
        str | None, typer.Option(help="cai-chain, paper-chains or cai-conversation; else told from the columns.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count: nothing is written.")] = False,
    as_json: common.Json = False,
) -> None:
    """Add a file's chains, each once; rows that cannot be used are set aside and listed."""
    from cai_core.interchange.rows import read_rows
    from cai_core.store.chain_files import ChainWishes, import_chains

    reading = read_rows(file, format=format)
    workspace = common.workspace(folder, create=False) if dry_run else common.workspace_to_fill(folder)
    report = import_chains(workspace, reading, ChainWishes(source, kind), dry_run=dry_run)
    report_import(report, "chains", dry_run=dry_run, as_json=as_json)


def export_chains(
    out: Annotated[
        Path | None, typer.Argument(metavar="[OUT]", help=f"{OUT_HELP} Else chains.jsonl in the workspace's exports/.")
    ] = None,
    folder: common.Folder = None,
    format: Annotated[
        str,
        typer.Option(
            help="cai-chain (all that is known of them), preference, hh-rlhf, prompt-completion, language-modeling, "
            "chat, prompt-only or cai-conversation."
        ),
    ] = "cai-chain",
    style: As = Style.CONVERSATIONAL,
    conditions: Filter = None,
    saved: Annotated[str, typer.Option(help="Start from a filter that was saved under this name.")] = "",
    run: Runs = None,
    inputs: Annotated[
        bool, typer.Option("--inputs", help="With the exact input of every call, built again (cai-chain only).")
    ] = False,
    as_json: common.Json = False,
) -> None:
    """Write chains to a file, and say what its format cannot hold."""
    from cai_core.store.chain_exports import export_chains

    workspace = common.workspace(folder, create=False)
    path = out or workspace.exports / "chains.jsonl"
    wanted = common.chain_filter(workspace, conditions, saved)
    if inputs:
        from cai_core.runs.chain_inputs import export_with_inputs

        export = export_with_inputs(workspace, path, wanted, format=format, runs=run or [])
    else:
        export = export_chains(workspace, path, wanted, format=format, style=style, runs=run or [])
    report_export(export, path, "chain", as_json=as_json)


def export_dataset(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The dataset's name.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help=OUT_HELP)],
    folder: common.Folder = None,
    format: Annotated[
        str, typer.Option(help="prompt-completion, language-modeling, chat or prompt-only.")
    ] = "prompt-completion",
    style: As = Style.CONVERSATIONAL,
    split: Annotated[str, typer.Option(help="Only 'train', or only 'heldout'; else both.")] = "",
    as_json: common.Json = False,
) -> None:
    """Write a dataset's examples to a file that trainers read."""
    from cai_core.store.chain_exports import export_dataset

    workspace = common.workspace(folder, create=False)
    export = export_dataset(workspace, name, out, format=format, style=style, split=split)
    report_export(export, out, "example", as_json=as_json)
