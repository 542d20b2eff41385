"""LangChain's list of principles: `[{"name": ..., "critique_request": ..., "revision_request": ...}, ...]`.

An object of such principles by name, as LangChain's own collection is one, is read too.
"""

import json
from collections.abc import Mapping
from typing import Any

from cai_core.errors import ConstitutionError
from cai_core.interchange.entries import Reading, id_of, name_of, title_of, unknown_keys
from cai_core.interchange.losses import changed_fields, has_critique, head, left_out
from cai_core.interchange.report import Export, ImportReport, ReadOptions
from cai_core.interchange.texts import parse_json
from cai_core.types import Constitution, Principle

UNNAMED = "Constitutional Principle"
"""What LangChain calls a principle without a name."""


def read(files: Mapping[str, str], options: ReadOptions) -> ImportReport:
    """One JSON file. A name becomes the title, and the id where it looks like one."""
    ((where, text),) = files.items()
    data = parse_json(text, where=where)
    if isinstance(data, dict):
        data = [{"name": name, **one} if isinstance(one, dict) else one for name, one in data.items()]
    if not isinstance(data, list):
        raise ConstitutionError(f"{where}: a list of principles is wanted; check that it is one")
    reading = Reading("langchain")
    for number, entry in enumerate(data, 1):
        _add(reading, entry, f"principle {number}")
    return reading.finish(options.name or name_of(files))


def write(constitution: Constitution) -> Export:
    """One JSON file of the enabled critique halves."""
    kept = [principle for principle in constitution.principles if has_critique(principle)]
    if not kept:
        raise ConstitutionError(
            "this format holds critique and revision requests, and no enabled principle has them; add or enable one"
        )
    entries = [
        {"name": _name(one), "critique_request": one.critique_request, "revision_request": one.revision_request}
        for one in kept
    ]
    files = {"principles.json": json.dumps(entries, indent=2)}
    again = read(files, ReadOptions(name=constitution.name)).constitution
    assert again is not None  # it holds all that was kept
    lost = head(constitution) + left_out(constitution, kept, "without critique half")
    lost += changed_fields(kept, again.principles)
    shots = constitution.few_shots
    count = len(shots.critique_revision) + len(shots.comparison) + len(shots.comparison_with_reasoning)
    return Export(files, tuple([*lost, f"{count} few-shots"] if count else lost))


def _name(principle: Principle) -> str:
    """The title, where the id can be read off it; else the id, on which draws hang."""
    told = id_of(principle.title) == principle.id and principle.title != UNNAMED
    return principle.title if told else principle.id


def _add(reading: Reading, entry: Any, name: str) -> None:
    if not isinstance(entry, dict):
        reading.refuse(name, "an object with name, critique_request and revision_request is wanted")
        return
    title = entry.get("name", UNNAMED)
    request = entry.get("critique_request")
    if not isinstance(title, str) or not isinstance(request, str):
        reading.refuse(name, "its name and critique_request must be text")
        return
    if title == UNNAMED:
        title = title_of(request)
    values = {
        "id": id_of(title),
        "title": title,
        "critique_request": request,
        "revision_request": entry.get("revision_request"),
    }
    note = unknown_keys(entry, ("name", "critique_request", "revision_request"))
    reading.add_principle(values, name=name if title == name else f"{name}, {title[:60]!r}", note=note)
