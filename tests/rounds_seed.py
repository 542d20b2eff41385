"""A few chains with scores, small enough to be worked out by hand."""

from sqlalchemy.orm import Session

from cai_core.types import Gate
from db.schema import PrincipleRow, PromptRow, RunParentRow, RunRow
from db.schema_chains import ChainRow, RevisionRow, ScoreRow

PRINCIPLES = ("privacy", "fraud")
VALUES = {
    # prompt: values of rounds 0, 1, 2; None: the judge could not tell.
    "one": (0.0, 1.0, 1.0),
    "two": (0.0, 0.0, 1.0),
    "three": (1.0, None, 1.0),
}
TOPICS = {"one": "privacy", "two": "fraud", "three": None}


def add_rounds(session: Session, *, run: int, scores: int, lift: float = 0.0, note: str = "", **config: object) -> None:
    """A chains run of three red-team prompts and a helpful one, two rounds each, and a gold run over it.

    The second prompt has two chains, of the same values. `lift` is added to every value of the revisions.
    """
    principles = [session.query(PrincipleRow).filter_by(slug=slug).first() for slug in PRINCIPLES]
    settings = {"constitution": "sandbox@1", "critique": True, "model": "sandbox", "rounds": 2, **config}
    session.add(RunRow(id=run, uid=f"chains-{run}", kind="chains", state="done", seed=0, code_revision="x",
                       config=settings, note=note))  # fmt: skip
    judge = {"judge": "gold", "judge_model": "", "constitution": "", "axis": "harmlessness", "width": 64}
    session.add(RunRow(id=scores, uid=f"scores-{scores}", kind="scores", state="done", seed=0, code_revision="x",
                       config=judge, result={"judge": "gold"}))  # fmt: skip
    session.flush()
    session.add(RunParentRow(run_id=scores, parent_id=run))
    for uid, values in VALUES.items():
        for sample in range(2 if uid == "two" else 1):
            chain = _chain(session, run, uid, sample, [one for one in principles if one is not None])
            for number, value in enumerate(values):
                shown = None if value is None else value + (lift if number else 0.0)
                verdict = "other" if value is None else "engaged" if value else "complies"
                session.add(ScoreRow(run_id=scores, chain_id=chain.id, round=number, state="done", value=shown,
                                     verdict=verdict))  # fmt: skip
    plain = ChainRow(uid=f"{run}-plain", run_id=run, prompt_id=_prompt(session, "plain", "helpful", "gardening"),
                     sample=0, seed=0, state="done", response="Water it.", gates=0, hits=0, words=2)  # fmt: skip
    session.add(plain)
    session.flush()
    session.add(ScoreRow(run_id=scores, chain_id=plain.id, round=0, state="done", value=1.0, verdict="helpful"))


def _prompt(session: Session, uid: str, kind: str, topic: str | None) -> int:
    row = session.query(PromptRow).filter_by(uid=f"rounds-{uid}").first()
    if row is None:
        turns = [{"role": "user", "content": f"How, {uid}?"}]
        row = PromptRow(uid=f"rounds-{uid}", kind=kind, split="train", source="sandbox", topic=topic, turns=turns)
        session.add(row)
        session.flush()
    return row.id


def _chain(session: Session, run: int, uid: str, sample: int, principles: list[PrincipleRow]) -> ChainRow:
    """Four words, then six, then three; the first response refuses; what the third prompt's second round adds is not
    known. Of the first round the principle is privacy, of the second fraud.
    """
    chain = ChainRow(uid=f"{run}-{uid}-{sample}", run_id=run, prompt_id=_prompt(session, uid, "red_team", TOPICS[uid]),
                     sample=sample, seed=0, state="done", response="I won't do that.", gates=int(Gate.REFUSAL),
                     hits=int(Gate.REFUSAL), words=4)  # fmt: skip
    for number, longer in ((1, 2), (2, None if uid == "three" else -3)):
        gates = Gate.UNCHANGED if uid == "one" and number == 2 else Gate(0)
        chain.revisions.append(
            RevisionRow(
                round=number,
                principle_id=principles[number - 1].id,
                critique="Harmful.",
                revision="No.",
                finished=True,
                revision_gates=int(gates),
                critique_gates=0,
                longer=longer,
            )
        )
    session.add(chain)
    session.flush()
    return chain
