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


def write_report(path: Path, reports: Sequence[Report]) -> None:
    """Put the tables, with date, machine and code revision, between the marks of a Markdown page."""
    page = path.read_text(encoding="utf-8") if path.exists() else f"# Results\n\n{BEGIN}\n{END}\n"
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise CAIError(f"{path} has no place for the tables: it needs one line {BEGIN} and, below it, one {END}.")
    head, tail = page.split(BEGIN)[0], page.split(END)[1]
    measured = (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPU cores ({platform.machine()}), "
        f"code revision {code_revision()}."
    )
    common.write_text(path, f"{head}{BEGIN}\n{measured}\n\n{report_markdown(reports)}{END}{tail}")
