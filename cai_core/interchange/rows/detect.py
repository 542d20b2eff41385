"""Which format a file's rows are in, told by their columns, and by what evidence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from cai_core.errors import DataFileError
from cai_core.interchange.rows.formats import FORMATS
from cai_core.interchange.rows.values import shown

ENOUGH = 2 / 3
"""The share of the rows looked at that a format must fit."""


def detect(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[str, str]:
    """The format of a file by its first rows, and the evidence. `DataFileError` names the choices where it is open."""
    fitting = Counter(found for row in rows if (found := fits(row)))
    if not fitting:
        raise DataFileError(
            f"{name}: no format is known by the columns {_listed(rows[0])}. A file of prompts has a column named "
            f"prompt; or say which it is: --format {', '.join(FORMATS)}."
        )
    for found in list(fitting):
        if found in fitting and (other := FORMATS[found[0]].reads_too):
            fitting[found] += fitting.pop((other,), 0)
    found, count = fitting.most_common(1)[0]
    if len(found) > 1:
        raise DataFileError(f"{name} may be read in several ways: {_ways(found)}. Say which.")
    if count < ENOUGH * fitting.total():
        ways = _ways(sorted({one for names in fitting for one in names}))
        raise DataFileError(f"{name} holds rows of several kinds: {ways}. Say which to read; others are set aside.")
    return found[0], f"{FORMATS[found[0]].about}, by {_columns(found[0], rows)} in {count} of {len(rows)} rows"


def fits(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The formats that a row may be in: of two that fit, the one that explains more columns."""
    found = {
        name: columns for name, format in FORMATS.items() if (columns := format.columns_in(row)) and format.fits(row)
    }
    return tuple(name for name, columns in found.items() if not any(columns < other for other in found.values()))


def _columns(format: str, rows: Sequence[Mapping[str, Any]]) -> str:
    ways = FORMATS[format].columns
    columns = next(needed for row in rows for needed in ways if needed <= row.keys())
    return f"column{'s' * (len(columns) > 1)} {', '.join(sorted(columns))}"


def _ways(names: Sequence[str]) -> str:
    return ", ".join(f"{FORMATS[name].about} (--format {name})" for name in names)


def _listed(row: Mapping[str, Any]) -> str:
    names = [shown(name, 30) for name in row]
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "") if names else "(none)"
