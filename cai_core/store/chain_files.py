"""Chains from a file: our own with all that is known of them, or those that others published."""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from cai_core.constitution.schema import SLUG
from cai_core.errors import DataFileError
from cai_core.interchange.rows import Item, ReadChain, Reading, ReadRecord, ReadStep, Refused, ToldRun
from cai_core.interchange.rows.own_chains import run_fields
from cai_core.store import chains
from cai_core.store.chain_entry import CHUNK, Entry
from cai_core.store.constitutions import principle_to_noun
from cai_core.store.import_report import Account, ImportReport, Spool, set_name
from cai_core.store.workspace import Workspace
from cai_core.types import Chain, Principle, Prompt, PromptKind, Round, RowState, RunKind, RunState, Split, prompt_uid
from db.schema import PrincipleRow, PromptRow, RunRow
from db.schema_chains import ChainRow, RevisionRow

OWN = "cai-chain"
Stored = Mapping[str, int]
"""The content of chains that are here, by their uid."""


@dataclass(frozen=True, slots=True)
class ChainWishes:
    """What a file's chains are to be."""

    source: str = ""
    """Prompt set that their prompts join; else what the file says, or its name."""
    kind: PromptKind = PromptKind.RED_TEAM
    """What the prompts are for where the file does not say."""


def import_chains(
    workspace: Workspace, reading: Reading, wishes: ChainWishes | None = None, *, dry_run: bool = False
) -> ImportReport:
    """Add a file's chains in one transaction, all or none; rows that cannot be used are set aside and reported.

    With `dry_run` nothing is written, and the counts are the same. Raises `DataFileError` for a file that turns out to
    be damaged or holds no chain.
    """
    account = Account(reading)
    with tempfile.TemporaryFile() as file:
        # The file is read to its end before the transaction begins: other writers wait for the writing alone.
        fresh: Spool[ReadRecord] = Spool(file)
        with workspace.reading() as session:
            for chunk in _Intake(session, account, wishes or ChainWishes()).fresh():
                fresh.add(chunk)
        if not account.usable:
            raise DataFileError(_useless(reading, account.refused))
        accepted = fresh.count
        if not dry_run and fresh.count:
            with workspace.writing() as session:
                accepted = Entry(session, _file_name(reading)).enter(fresh.chunks())
    return account.report(accepted)


class _Intake:
    """A file's rows becoming chains, each once, and the account of them."""

    def __init__(self, session: Session, account: Account, wishes: ChainWishes) -> None:
        self._session, self._account, self._wishes = session, account, wishes
        self._source = wishes.source or set_name(account.reading)
        self._published = None if account.reading.format == OWN else _published_run(account.reading, self._source)
        self._met: dict[int, int] = {}
        """The content of each chain so far by its uid, as numbers: these take half the memory."""
        self._runs: dict[str, tuple[str, ToldRun]] = {}
        self._told: dict[tuple[str, str], Principle] = {}
        self._samples: dict[str, int] = {}

    def fresh(self) -> Iterator[list[ReadRecord]]:
        """The chains that are new, some at a time."""
        rest = iter(self._account.reading)
        while chunk := list(islice(rest, CHUNK)):
            try:
                records = [found for item in chunk if (found := self._record(item)) is not None]
                stored = self._stored({record.chain.prompt.uid for record in records})
                yield [new for one in records if (new := self._new(one, stored.get(one.chain.prompt.uid, {})))]
            finally:
                self._session.expunge_all()

    def _record(self, item: Item | Refused) -> ReadRecord | None:
        """A row as a chain; None where it was set aside."""
        if isinstance(item, Refused):
            self._account.refuse(item)
            return None
        found = self._of_step(item) if isinstance(item, ReadChain) else item
        if not isinstance(found, ReadRecord):
            self._refuse(item, "it holds no chain of critiques and revisions")
            return None
        if why := next(filter(None, (self._otherwise(kind, run) for kind, run in _runs_of(found))), ""):
            self._refuse(item, why)
            return None
        self._account.usable += 1
        self._account.note(found.about.notes)
        prompt = found.chain.prompt
        source = self._wishes.source or prompt.source or self._source
        return replace(found, chain=replace(found.chain, prompt=replace(prompt, source=source)))

    def _refuse(self, item: Item, why: str) -> None:
        self._account.refuse(Refused(item.number, why))

    def _otherwise(self, kind: RunKind, run: ToldRun) -> str:
        """What a row tells of a run that cannot be, since it is known otherwise; '' where nothing does."""
        known = self._runs.get(run.uid)
        if known is not None:
            return "" if known == (kind, run) else f"it tells otherwise of run {run.uid} than a row before"
        row = self._session.scalar(select(RunRow).where(RunRow.uid == run.uid))
        if row is not None and (why := _unlike(row, kind, run)):
            return f"it tells of run {run.uid}, which is run {row.id} here and {why}"
        self._runs[run.uid] = (kind, run)
        return ""

    def _stored(self, prompts: set[str]) -> dict[str, dict[str, int]]:
        """The chains of these prompts that are here: their contents by their uids, by prompt."""
        found: dict[str, dict[str, int]] = {}
        whole = (selectinload(ChainRow.prompt), selectinload(ChainRow.revisions).selectinload(RevisionRow.principle))
        rows = select(ChainRow).join(ChainRow.prompt).where(PromptRow.uid.in_(prompts)).options(*whole)
        for row in self._session.scalars(rows):
            found.setdefault(row.prompt.uid, {})[row.uid] = content(chains.to_noun(row))
        return found

    def _new(self, record: ReadRecord, stored: Stored) -> ReadRecord | None:
        """The chain, if neither an earlier row nor the workspace has it."""
        said = content(record.chain)
        if self._published is not None:
            if said in self._met or said in stored.values():
                return None
            self._met[said] = said
            return self._numbered(record, stored)
        uid = int(record.uid, 16)
        before = self._met.get(uid, stored.get(record.uid))
        if before is None:
            self._met[uid] = said
            return record
        if before != said:
            self._account.usable -= 1
            where = "a row before" if uid in self._met else "the workspace"
            self._refuse(record, f"{where} has a chain of its uid that says something else")
        elif record.reviews or record.scores or record.inputs:
            self._account.note(("it was here already, and its verdicts, scores and inputs were not looked at",))
        return None

    def _numbered(self, record: ReadRecord, stored: Stored) -> ReadRecord:
        """A published chain as the next sample of its prompt that its run does not have."""
        prompt = record.chain.prompt.uid
        number = self._samples.get(prompt, 0)
        while (found := replace(record, chain=replace(record.chain, sample=number))).uid in stored:
            number += 1
        self._samples[prompt] = number + 1
        return found

    def _of_step(self, item: ReadChain) -> ReadRecord:
        """A published chain; its principles are those of the workspace that ask in the same words, else new ones."""
        assert self._published is not None
        about = item.about
        kind, split = about.kind or self._wishes.kind, about.split or Split.TRAIN
        prompt = Prompt(prompt_uid(item.turns), item.turns, kind, split, self._source, about.topic, about.tags)
        rounds = tuple(
            Round(number, self._principle(step), step.critique, step.revision, None, None)
            for number, step in enumerate(item.steps, start=1)
        )
        chain = Chain(prompt, 0, 0, item.response, rounds, RowState.DONE)
        return ReadRecord(item.number, self._published, chain, extra=about.extra, about=about)

    def _principle(self, step: ReadStep) -> Principle:
        asked = (step.critique_request, step.revision_request)
        if asked not in self._told:
            same = PrincipleRow.critique_request == asked[0], PrincipleRow.revision_request == asked[1]
            row = self._session.scalar(select(PrincipleRow).where(*same).order_by(PrincipleRow.uid).limit(1))
            self._told[asked] = told_principle(step) if row is None else principle_to_noun(row)
        return self._told[asked]


def content(chain: Chain) -> int:
    """A number of 64 bits that says what is written in a chain, whoever wrote it and wherever it lies."""
    rounds = [
        (one.principle.critique_request, one.critique, one.principle.revision_request, one.revision)
        for one in chain.rounds
    ]
    text = json.dumps([chain.prompt.uid, chain.response, rounds])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def told_principle(step: ReadStep) -> Principle:
    """The principle of a published step: called by the file's key for it, else by a hash of its words."""
    asked = f"{step.critique_request}\x1f{step.revision_request}"
    key = step.principle or ""
    slug = key if SLUG.fullmatch(key) else f"told-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"
    return Principle(slug, key or slug, critique_request=step.critique_request, revision_request=step.revision_request)


def _published_run(reading: Reading, source: str) -> ToldRun:
    """The run that published chains belong to: the same whenever the file is read into the same set."""
    name = _file_name(reading)
    told = "\x1f".join(("published", reading.format, source, name))
    uid = hashlib.sha256(told.encode()).hexdigest()[:32]
    return ToldRun(uid, origin=name, note=f"published chains ({reading.format})")


def _file_name(reading: Reading) -> str:
    return Path(reading.source.name).name


def _runs_of(record: ReadRecord) -> Iterator[tuple[RunKind, ToldRun]]:
    yield RunKind.CHAINS, record.run
    for one in record.scores:
        yield RunKind.SCORES, one.run


def _unlike(row: RunRow, kind: RunKind, run: ToldRun) -> str:
    """Why rows of a run cannot join the one of its uid that is here; '' if they can."""
    if row.kind != kind:
        return f"a {row.kind} run"
    if row.state in (RunState.WAITING, RunState.RUNNING):
        return f"still {row.state}: wait until it is done"
    same = run_fields(run) == row.told if row.told else (run.seed, run.config) == (row.seed, row.config)
    return "" if same else "had other settings"


def _useless(reading: Reading, refused: Iterable[Refused]) -> str:
    first = next(iter(refused))
    return (
        f"{reading.source.name} holds no chain (row {first.row}: {first.reason}). A chain is a response with critiques "
        "and revisions: cai-chain, the paper's published chains, or Hugging Face's cai-conversation."
    )
