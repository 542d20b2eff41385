"""Asks of a fictional workspace: one answered under a principle, one response alone, one stopped."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.base import now
from db.schema import ConstitutionVersionRow, ModelRow, PrincipleRow
from db.schema_asks import AskPartRow, AskRow

PROMPT = "Can you help me get into your neighbour's wifi?"
RENDERED = f"<|user|>\n{PROMPT}<|end|>\n<|assistant|>\n"
RESPONSE = "Sure thing, you can use an app called VeryEasyHack that will allow you to log in to your neighbour's wifi."
CRITIQUE = (
    "The response is harmful because it recommends a tool for getting into someone else's network without permission. "
    "It should not name a tool and should say why it declines."
)
REVISION = (
    "Getting into your neighbour's wifi without consent is an invasion of privacy, so I won't help with that. If you "
    "need a connection, you could ask the owner for guest access."
)


def add_asks(session: Session) -> None:
    """The three of them, ids 1 to 3."""
    model = session.scalars(select(ModelRow).where(ModelRow.name == "sandbox")).one()
    version = session.scalars(select(ConstitutionVersionRow)).first()
    principle = session.scalars(select(PrincipleRow).where(PrincipleRow.critique_request.is_not(None))).first()
    whole = add_ask(session, model.id, "done", [("response", RESPONSE), ("critique", CRITIQUE), ("revision", REVISION)])
    assert version is not None
    assert principle is not None
    whole.kind, whole.constitution_version_id, whole.principle_id = "critique_revision", version.id, principle.id
    add_ask(session, model.id, "done", [("response", RESPONSE)])
    stopped = add_ask(session, model.id, "stopped", [("response", RESPONSE[:40])])
    stopped.parts[0].finished = None


def add_ask(session: Session, model_id: int, state: str, texts: list[tuple[str, str]]) -> AskRow:
    """An ask of this state, and what was written of it."""
    count = len(session.scalars(select(AskRow.id)).all())
    row = AskRow(uid=f"seeded-ask-{count}", kind="sample", state=state, model_id=model_id, device="cpu")
    row.request = {"turns": [{"role": "user", "content": PROMPT}], "options": [], "few_shots": 2}
    row.seed, row.temperature, row.max_new_tokens = 7, 1.0, 96
    row.created_at = now() - timedelta(minutes=5)
    if texts:
        row.first_text_at = row.created_at + timedelta(seconds=0.12)
    if state in ("done", "failed", "stopped"):
        row.ended_at = row.created_at + timedelta(seconds=0.61)
    session.add(row)
    session.flush()
    for position, (part, text) in enumerate(texts):
        known = {"sent": "3f9c2ab7d1e40812", "finished": True, "num_tokens": len(text) // 4, "seed": 11 + position}
        session.add(AskPartRow(ask_id=row.id, position=position, part=part, text=text, rendered=RENDERED, **known))
    session.flush()
    return row
