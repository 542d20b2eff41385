"""Drafts: what is typed is kept, a field at a time, for one person, until it is saved."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.errors import ConstitutionError
from cai_core.store import draft_content, drafts, people
from cai_core.store.constitutions import load_version, newest_ref, save_version
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import (
    ComparisonShot,
    Constitution,
    CritiqueRevisionShot,
    Draft,
    FewShots,
    Principle,
    PrincipleKind,
    assistant,
    user,
)
from db.schema import ConstitutionVersionRow

SHOTS = FewShots(
    critique_revision=(CritiqueRevisionShot((user("q"), assistant("a")), "c?", "c", "r?", "r"),),
    comparison=(ComparisonShot((user("q"),), "which?", "x", "y", "A"),),
    comparison_with_reasoning=(ComparisonShot((user("q"),), "which?", "x", "y", "B", "because"),),
)
MINE = Constitution(
    "mine",
    "About it.",
    tuple(Principle(id, id.title(), comparison=f"Is it {id}?") for id in ("kind", "brief", "honest")),
    SHOTS,
)
KIND, BRIEF = ("principles", "kind"), ("principles", "brief")
HOSTILE = "<script>{principle} {0}\n\u202e $1 ![x](http://x) 👍 --- &a *a !!python" + "\x00"


@pytest.fixture
def mine(opened: Workspace) -> Workspace:
    """A workspace with one version, and two people."""
    with opened.writing() as session:
        save_version(session, MINE, author="me", message="")
        assert [people.add(session, key) for key in ("browser:1", "browser:2")] == [1, 2]
    return opened


def begin(workspace: Workspace, person: int = 1, base: str | None = "mine@1") -> int:
    with workspace.writing() as session:
        return drafts.start(session, person, base=base)


def put(workspace: Workspace, draft: int, place: tuple[str, str] | None, field: str, value: object) -> None:
    with workspace.writing() as session:
        drafts.put_field(session, draft, place, field, value)


def get(workspace: Workspace, draft: int) -> Draft:
    with workspace.reading() as session:
        return drafts.get(session, draft)


def gone(workspace: Workspace, draft: int) -> bool:
    with workspace.reading() as session:
        return drafts.find(session, draft) is None


def save(workspace: Workspace, draft: int, name: str = "") -> tuple[str, bool]:
    with workspace.writing() as session:
        return drafts.save(session, draft, author="Ada", message="why", name=name)


def test_a_draft_begins_as_its_version_with_keys_that_follow_from_it(mine: Workspace) -> None:
    with mine.reading() as session:
        page = drafts.on_page(session, 1, "mine")
    draft = get(mine, begin(mine))

    assert draft.now == draft.before == page.now == MINE
    assert draft.keys == page.keys == ("kind", "brief", "honest")
    assert (
        draft.shot_keys
        == page.shot_keys
        == dict.fromkeys(("critique_revision", "comparison", "comparison_with_reasoning"), ("0",))
    )
    assert (page.id, page.base, draft.base) == (0, "mine@1", "mine@1")


def test_edits_outlive_the_process(mine: Workspace) -> None:
    """Another process opens the workspace and finds the draft as it was typed."""
    draft = begin(mine)
    put(mine, draft, KIND, "title", "Kinder")
    put(mine, draft, None, "description", "Else.")
    put(mine, draft, None, "message", "Because.")
    mine.close()
    again = open_workspace(mine.folder)

    with again.reading() as session:
        [found] = drafts.of_person(session, 1)
    again.close()
    assert found.now.principles[0].title == "Kinder"
    assert found.now.description == "Else."
    assert (found.revision, found.before, found.message) == (3, MINE, "Because.")


def test_two_tabs_that_edit_different_fields_both_keep_their_edits(mine: Workspace) -> None:
    """Many edits at once, each in a session of its own: none is lost."""
    draft = begin(mine)
    fields = [(("principles", id), field) for id in ("kind", "brief", "honest") for field in ("title", "comparison")]
    jobs = [(place, field, f"{place[1]} {field} {n}") for place, field in fields for n in range(5)]

    def tab(jobs: list[tuple[tuple[str, str], str, str]]) -> None:
        for place, field, text in jobs:
            put(mine, draft, place, field, text)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(tab, [jobs[n : n + 5] for n in range(0, 30, 5)]))

    found = get(mine, draft)
    assert found.revision == 30
    assert [(p.title, p.comparison) for p in found.now.principles] == [
        (f"{id} title 4", f"{id} comparison 4") for id in ("kind", "brief", "honest")
    ]


def test_a_person_has_one_draft_of_a_version_and_sees_no_one_else_s(mine: Workspace) -> None:
    ada, bob = begin(mine, 1), begin(mine, 2)
    assert ada != bob
    assert begin(mine, 1) == ada
    put(mine, ada, KIND, "title", "Ada's")
    put(mine, bob, KIND, "title", "Bob's")

    with mine.reading() as session:
        assert [one.now.principles[0].title for one in drafts.of_person(session, 1)] == ["Ada's"]
        assert drafts.on_page(session, 2, "mine@1").now.principles[0].title == "Bob's"
    with mine.writing() as session, pytest.raises(ConstitutionError, match="write over"):
        drafts.start(session, 1, base="mine@1", content=MINE)


def test_an_edit_taken_back_is_no_draft(mine: Workspace) -> None:
    draft = begin(mine)
    put(mine, draft, KIND, "title", "Else")
    assert not gone(mine, draft)
    put(mine, draft, KIND, "title", "Kind")
    assert gone(mine, draft)
    # Its number is never given again: an old address leads nowhere, not into another draft.
    assert begin(mine) > draft


@pytest.mark.parametrize("text", [HOSTILE, "x" * 100_000, " indented\n", "\ud800"])
def test_any_text_is_kept_as_it_was_typed(text: str, mine: Workspace) -> None:
    draft = begin(mine)
    for field in ("title", "critique_request", "revision_request", "comparison"):
        put(mine, draft, KIND, field, text)
    put(mine, draft, KIND, "tags", [text, "a, b"])
    put(mine, draft, None, "name", text)
    put(mine, draft, ("comparison", "0"), "response_a", text)
    with mine.writing() as session:
        drafts.put_turn(session, draft, ("critique_revision", "0"), 1, text)

    now = get(mine, draft).now
    one = now.principles[0]
    assert [one.title, one.critique_request, one.revision_request, one.comparison] == [text] * 4
    assert one.tags == (text, "a, b")
    assert now.name == text
    assert now.few_shots.comparison[0].response_a == now.few_shots.critique_revision[0].conversation[1].content == text


def test_every_field_of_a_principle(mine: Workspace) -> None:
    """A blank half is absent; a title gives a new principle its id."""
    draft = begin(mine)
    values = {"kind": "helpfulness", "weight": 2.5, "enabled": False, "tags": ["a"], "comparison": " "}
    for field, value in {**values, "critique_request": "c", "revision_request": "r"}.items():
        put(mine, draft, BRIEF, field, value)
    with mine.writing() as session:
        new = drafts.add_principle(session, draft, Principle("", ""), after="kind")
        drafts.put_field(session, draft, ("principles", new), "title", "Be Brief!")
        second = drafts.add_principle(session, draft, Principle("", ""))
        drafts.put_field(session, draft, ("principles", second), "title", "be brief")

    now = get(mine, draft)
    assert now.keys == ("kind", new, "brief", "honest", second)
    assert [one.id for one in now.now.principles] == ["kind", "be-brief", "brief", "honest", "be-brief-2"]
    assert now.now.principles[2] == Principle(
        "brief", "Brief", PrincipleKind.HELPFULNESS, "c", "r", None, ("a",), 2.5, False
    )
    with mine.writing() as session, pytest.raises(ConstitutionError, match="no field"):
        drafts.put_field(session, draft, KIND, "colour", "x")


def test_entries_are_added_copied_moved_removed_and_put_back_once(mine: Workspace) -> None:
    """Each verb said twice does what it does once, as a repeated press must."""
    draft = begin(mine)

    def twice(verb: object, *args: object) -> str:
        for _ in range(2):
            with mine.writing() as session:
                verb(session, draft, *args)  # type: ignore[operator]
        found = get(mine, draft)
        return " ".join(found.keys) + "".join(f" -{one.place[1]}" for one in found.removed)

    assert twice(drafts.move, ("principles", "honest"), 0) == "honest kind brief"
    assert twice(drafts.duplicate, KIND, "+1") == "honest kind +1 brief"
    assert get(mine, draft).now.principles[2] == replace(MINE.principles[0], id="kind-2")
    assert twice(drafts.remove, KIND) == "honest +1 brief -kind"
    assert twice(drafts.remove, ("principles", "honest")) == "+1 brief -honest -kind"
    assert twice(drafts.put_back, ("principles", "honest")) == "honest +1 brief -kind"
    assert twice(drafts.put_back, KIND) == "honest kind +1 brief"
    blank = Principle("", "")
    assert twice(drafts.add_principle, blank, None, "+2") == "honest kind +1 brief +2"
    assert twice(drafts.remove, ("principles", "+2")) == "honest kind +1 brief"


def test_what_is_taken_out_elsewhere_is_said(mine: Workspace) -> None:
    draft = begin(mine)
    with mine.writing() as session:
        drafts.remove(session, draft, KIND)
    with pytest.raises(ConstitutionError, match="taken out elsewhere"):
        put(mine, draft, KIND, "title", "x")
    with pytest.raises(ConstitutionError, match="no draft 99"):
        put(mine, 99, KIND, "title", "x")


def test_few_shots_are_edited_as_what_they_are(mine: Workspace) -> None:
    """Turns come and go by twos, so that the roles alternate; a system turn stands before them."""
    draft, place = begin(mine), ("critique_revision", "0")

    def said() -> list[str]:
        shot = get(mine, draft).now.few_shots.critique_revision[0]
        return [f"{turn.role.value}:{turn.content}" for turn in shot.conversation]

    with mine.writing() as session:
        for _ in range(2):
            drafts.add_turns(session, draft, place, 4)
            drafts.place_system(session, draft, place, True)
        drafts.put_turn(session, draft, place, 3, "more")
        drafts.put_field(session, draft, place, "critique", "Worse.")
        drafts.put_field(session, draft, ("comparison_with_reasoning", "0"), "reasoning", "Since.")
    assert said() == ["system:", "user:q", "assistant:a", "user:more", "assistant:"]
    with mine.writing() as session:
        for _ in range(2):
            drafts.drop_turns(session, draft, place, 3)
            drafts.place_system(session, draft, place, False)
        drafts.drop_turns(session, draft, place, 0)
        copy = drafts.add_shot(session, draft, "comparison", replace(SHOTS.comparison[0], answer="B"), after="0")
    assert said() == ["user:q", "assistant:a"]
    now = get(mine, draft)
    assert now.now.few_shots.critique_revision[0].critique == "Worse."
    assert now.now.few_shots.comparison_with_reasoning[0].reasoning == "Since."
    assert now.shot_keys["comparison"] == ("0", copy)


def test_saving_makes_a_version_and_the_draft_is_gone(mine: Workspace) -> None:
    draft = begin(mine)
    put(mine, draft, KIND, "title", "Kinder")
    assert save(mine, draft) == ("mine@2", True)
    assert gone(mine, draft)
    with mine.reading() as session:
        version, saved = load_version(session, "mine")
        row = session.get_one(ConstitutionVersionRow, version)
        assert (saved.principles[0].title, row.author, row.message) == ("Kinder", "Ada", "why")


def test_what_cannot_run_is_refused_and_stays(mine: Workspace) -> None:
    draft = begin(mine)
    put(mine, draft, KIND, "comparison", "")
    with pytest.raises(ConstitutionError, match="neither half"):
        save(mine, draft)
    assert get(mine, draft).now.principles[0].comparison is None


def test_who_saves_second_is_told_and_keeps_the_draft(mine: Workspace) -> None:
    ada, bob = begin(mine, 1), begin(mine, 2)
    put(mine, ada, KIND, "title", "Ada's")
    put(mine, bob, BRIEF, "title", "Bob's")
    save(mine, ada)
    with mine.reading() as session:
        assert drafts.in_the_way(session, drafts.get(session, bob)) == "mine@2"
    with pytest.raises(ConstitutionError, match="Ada saved mine@2"):
        save(mine, bob)
    assert save(mine, bob, name="bobs") == ("bobs@1", True)


def test_nothing_changed_makes_no_version(mine: Workspace) -> None:
    """Somebody saved the very same meanwhile."""
    ada, bob = begin(mine, 1), begin(mine, 2)
    for draft in (ada, bob):
        put(mine, draft, KIND, "title", "The same")
    assert save(mine, ada) == ("mine@2", True)
    assert save(mine, bob) == ("mine@2", False)
    assert gone(mine, bob)


def test_a_merged_draft_goes_on_over_the_newest_version(mine: Workspace) -> None:
    ada, bob = begin(mine, 1), begin(mine, 2)
    put(mine, ada, KIND, "title", "Ada's")
    put(mine, bob, BRIEF, "title", "Bob's")
    save(mine, ada)
    merged = replace(MINE, principles=(replace(MINE.principles[0], title="Ada's"), *get(mine, bob).now.principles[1:]))
    with mine.writing() as session:
        drafts.rebase(session, bob, base="mine@2", merged=merged)
    assert (get(mine, bob).base, get(mine, bob).now) == ("mine@2", merged)
    assert save(mine, bob) == ("mine@3", True)


def test_a_new_constitution_does_not_land_in_one_of_the_same_name(mine: Workspace) -> None:
    with mine.writing() as session:
        draft = drafts.start(session, 1, base=None, content=replace(MINE, description="Else."))
    with pytest.raises(ConstitutionError, match="there is a constitution 'mine' already"):
        save(mine, draft)
    put(mine, draft, None, "name", "else")
    assert save(mine, draft) == ("else@1", True)


def test_a_tab_whose_draft_was_saved_elsewhere_goes_on_from_what_it_shows(mine: Workspace) -> None:
    """Nothing it shows is lost; the version that was saved stands in its way."""
    draft = begin(mine)
    with mine.writing() as session:
        new = drafts.add_principle(session, draft, Principle("new", "New", comparison="New?"))
    shown = get(mine, draft)
    save(mine, draft)
    with mine.writing() as session:
        resumed = drafts.resume(session, shown)
        drafts.put_field(session, resumed, ("principles", new), "title", "Newer")
        found = drafts.get(session, resumed)
        assert drafts.in_the_way(session, found) == "mine@2"
        assert drafts.resume(session, shown) == resumed
    assert (found.base, found.keys, found.now.principles[-1].title) == ("mine@1", shown.keys, "Newer")
    with mine.reading() as session:
        assert newest_ref(session, "mine") == "mine@2"


TEXT = st.text(max_size=5)


@given(
    st.builds(
        Constitution,
        TEXT,
        TEXT,
        st.lists(st.builds(Principle, TEXT, TEXT, tags=st.lists(TEXT).map(tuple)), max_size=4).map(tuple),
        st.just(SHOTS),
    )
)
def test_content_gives_back_every_constitution_valid_or_not(constitution: Constitution) -> None:
    content = draft_content.content_of(constitution)
    keys = draft_content.keys_of(content["principles"])

    assert draft_content.constitution_of(content) == constitution
    assert len(set(keys)) == len(keys)
