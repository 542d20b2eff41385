"""The page of measured results: what a command measured goes between two marks, and the rest is left alone."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cai_core.cli import common
from cai_core.errors import CAIError
from cai_core.evaluation.report import Report, report_markdown
from cai_core.store.runs import code_revision

BEGIN, END = "<!-- demo-seeds: begin -->", "<!-- demo-seeds: end -->"


def split_page(path: Path) -> tuple[str, str]:
    """What a page says before and after the marks; a page that is not there yet is a heading."""
    try:
        page = path.read_text(encoding="utf-8") if path.exists() else f"# Results\n\n{BEGIN}\n{END}\n"
    except (OSError, UnicodeDecodeError) as error:
        raise CAIError(f"{path} cannot be read: {error}. Name a page of UTF-8 text.") from None
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise CAIError(f"{path} has no place for the tables: it needs one line {BEGIN} and, below it, one {END}.")
    return page.split(BEGIN)[0], page.split(END)[1]


def write_report(path: Path, reports: Sequence[Report]) -> None:
    """Put the tables, with date, machine and code revision, between the marks of a Markdown page."""
    head, tail = split_page(path)
    measured = (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPU cores ({platform.machine()}), "
        f"code revision {code_revision()}."
    )
    common.write_text(path, f"{head}{BEGIN}\n{measured}\n\n{report_markdown(reports)}{END}{tail}")
