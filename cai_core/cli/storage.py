"""`cai-studio storage`: what takes the disk."""

from dataclasses import asdict
from typing import Annotated

import typer

from cai_core.cli import common


def storage(
    folder: common.Folder = None,
    limit: Annotated[int, typer.Option(min=1, help="How many runs and tables to list.")] = 20,
    as_json: common.Json = False,
) -> None:
    """What the workspace takes on the disk, by kind of file, by run, and by table."""
    from cai_core.store.disk import disk_use, in_words

    found = disk_use(common.workspace(folder, create=False))
    if as_json:
        runs = [{**asdict(one), "total": one.total} for one in found.runs]
        common.print_json({**asdict(found), "folder": str(found.folder), "runs": runs})
        return
    common.say(f"{found.folder}: {in_words(found.total)}; {in_words(found.free)} are free on its disk.")
    common.print_table(["kind", "size"], [[kind, in_words(size)] for kind, size in found.kinds.items() if size])
    rows: list[list[object]] = [
        [one.run, one.kind or "no such run", in_words(one.total), in_words(one.bytes.get("checkpoints", 0))]
        for one in found.runs[:limit]
    ]
    common.print_table(["run", "stage", "size", "of it checkpoints"], rows)
    tables = list((found.tables or {}).items())[:limit]
    common.print_table(["table", "size"], [[name, in_words(size)] for name, size in tables])
