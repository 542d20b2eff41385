"""A chain goes on otherwise from a round; what its models were sent can be built again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import func, select

from cai_core.chains.rebuild import requests_of
from cai_core.errors import CAIError
from cai_core.runs import chain_asks, warm, warm_answer
from cai_core.runs.warm_chain import DIFFERS
from cai_core.store import branches, chains
from cai_core.store.workspace import Workspace
from cai_core.types import Branching, Chain, Edit, RowState
from db.queries.branches import branch_of_ask
from db.schema import RunRow
from db.schema_asks import AskRow
from db.schema_chains import ChainRow, RevisionRow
from tests.cai_core.runs.helpers import finished, stored_chains
from tests.cai_core.runs.warming import ask_row

ROUNDS = 3
ONE: dict[str, Any] = {"red_team_prompts": 1, "helpful_prompts": 0, "look_alike_prompts": 0, "rounds": ROUNDS}


class Killed(BaseException):
    """In the place of kill -9."""


@pytest.fixture
def run(opened: Workspace) -> int:
    """A run with one chain, and this process in the worker's place."""
    made = finished(opened, **ONE)
    assert warm.claim(opened, "cpu")
    return made


def only_chain(workspace: Workspace, run: int) -> tuple[int, Chain]:
    with workspace.reading() as session:
        [(row_id, chain)] = chains.of_run(session, run)
    return row_id, chain


def answer(workspace: Workspace) -> None:
    """Answer what waits, as a worker does."""
    worker = warm.WarmWorker(workspace, "cpu")
    while (taken := worker._take()) is not None:
        worker._answer(*taken)


def branch(workspace: Workspace, chain: int, edit: Edit, text: str | None = None, **more: Any) -> tuple[int, Chain]:
    """A branch as it was saved."""
    redraw = more.pop("redraw", None)
    changed = Branching(more.pop("round", 2), edit, text, author="Ann", **more)
    ask_id = chain_asks.ask_branch(workspace, chain, changed, redraw=redraw)
    answer(workspace)
    assert ask_row(workspace, ask_id).error is None
    with workspace.reading() as session:
        made = branch_of_ask(session, ask_id)
        assert made is not None
        row = session.get_one(ChainRow, made)
        assert (row.parent_id, row.author) == (chain, "Ann")
        return made, chains.to_noun(row)


def test_an_edited_critique_is_revised_and_the_rounds_after_go_on(opened: Workspace, run: int) -> None:
    row_id, parent = only_chain(opened, run)
    _, made = branch(opened, row_id, Edit.CRITIQUE, "The response names a kit, which helps a thief.")
    assert (made.branch, made.state, made.response, made.sent) == (1, RowState.DONE, parent.response, parent.sent)
    assert made.rounds[0] == parent.rounds[0]
    own, old = made.rounds[1], parent.rounds[1]
    assert (own.edited, own.critique_sent, own.principle) == (Edit.CRITIQUE, None, old.principle)
    assert own.critique == "The response names a kit, which helps a thief."
    assert own.revision_sent not in (None, old.revision_sent)
    assert [one.principle for one in made.rounds] == [one.principle for one in parent.rounds]
    assert made.rounds[2].edited is None
    assert made.rounds[2].critique_sent != parent.rounds[2].critique_sent


def test_an_edited_revision_asks_nothing_for_its_round(opened: Workspace, run: int) -> None:
    row_id, parent = only_chain(opened, run)
    _, made = branch(opened, row_id, Edit.REVISION, "Ask the owner.")
    own, old = made.rounds[1], parent.rounds[1]
    assert (own.revision, own.revision_sent, own.edited) == ("Ask the owner.", None, Edit.REVISION)
    assert (own.critique, own.critique_sent) == (old.critique, old.critique_sent)
    with opened.reading() as session:
        asked = session.scalars(select(AskRow)).one()
        assert [(one.part, one.sample) for one in asked.parts] == [("critique", 3), ("revision", 3)]


def test_the_last_revision_edited_asks_nothing_at_all(opened: Workspace, run: int) -> None:
    row_id, _ = only_chain(opened, run)
    _, made = branch(opened, row_id, Edit.REVISION, "Ask the owner.", round=ROUNDS)
    assert (len(made.rounds), made.rounds[-1].revision, made.state) == (ROUNDS, "Ask the owner.", RowState.DONE)


def test_another_principle_is_named_or_drawn(opened: Workspace, run: int) -> None:
    row_id, parent = only_chain(opened, run)
    present = parent.rounds[1].principle.id
    wanted = "wise" if present != "wise" else "harm"
    _, named = branch(opened, row_id, Edit.PRINCIPLE, principle=wanted)
    _, drawn = branch(opened, row_id, Edit.PRINCIPLE, redraw=4)
    assert (named.branch, drawn.branch) == (1, 2)
    assert named.rounds[1].principle.id == wanted
    assert drawn.rounds[1].principle.id != present
    for made in (named, drawn):
        assert made.rounds[1].edited is Edit.PRINCIPLE
        assert made.rounds[1].critique_sent is not None
        assert made.rounds[2].principle == parent.rounds[2].principle


def test_a_branch_of_a_branch_keeps_what_was_changed_before(opened: Workspace, run: int) -> None:
    row_id, _ = only_chain(opened, run)
    first, before = branch(opened, row_id, Edit.REVISION, "Ask the owner.", round=1)
    _, made = branch(opened, first, Edit.REVISION, "Call a locksmith.", round=2)
    assert made.branch == 2
    assert made.rounds[0] == before.rounds[0]
    assert [one.edited for one in made.rounds] == [Edit.REVISION, Edit.REVISION, None]


def test_the_run_s_own_chains_are_what_they_were(opened: Workspace, run: int) -> None:
    """And a resumed run makes none anew."""
    before = stored_chains(opened, run)
    row_id, _ = only_chain(opened, run)
    branch(opened, row_id, Edit.REVISION, "Ask the owner.")
    assert stored_chains(opened, run) == before
    with opened.reading() as session:
        assert len(chains.done_keys(session, run)) == 1


def test_what_cannot_be_changed_is_said(opened: Workspace, run: int) -> None:
    row_id, parent = only_chain(opened, run)
    for chain, changed, said in (
        (row_id, Branching(4, Edit.REVISION, "x"), "rounds 1 to 3"),
        (row_id, Branching(1, Edit.REVISION, " "), "the revision is empty"),
        (row_id, Branching(1, Edit.CRITIQUE, parent.rounds[0].critique), "as it was"),
        (row_id, Branching(1, Edit.PRINCIPLE, principle="nowhere"), "It has: .*harm"),
        (99, Branching(1, Edit.REVISION, "x"), "no chain 99"),
    ):
        with pytest.raises(CAIError, match=said):
            chain_asks.ask_branch(opened, chain, changed)


@contextmanager
def killed_at(commit: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The worker dies right after its so many-th write."""
    written = {"count": 0}
    own = warm_answer.Answering.own

    @contextmanager
    def dying(self: warm_answer.Answering) -> Iterator[Any]:
        with own(self) as held:
            yield held
        written["count"] += 1
        if written["count"] == commit:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(warm_answer.Answering, "own", dying)
        yield


@pytest.mark.parametrize("commit", [1, 2, 3])
def test_killed_at_any_moment_there_is_one_branch_and_the_same(
    opened: Workspace, run: int, commit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    row_id, _ = only_chain(opened, run)
    text = "The response names a kit, which helps a thief."
    ask_id = chain_asks.ask_branch(opened, row_id, Branching(2, Edit.CRITIQUE, text, author="Ann"))
    with killed_at(commit, monkeypatch), pytest.raises(Killed):
        answer(opened)
    assert warm.claim(opened, "cpu")
    answer(opened)
    with opened.reading() as session:
        found = session.scalars(select(ChainRow).where(ChainRow.branch > 0)).all()
        assert [row.id for row in found] == [branch_of_ask(session, ask_id)]
        first = chains.to_noun(found[0])
        rounds = session.scalar(select(func.count()).where(RevisionRow.chain_id == found[0].id))
    assert rounds == ROUNDS
    assert first.rounds[1].critique == text
    assert first.rounds[2].revision == ask_row(opened, ask_id).parts[-1].text


def test_every_request_is_built_again_to_the_letter(opened: Workspace, run: int) -> None:
    row_id, parent = only_chain(opened, run)
    ask_id = chain_asks.ask_sent(opened, row_id)
    answer(opened)
    parts = ask_row(opened, ask_id).parts
    wanted = [parent.sent] + [sent for one in parent.rounds for sent in (one.critique_sent, one.revision_sent)]
    assert [part.sent for part in parts] == wanted
    assert {part.error for part in parts} == {None}
    assert [part.sample for part in parts] == [0, 1, 1, 2, 2, 3, 3]
    assert f"Critique Request: {parent.rounds[0].principle.critique_request}" in (parts[1].rendered or "")


def test_a_branch_s_requests_are_built_again_too(opened: Workspace, run: int) -> None:
    """But for what somebody wrote, which was asked of no model."""
    row_id, _ = only_chain(opened, run)
    made, _ = branch(opened, row_id, Edit.CRITIQUE, "It names a kit.")
    again, _ = branch(opened, made, Edit.REVISION, "Ask the owner.", round=3)
    with opened.reading() as session:
        found = branches.behind(session, again)
    built = list(requests_of(found.chain, found.setting))
    assert [(one.number, one.part) for one in built] == [
        (0, "response"),
        (1, "critique"),
        (1, "revision"),
        (2, "revision"),
        (3, "critique"),
    ]
    ask_id = chain_asks.ask_sent(opened, again)
    answer(opened)
    assert {part.error for part in ask_row(opened, ask_id).parts} == {None}


def test_what_is_not_what_was_sent_is_said(opened: Workspace, run: int) -> None:
    """Here the few-shots are others than then."""
    row_id, _ = only_chain(opened, run)
    with opened.writing() as session:
        row = session.get_one(RunRow, run)
        row.config = {**row.config, "few_shots": 1}
    ask_id = chain_asks.ask_sent(opened, row_id)
    answer(opened)
    response, *rest = ask_row(opened, ask_id).parts
    assert response.error is None
    assert {part.error for part in rest} == {DIFFERS}


def test_with_options_on_every_request_is_built_again(opened: Workspace) -> None:
    made = finished(opened, **ONE, skip_when_nothing_found=True, strip_preamble=True, principles=["harm", "wise"])
    assert warm.claim(opened, "cpu")
    row_id, chain = only_chain(opened, made)
    ask_id = chain_asks.ask_sent(opened, row_id)
    answer(opened)
    parts = ask_row(opened, ask_id).parts
    assert len(parts) == 1 + sum(2 - one.skipped for one in chain.rounds)
    assert {part.error for part in parts} == {None}


def test_an_imported_chain_says_that_nothing_wrote_it_here(opened: Workspace, run: int) -> None:
    """With a model named it goes on, and what is known of its requests is said."""
    row_id, parent = only_chain(opened, run)
    with opened.writing() as session:
        row = session.get_one(RunRow, run)
        row.origin, row.config, row.constitution_version_id = "paper.jsonl", {}, None
    with pytest.raises(CAIError, match="Name one"):
        chain_asks.ask_sent(opened, row_id)
    changed = Branching(2, Edit.REVISION, "Ask the owner.", author="Ann")
    ask_id = chain_asks.ask_branch(opened, row_id, changed, model="scripted")
    answer(opened)
    with opened.reading() as session:
        made = branch_of_ask(session, ask_id)
        assert made is not None
        branched = chains.to_noun(session.get_one(ChainRow, made))
    assert [one.principle for one in branched.rounds] == [one.principle for one in parent.rounds]
    with pytest.raises(CAIError, match="imported without a constitution"):
        chain_asks.ask_branch(opened, row_id, Branching(1, Edit.PRINCIPLE), redraw=1, model="scripted")
