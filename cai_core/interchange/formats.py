"""The formats that constitutions come and go in, and which of them some files are in."""

import csv
import re
from collections.abc import Callable, Mapping
from typing import Any

from cai_core.constitution.load import check_constitution
from cai_core.errors import ConstitutionError
from cai_core.interchange import cai, hf, langchain, paper, votes
from cai_core.interchange.report import Export, ImportReport, ReadOptions
from cai_core.interchange.texts import parse_json
from cai_core.types import Constitution

READERS: dict[str, Callable[[Mapping[str, str], ReadOptions], ImportReport]] = {
    "cai": cai.read,
    "paper": paper.read,
    "hf": hf.read,
    "langchain": langchain.read,
    "votes": votes.read,
}
WRITERS: dict[str, Callable[[Constitution], Export]] = {
    "cai": cai.write,
    "paper": paper.write,
    "hf": hf.write,
    "langchain": langchain.write,
}
NAMES = {
    "cai": "CAI Studio (YAML)",
    "paper": "the paper's files (JSON)",
    "hf": "Hugging Face's recipe (JSON)",
    "langchain": "LangChain's principles (JSON)",
    "votes": "voted statements (CSV)",
}
"""How people know them."""


def read(files: Mapping[str, str], *, format: str = "", options: ReadOptions | None = None) -> ImportReport:
    """What would come in from some files, given as text by name; the format is told by their content.

    Raises `ConstitutionError` where nothing can be read at all. Save what `accepted(report)` gives.
    """
    format = format or detect(files)
    if format not in READERS:
        raise ConstitutionError(f"there is no format {format!r} to read; use one of: {', '.join(READERS)}")
    if len(files) > 1 and format != "paper":
        raise ConstitutionError(f"{len(files)} files are given, but format {format} has one; bring them in one by one")
    return READERS[format](files, options or ReadOptions())


def write(constitution: Constitution, format: str) -> Export:
    """A constitution as the files of a format, with what that format cannot hold."""
    if format not in WRITERS:
        raise ConstitutionError(f"there is no format {format!r} to write; use one of: {', '.join(WRITERS)}")
    return WRITERS[format](check_constitution(constitution, where=f"constitution {constitution.name!r}"[:120]))


def detect(files: Mapping[str, str]) -> str:
    """The format of some files, by their content alone."""
    if not files:
        raise ConstitutionError("no file is given; name at least one")
    formats = {where: _format_of(text, where) for where, text in files.items()}
    found = set(formats.values())
    if len(found) > 1:
        each = ", ".join(f"{where} ({format})" for where, format in list(formats.items())[:5])
        raise ConstitutionError(f"the files are in several formats: {each}; bring them in one by one")
    return found.pop()


def _format_of(text: str, where: str) -> str:
    if text.lstrip()[:1] in ("{", "["):
        data = parse_json(text, where=where)
        format = _format_of_json(data)
    else:
        format = "cai" if re.search(r"^(format|principles)\s*:", text, re.MULTILINE) else _format_of_table(text)
    if format is None:
        raise ConstitutionError(
            f"{where}: its content is in no known format; known are {', '.join(READERS)}. Check that it is the right "
            "file, or name its format (on the command line: --format)."
        )
    return format


def _format_of_json(data: Any) -> str | None:
    if isinstance(data, dict) and isinstance(data.get("principles"), list):
        return "cai"
    if isinstance(data, dict) and isinstance(data.get("constitutions"), list):
        return "hf"
    values = list(data.values()) if isinstance(data, dict) else data
    if isinstance(values, list) and any(isinstance(one, dict) and "critique_request" in one for one in values):
        return "langchain"
    return "paper" if paper.kind_of(data) is not None else None


def _format_of_table(text: str) -> str | None:
    try:
        return "votes" if votes.has_columns(text) else None
    except csv.Error:
        return None
