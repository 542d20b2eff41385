"""How commands tell what became of a file's rows, for people and for programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cai_core.cli import common

if TYPE_CHECKING:
    from cai_core.interchange.rows import Export
    from cai_core.store.import_report import ImportReport

SHOWN = 20
"""Rows that are listed for people; `--json` lists more."""


def report_import(report: "ImportReport", noun: str, *, dry_run: bool, as_json: bool) -> None:
    """What came in, or would."""
    if as_json:
        common.print_json({**_plain(report), "dry_run": dry_run})
        return
    near = f"near duplicates: {report.near_duplicates:,}; " if report.near_duplicates else ""
    common.say(
        f"{'Would be' if dry_run else noun.capitalize()} accepted: {report.accepted:,}; duplicates: "
        f"{report.duplicates:,}; {near}rows that cannot be used: {report.refused_count:,}."
    )
    common.say(f"  format: {report.format}")
    for note in report.notes:
        common.say(f"  {common.on_terminal(note)}")
    for one in report.refused[:SHOWN]:
        common.say(f"  row {one.row}: {common.on_terminal(one.reason)}")
    if report.refused_count > SHOWN:
        common.say(f"  and {report.refused_count - SHOWN:,} more; --json lists {len(report.refused):,} of them.")


def report_export(export: "Export", out: Path, noun: str, *, as_json: bool) -> None:
    """What went out, and what did not; `noun` is what a row is: 'chain'."""
    if as_json:
        left_out = [{noun: one.row, "reason": one.reason} for one in export.left_out]
        found = {"file": str(out), "rows": export.rows, "left_out": left_out, "left_out_count": export.left_out_count}
        common.print_json({**found, "lost": list(export.lost)})
        return
    common.say(f"{export.rows:,} rows written to {out}.")
    for lost in export.lost:
        common.say(f"  not in the file: {common.on_terminal(lost)}")
    if export.left_out_count:
        common.say(f"{export.left_out_count:,} {noun}s do not fit the format and were left out:")
    for one in export.left_out[:SHOWN]:
        common.say(f"  {noun} {one.row}: {common.on_terminal(one.reason)}")


def _plain(report: "ImportReport") -> dict[str, Any]:
    return {
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "near_duplicates": report.near_duplicates,
        "refused": [{"row": one.row, "reason": one.reason} for one in report.refused],
        "refused_count": report.refused_count,
        "format": report.format,
        "notes": list(report.notes),
    }
