"""Which chains: conditions that compose, in SQL; the same in the page's address, a saved filter and `--filter`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select

from db.schema import (
    PROMPT_KINDS,
    ROW_STATES,
    SPLITS,
    ConstitutionRow,
    ConstitutionVersionRow,
    PrincipleRow,
    PromptRow,
    RunRow,
)
from db.schema_chains import GATES, VERDICTS, ChainRow, ReviewRow, RevisionRow
from db.search import Index, matching

BRANCHES = ("without", "with", "only")
LONGEST_NUMBER = 16


@dataclass(frozen=True, slots=True)
class ChainFilter:
    """Which chains; an empty field lets all pass."""

    run: int | None = None
    source: str | None = None
    """Prompt set."""
    split: str | None = None
    kind: str | None = None
    """Of the prompt."""
    topic: str | None = None
    model: str | None = None
    """Name of the model that wrote them."""
    constitution: str | None = None
    """'name' for all its versions, or 'name@3'."""
    principle: str | None = None
    """Slug of a principle that one of the rounds drew."""
    round: int | None = None
    """Which round must have the principle and the gate (0: the initial response); alone: that there is such a round."""
    gate: str | None = None
    """One of `GATES` that one of the texts ran into."""
    verdict: str | None = None
    """A verdict that stands, by anybody or by `reviewer`; 'none': there is none."""
    reviewer: str | None = None
    """Name of a person; alone: whoever that person has a standing verdict on."""
    state: str | None = None
    text: str = ""
    """Words that all stand in the prompt, the response, a critique or a revision."""
    branches: str = "with"
    """Chains that somebody continued by hand: 'with' the others, 'without' them, or 'only' those."""


LISTED: dict[str, tuple[str, ...]] = {
    "split": SPLITS,
    "kind": PROMPT_KINDS,
    "gate": GATES,
    "verdict": VERDICTS,
    "state": ROW_STATES,
    "branches": BRANCHES,
}
"""What fields accept that accept only some values."""
NUMBERS = ("run", "round")


def read_filter(values: Mapping[str, str]) -> ChainFilter:
    """A filter from texts by field; `ValueError` says which is wrong, and what is accepted."""
    names = [field.name for field in fields(ChainFilter)]
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name not in names:
            raise ValueError(f"chains are not filtered by {name!r}. Accepted: {', '.join(names)}.")
        if name in LISTED and value not in LISTED[name]:
            raise ValueError(f"{name} = {value!r} is none of {', '.join(LISTED[name])}.")
        if name in NUMBERS and not (value.isascii() and value.isdigit() and len(value) < LONGEST_NUMBER):
            raise ValueError(f"{name} = {value!r} is no whole number.")
        found[name] = int(value) if name in NUMBERS else value
    return ChainFilter(**found)


def dump_filter(wanted: ChainFilter) -> dict[str, str]:
    """The filter as texts by field, without what lets all pass; `read_filter` of it gives the same filter."""
    blank = ChainFilter()
    named = {field.name: getattr(wanted, field.name) for field in fields(ChainFilter)}
    return {name: str(value) for name, value in named.items() if value not in (None, "", getattr(blank, name))}


def filtered(rows: Select[*tuple[Any, ...]], wanted: ChainFilter) -> Select[*tuple[Any, ...]]:
    """The rows, which come from chains, that pass; prompts are joined."""
    return rows.join(PromptRow, PromptRow.id == ChainRow.prompt_id).where(*_conditions(wanted))


def _conditions(wanted: ChainFilter) -> list[ColumnElement[bool]]:
    plain = {
        ChainRow.run_id: wanted.run,
        ChainRow.state: wanted.state,
        PromptRow.source: wanted.source,
        PromptRow.split: wanted.split,
        PromptRow.kind: wanted.kind,
        PromptRow.topic: wanted.topic,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in plain.items() if value is not None]
    if wanted.model is not None:
        found.append(ChainRow.run_id.in_(select(RunRow.id).where(RunRow.config["model"].as_string() == wanted.model)))
    if wanted.constitution is not None:
        found.append(ChainRow.run_id.in_(_runs_under(wanted.constitution)))
    if wanted.principle is not None:
        found.append(ChainRow.id.in_(_drew(wanted.principle, wanted.round)))
    if wanted.gate is not None:
        found.append(_hit(1 << GATES.index(wanted.gate), wanted.round))
    if wanted.round and wanted.principle is None and wanted.gate is None:
        found.append(exists().where(RevisionRow.chain_id == ChainRow.id, RevisionRow.round == wanted.round))
    if wanted.verdict is not None or wanted.reviewer is not None:
        found.append(_said(wanted.verdict, wanted.reviewer))
    if wanted.text.strip():
        words = matching(Index.CHAINS, wanted.text)
        found.append(false() if words is None else ChainRow.id.in_(words))
    if wanted.branches != "with":
        found.append(ChainRow.branch == 0 if wanted.branches == "without" else ChainRow.branch > 0)
    return found


def _runs_under(constitution: str) -> Select[int]:
    name, _, number = constitution.partition("@")
    versions = select(ConstitutionVersionRow.id).join(ConstitutionRow).where(ConstitutionRow.name == name)
    if number:
        wanted = int(number) if number.isascii() and number.isdigit() and len(number) < LONGEST_NUMBER else -1
        versions = versions.where(ConstitutionVersionRow.number == wanted)
    return select(RunRow.id).where(RunRow.constitution_version_id.in_(versions))


def _drew(slug: str, round: int | None) -> Select[int]:
    ids = select(PrincipleRow.id).where(PrincipleRow.slug == slug)
    drew = select(RevisionRow.chain_id).where(RevisionRow.principle_id.in_(ids))
    return drew if round is None else drew.where(RevisionRow.round == round)


def _hit(bit: int, round: int | None) -> ColumnElement[bool]:
    if round is None:
        return ChainRow.hits.op("&")(bit) != 0
    if round == 0:
        return ChainRow.gates.op("&")(bit) != 0
    # First whether any of its texts did, which takes no look at the rounds.
    any_round = ChainRow.hits.op("&")(bit) != 0
    here = (RevisionRow.chain_id == ChainRow.id, RevisionRow.round == round)
    ran = or_(RevisionRow.critique_gates.op("&")(bit) != 0, RevisionRow.revision_gates.op("&")(bit) != 0)
    return and_(any_round, exists().where(*here, ran))


def _said(verdict: str | None, reviewer: str | None) -> ColumnElement[bool]:
    said = select(ReviewRow.chain_id).where(ReviewRow.current)
    if reviewer is not None:
        said = said.where(ReviewRow.name == reviewer)
    if verdict in (None, "none"):
        standing = said.where(ReviewRow.verdict != "none")
        return ChainRow.id.in_(standing) if verdict is None else ChainRow.id.not_in(standing)
    return ChainRow.id.in_(said.where(ReviewRow.verdict == verdict))
