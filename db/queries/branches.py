"""Branches of chains as the pages read them, and the asks that make them."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.queries.asks import OPEN, PartDetail, ask_detail
from db.schema import ConstitutionVersionRow, PrincipleRow, VersionPrincipleRow
from db.schema_asks import AskRow
from db.schema_chains import ChainRow


@dataclass(frozen=True, slots=True)
class ChainAsk:
    """An ask about a stored chain, and how far it is."""

    id: int
    open: bool
    state: str
    error: str | None
    stop_requested: bool
    parts: tuple[PartDetail, ...]
    """A part's `sample` is its round."""


def chain_ask(session: Session, ask_id: int) -> ChainAsk | None:
    """An ask about a chain; None if there is none of this id."""
    found, row = ask_detail(session, ask_id), session.get(AskRow, ask_id)
    if found is None or row is None:
        return None
    return ChainAsk(ask_id, row.state in OPEN, row.state, row.error, row.stop_requested, found.parts)


def newest_ask(session: Session, chain_id: int, kind: str) -> int | None:
    """The newest ask of a kind about a chain that is open or done; None if there is none."""
    about = (AskRow.kind == kind, AskRow.request["chain"].as_integer() == chain_id)
    rows = select(AskRow.id).where(*about, AskRow.state.in_((*OPEN, "done")))
    return session.scalar(rows.order_by(AskRow.id.desc()).limit(1))


def branch_of_ask(session: Session, ask_id: int) -> int | None:
    """Row id of the branch that an ask has made; None if it has not, or is not of that kind."""
    row = session.get(AskRow, ask_id)
    if row is None or row.kind != "branch":
        return None
    parent = session.get(ChainRow, row.request["chain"])
    if parent is None:
        return None
    of = (ChainRow.run_id == parent.run_id, ChainRow.prompt_id == parent.prompt_id, ChainRow.sample == parent.sample)
    number = row.request["branching"]["number"]
    return session.scalar(select(ChainRow.id).where(*of, ChainRow.branch == number))


def principles_of_chain(session: Session, chain_id: int) -> list[tuple[str, str]]:
    """(id, title) of the principles that a chain's rounds may draw, as its version has them; none where it has none."""
    chain = session.get(ChainRow, chain_id)
    version = None if chain is None else chain.run.constitution_version_id
    if version is None:
        return []
    both = PrincipleRow.critique_request.is_not(None) & PrincipleRow.revision_request.is_not(None)
    rows = (
        select(PrincipleRow.slug, PrincipleRow.title)
        .join(VersionPrincipleRow, VersionPrincipleRow.principle_id == PrincipleRow.id)
        .join(ConstitutionVersionRow, ConstitutionVersionRow.id == VersionPrincipleRow.version_id)
        .where(ConstitutionVersionRow.id == version, VersionPrincipleRow.enabled, both)
        .order_by(VersionPrincipleRow.position)
    )
    return [(slug, title) for slug, title in session.execute(rows)]
