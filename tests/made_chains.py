"""Chains made by hand, stored as a run would store them."""

from collections.abc import Iterable, Sequence

from cai_core.store import chains, constitutions, prompts, runs
from cai_core.store.workspace import Workspace
from cai_core.types import (
    Chain,
    Edit,
    Principle,
    Prompt,
    PromptKind,
    Round,
    RowState,
    RunKind,
    Split,
    assistant,
    prompt_uid,
    user,
)
from db.schema import RunRow
from db.schema_authoring import PersonRow
from db.schema_chains import ChainRow, ReviewRow

PRINCIPLE = Principle("p", "t", critique_request="c", revision_request="r")


def prompt(number: int = 0, kind: PromptKind = PromptKind.RED_TEAM) -> Prompt:
    """A conversation of three turns, another for each number."""
    turns = (user("one"), assistant("two"), user(f"three {number} {kind}"))
    return Prompt(prompt_uid(turns), turns, kind, Split.TRAIN, "made")


def chain(
    number: int = 0,
    revisions: Sequence[str | None] = (),
    *,
    kind: PromptKind = PromptKind.RED_TEAM,
    state: RowState = RowState.DONE,
    response: str | None = "initial",
    error: str | None = None,
    sample: int = 0,
    branch: int = 0,
    skipped: Iterable[int] = (),
) -> Chain:
    """A chain; a revision that ends with '…' was cut, and those of the rounds in `skipped` were not asked for."""
    rounds = tuple(
        Round(n, PRINCIPLE, "c", text or "", "", "", not (text or "").endswith("…"), skipped=n in set(skipped))
        for n, text in enumerate(revisions, start=1)
    )
    if branch and rounds:
        rounds = (
            *rounds[:-1],
            Round(rounds[-1].number, PRINCIPLE, "c", rounds[-1].revision, "", None, edited=Edit.REVISION),
        )
    author = "ann" if branch else None
    return Chain(prompt(number, kind), sample, 1, response, rounds, state, error=error, branch=branch, author=author)


def store(workspace: Workspace, made: Iterable[Chain], *, run_uid: str = "r", model: str = "sandbox") -> dict[str, int]:
    """Store chains as one finished run's; the row id of each by 'prompt number/sample/branch'. Prompts are added."""
    ids: dict[str, int] = {}
    with workspace.writing() as session:
        run = runs.add(
            session, kind=RunKind.CHAINS, config={"model": model}, seed=0, parents=[], constitution_version_id=None
        )
        run.uid, run.state = run_uid, "done"
        principle = constitutions.principle_row(session, PRINCIPLE).id
        for one in made:
            prompts.add(session, [one.prompt])
            row_id = prompts.ids_by_uid(session, [one.prompt.uid])[one.prompt.uid]
            assert chains.save(session, run.id, row_id, one, {PRINCIPLE.uid: principle})
            found = session.query(ChainRow).order_by(ChainRow.id.desc()).limit(1).one()
            ids[f"{one.prompt.turns[-1].content.split()[1]}/{one.sample}/{one.branch}"] = found.id
    return ids


def run_id(workspace: Workspace, uid: str = "r") -> int:
    """The row id of a run by its uid."""
    with workspace.reading() as session:
        return session.query(RunRow).filter_by(uid=uid).one().id


def say(workspace: Workspace, chain_id: int, verdict: str, name: str = "ann") -> None:
    """Let somebody's verdict on a chain stand."""
    with workspace.writing() as session:
        person = session.query(PersonRow).filter_by(key=name).one_or_none() or PersonRow(key=name, name=name)
        session.add(person)
        session.flush()
        session.query(ReviewRow).filter_by(chain_id=chain_id, person_id=person.id).update({"current": False})
        session.add(ReviewRow(chain_id=chain_id, person_id=person.id, name=name, verdict=verdict))
