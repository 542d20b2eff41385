"""Asks and their parts: rows ↔ nouns. Every change of an ask that is being answered names the attempt it belongs to.

A wording that is saved nowhere is kept with its ask, narrowed to what the answer depends on; its principles get rows
of their own, as a version's do, so that an answer leads back to the very words behind it.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select, update
from sqlalchemy.orm import Session, object_session

from cai_core.errors import ConstitutionError, ModelError, PromptError, RunError
from cai_core.preferences.asks import told
from cai_core.store import constitutions, datasets, models, prompts
from cai_core.types import (
    Ask,
    AskKind,
    AskPart,
    AskState,
    Branching,
    Constitution,
    Failure,
    Label,
    Message,
    Order,
    Principle,
    Role,
)
from db.schema import ModelRow, PrincipleRow, now
from db.schema_asks import AskPartRow, AskRow

OPEN = (AskState.WAITING.value, AskState.ANSWERING.value)
MOST_ATTEMPTS = 3
"""Workers that may die of one ask before it is given up."""
TRIED = {AskKind.CRITIQUE_REVISION: "criticise under", AskKind.COMPARE: "compare under"}
"""What each kind does with principles."""
_WORDING, _BRANCHING = TypeAdapter(Constitution), TypeAdapter(Branching)


def add(session: Session, ask: Ask, *, device: str) -> AskRow:
    """Add a waiting ask; raises where the model cannot answer it, or the principle is not in the version."""
    model = models.get(session, ask.model)
    if model.kind != "causal":
        raise ModelError(f"model {ask.model!r} is a {model.kind} model, which writes no text. Ask a causal one.")
    _check_turns(ask)
    row = AskRow(uid=uuid.uuid4().hex, kind=ask.kind.value, model_id=model.id, device=device)
    row.seed, row.temperature, row.max_new_tokens = ask.seed, ask.temperature, ask.max_new_tokens
    row.request = {
        "turns": prompts.turns_to_json(ask.turns),
        "options": list(ask.options),
        "few_shots": ask.few_shots,
        "samples": ask.samples,
    }
    if ask.kind is AskKind.COMPARE:
        row.request |= {"response_a": ask.response_a, "response_b": ask.response_b}
    if ask.chain is not None:
        row.request |= {"chain": ask.chain}
    if ask.branching is not None:
        row.request |= {"branching": _BRANCHING.dump_python(ask.branching, mode="json")}
    if ask.kind is AskKind.PREVIEW:
        row.request |= {"dataset": datasets.get(session, ask.dataset or "").name, "max_length": ask.max_length}
    if ask.kind in TRIED:
        _add_principles(session, row, ask)
    session.add(row)
    session.flush()
    return row


def _add_principles(session: Session, row: AskRow, ask: Ask) -> None:
    """What is tried, as it stands in the version or in the wording."""
    whole = ask.wording
    if whole is None or ask.constitution:
        row.constitution_version_id, saved = constitutions.load_version(session, ask.constitution or "")
        whole = whole or saved
    chosen = _chosen(whole, ask)
    ids = [constitutions.principle_row(session, one).id for one in chosen]
    row.principle_id = ids[0]
    row.request |= {"principle_ids": ids}
    if ask.wording is not None:
        narrow = replace(ask.wording, description="", principles=chosen)
        row.request |= {"wording": _WORDING.dump_python(narrow, mode="json")}


def _check_turns(ask: Ask) -> None:
    asked = [turn for turn in ask.turns if turn.role is Role.USER]
    if not asked or not asked[-1].content.strip():
        raise PromptError("the prompt is empty. Write what the model should answer.")
    if ask.kind is AskKind.CHOOSE and (len(ask.options) < 2 or not all(ask.options)):
        raise PromptError(
            f"a choice between {list(ask.options)} is none. Give two options or more, none of them empty."
        )
    if ask.kind is AskKind.COMPARE and not ((ask.response_a or "").strip() and (ask.response_b or "").strip()):
        raise PromptError("a comparison needs two responses, and one is empty. Write both, A and B.")


def _chosen(constitution: Constitution, ask: Ask) -> tuple[Principle, ...]:
    """The principles of these ids, if they can be tried in this way; each once, in the order they were named."""
    usable = {one.id: one for one in reversed(constitution.principles) if _usable(one, ask.kind)}
    wanted = tuple(dict.fromkeys(ask.principles))
    wrong = next((one for one in wanted if one not in usable), None)
    if wanted and wrong is None:
        return tuple(usable[one] for one in wanted)
    does, halves = TRIED[ask.kind], "both requests" if ask.kind is AskKind.CRITIQUE_REVISION else "a comparison"
    has = f"needs a principle to {does}, and none was named" if not wanted else f"has no principle {wrong!r} to {does}"
    listed = ", ".join(one.id for one in constitution.principles if one.id in usable) or f"none: give one {halves}"
    raise ConstitutionError(f"constitution {constitution.name!r} {has}. With {halves} it has: {listed}.")


def _usable(principle: Principle, kind: AskKind) -> bool:
    if kind is AskKind.COMPARE:
        return bool(principle.comparison)
    return bool(principle.critique_request and principle.revision_request)


def get(session: Session, ask_id: int) -> AskRow:
    """An ask's row."""
    row = session.get(AskRow, ask_id)
    if row is None:
        raise RunError(f"there is no ask {ask_id} in this workspace. The Playground lists those there are.")
    return row


def to_noun(row: AskRow) -> Ask:
    """What was asked."""
    version, request = row.constitution_version, row.request
    wording, branching = request.get("wording"), request.get("branching")
    return Ask(
        kind=AskKind(row.kind),
        model=row.model.name,
        turns=tuple(Message(Role(turn["role"]), turn["content"]) for turn in request["turns"]),
        seed=row.seed,
        temperature=row.temperature,
        max_new_tokens=row.max_new_tokens,
        options=tuple(request.get("options", ())),
        constitution=None if version is None else f"{version.constitution.name}@{version.number}",
        principles=tuple(one.slug for one in principles(row)),
        wording=None if wording is None else _WORDING.validate_python(wording),
        few_shots=request["few_shots"],
        samples=request.get("samples", 1),
        response_a=request.get("response_a"),
        response_b=request.get("response_b"),
        chain=request.get("chain"),
        branching=None if branching is None else _BRANCHING.validate_python(branching),
        dataset=request.get("dataset"),
        max_length=request.get("max_length", 0),
    )


def principle_ids(row: AskRow) -> list[int]:
    """Row ids of what is tried, in the order it was named."""
    listed: list[int] = row.request.get("principle_ids", [] if row.principle_id is None else [row.principle_id])
    return listed


def principles(row: AskRow) -> list[PrincipleRow]:
    """What is tried, in the order it was named."""
    session = object_session(row)
    ids = principle_ids(row)
    if session is None or not ids:
        return []
    found = {one.id: one for one in session.scalars(select(PrincipleRow).where(PrincipleRow.id.in_(ids)))}
    return [found[one] for one in ids]


def parts(row: AskRow) -> tuple[AskPart, ...]:
    """The requests of an ask, with what was answered so far."""
    return tuple(_part(one) for one in row.parts)


def answered(row: AskRow) -> dict[int, AskPart]:
    """The same by position: several are answered at once, so there may be gaps."""
    return {one.position: _part(one) for one in row.parts}


def labels(row: AskRow) -> list[tuple[Principle, Label | None]]:
    """What a comparison came to under each principle; None: still to come."""
    if row.kind != AskKind.COMPARE:
        return []
    known = parts(row)
    return [(one, told(one, known)) for one in map(constitutions.principle_to_noun, principles(row))]


def _part(row: AskPartRow) -> AskPart:
    return AskPart(
        part=row.part,
        text=row.text,
        rendered=row.rendered,
        sent=row.sent,
        finished=row.finished,
        num_tokens=row.num_tokens,
        seed=row.seed,
        logprobs=None if row.logprobs is None else tuple(row.logprobs),
        bounded=tuple(row.bounded or ()),
        thinking=row.thinking,
        sample=row.sample,
        principle=None if row.principle is None else row.principle.slug,
        order=None if row.order is None else Order(row.order),
        failure=None if row.failure is None else Failure(row.failure),
        error=row.error,
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


def write_parts(session: Session, ask_id: int, known: Mapping[int, Mapping[str, Any]]) -> None:
    """Write what is known of parts, by position; a part is made where it is not there."""
    for position, values in known.items():
        row = session.get(AskPartRow, (ask_id, position))
        if row is None:
            session.add(AskPartRow(ask_id=ask_id, position=position, **values))
        else:
            for name, value in values.items():
                setattr(row, name, value)
    if any(values.get("text") for values in known.values()):
        session.execute(
            update(AskRow).where(AskRow.id == ask_id, AskRow.first_text_at.is_(None)).values(first_text_at=now())
        )


@dataclass(frozen=True, slots=True)
class Timed:
    """How long calls to a warm model took."""

    calls: int
    seconds: float


def pace(session: Session, model: str, max_new_tokens: int) -> Timed | None:
    """The newest whole answer of this model, at most so long: its calls, from its first words to its end; else None."""
    whole = (AskRow.state == AskState.DONE.value, AskRow.max_new_tokens == max_new_tokens)
    kinds = (AskKind.SAMPLE.value, AskKind.CRITIQUE_REVISION.value)
    named = select(AskRow).join(ModelRow, ModelRow.id == AskRow.model_id).where(ModelRow.name == model)
    row = session.scalar(named.where(*whole, AskRow.kind.in_(kinds)).order_by(AskRow.id.desc()).limit(1))
    if row is None or row.ended_at is None or row.first_text_at is None or not row.parts:
        return None
    return Timed(len(row.parts), (row.ended_at - row.first_text_at).total_seconds())


def summary(row: AskRow) -> dict[str, Any]:
    """An ask as plain JSON values, for the command line."""
    ask, wait = to_noun(row), row.first_text_at and (row.first_text_at - row.created_at).total_seconds()
    names = ("id", "uid", "kind", "state", "error", "device", "attempt", "code_revision", "plain_because")
    asked = ("seed", "temperature", "max_new_tokens", "model", "constitution", "principles", "few_shots", "samples")
    return {
        **{name: getattr(row, name) for name in names},
        **{name: getattr(ask, name) for name in asked},
        "unsaved": ask.wording is not None,
        "chain": ask.chain,
        "branching": None if ask.branching is None else _BRANCHING.dump_python(ask.branching, mode="json"),
        "prompt": prompts.turns_to_json(ask.turns),
        "response_a": ask.response_a,
        "response_b": ask.response_b,
        "parts": [{field.name: getattr(one, field.name) for field in fields(AskPart)} for one in parts(row)],
        "labels": [_label_summary(principle, label) for principle, label in labels(row)],
        "seconds_to_first_text": wait,
        "created_at": row.created_at.isoformat(),
        "ended_at": row.ended_at and row.ended_at.isoformat(),
    }


def _label_summary(principle: Principle, label: Label | None) -> dict[str, Any]:
    if label is None:
        return {"principle": principle.id, "state": None}
    return {
        "principle": principle.id,
        "state": label.state.value,
        "p_a": label.p_a,
        "orders": {one.order.value: one.p_a for one in label.orders},
        "order_disagrees": label.order_disagrees,
        "error": label.error,
    }
