"""Statements that people voted on, as a table (CSV): candidates for principles, with the agreement of each group.

Either a row is a statement, with columns of counts for all and perhaps for each group (`agree`, `disagree`, `pass`,
`group-a-agree`, ...), or a row is a statement in one group, named in a column `group`. Agreement is the share of all
votes, passes included, that agree. Counts are whole numbers; an empty one is unknown, and never taken for zero.

A statement that begins with "Choose the response" is the comparison as it stands; any other is quoted in one.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from io import StringIO

from cai_core.errors import ConstitutionError
from cai_core.interchange.entries import Reading, id_of, name_of, title_of
from cai_core.interchange.report import ImportReport, ReadOptions

STATEMENTS = {"statement", "statement text", "text", "comment", "comment body", "comment text", "proposal"}
GROUPS = {"group", "group id", "group name", "cluster"}
VOTES = {
    **dict.fromkeys(("agree", "agrees", "agreed", "yes"), "agree"),
    **dict.fromkeys(("disagree", "disagrees", "disagreed", "no"), "disagree"),
    **dict.fromkeys(("pass", "passes", "passed", "unsure", "skip", "skipped"), "pass"),
}
NOISE = {"n", "num", "number", "of", "count", "counts", "total", "overall", "all", "votes", "vote"}
"""Words of a column's name that say nothing about whose votes it counts."""
SHARES = {"percent", "percentage", "pct", "share", "rate", "ratio", "agreement", "consensus"}
"""Words of columns that hold no counts."""
ALL = ""
"""The group of everybody."""
EVERYBODY = {"all", "everybody", "everyone", "overall", "total"}
"""How a column `group` may call them."""
QUOTED = 'Choose the response that is more in keeping with this statement: "{}"'


@dataclass(slots=True)
class Statement:
    """A statement and its votes."""

    row: int
    text: str
    votes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Counts by group, then by vote."""
    broken: int | None = None
    """A row with other votes on it that cannot be used."""

    def agreement(self, group: str = ALL) -> Fraction | None:
        """Share of a group's votes that agree, 0 to 1; everybody's are the groups' together if not given apart."""
        groups = [group] if group != ALL or ALL in self.votes else list(self.votes)
        counts = [count for one in groups for count in self.votes.get(one, {}).items()]
        total = sum(count for _, count in counts)
        return Fraction(sum(count for vote, count in counts if vote == "agree"), total) if total else None


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column holds what."""

    statement: int
    group: int | None
    counts: Mapping[int, tuple[str, str]]
    """Column to group and vote."""
    unknown: tuple[str, ...]
    width: int
    """How many columns there are."""


class _RowError(ValueError):
    """A row that cannot be used; its text says why."""


def has_columns(text: str) -> bool:
    """Whether a table begins with the columns of voted statements."""
    first = next(csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text), strict=True), [])
    return _columns(first) is not None


def read(files: Mapping[str, str], options: ReadOptions) -> ImportReport:
    """One table; comma, semicolon and tab may stand between its cells."""
    ((where, text),) = files.items()
    if not 0 <= options.min_agreement <= 1:
        raise ConstitutionError(f"an agreement of {options.min_agreement} is asked for; it lies between 0 and 1")
    reading = Reading("votes")
    try:
        rows = csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
        columns = _columns(next(rows, []))
        if columns is None:
            raise ConstitutionError(
                f"{where}: its first row must name the columns: statement, agree, disagree, and perhaps pass and group"
            )
        statements = _statements(reading, enumerate(rows, 2), columns)
    except csv.Error as error:
        raise ConstitutionError(f"{where}: not a valid table: {error}; save it as CSV, UTF-8") from None
    for statement in statements:
        _add(reading, statement, Fraction(str(options.min_agreement)))
    reading.lost.append("counts of votes: the share that agrees is kept as tags, overall and by group")
    if columns.unknown:
        reading.lost.append(f"columns: {', '.join(name[:40] for name in columns.unknown[:10])}")
    return reading.finish(options.name or name_of(files), "Candidate principles from statements that people voted on.")


def _delimiter(text: str) -> str:
    first = text.lstrip("\n").partition("\n")[0]
    return max(",;\t", key=first.count)


def _columns(names: list[str]) -> _Columns | None:
    """What the columns hold; None: they are not those of voted statements."""
    plain = [" ".join(re.findall(r"[^\W_]+", name.lower())) for name in names]
    statement = next((place for place, name in enumerate(plain) if name in STATEMENTS), None)
    group = next((place for place, name in enumerate(plain) if name in GROUPS), None)
    counts: dict[int, tuple[str, str]] = {}
    for place, name in enumerate(plain):
        words = name.split()
        votes = [VOTES[word] for word in words if word in VOTES]
        whose = " ".join(word for word in words if word not in VOTES and word not in NOISE)
        if "%" in names[place] or SHARES & set(words) or place in (statement, group) or len(votes) != 1:
            continue
        if (whose, votes[0]) not in counts.values():
            counts[place] = (whose, votes[0])
    found = set(counts.values())
    if statement is None or not any((whose, "agree") in found and (whose, "disagree") in found for whose, _ in found):
        return None
    known = {statement, group, *counts}
    return _Columns(
        statement, group, counts, tuple(name for place, name in enumerate(names) if place not in known), len(names)
    )


def _statements(reading: Reading, rows: Iterable[tuple[int, list[str]]], columns: _Columns) -> list[Statement]:
    """The statements with their votes; rows that cannot be used are refused."""
    found: dict[str, Statement] = {}
    broken: dict[str, int] = {}
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            text, votes = _row(cells, columns)
        except _RowError as error:
            reading.refuse(f"row {number}", str(error), row=number)
            broken.setdefault("".join(cells[columns.statement : columns.statement + 1]).strip(), number)
            continue
        statement = found.setdefault(text, Statement(number, text))
        if statement.row != number and (columns.group is None or set(votes) & set(statement.votes)):
            reading.refuse(f"row {number}", f"row {statement.row} has these votes on the statement already", row=number)
            continue
        statement.votes.update(votes)
    for statement in found.values():
        statement.broken = broken.get(statement.text) if columns.group is not None else None
    return list(found.values())


def _row(cells: list[str], columns: _Columns) -> tuple[str, dict[str, dict[str, int]]]:
    """A row's statement, and its votes by group."""
    wanted = max(columns.statement, columns.group or 0, *columns.counts)
    if len(cells) <= wanted:
        raise _RowError(f"it has {len(cells)} cells where {wanted + 1} are wanted")
    if any(cell.strip() for cell in cells[columns.width :]):
        raise _RowError(f"it has {len(cells)} cells where {columns.width} are wanted; put a text with commas in quotes")
    text = cells[columns.statement].strip()
    if not text:
        raise _RowError("it has no statement")
    votes: dict[str, dict[str, int]] = {}
    named = cells[columns.group].strip() if columns.group is not None else ALL
    named = ALL if named.lower() in EVERYBODY else named
    for place, (whose, vote) in columns.counts.items():
        group = named if whose == ALL else whose
        count = _count(cells[place], vote)
        if count is not None:
            votes.setdefault(group, {})[vote] = count
    whole = {group: counts for group, counts in votes.items() if {"agree", "disagree"} <= set(counts)}
    if not whole:
        raise _RowError("it has no numbers of agreeing and disagreeing votes")
    return text, whole


def _count(cell: str, vote: str) -> int | None:
    """A number of votes; None: it is not known."""
    if not cell.strip():
        return None
    match = re.fullmatch(r"([0-9]{1,12})(\.0+)?", cell.strip())
    if match is None:
        raise _RowError(f"{vote} = {cell.strip()[:20]!r}: a whole number of votes is wanted")
    return int(match[1])


def _add(reading: Reading, statement: Statement, least: Fraction) -> None:
    """Add a statement as a principle, unless too few agree."""
    groups = sorted(group for group in statement.votes if group != ALL)
    shares = {group: statement.agreement(group) for group in (ALL, *groups)}
    said = [f"{_percent(share)} agree{_in(group)}" for group, share in shares.items()]
    name, note = statement.text[:60], ", ".join(said)
    if statement.broken is not None:
        reading.refuse(name, f"row {statement.broken} has votes on it too, and cannot be used", row=statement.row)
        return
    if least and any(share is None or share < least for share in shares.values()):
        reading.leave_out(name, f"{note}; {_percent(least)} is asked for", row=statement.row)
        return
    as_it_stands = re.match(r"choose the (assistant )?response\b", statement.text, re.IGNORECASE)
    values = {
        "id": id_of(title_of(statement.text)),
        "title": title_of(statement.text),
        "tags": said,
        "comparison": statement.text if as_it_stands else QUOTED.replace("{}", statement.text),
    }
    reading.add_principle(values, name=name, row=statement.row, note=note, changed=not as_it_stands)


def _percent(share: Fraction | None) -> str:
    return "unknown how many" if share is None else f"{float(share):.0%}"


def _in(group: str) -> str:
    return f" in {group}" if group else ""
