"""`cai-studio import prompts` and `cai-studio export prompts`."""

from pathlib import Path
from typing import Annotated

import typer

from cai_core.cli import common
from cai_core.cli.file_reports import report_export, report_import
from cai_core.types import PromptKind, Split


def import_prompts(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines, CSV, Parquet or plain lines, or in gzip.")],
    folder: common.Folder = None,
    source: Annotated[str, typer.Option("--set", "--source", help="Name of the prompt set; else the file's.")] = "",
    kind: Annotated[
        PromptKind | None, typer.Option(help="What the prompts are for, whatever the file says; else it must say it.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Split, or shares such as train=.8,dev=.1,test=.1; else the file's, or train."),
    ] = None,
    seed: Annotated[int, typer.Option("--split-seed", help="Draws the split of each prompt by the shares.")] = 0,
    format: Annotated[
        str | None, typer.Option(help="Format, such as hh-rlhf or chat; else told from the columns.")
    ] = None,
    near: Annotated[
        float | None,
        typer.Option(help="Set aside prompts whose words overlap so much with an earlier one: 0.8, say."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count: nothing is written.")] = False,
    as_json: common.Json = False,
) -> None:
    """Add a file's prompts, each once; rows that cannot be used are set aside and listed."""
    from cai_core.interchange.rows import read_rows
    from cai_core.store.prompt_files import Wishes, import_prompts
    from cai_core.store.prompt_splits import read_shares

    wishes = Wishes(source, kind, None if split is None else read_shares(split), seed, near)
    reading = read_rows(file, format=format)
    workspace = common.workspace(folder, create=False) if dry_run else common.workspace_to_fill(folder)
    report = import_prompts(workspace, reading, wishes, dry_run=dry_run)
    report_import(report, "prompts", dry_run=dry_run, as_json=as_json)


def export_prompts(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File: .jsonl, .json, .csv, .tsv (and .gz), .parquet.")],
    folder: common.Folder = None,
    format: Annotated[str, typer.Option(help="prompts (all that is known of them), prompt-only or chat.")] = "prompts",
    source: Annotated[str, typer.Option("--set", "--source", help="Only this prompt set.")] = "",
    kind: Annotated[PromptKind | None, typer.Option(help="Only prompts of this kind.")] = None,
    split: Annotated[Split | None, typer.Option(help="Only this split.")] = None,
    as_json: common.Json = False,
) -> None:
    """Write prompts to a file, and say what its format cannot hold."""
    from cai_core.store.prompt_exports import export_prompts

    workspace = common.workspace(folder, create=False)
    export = export_prompts(workspace, out, format=format, source=source, kind=kind, split=split)
    report_export(export, out, "prompt", as_json=as_json)
