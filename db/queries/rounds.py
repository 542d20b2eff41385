"""Rounds of chains in figures: sums by round over prompts, from which means and their intervals follow.

Everything is added up in SQL, first a prompt's texts, then the prompts: nothing is read row by row. Only chains that
their run made by itself count, on prompts of one kind: those of red-team prompts unless something else is asked for,
for the others have no rounds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Double, Select, Subquery, case, cast, func, literal, null, select, union_all
from sqlalchemy.orm import Session

from db.queries.page import PAGE
from db.schema import PrincipleRow, PromptRow, RunParentRow, RunRow
from db.schema_chains import GATES, ChainRow, RevisionRow, ScoreRow

SCORED = ("score", "classes")
"""What a scores run is needed for."""
MEASURES = ("score", "words", "refusal", "gates", "classes")
BY = ("principle", "topic")
CLASSES = ("complies", "half", "evasive", "preachy", "engaged", "other")
"""Gold's classes of a response to a red-team prompt."""


@dataclass(frozen=True, slots=True)
class RoundQuestion:
    """What is asked of a chains run."""

    run: int
    measure: str
    """One of `MEASURES`: a judge's score, words, the share refused, of each gate, of each of gold's classes."""
    scores: int | None = None
    """The scores run, for what a judge says."""
    by: str | None = None
    """One of `BY`: the principle of the round (the initial response has none), or the prompt's topic."""
    kind: str = "red_team"


@dataclass(frozen=True, slots=True)
class RoundSums:
    """One round, perhaps of one group: sums over its prompts, each having n values that add up to s."""

    round: int
    """0: the initial response."""
    group: str | None
    name: str
    """The gate or the class; empty where the measure is a single number."""
    unknown: int
    """Texts without a value."""
    prompts: int
    n: int
    total: float
    """Σ s."""
    squares: float
    """Σ s²."""
    cross: float
    """Σ s n."""
    sizes: float
    """Σ n²."""


@dataclass(frozen=True, slots=True)
class PairedSums:
    """Over the prompts that two runs share: sums of the differences of their means."""

    round: int
    name: str
    prompts: int
    total: float
    squares: float


@dataclass(frozen=True, slots=True)
class ScoresRun:
    """A run that scored chains."""

    id: int
    chains: int
    """The run whose chains it scored."""
    state: str
    judge: str
    """Who scored, by what: 'gold, harmlessness'. The same words in every run with the same judge."""
    kind: str
    """'gold', 'pm' or 'feedback'."""
    done: int
    """Texts scored so far."""


def round_sums(session: Session, asked: RoundQuestion) -> list[RoundSums]:
    """By round, group and name."""
    names, of_prompts = _by_prompt(asked)
    columns: list[ColumnElement[Any]] = []
    for number in range(len(names)):
        n, s = of_prompts.c[f"n{number}"], of_prompts.c[f"s{number}"]
        columns += [func.sum(of_prompts.c.texts - n), func.count(s), func.sum(n), func.sum(s)]
        columns += [func.sum(s * s), func.sum(s * n), func.sum(n * n)]
    place = (of_prompts.c.round, of_prompts.c.own)
    found = session.execute(select(*place, *columns).group_by(*place).order_by(*place))
    return [
        RoundSums(row[0], row[1], name, *(value or 0 for value in row[2 + 7 * number : 9 + 7 * number]))
        for row in found
        for number, name in enumerate(names)
    ]


def paired_sums(session: Session, one: RoundQuestion, other: RoundQuestion) -> list[PairedSums]:
    """By round and name, how much higher `other` is than `one` on the prompts of both; groups are left aside."""
    names, before = _by_prompt(one)
    _, after = _by_prompt(other)
    columns: list[ColumnElement[Any]] = []
    for number in range(len(names)):
        means = [side.c[f"s{number}"] / side.c[f"n{number}"] for side in (after, before)]
        difference = means[0] - means[1]
        columns += [func.count(difference), func.sum(difference), func.sum(difference * difference)]
    same = (before.c.prompt_id == after.c.prompt_id) & (before.c.round == after.c.round)
    rows = select(before.c.round, *columns).select_from(before.join(after, same)).group_by(before.c.round)
    return [
        PairedSums(row[0], name, *(value or 0 for value in row[1 + 3 * number : 4 + 3 * number]))
        for row in session.execute(rows.order_by(before.c.round))
        for number, name in enumerate(names)
    ]


def _by_prompt(asked: RoundQuestion) -> tuple[tuple[str, ...], Subquery]:
    """The measure's names; and by prompt, round and group how many texts, values and what sum of each name."""
    names, texts = TEXTS[asked.measure](asked)
    own: Any = null() if asked.by is None else PromptRow.topic
    sums: list[ColumnElement[Any]] = []
    for number in range(len(names)):
        value = texts.c[f"v{number}"]
        sums += [func.count(value).label(f"n{number}"), func.sum(cast(value, Double)).label(f"s{number}")]
    joined = texts.join(PromptRow, PromptRow.id == texts.c.prompt_id)
    if asked.by == "principle":
        joined, own = joined.outerjoin(PrincipleRow, PrincipleRow.id == texts.c.principle_id), PrincipleRow.slug
    place = (texts.c.prompt_id, texts.c.round)
    rows = select(*place, own.label("own"), func.count().label("texts"), *sums).select_from(joined)
    rows = rows.where(PromptRow.kind == asked.kind)
    return names, rows.group_by(*place, *(() if asked.by is None else (own,))).subquery()


def _judged(values: Iterable[Any], asked: RoundQuestion) -> Subquery:
    """Texts as a scores run sees them."""
    here = (RevisionRow.chain_id == ScoreRow.chain_id) & (RevisionRow.round == ScoreRow.round)
    rows = (
        select(ChainRow.prompt_id, ScoreRow.round, RevisionRow.principle_id, *_numbered(values))
        .select_from(ScoreRow)
        .join(ChainRow, ChainRow.id == ScoreRow.chain_id)
        .outerjoin(RevisionRow, here)
        .where(ScoreRow.run_id == asked.scores, ChainRow.run_id == asked.run, ChainRow.branch == 0)
    )
    return rows.subquery()


def _numbered(values: Iterable[Any]) -> list[ColumnElement[Any]]:
    return [value.label(f"v{number}") for number, value in enumerate(values)]


def _score(asked: RoundQuestion) -> tuple[tuple[str, ...], Subquery]:
    return ("",), _judged([ScoreRow.value], asked)


def _classes(asked: RoundQuestion) -> tuple[tuple[str, ...], Subquery]:
    known = ScoreRow.verdict.is_(None), null()
    return CLASSES, _judged([case(known, (ScoreRow.verdict == name, 1.0), else_=0.0) for name in CLASSES], asked)


def _words(asked: RoundQuestion) -> tuple[tuple[str, ...], Subquery]:
    """Words of the initial response, and what each round added to them; unknown from where a round was not measured."""
    so_far: dict[str, Any] = {"partition_by": RevisionRow.chain_id, "order_by": RevisionRow.round}
    known = func.count(RevisionRow.longer).over(**so_far) == func.count().over(**so_far)
    words = case((known, ChainRow.words + func.sum(RevisionRow.longer).over(**so_far)))
    return ("",), _texts(asked, [ChainRow.words], [words])


def _of_gates(asked: RoundQuestion, names: tuple[str, ...]) -> tuple[tuple[str, ...], Subquery]:
    def hit(column: Any) -> list[ColumnElement[Any]]:
        bits = [column.op("&")(1 << GATES.index(name)) for name in names]
        return [case((column.is_(None), null()), (bit != 0, 1.0), else_=0.0) for bit in bits]

    return names, _texts(asked, hit(ChainRow.gates), hit(RevisionRow.revision_gates))


def _texts(asked: RoundQuestion, first: Iterable[Any], later: Iterable[Any]) -> Subquery:
    """Initial responses with their values, and revisions with theirs."""
    own = (ChainRow.run_id == asked.run, ChainRow.branch == 0)
    responses: Select[Any] = select(
        ChainRow.prompt_id, literal(0).label("round"), null().label("principle_id"), *_numbered(first)
    ).where(*own)
    revisions: Select[Any] = (
        select(ChainRow.prompt_id, RevisionRow.round, RevisionRow.principle_id, *_numbered(later))
        .join(ChainRow, ChainRow.id == RevisionRow.chain_id)
        .where(*own)
    )
    return union_all(responses, revisions).subquery()


TEXTS: dict[str, Any] = {
    "score": _score,
    "classes": _classes,
    "words": _words,
    "refusal": lambda asked: _of_gates(asked, ("refusal",)),
    "gates": lambda asked: _of_gates(asked, GATES),
}
"""From a question to the measure's names, and to every text with its values v0, v1, ... in their order."""


def scores_runs(session: Session, chains: int | None = None, limit: int = PAGE) -> list[ScoresRun]:
    """The newest scores runs, perhaps only those of a chains run."""
    rows = select(RunRow, RunParentRow.parent_id).join(RunParentRow, RunParentRow.run_id == RunRow.id)
    rows = rows.where(RunRow.kind == "scores").order_by(RunRow.id.desc()).limit(limit)
    if chains is not None:
        rows = rows.where(RunParentRow.parent_id == chains)
    return [
        ScoresRun(row.id, parent, row.state, judge_words(row.config), row.config.get("judge", ""), row.done)
        for row, parent in session.execute(rows)
    ]


def scored_chains(session: Session, run: int) -> int:
    """The chains run that a scores run scored; of any other run, that run itself."""
    parents = select(RunParentRow.parent_id).join(RunRow, RunRow.id == RunParentRow.run_id)
    found = session.scalar(parents.where(RunParentRow.run_id == run, RunRow.kind == "scores"))
    return run if found is None else found


def judge_words(config: Mapping[str, Any]) -> str:
    """'gold, harmlessness', 'pm-5', 'judge under sandbox@1, helpfulness'; of an imported run, what its file says."""
    judge, model, axis, under = (str(config.get(name, "")) for name in ("judge", "judge_model", "axis", "constitution"))
    if judge == "pm":
        return model
    who = " under ".join(filter(None, (model, under))) if judge == "feedback" else judge
    return ", ".join(filter(None, (who, axis)))
