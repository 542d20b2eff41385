"""Constitutions: immutable versions, shared principles."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from cai_core.errors import ConstitutionError
from cai_core.store import constitutions
from cai_core.store.workspace import Workspace
from cai_core.types import (
    ComparisonShot,
    Constitution,
    CritiqueRevisionShot,
    FewShots,
    Principle,
    PrincipleKind,
    assistant,
    user,
)
from db.schema import PrincipleRow

SHOTS = FewShots(
    critique_revision=(CritiqueRevisionShot((user("q"), assistant("a")), "c?", "c", "r?", "r"),),
    comparison=(ComparisonShot((user("q"),), "which?", "x", "y", "A"),),
    comparison_with_reasoning=(ComparisonShot((user("q"),), "which?", "x", "y", "B", "because"),),
)
MINE = Constitution(
    "mine",
    "About it.",
    (
        Principle("kind", "Be kind", critique_request="c", revision_request="r", tags=("a", "b"), weight=2.5),
        Principle("helpful", "Help", PrincipleKind.HELPFULNESS, comparison="which?", enabled=False),
    ),
    SHOTS,
)


def save(opened: Workspace, constitution: Constitution) -> int:
    with opened.writing() as session:
        return constitutions.save_version(session, constitution, author="me", message="why")


def load(opened: Workspace, ref: str) -> tuple[int, Constitution]:
    with opened.reading() as session:
        return constitutions.load_version(session, ref)


def test_a_version_comes_back_as_it_was(opened: Workspace) -> None:
    version = save(opened, MINE)
    assert load(opened, "mine") == load(opened, "mine@1") == (version, MINE)


def test_the_same_content_makes_no_new_version(opened: Workspace) -> None:
    assert save(opened, MINE) == save(opened, MINE)


def test_a_change_makes_the_next_version_and_the_first_stays(opened: Workspace) -> None:
    first = save(opened, MINE)
    changed = replace(MINE, principles=(replace(MINE.principles[0], weight=1.0), MINE.principles[1]))
    second = save(opened, changed)
    assert first != second
    assert load(opened, "mine") == (second, changed)
    assert load(opened, "mine@1") == (first, MINE)
    # Going back is a third version, not the first again.
    assert save(opened, MINE) not in (first, second)


def test_principles_that_say_the_same_are_one_row(opened: Workspace) -> None:
    with opened.reading() as session:
        before = session.scalar(select(func.count(PrincipleRow.id)))
    save(opened, MINE)
    save(opened, replace(MINE, name="other"))
    with opened.reading() as session:
        assert session.scalar(select(func.count(PrincipleRow.id))) == before + 2
        ids = constitutions.principle_ids(session, MINE.principles)
    assert set(ids) == {principle.uid for principle in MINE.principles}


@pytest.mark.parametrize("ref", ["none", "mine@9", "", "@1", "mine@"])
def test_a_missing_version_is_an_error_that_lists_those_there_are(opened: Workspace, ref: str) -> None:
    save(opened, MINE)
    with pytest.raises(ConstitutionError, match="mine@1"):
        load(opened, ref)


def test_a_version_edited_from_an_older_one_is_refused(opened: Workspace) -> None:
    """With a base; without one, as a file is saved, it is the next version."""

    def save_from(base: str | None, constitution: Constitution) -> int:
        with opened.writing() as session:
            return constitutions.save_version(session, constitution, author="you", message="", base=base)

    save(opened, MINE)
    second = replace(MINE, principles=(replace(MINE.principles[0], title="Be kinder"), MINE.principles[1]))
    third = replace(second, description="About it again.")
    save_from("mine@1", second)
    with pytest.raises(ConstitutionError, match=r"you saved mine@2, which differs in kind \(changed\)"):
        save_from("mine@1", third)
    with pytest.raises(ConstitutionError, match="there is a constitution 'mine' already"):
        save_from("other@1", third)
    assert load(opened, "mine")[1] == second
    save_from("mine@2", third)
    save(opened, MINE)
    assert load(opened, "mine@4")[1] == MINE
