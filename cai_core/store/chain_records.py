"""Chains with all that is known of them, as `cai-chain` holds them: rows to nouns, some at a time."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from cai_core.interchange.rows import (
    About,
    ReadRecord,
    ToldModel,
    ToldReview,
    ToldRun,
    ToldScore,
    ToldScores,
    ToldVersion,
)
from cai_core.interchange.rows.own_chains import run_of
from cai_core.interchange.rows.taking import Taken
from cai_core.store import chains
from cai_core.store.constitutions import principle_to_noun
from cai_core.types import Chain, Gate, RowState, Verdict
from db.schema import ModelRow, PrincipleRow, RunRow
from db.schema_authoring import PersonRow
from db.schema_chains import ChainRow, InputRow, ReviewRow, RevisionRow, ScoreRow

CHUNK = 200
"""Chains read at a time."""
IMPORTED = "import:"
"""What the key of a person begins with who is known from a file alone."""
PARENT = "parent"
"""Of a branch whose parent did not come in with it: where among the extra columns the parent's uid is kept."""


def told_by(key: str) -> str:
    """Who a person is in a file: 16 hex digits that stay the same from file to workspace to file."""
    if key.startswith(IMPORTED):
        return key.removeprefix(IMPORTED)
    return hashlib.sha256(key.encode()).hexdigest()[:16]


class Records:
    """Chains as records; the runs behind them, of which there are few, are read once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._runs: dict[int, ToldRun] = {}

    def read(self, ids: Sequence[int]) -> Iterator[ReadRecord]:
        """The chains of these row ids in their order, numbered by them."""
        for start in range(0, len(ids), CHUNK):
            yield from self._chunk(list(ids[start : start + CHUNK]))
            self._session.expunge_all()

    def run(self, run_id: int) -> ToldRun:
        """What is told of a run: of an imported one what its file told, whatever this workspace has."""
        if run_id not in self._runs:
            row = self._session.get_one(RunRow, run_id)
            told = row.told
            self._runs[run_id] = self._own(row) if told is None else run_of(Taken(told, f"run {run_id}"))
        return self._runs[run_id]

    def _chunk(self, ids: list[int]) -> Iterator[ReadRecord]:
        whole = (
            selectinload(ChainRow.prompt),
            selectinload(ChainRow.revisions).selectinload(RevisionRow.principle),
        )
        chosen = select(ChainRow).where(ChainRow.id.in_(ids)).options(*whole)
        rows = {row.id: row for row in self._session.scalars(chosen)}
        above = {row.parent_id for row in rows.values() if row.parent_id is not None}
        parents = dict(self._session.execute(select(ChainRow.id, ChainRow.uid).where(ChainRow.id.in_(above))).all())
        reviews, scores, inputs = self._reviews(ids), self._scores(ids), self._inputs(ids)
        for row_id in ids:
            row = rows[row_id]
            parent = None if row.parent_id is None else parents[row.parent_id]
            record = self._record(row, parent, tuple(reviews[row_id]), tuple(scores[row_id]))
            yield replace(record, inputs=inputs[row_id])

    def _record(
        self, row: ChainRow, parent: str | None, reviews: tuple[ToldReview, ...], scores: tuple[ToldScores, ...]
    ) -> ReadRecord:
        chain, extra = _without_cuts(chains.to_noun(row)), dict(row.extra)
        if row.branch and parent is None:
            parent = extra.pop(PARENT, None)
        prompt = chain.prompt
        about = About(prompt.kind, prompt.split, prompt.topic, prompt.tags, prompt.extra)
        return ReadRecord(
            row.id,
            self.run(row.run_id),
            chain,
            parent,
            gates_of(row),
            row.recalled,
            row.created_at,
            reviews,
            scores,
            extra,
            about,
        )

    def _reviews(self, ids: list[int]) -> dict[int, list[ToldReview]]:
        found: dict[int, list[ToldReview]] = defaultdict(list)
        said = select(ReviewRow, PersonRow.key).join(PersonRow, PersonRow.id == ReviewRow.person_id)
        said = said.where(ReviewRow.chain_id.in_(ids)).order_by(ReviewRow.created_at, ReviewRow.id)
        for row, key in self._session.execute(said):
            one = ToldReview(told_by(key), row.name, Verdict(row.verdict), row.note, row.created_at)
            found[row.chain_id].append(one)
        for listed in found.values():
            listed.sort(key=lambda one: (one.at, one.by))
        return found

    def _scores(self, ids: list[int]) -> dict[int, list[ToldScores]]:
        found: dict[int, list[ToldScores]] = defaultdict(list)
        given = select(ScoreRow, PrincipleRow).outerjoin(PrincipleRow, PrincipleRow.id == ScoreRow.principle_id)
        given = given.where(ScoreRow.chain_id.in_(ids)).order_by(ScoreRow.chain_id, ScoreRow.run_id, ScoreRow.round)
        rows = self._session.execute(given)
        for (chain_id, run_id), group in groupby(rows, lambda pair: (pair[0].chain_id, pair[0].run_id)):
            found[chain_id].append(ToldScores(self.run(run_id), tuple(_score(*pair) for pair in group)))
        for scores in found.values():
            scores.sort(key=lambda one: one.run.uid)
        return found

    def _inputs(self, ids: list[int]) -> dict[int, dict[int, str]]:
        found: dict[int, dict[int, str]] = defaultdict(dict)
        for row in self._session.scalars(select(InputRow).where(InputRow.chain_id.in_(ids))):
            found[row.chain_id][row.position] = row.text
        return found

    def _own(self, row: RunRow) -> ToldRun:
        """What there is to tell of a run that was made here."""
        version = row.constitution_version
        return ToldRun(
            row.uid,
            None,
            row.seed,
            row.code_revision,
            row.note,
            row.config,
            self._model(str(row.config.get("model") or row.config.get("judge_model") or "")),
            None if version is None else ToldVersion(version.constitution.name, version.number, version.hash),
        )

    def _model(self, name: str) -> ToldModel | None:
        row = self._session.scalar(select(ModelRow).where(ModelRow.name == name))
        if row is None:
            return ToldModel(name) if name else None
        return ToldModel(name, row.base, row.adapter, row.revision)


def gates_of(row: ChainRow) -> tuple[Gate | None, ...]:
    """What the response, then critique and revision of each round, ran into; None: not looked at."""
    found = [row.gates, *(gates for one in row.revisions for gates in (one.critique_gates, one.revision_gates))]
    return tuple(None if gates is None else Gate(gates) for gates in found)


def _without_cuts(chain: Chain) -> Chain:
    """The chain as a file holds it: what was cut at the token limit is told by its gates."""
    rounds = (replace(one, critique_finished=True, revision_finished=True) for one in chain.rounds)
    return replace(chain, finished=True, rounds=tuple(rounds))


def _score(row: ScoreRow, under: PrincipleRow | None) -> ToldScore:
    principle = None if under is None else principle_to_noun(under)
    return ToldScore(row.round, RowState(row.state), row.value, row.verdict, principle, row.error)
