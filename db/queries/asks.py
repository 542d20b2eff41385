"""Asks as the Playground reads them: the newest in a list, one in full, and the workers that answer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from db.queries.runs import turns_of, version_name
from db.schema_asks import AskPartRow, AskRow, WarmWorkerRow

OPEN = ("waiting", "answering")
LISTED = 12


@dataclass(frozen=True, slots=True)
class AskLine:
    """An ask in a list."""

    id: int
    kind: str
    state: str
    prompt: str
    """The last user's turn."""
    model: str
    principle: str | None
    created_at: datetime

    @property
    def open(self) -> bool:
        """Waiting or being answered."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class PartDetail:
    """One request and its answer so far."""

    part: str
    text: str | None
    rendered: str | None
    sent: str | None
    thinking: str | None
    finished: bool | None
    """None: still being written."""
    num_tokens: int | None
    seed: int | None


@dataclass(frozen=True, slots=True)
class AskDetail:
    """One ask in full."""

    line: AskLine
    turns: tuple[tuple[str, str], ...]
    model_id: int
    constitution: str | None
    """'name@3'."""
    principle_title: str | None
    critique_request: str | None
    revision_request: str | None
    seed: int
    temperature: float
    max_new_tokens: int
    few_shots: int
    device: str
    stop_requested: bool
    error: str | None
    seconds_to_first_text: float | None
    seconds: float | None
    """From asking to the end."""
    code_revision: str
    parts: tuple[PartDetail, ...]


@dataclass(frozen=True, slots=True)
class WarmWorker:
    """A process that answers asks."""

    device: str
    pid: int | None
    doing: str
    models: tuple[str, ...]
    memory: int
    """Bytes that its models take."""
    budget: int


def _line(row: AskRow) -> AskLine:
    prompt = turns_of(row.request["turns"])[-1][1]
    slug = None if row.principle is None else row.principle.slug
    return AskLine(row.id, row.kind, row.state, prompt, row.model.name, slug, row.created_at)


def newest_asks(session: Session, limit: int = LISTED) -> list[AskLine]:
    """The newest asks, the newest first."""
    whole = (selectinload(AskRow.model), selectinload(AskRow.principle))
    return [
        _line(row) for row in session.scalars(select(AskRow).options(*whole).order_by(AskRow.id.desc()).limit(limit))
    ]


def ask_detail(session: Session, ask_id: int) -> AskDetail | None:
    """One ask with its parts; None if there is none of this id."""
    row = session.get(AskRow, ask_id)
    if row is None:
        return None
    principle = row.principle
    return AskDetail(
        _line(row),
        turns_of(row.request["turns"]),
        row.model_id,
        version_name(session, row.constitution_version_id),
        None if principle is None else principle.title,
        None if principle is None else principle.critique_request,
        None if principle is None else principle.revision_request,
        row.seed,
        row.temperature,
        row.max_new_tokens,
        int(row.request.get("few_shots", 0)),
        row.device,
        row.stop_requested,
        row.error,
        _between(row.created_at, row.first_text_at),
        _between(row.created_at, row.ended_at),
        row.code_revision,
        tuple(_part(part) for part in row.parts),
    )


def _between(begin: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - begin).total_seconds()


def _part(row: AskPartRow) -> PartDetail:
    return PartDetail(row.part, row.text, row.rendered, row.sent, row.thinking, row.finished, row.num_tokens, row.seed)


def ask_state(session: Session, ask_id: int) -> tuple[str, bool] | None:
    """State, and whether a stop was asked for: a cheap look."""
    found = session.execute(select(AskRow.state, AskRow.stop_requested).where(AskRow.id == ask_id)).first()
    return None if found is None else (found.state, found.stop_requested)


def warm_workers(session: Session) -> list[WarmWorker]:
    """The workers that say they are there."""
    rows = session.scalars(select(WarmWorkerRow).order_by(WarmWorkerRow.device))
    return [WarmWorker(r.device, r.pid, r.doing, tuple(map(str, r.models)), r.memory, r.budget) for r in rows]
