"""Asks as the Playground reads them: the newest in a list, one in full, and the workers that answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from db.queries.runs import turns_of, version_name
from db.schema import PrincipleRow
from db.schema_asks import AskPartRow, AskRow, WarmWorkerRow

OPEN = ("waiting", "answering")
LISTED = ("sample", "choose", "critique_revision", "compare")
"""Kinds that somebody put by hand: the others are put by other pages, for what they show themselves."""
MOST_LISTED = 12


@dataclass(frozen=True, slots=True)
class AskLine:
    """An ask in a list."""

    id: int
    kind: str
    state: str
    prompt: str
    """The last user's turn."""
    model: str
    principles: tuple[str, ...]
    """Ids of what is tried."""
    samples: int
    created_at: datetime

    @property
    def open(self) -> bool:
        """Waiting or being answered."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class AskedPrinciple:
    """A principle, as it stands to be tried or stood when it was."""

    slug: str
    title: str
    kind: str
    critique_request: str | None
    revision_request: str | None
    comparison: str | None


@dataclass(frozen=True, slots=True)
class PartDetail:
    """One request and its answer so far."""

    position: int
    part: str
    sample: int
    principle: str | None
    """Id of the principle behind it; None: none, or the ask's only one."""
    order: str | None
    text: str | None
    rendered: str | None
    sent: str | None
    thinking: str | None
    finished: bool | None
    """None: still being written."""
    num_tokens: int | None
    seed: int | None
    logprobs: tuple[float, ...] | None
    bounded: tuple[bool, ...]
    failure: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class AskDetail:
    """One ask in full."""

    line: AskLine
    turns: tuple[tuple[str, str], ...]
    model_id: int
    constitution: str | None
    """'name@3': what was tried, or what the wording that was tried began from."""
    unsaved: bool
    """It was tried as it stood unsaved."""
    name: str
    """The constitution's; empty: none was tried, or it had no name yet."""
    principles: tuple[AskedPrinciple, ...]
    options: tuple[str, ...]
    response_a: str | None
    response_b: str | None
    seed: int
    temperature: float
    max_new_tokens: int
    few_shots: int
    device: str
    stop_requested: bool
    error: str | None
    plain_because: str | None
    """Why the model was answered the plain way, several times slower."""
    seconds_to_first_text: float | None
    seconds: float | None
    """From asking to the end."""
    code_revision: str
    parts: tuple[PartDetail, ...]

    def find(self, part: str, sample: int = 0, principle: str | None = None) -> PartDetail | None:
        """A part of a sample, under a principle; of old asks, which had one, whatever principle."""
        for one in self.parts:
            if (one.part, one.sample) == (part, sample) and one.principle in (principle, None):
                return one
        return None


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


def _principles(session: Session, rows: Iterable[AskRow]) -> dict[int, PrincipleRow]:
    ids = {one for row in rows for one in _principle_ids(row)}
    return {one.id: one for one in session.scalars(select(PrincipleRow).where(PrincipleRow.id.in_(ids)))} if ids else {}


def _principle_ids(row: AskRow) -> list[int]:
    listed: list[int] = row.request.get("principle_ids", [] if row.principle_id is None else [row.principle_id])
    return listed


def _line(row: AskRow, principles: dict[int, PrincipleRow]) -> AskLine:
    prompt = turns_of(row.request["turns"])[-1][1]
    slugs = tuple(principles[one].slug for one in _principle_ids(row))
    samples = int(row.request.get("samples", 1))
    return AskLine(row.id, row.kind, row.state, prompt, row.model.name, slugs, samples, row.created_at)


def newest_asks(session: Session, limit: int = MOST_LISTED) -> list[AskLine]:
    """The newest asks that somebody put by hand, the newest first."""
    chosen = select(AskRow).where(AskRow.kind.in_(LISTED)).order_by(AskRow.id.desc()).limit(limit)
    rows = list(session.scalars(chosen.options(selectinload(AskRow.model))))
    principles = _principles(session, rows)
    return [_line(row, principles) for row in rows]


def ask_detail(session: Session, ask_id: int) -> AskDetail | None:
    """One ask with its parts; None if there is none of this id."""
    row = session.get(AskRow, ask_id)
    if row is None:
        return None
    principles = _principles(session, [row])
    asked: dict[str, Any] = row.request
    ref = version_name(session, row.constitution_version_id)
    return AskDetail(
        line=_line(row, principles),
        turns=turns_of(asked["turns"]),
        model_id=row.model_id,
        constitution=ref,
        unsaved="wording" in asked,
        name=str(asked["wording"]["name"]) if "wording" in asked else (ref or "").rpartition("@")[0],
        principles=tuple(asked_principle(principles[one]) for one in _principle_ids(row)),
        options=tuple(asked.get("options", ())),
        response_a=asked.get("response_a"),
        response_b=asked.get("response_b"),
        seed=row.seed,
        temperature=row.temperature,
        max_new_tokens=row.max_new_tokens,
        few_shots=int(asked.get("few_shots", 0)),
        device=row.device,
        stop_requested=row.stop_requested,
        error=row.error,
        plain_because=row.plain_because,
        seconds_to_first_text=_between(row.created_at, row.first_text_at),
        seconds=_between(row.created_at, row.ended_at),
        code_revision=row.code_revision,
        parts=tuple(_part(part, principles) for part in row.parts),
    )


def _between(begin: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - begin).total_seconds()


def asked_principle(row: PrincipleRow) -> AskedPrinciple:
    """A principle's row, to be tried."""
    return AskedPrinciple(row.slug, row.title, row.kind, row.critique_request, row.revision_request, row.comparison)


def _slug(row: AskPartRow, principles: dict[int, PrincipleRow]) -> str | None:
    """The id of a part's principle: one that the ask names, or one that a round of a chain draws."""
    found = principles.get(row.principle_id or 0) or row.principle
    return None if found is None else found.slug


def _part(row: AskPartRow, principles: dict[int, PrincipleRow]) -> PartDetail:
    return PartDetail(
        position=row.position,
        part=row.part,
        sample=row.sample,
        principle=None if row.principle_id is None else _slug(row, principles),
        order=row.order,
        text=row.text,
        rendered=row.rendered,
        sent=row.sent,
        thinking=row.thinking,
        finished=row.finished,
        num_tokens=row.num_tokens,
        seed=row.seed,
        logprobs=None if row.logprobs is None else tuple(row.logprobs),
        bounded=tuple(row.bounded or ()),
        failure=row.failure,
        error=row.error,
    )


def ask_state(session: Session, ask_id: int) -> tuple[str, bool] | None:
    """State, and whether a stop was asked for: a cheap look."""
    found = session.execute(select(AskRow.state, AskRow.stop_requested).where(AskRow.id == ask_id)).first()
    return None if found is None else (found.state, found.stop_requested)


def warm_workers(session: Session) -> list[WarmWorker]:
    """The workers that say they are there."""
    rows = session.scalars(select(WarmWorkerRow).order_by(WarmWorkerRow.device))
    return [WarmWorker(r.device, r.pid, r.doing, tuple(map(str, r.models)), r.memory, r.budget) for r in rows]
