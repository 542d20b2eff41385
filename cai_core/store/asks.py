"""Asks and their parts: rows ↔ nouns. Every change of an ask that is being answered names the attempt it belongs to."""

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cai_core.errors import ConstitutionError, ModelError, PromptError, RunError
from cai_core.store import constitutions, models, prompts
from cai_core.types import Ask, AskKind, AskPart, AskState, Constitution, Message, Principle, Role
from db.schema import now
from db.schema_asks import AskPartRow, AskRow

OPEN = (AskState.WAITING.value, AskState.ANSWERING.value)
MOST_ATTEMPTS = 3
"""Workers that may die of one ask before it is given up."""


def add(session: Session, ask: Ask, *, device: str) -> AskRow:
    """Add a waiting ask; raises where the model cannot answer it, or the principle is not in the version."""
    model = models.get(session, ask.model)
    if model.kind != "causal":
        raise ModelError(f"model {ask.model!r} is a {model.kind} model, which writes no text. Ask a causal one.")
    _check_turns(ask)
    row = AskRow(uid=uuid.uuid4().hex, kind=ask.kind.value, model_id=model.id, device=device)
    row.request = {
        "turns": prompts.turns_to_json(ask.turns),
        "options": list(ask.options),
        "few_shots": ask.few_shots,
    }
    row.seed, row.temperature, row.max_new_tokens = ask.seed, ask.temperature, ask.max_new_tokens
    if ask.kind is AskKind.CRITIQUE_REVISION:
        version = constitutions.version_row(session, ask.constitution or "")
        chosen = _principle(constitutions.to_noun(version), ask.principle)
        row.constitution_version_id = version.id
        row.principle_id = constitutions.principle_ids(session, [chosen])[chosen.uid]
    session.add(row)
    session.flush()
    return row


def _check_turns(ask: Ask) -> None:
    asked = [turn for turn in ask.turns if turn.role is Role.USER]
    if not asked or not asked[-1].content.strip():
        raise PromptError("the prompt is empty. Write what the model should answer.")
    if ask.kind is AskKind.CHOOSE and (len(ask.options) < 2 or not all(ask.options)):
        raise PromptError(
            f"a choice between {list(ask.options)} is none. Give two options or more, none of them empty."
        )


def _principle(constitution: Constitution, wanted: str | None) -> Principle:
    """The principle of this id, if a critique can be written under it."""
    usable = [one for one in constitution.principles if one.critique_request and one.revision_request]
    found = next((one for one in usable if one.id == wanted), None)
    if found is None:
        listed = ", ".join(one.id for one in usable) or "none: give one both requests"
        has = f"has no principle {wanted!r} to criticise under" if wanted else "needs a principle, and none was named"
        raise ConstitutionError(
            f"constitution {constitution.name!r} {has}. With a critique and a revision request it has: {listed}."
        )
    return found


def get(session: Session, ask_id: int) -> AskRow:
    """An ask's row."""
    row = session.get(AskRow, ask_id)
    if row is None:
        raise RunError(f"there is no ask {ask_id} in this workspace. The Playground lists those there are.")
    return row


def to_noun(row: AskRow) -> Ask:
    """What was asked."""
    version = row.constitution_version
    return Ask(
        kind=AskKind(row.kind),
        model=row.model.name,
        turns=tuple(Message(Role(turn["role"]), turn["content"]) for turn in row.request["turns"]),
        seed=row.seed,
        temperature=row.temperature,
        max_new_tokens=row.max_new_tokens,
        options=tuple(row.request["options"]),
        constitution=None if version is None else f"{version.constitution.name}@{version.number}",
        principle=None if row.principle is None else row.principle.slug,
        few_shots=row.request["few_shots"],
    )


def parts(row: AskRow) -> tuple[AskPart, ...]:
    """The requests of an ask, with what was answered so far."""
    return tuple(
        AskPart(
            one.part,
            one.text,
            one.rendered,
            one.sent,
            one.finished,
            one.num_tokens,
            one.seed,
            None if one.logprobs is None else tuple(one.logprobs),
            tuple(one.bounded or ()),
            one.thinking,
        )
        for one in row.parts
    )


def is_pending(session: Session, device: str) -> bool:
    """Whether an ask waits for this device, or is being answered on it. Cheap: one look at an index."""
    found = select(AskRow.id).where(AskRow.state.in_(OPEN), AskRow.device == device).limit(1)
    return session.execute(found).first() is not None


def devices_asked(session: Session) -> list[str]:
    """The devices that somebody waits for."""
    return list(session.scalars(select(AskRow.device).where(AskRow.state.in_(OPEN)).distinct()))


def ahead_of(session: Session, row: AskRow) -> list[int]:
    """The asks that the same worker answers before this one."""
    before = select(AskRow.id).where(AskRow.state.in_(OPEN), AskRow.device == row.device, AskRow.id < row.id)
    return list(session.scalars(before.order_by(AskRow.id)))


def take(session: Session, device: str, pid: int, code_revision: str) -> AskRow | None:
    """The oldest ask that waits for this device, now being answered; None if none waits."""
    waiting = select(AskRow).where(AskRow.state == AskState.WAITING.value, AskRow.device == device)
    row = session.scalar(waiting.order_by(AskRow.id).limit(1))
    if row is not None:
        row.state, row.pid, row.code_revision = AskState.ANSWERING.value, pid, code_revision
        row.attempt, row.started_at = row.attempt + 1, row.started_at or now()
    return row


def put_back(session: Session, device: str, why: str) -> None:
    """Let what a worker that is gone was answering wait again, from its own seeds; what each dies of fails: `why`."""
    left = select(AskRow).where(AskRow.state == AskState.ANSWERING.value, AskRow.device == device)
    for row in session.scalars(left):
        if row.stop_requested:
            end(row, AskState.STOPPED)
        elif row.attempt >= MOST_ATTEMPTS:
            end(
                row, AskState.FAILED, f"its worker ended {row.attempt} times in the middle of it, without a word: {why}"
            )
        else:
            row.state, row.pid = AskState.WAITING.value, None
    session.flush()


def fail_waiting(session: Session, device: str, error: str) -> None:
    """Nobody can answer what waits for this device."""
    for row in session.scalars(select(AskRow).where(AskRow.state == AskState.WAITING.value, AskRow.device == device)):
        end(row, AskState.FAILED, error)
    session.flush()


def end(row: AskRow, state: AskState, error: str | None = None) -> None:
    """The ask is over."""
    row.state, row.error, row.ended_at, row.stop_requested = state.value, error, now(), False


def write_part(session: Session, ask_id: int, position: int, **values: Any) -> None:
    """Write what is known of a part; it is made where it is not there."""
    row = session.get(AskPartRow, (ask_id, position))
    if row is None:
        session.add(AskPartRow(ask_id=ask_id, position=position, **values))
    else:
        for name, value in values.items():
            setattr(row, name, value)
    if values.get("text"):
        session.execute(
            update(AskRow).where(AskRow.id == ask_id, AskRow.first_text_at.is_(None)).values(first_text_at=now())
        )


def summary(row: AskRow) -> dict[str, Any]:
    """An ask as plain JSON values, for the command line."""
    ask, wait = to_noun(row), row.first_text_at and (row.first_text_at - row.created_at).total_seconds()
    names = ("id", "uid", "kind", "state", "error", "device", "attempt", "code_revision", "seed", "temperature")
    return {
        **{name: getattr(row, name) for name in names},
        "max_new_tokens": row.max_new_tokens,
        "model": ask.model,
        "constitution": ask.constitution,
        "principle": ask.principle,
        "few_shots": ask.few_shots,
        "prompt": prompts.turns_to_json(ask.turns),
        "parts": [_part_summary(one) for one in parts(row)],
        "seconds_to_first_text": wait,
        "created_at": row.created_at.isoformat(),
        "ended_at": row.ended_at and row.ended_at.isoformat(),
    }


def _part_summary(part: AskPart) -> dict[str, Any]:
    names: Iterable[str] = AskPart.__dataclass_fields__
    return {name: getattr(part, name) for name in names}
