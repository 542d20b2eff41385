"""Chains as the pages read them: a filtered page, and one with all its rounds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.queries.chain_filter import ChainFilter, filtered
from db.queries.page import Page, beside, keyset
from db.queries.reviews import reviewers
from db.queries.rounds import judge_words
from db.queries.runs import turns_of, version_name
from db.schema import (
    ConstitutionRow,
    ConstitutionVersionRow,
    ModelRow,
    PrincipleRow,
    PromptRow,
    RunRow,
    VersionPrincipleRow,
)
from db.schema_chains import ChainRow, InputRow, RevisionRow, ScoreRow


@dataclass(frozen=True, slots=True)
class ChainLine:
    """A chain in a list."""

    id: int
    run: int
    kind: str
    topic: str | None
    state: str
    prompt: str
    """The last user's turn."""
    rounds: int
    last: str | None
    """The last revision, else the response."""
    changed: float | None
    """Share of the words that differ between the response and the last revision."""
    hits: int | None
    """Gates that its texts ran into, as bits; None: not looked at."""
    branch: int
    """0: as its run made it."""


@dataclass(frozen=True, slots=True)
class RoundDetail:
    """One critique and revision."""

    number: int
    principle: str
    principle_slug: str
    critique_request: str | None
    revision_request: str | None
    critique: str | None
    revision: str
    finished: bool
    skipped: bool
    written: str | None
    """What the model wrote, where a preamble was taken off."""
    edited: str | None
    """What somebody changed in it."""
    words: int | None
    """Of the revision; None: not counted."""
    critique_gates: int | None
    """As bits; None: not looked at, or no critique."""
    revision_gates: int | None


@dataclass(frozen=True, slots=True)
class ScoreDetail:
    """What a judge makes of one text of a chain."""

    round: int
    judge: str
    value: float | None
    verdict: str | None


@dataclass(frozen=True, slots=True)
class BranchDetail:
    """A chain that went on otherwise."""

    id: int
    author: str | None
    round: int | None
    """In which something was changed."""
    edited: str | None


@dataclass(frozen=True, slots=True)
class ChainDetail:
    """One chain in full."""

    id: int
    run: int
    constitution: str | None
    """'name@3': the version that its principles were drawn from."""
    model: str
    model_id: int | None
    temperature: float | None
    kind: str
    topic: str | None
    source: str
    split: str
    turns: tuple[tuple[str, str], ...]
    sample: int
    seed: int
    state: str
    error: str | None
    response: str | None
    rounds: tuple[RoundDetail, ...]
    branch: int
    parent: int | None
    author: str | None
    origin: str | None
    """The file that its run came from; None: it was made here."""
    created_at: datetime
    words: int | None
    gates: int | None
    """Of the initial response, as bits."""
    scores: tuple[ScoreDetail, ...]
    """Of every judge the newest, in the order of rounds."""
    branches: tuple[BranchDetail, ...]


@dataclass(frozen=True, slots=True)
class InputDetail:
    """The exact input of one call of a chain."""

    part: str
    """'response', 'critique' or 'revision'."""
    round: int
    """0: the response's."""
    principle: str | None
    """The slug."""
    sent: str
    """The hash that the chain bears of it."""
    text: str


def told_inputs(session: Session, chain_id: int) -> list[InputDetail]:
    """The exact inputs that came in with a chain from a file, in the order of its calls; none of a chain made here."""
    rows = {row.position: row.text for row in session.scalars(select(InputRow).where(InputRow.chain_id == chain_id))}
    if not rows:
        return []
    chain = session.get_one(ChainRow, chain_id)
    calls: list[tuple[str, int, str | None, str | None]] = [("response", 0, None, chain.sent)]
    for one in chain.revisions:
        slug = one.principle.slug
        calls += [("critique", one.round, slug, one.critique_sent), ("revision", one.round, slug, one.revision_sent)]
    return [InputDetail(*call[:3], call[3] or "", rows[n]) for n, call in enumerate(calls) if n in rows]


def chain_page(session: Session, wanted: ChainFilter, after: int = 0) -> Page[ChainLine]:
    """The chains after an id that pass the filter."""
    columns = select(
        ChainRow.id,
        ChainRow.run_id,
        ChainRow.state,
        ChainRow.response,
        PromptRow.kind,
        PromptRow.topic,
        PromptRow.turns,
        ChainRow.changed,
        ChainRow.hits,
        ChainRow.branch,
    )
    found, more = keyset(session, filtered(columns, wanted), ChainRow.id, after)
    last = _last_revisions(session, [row.id for row in found])
    return Page(tuple(_line(row, *last.get(row.id, (0, row.response))) for row in found), more)


def _line(row: Any, rounds: int, last: str | None) -> ChainLine:
    told = (row.id, row.run_id, row.kind, row.topic, row.state, turns_of(row.turns)[-1][1])
    return ChainLine(*told, rounds, last, row.changed, row.hits, row.branch)


def _last_revisions(session: Session, ids: list[int]) -> dict[int, tuple[int, str]]:
    """Round and text of each chain's last revision."""
    rows = select(RevisionRow.chain_id, RevisionRow.round, RevisionRow.revision).where(RevisionRow.chain_id.in_(ids))
    return {row.chain_id: (row.round, row.revision) for row in session.execute(rows.order_by(RevisionRow.round))}


def chain_beside(session: Session, wanted: ChainFilter, here: int) -> tuple[int | None, int | None]:
    """The chains before and after this one that pass the filter."""
    return beside(session, filtered(select(ChainRow.id), wanted), ChainRow.id, here)


def chain_detail(session: Session, chain_id: int) -> ChainDetail | None:
    """One chain with its rounds; None if there is none of this id."""
    chain = session.get(ChainRow, chain_id)
    if chain is None:
        return None
    run = session.get_one(RunRow, chain.run_id)
    prompt, model, warmth = chain.prompt, str(run.config.get("model", "")), run.config.get("temperature")
    return ChainDetail(
        chain.id,
        run.id,
        version_name(session, run.constitution_version_id),
        model,
        session.scalar(select(ModelRow.id).where(ModelRow.name == model)),
        warmth if isinstance(warmth, int | float) else None,  # a run's file may tell anything
        prompt.kind,
        prompt.topic,
        prompt.source,
        prompt.split,
        turns_of(prompt.turns),
        chain.sample,
        chain.seed,
        chain.state,
        chain.error,
        chain.response,
        tuple(_round(revision, words) for revision, words in _counted(chain)),
        chain.branch,
        chain.parent_id,
        chain.author,
        run.origin,
        chain.created_at,
        chain.words,
        chain.gates,
        _scores(session, chain_id),
        _branches(session, chain_id),
    )


def _counted(chain: ChainRow) -> Iterator[tuple[RevisionRow, int | None]]:
    """Each revision and how many words it has, as far as it was counted."""
    words = chain.words
    for revision in chain.revisions:
        words = None if words is None or revision.longer is None else words + revision.longer
        yield revision, words


def _scores(session: Session, chain_id: int) -> tuple[ScoreDetail, ...]:
    rows = select(ScoreRow, RunRow.config).join(RunRow, RunRow.id == ScoreRow.run_id)
    found: dict[tuple[int, str], ScoreDetail] = {}
    for row, config in session.execute(rows.where(ScoreRow.chain_id == chain_id).order_by(ScoreRow.run_id.desc())):
        judge = judge_words(config)
        found.setdefault((row.round, judge), ScoreDetail(row.round, judge, row.value, row.verdict))
    return tuple(found[key] for key in sorted(found))


def _branches(session: Session, chain_id: int) -> tuple[BranchDetail, ...]:
    changed = (RevisionRow.chain_id == ChainRow.id) & RevisionRow.edited.is_not(None)
    rows = select(ChainRow.id, ChainRow.author, RevisionRow.round, RevisionRow.edited).outerjoin(RevisionRow, changed)
    found = session.execute(rows.where(ChainRow.parent_id == chain_id).order_by(ChainRow.id))
    return tuple(BranchDetail(*row) for row in found)


def _round(row: RevisionRow, words: int | None) -> RoundDetail:
    principle = row.principle
    return RoundDetail(
        row.round,
        principle.title,
        principle.slug,
        principle.critique_request,
        principle.revision_request,
        row.critique,
        row.revision,
        row.finished,
        row.skipped,
        row.written,
        row.edited,
        words,
        row.critique_gates,
        row.revision_gates,
    )


def drawn_principles(session: Session, run: int | None) -> list[tuple[str, int]]:
    """(slug, how often) of the principles that rounds drew, the most frequent first."""
    # Counted before the slugs are looked up: once a principle, not once a round.
    rounds = select(RevisionRow.principle_id, func.count().label("often"))
    if run is not None:
        rounds = rounds.join(ChainRow, ChainRow.id == RevisionRow.chain_id).where(ChainRow.run_id == run)
    drawn = rounds.group_by(RevisionRow.principle_id).subquery()
    often = func.sum(drawn.c.often)
    rows = select(PrincipleRow.slug, often).join(drawn, drawn.c.principle_id == PrincipleRow.id)
    rows = rows.group_by(PrincipleRow.slug).order_by(often.desc(), PrincipleRow.slug)
    return [(slug, count) for slug, count in session.execute(rows)]


def offered_principles(session: Session, run: int | None) -> dict[str, int | None]:
    """Slugs of the principles that chains can be filtered by, with how many rounds drew them.

    Of one run those of its constitution, uncounted: to count them all its rounds would have to be read.
    """
    version = None if run is None else session.scalar(select(RunRow.constitution_version_id).where(RunRow.id == run))
    if version is None:
        return dict(drawn_principles(session, run))
    rows = select(PrincipleRow.slug).join(VersionPrincipleRow, VersionPrincipleRow.principle_id == PrincipleRow.id)
    rows = rows.where(VersionPrincipleRow.version_id == version).order_by(VersionPrincipleRow.position)
    return dict.fromkeys(session.scalars(rows))


def chain_choices(session: Session) -> dict[str, list[str]]:
    """What the filter's fields offer, by field: what is there."""
    runs = select(RunRow.config["model"].as_string()).where(RunRow.kind == "chains").distinct()
    versions = select(ConstitutionRow.name, ConstitutionVersionRow.number).join(ConstitutionVersionRow.constitution)
    used = select(RunRow.constitution_version_id).where(RunRow.kind == "chains")
    under = session.execute(
        versions.where(ConstitutionVersionRow.id.in_(used)).order_by(
            ConstitutionRow.name, ConstitutionVersionRow.number.desc()
        )
    )
    names = [(name, number) for name, number in under]
    return {
        "source": list(session.scalars(select(PromptRow.source).distinct().order_by(PromptRow.source))),
        "model": sorted(name for name in session.scalars(runs) if name),
        "constitution": [*dict.fromkeys(name for name, _ in names), *(f"{name}@{number}" for name, number in names)],
        "reviewer": reviewers(session),
    }
