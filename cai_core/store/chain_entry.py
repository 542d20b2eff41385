"""Chains that come from a file entering the database: with them their runs, principles, people and scores."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from cai_core.interchange.rows import ReadRecord, ToldReview, ToldRun
from cai_core.interchange.rows.own_chains import run_fields
from cai_core.store import chains, constitutions, prompts
from cai_core.store.chain_records import IMPORTED, PARENT, told_by
from cai_core.types import Gate, Principle, RunKind, RunState
from db.base import now
from db.schema import ConstitutionVersionRow, RunParentRow, RunRow
from db.schema_authoring import PersonRow
from db.schema_chains import ChainRow, InputRow, ReviewRow, ScoreRow

CHUNK = 200
"""Chains entered at a time."""


class Entry:
    """Enters chains in the transaction of a session; what they share is looked up once."""

    def __init__(self, session: Session, origin: str) -> None:
        self._session, self._origin = session, origin
        self._runs: dict[str, RunRow] = {}
        self._made: dict[int, RunKind] = {}
        """Runs that were made or added to."""
        self._principles: dict[str, int] = {}
        self._people: dict[str, int] | None = None
        self._orphans: list[tuple[int, str]] = []
        """Branches whose parent is not here yet, and the parents' uids."""

    def enter(self, chunks: Iterable[Sequence[ReadRecord]]) -> int:
        """Enter the records that are not there; how many they were."""
        entered = sum(self._chunk(chunk) for chunk in chunks)
        self._join_orphans()
        for run_id, kind in self._made.items():
            self._count(run_id, kind)
        return entered

    def _chunk(self, chunk: Sequence[ReadRecord]) -> int:
        uids = [record.uid for record in chunk]
        there = set(self._session.scalars(select(ChainRow.uid).where(ChainRow.uid.in_(uids))))
        records = [record for record in chunk if record.uid not in there]
        prompts.add(self._session, [record.chain.prompt for record in records])
        ids = prompts.ids_by_uid(self._session, [record.chain.prompt.uid for record in records])
        rows = [self._row(record, ids[record.chain.prompt.uid]) for record in records]
        chains.enter(self._session, [(row, one.chain) for row, one in zip(rows, records, strict=True)])
        self._join(rows, records)
        self._insert(ReviewRow, (one for pair in zip(rows, records, strict=True) for one in self._reviews(*pair)))
        self._insert(ScoreRow, (one for pair in zip(rows, records, strict=True) for one in self._scores(*pair)))
        self._insert(InputRow, (one for pair in zip(rows, records, strict=True) for one in _inputs(*pair)))
        self._session.flush()
        self._session.expunge_all()
        return len(records)

    def _row(self, record: ReadRecord, prompt_id: int) -> ChainRow:
        ids = {one.principle.uid: self._principle(one.principle) for one in record.chain.rounds}
        row = chains.row_of(self._run(record.run, RunKind.CHAINS), prompt_id, record.chain, ids, record.recalled)
        row.extra = dict(record.extra)
        row.created_at = record.created_at or now()
        if record.gates is not None:
            _take_gates(row, record.gates)
        return row

    def _join(self, rows: Sequence[ChainRow], records: Sequence[ReadRecord]) -> None:
        """Tie branches to their parents, as far as these are here."""
        wanted = {record.parent for record in records if record.parent is not None}
        chosen = select(ChainRow.uid, ChainRow.id).where(ChainRow.uid.in_(wanted))
        found = dict(self._session.execute(chosen).all()) if wanted else {}
        for row, record in zip(rows, records, strict=True):
            if record.parent is not None:
                row.parent_id = found.get(record.parent)
                if row.parent_id is None:
                    self._orphans.append((row.id, record.parent))

    def _join_orphans(self) -> None:
        for chain_id, parent in self._orphans:
            row = self._session.get_one(ChainRow, chain_id)
            row.parent_id = self._session.scalar(select(ChainRow.id).where(ChainRow.uid == parent))
            if row.parent_id is None:
                row.extra = {**row.extra, PARENT: parent}
        self._session.flush()

    def _run(self, told: ToldRun, kind: RunKind) -> RunRow:
        if told.uid not in self._runs:
            row = self._session.scalar(select(RunRow).where(RunRow.uid == told.uid))
            self._runs[told.uid] = row or self._new_run(told, kind)
            if row is None or row.told is not None:
                self._made[self._runs[told.uid].id] = kind
        return self._runs[told.uid]

    def _new_run(self, told: ToldRun, kind: RunKind) -> RunRow:
        row = RunRow(uid=told.uid, kind=kind.value, state=RunState.DONE.value, seed=told.seed, note=told.note)
        row.config, row.code_revision = dict(told.config), told.code_revision
        row.origin, row.told = self._origin, run_fields(told)
        row.started_at = row.ended_at = now()
        row.phase = "imported"
        if told.constitution is not None:
            same = select(ConstitutionVersionRow.id).where(ConstitutionVersionRow.hash == told.constitution.hash)
            row.constitution_version_id = self._session.scalar(same.order_by(ConstitutionVersionRow.id).limit(1))
        self._session.add(row)
        self._session.flush()
        return row

    def _principle(self, principle: Principle) -> int:
        if principle.uid not in self._principles:
            self._principles[principle.uid] = constitutions.principle_row(self._session, principle).id
        return self._principles[principle.uid]

    def _reviews(self, row: ChainRow, record: ReadRecord) -> list[dict[str, Any]]:
        """What was said, the last of each person's words as what stands."""
        last = {one.by: place for place, one in enumerate(record.reviews)}
        return [
            {
                "chain_id": row.id,
                "person_id": self._person(one),
                "name": one.name,
                "verdict": one.verdict.value,
                "note": one.note,
                "current": last[one.by] == place,
                "created_at": one.at,
            }
            for place, one in enumerate(record.reviews)
        ]

    def _person(self, said: ToldReview) -> int:
        """Whoever said it: somebody of this workspace, or somebody who is known from files alone."""
        if self._people is None:
            rows = self._session.execute(select(PersonRow.key, PersonRow.id))
            self._people = {told_by(key): person for key, person in rows}
        if said.by not in self._people:
            row = PersonRow(key=IMPORTED + said.by, name=said.name)
            self._session.add(row)
            self._session.flush()
            self._people[said.by] = row.id
        return self._people[said.by]

    def _scores(self, row: ChainRow, record: ReadRecord) -> list[dict[str, Any]]:
        found = []
        for scores in record.scores:
            run = self._run(scores.run, RunKind.SCORES)
            self._session.merge(RunParentRow(run_id=run.id, parent_id=row.run_id))
            found += [
                {
                    "run_id": run.id,
                    "chain_id": row.id,
                    "round": one.round,
                    "state": one.state.value,
                    "value": one.value,
                    "verdict": one.verdict,
                    "principle_id": None if one.principle is None else self._principle(one.principle),
                    "error": one.error,
                }
                for one in scores.rounds
            ]
        return found

    def _insert(self, table: type[ReviewRow | ScoreRow | InputRow], rows: Iterable[dict[str, Any]]) -> None:
        if values := list(rows):
            self._session.execute(insert(table), values)

    def _count(self, run_id: int, kind: RunKind) -> None:
        """A run's counts, as the stage that made it would have left them."""
        table = ChainRow if kind is RunKind.CHAINS else ScoreRow
        counted = select(table.state, func.count()).where(table.run_id == run_id).group_by(table.state)
        states = dict(self._session.execute(counted).all())
        rows = sum(states.values())
        values = {"done": rows, "total": rows, "result": {"rows": rows, "states": states}}
        self._session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))


def _inputs(row: ChainRow, record: ReadRecord) -> Iterator[dict[str, Any]]:
    for position, text in record.inputs.items():
        yield {"chain_id": row.id, "position": position, "text": text}


def _take_gates(row: ChainRow, gates: Sequence[Gate | None]) -> None:
    """What the file says that the texts ran into, whatever would be found here."""
    said = [None if one is None else int(one) for one in gates]
    row.gates = said[0]
    for place, one in enumerate(row.revisions):
        one.critique_gates, one.revision_gates = said[2 * place + 1], said[2 * place + 2]
    looked = [one for one in said if one is not None]
    row.hits = sum({bit for one in looked for bit in Gate if one & bit}) if looked else None
