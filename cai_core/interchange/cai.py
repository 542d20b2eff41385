"""The YAML of this project; the only format that holds everything."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cai_core.constitution.files import file_name
from cai_core.constitution.load import as_plain, dump_constitution, parse_constitution
from cai_core.constitution.read_yaml import read_yaml
from cai_core.constitution.schema import ConstitutionEntry
from cai_core.errors import ConstitutionError
from cai_core.interchange.entries import SHOTS, Reading
from cai_core.interchange.report import Export, ImportReport, ReadOptions
from cai_core.types import Constitution


def read(files: Mapping[str, str], options: ReadOptions) -> ImportReport:
    """A constitution's file. Entries that do not fit are refused one by one, where all else is right."""
    ((where, text),) = files.items()
    try:
        values = as_plain(parse_constitution(text, where=where))
    except ConstitutionError:
        values = read_yaml(text, where=where)
        if not _has_only_bad_entries(values):
            raise
    reading = Reading("cai")
    for number, entry in enumerate(values["principles"], 1):
        if isinstance(entry, dict):
            reading.add_principle(entry, name=str(entry.get("id", f"principle {number}"))[:64])
        else:
            reading.refuse(f"principle {number}", "a mapping is wanted ('key: value' lines)")
    for kind in SHOTS:
        for number, shot in enumerate(_shots(values).get(kind, []), 1):
            reading.add_shot(kind, shot, name=f"{kind} few-shot {number}")
    return reading.finish(options.name or values["name"].strip(), values.get("description", "").strip())


def write(constitution: Constitution) -> Export:
    """The file of a constitution."""
    return Export({file_name(constitution.name): dump_constitution(constitution)})


def _has_only_bad_entries(values: Any) -> bool:
    """Whether the file would do without some of its principles and few-shots."""
    if not isinstance(values, dict) or not isinstance(values.get("principles"), list):
        return False
    ids = [entry.get("id") for entry in values["principles"] if isinstance(entry, dict)]
    if any(ids.count(id) > 1 for id in ids):
        return False
    shots = _shots(values)
    if not isinstance(shots, dict) or not all(isinstance(one, list) for one in shots.values()):
        return False
    plain = {"id": "plain", "title": "plain", "comparison": "plain"}
    try:
        ConstitutionEntry.model_validate({**values, "principles": [plain], "few_shots": {key: [] for key in shots}})
    except ValidationError:
        return False
    return True


def _shots(values: Mapping[str, Any]) -> Any:
    return values.get("few_shots", {})
