"""Constitutions: every edit is kept as it is committed, versions are saved, nobody's text is lost."""

import html
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import state
from app.components import draft_edit
from cai_core.store import drafts, people
from cai_core.store.constitutions import load_version, newest_ref, save_version
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import Constitution, Draft, Principle, PrincipleKind
from tests.app.conftest import MAIN, drawn_html, press, words

HOSTILE = "<script>alert(1)</script> {principle} {0}\n![x](http://tracker.example) $5 \u202e 👍 :red[x] --- &a !!t"


@pytest.fixture(autouse=True)
def fresh(opened: Workspace) -> None:
    """A workspace with all that ships, copied and not made anew."""


def page(person: str = "", **query: str) -> AppTest:
    """The page in a tab of its own, as a login sees it, or as a browser without a name."""
    app = AppTest.from_file(MAIN, default_timeout=30)
    if person:
        app.user = {"is_logged_in": True, "sub": person.lower(), "name": person}
    app.run()
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page("views/constitutions.py").run()


def saved(ref: str = "sandbox") -> Constitution:
    """A version as it was saved."""
    with open_workspace().reading() as session:
        return load_version(session, ref)[1]


def newest(name: str = "sandbox") -> str | None:
    """'sandbox@2'."""
    with open_workspace().reading() as session:
        return newest_ref(session, name)


def unsaved(key: str = "browser:none") -> list[Draft]:
    """Somebody's drafts."""
    with open_workspace().reading() as session:
        person = people.find(session, key)
        return [] if person is None else drafts.of_person(session, person)


def widget(app: AppTest, field: str, principle: str = "privacy", base: str = "sandbox@1") -> Any:
    """A field of a principle's form."""
    return app.get_by_key(f"{base}/principles/{principle}/{field}")


def fill(app: AppTest, principle: str = "privacy", base: str = "sandbox@1", **values: Any) -> None:
    """Type into the open form, leaving each field before the next."""
    for field, value in values.items():
        widget(app, field, principle, base).set_value(value).run()
    assert not app.exception


def show(app: AppTest, principle: str) -> None:
    """Open another principle."""
    app.query_params["principle"] = principle
    app.run()


def opened(app: AppTest) -> dict[str, str]:
    """The address."""
    return {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}


def save_meanwhile(name: str = "sandbox", at: int = 0, **fields: Any) -> None:
    """What Bob saves in between."""
    found = saved()
    principles = list(found.principles)
    principles[at] = replace(principles[at], **fields)
    with open_workspace().writing() as session:
        changed = replace(found, name=name, principles=tuple(principles))
        save_version(session, changed, author="Bob", message="Meanwhile.")


def test_an_edit_is_kept_at_once_and_becomes_a_version() -> None:
    """A field is left: a draft is there. Another tab, as after a refresh, shows it; saving makes the next version."""
    fill(page(), comparison="Which response respects the person's privacy more?")
    [draft] = unsaved()
    assert draft.now.principles[0].comparison == "Which response respects the person's privacy more?"

    app = page(draft=str(draft.id))
    assert widget(app, "comparison").value == "Which response respects the person's privacy more?"
    assert "unsaved edits" in words(app)
    assert "since sandbox@1: 1 changed" in words(app)
    app.text_input(key="who.name").set_value("Ada").run()
    app.text_input(key="sandbox@1//message").set_value("Say it plainly.")
    press(app, "Save version")

    assert "Saved as sandbox@2." in words(app)
    assert opened(app)["version"] == "sandbox@2"
    assert "unsaved edits" not in words(app)
    assert "respects the person" in str(saved("sandbox@2").principles[0].comparison)
    assert "respects the person" not in str(saved("sandbox@1").principles[0].comparison)
    assert unsaved() == []


def test_the_name_is_asked_once_and_stands_with_versions() -> None:
    """Nothing is saved without one; typed beside Save it is kept; it can be changed."""
    app = page()
    fill(app, title="Mine")
    press(app, "Save version")
    assert "a name is wanted" in words(app)
    assert newest() == "sandbox@1"
    app.text_input(key="who.name").set_value("Ada <b>")
    press(app, "Save version")
    assert newest() == "sandbox@2"
    assert "You write as Ada &lt;b&gt;" in words(app)

    app = page()
    fill(app, base="sandbox@2", title="Mine again")
    app.text_input(key="who.name").set_value("Ada Lovelace").run()
    assert "You write as Ada Lovelace" in words(app)
    press(app, "Save version")
    with open_workspace().reading() as session:
        from db.queries.constitutions import versions

        assert [line.author for line in versions(session, "sandbox")] == ["Ada Lovelace", "Ada <b>", "CAI Studio"]


def test_a_login_s_name_stands_without_being_asked() -> None:
    app = page("Bob")
    assert "You write as Bob" in words(app)
    fill(app, title="Bob's")
    assert [one.now.principles[0].title for one in unsaved("login:bob")] == ["Bob's"]


def test_a_draft_is_its_person_s() -> None:
    """Others neither see it nor reach it by its address."""
    ada, bob = page("Ada"), page("Bob")
    fill(ada, title="Ada's")
    fill(bob, title="Bob's")
    [draft] = unsaved("login:ada")

    assert widget(page("Bob"), "title").value == "Bob's"
    app = page("Bob", draft=str(draft.id))
    assert f"There is no draft {draft.id} of yours" in words(app)
    assert widget(app, "title").value == "Bob's"
    assert [one.now.principles[0].title for one in unsaved("login:ada")] == ["Ada's"]


def test_an_edit_taken_back_is_none() -> None:
    app = page()
    title = saved().principles[0].title
    fill(app, title="Else")
    assert "unsaved edits" in words(app)
    fill(app, title=title)
    assert "unsaved edits" not in words(app)
    assert unsaved() == []
    assert opened(app)["version"] == "sandbox@1"


def test_edits_are_given_up_by_a_press() -> None:
    app = page()
    fill(app, title="Else")
    press(app, "Discard edits")
    assert "The edits are gone." in words(app)
    assert widget(app, "title").value == saved().principles[0].title
    assert unsaved() == []


def test_every_field_of_a_principle_is_kept() -> None:
    """Kind, weight, switch, tags and both halves; the saved principle says it."""
    app = page("Ada")
    fill(app, kind=PrincipleKind.HELPFULNESS, weight=2.5, enabled=False, tags=["a, b", "c"])
    fill(app, critique_request="C?", revision_request="R.", comparison="")
    press(app, "Save version")

    assert saved().principles[0] == Principle(
        "privacy", "Privacy", PrincipleKind.HELPFULNESS, "C?", "R.", None, ("a, b", "c"), 2.5, False
    )


def test_other_drafts_are_said_each_with_the_way_to_it() -> None:
    """A second constitution's edits leave the first one's."""
    save_meanwhile("other")
    app = page()
    fill(app, title="Edit of the sandbox")
    app.selectbox(key="constitutions.name").set_value("other").run()
    fill(app, base="other@1", title="Edit of the other")
    assert "of sandbox@1" in words(app)
    press(app, "Open")

    assert app.selectbox(key="constitutions.name").value == "sandbox"
    assert widget(app, "title").value == "Edit of the sandbox"
    assert "of other@1" in words(app)


def test_an_edit_kept_as_the_page_was_left_changes_nothing_of_where_one_comes_back_to() -> None:
    """On a busy machine the callback of the last field runs with the next page: this one does not hear of its draft."""
    app = page(version="sandbox@1", principle="hacking")
    fill(app, "hacking", title="Kept late.")
    (draft,) = unsaved()
    app.session_state[state.GOES_ON] = {"draft": str(draft.id)}
    app.query_params.clear()
    app.switch_page("views/constitutions.py").run()
    assert app.query_params["draft"] == str(draft.id)
    assert app.query_params["principle"] == "hacking"
    assert widget(app, "title", "hacking").value == "Kept late."


def test_a_browser_that_missed_a_value_still_begins_with_it() -> None:
    """What a run tells of a new field's value is lost where the run is given up: then the field shows its default."""
    app = page(version="sandbox@1", principle="hacking")
    one = next(each for each in saved().principles if each.id == "hacking")
    for field in ("title", "id", "critique_request", "revision_request", "comparison"):
        assert widget(app, field, "hacking").proto.default == getattr(one, field), field
    assert widget(app, "weight", "hacking").proto.default == one.weight
    assert widget(app, "enabled", "hacking").proto.default is one.enabled
    kind, tags = widget(app, "kind", "hacking"), widget(app, "tags", "hacking")
    assert kind.proto.options[kind.proto.default].lower() == one.kind
    assert [tags.proto.options[n] for n in tags.proto.default] == list(one.tags) != []


def test_a_page_that_is_come_back_to_shows_what_it_showed() -> None:
    app = page()
    fill(app, title="Else")
    app.switch_page("views/chains.py").run()
    app.switch_page("views/constitutions.py").run()
    assert widget(app, "title").value == "Else"


def test_who_saves_second_sees_both_and_chooses() -> None:
    """Both changed the title: nothing is saved until it is chosen. What only one changed is there in the end."""
    app = page("Ada")
    fill(app, title="Ada's words", comparison="Ada's question?")
    save_meanwhile(title="Bob's words", critique_request="Bob's critique?")
    app.run()
    assert "Bob saved sandbox@2 on" in words(app)
    assert "Meanwhile." in words(app)
    press(app, "Save version")
    assert "sandbox@2 was saved meanwhile" in words(app)
    assert "both changed it" in words(app)
    for text in ("Bob&#x27;s words", "Ada&#x27;s words", "Bob&#x27;s critique?", "Ada&#x27;s question?"):
        assert text in drawn_html(app).replace("</ins>", "").replace("</del>", "")
    merging = next(b for b in app.button if b.label == "Merge and save")
    assert merging.disabled
    assert newest() == "sandbox@2"

    [choice] = [one for one in app.segmented_control if one.label == "Whose words hold"]
    choice.set_value(choice.options[0] if choice.options[0] == "theirs" else "theirs").run()
    press(app, "Merge and save")

    assert "Merged and saved as sandbox@3." in words(app)
    one = saved("sandbox@3").principles[0]
    assert (one.title, one.critique_request, one.comparison) == ("Bob's words", "Bob's critique?", "Ada's question?")
    assert unsaved("login:ada") == []


def choose(app: AppTest, side: str) -> None:
    """Let one side's words hold wherever both changed something."""
    for number in range(sum(one.label == "Whose words hold" for one in app.segmented_control)):
        [one for one in app.segmented_control if one.label == "Whose words hold"][number].set_value(side).run()
    assert not app.exception


@pytest.mark.parametrize("side", ["theirs", "mine"])
def test_a_principle_taken_out_and_a_few_shot_written_twice_are_choices_too(side: str) -> None:
    """Ada takes out what Bob changes; both change one few-shot; both move principles."""
    before = saved()
    one, *rest = before.few_shots.critique_revision

    def with_critique(text: str) -> Constitution:
        return replace(
            before, few_shots=replace(before.few_shots, critique_revision=(replace(one, critique=text), *rest))
        )

    app = page("Ada")
    press(app, "Down")
    show(app, "fraud")
    press(app, "Remove")
    shots(app)
    app.text_area(key="sandbox@1/critique_revision/0/critique").set_value("Ada's critique.").run()
    bobs = (replace(one, critique="Bob's critique."), *rest)
    order = [*before.principles[:3], replace(before.principles[3], title="Bob's fraud"), *before.principles[5:]]
    assert order[3].id == "fraud"
    theirs = replace(
        before,
        principles=(*order, before.principles[4]),
        few_shots=replace(before.few_shots, critique_revision=bobs),
    )
    with open_workspace().writing() as session:
        save_version(session, theirs, author="Bob", message="")
    press(app, "Save version")
    for text in ("You took it out, they changed it", "A few-shot that both changed", "Both moved principles"):
        assert text in words(app)
    choose(app, side)
    press(app, "Merge and save")
    found = saved()
    if side == "theirs":
        assert "sandbox@2 says all of yours already" in words(app)
        assert found == theirs
        return
    assert "Merged and saved as sandbox@3." in words(app)
    left = [each.id for each in before.principles[2:] if each.id != "fraud"]
    assert [each.id for each in found.principles] == ["hacking", "privacy", *left]
    assert found.few_shots.critique_revision[0].critique == "Ada's critique."


def test_a_version_saved_while_somebody_chooses_is_not_saved_over() -> None:
    """The buttons were drawn for a version that is not the newest any more."""
    app = page("Ada")
    fill(app, title="Ada's words")
    save_meanwhile(at=1, title="Bob's words")
    press(app, "Save version")
    save_meanwhile(at=2, title="Bob's words again")
    press(app, "Merge and save")
    assert "somebody saved a version after sandbox@2" in words(app)
    press(app, "Merge and save")
    assert [one.title for one in saved("sandbox@4").principles[:3]] == [
        "Ada's words", "Bob's words", "Bob's words again",
    ]  # fmt: skip


def test_edits_that_do_not_meet_merge_by_themselves_and_can_be_gone_on_with() -> None:
    app = page("Ada")
    fill(app, title="Ada's words")
    save_meanwhile(at=1, title="Bob's words")
    press(app, "Save version")
    assert "all of it fits together" in words(app)
    press(app, "Merge and go on editing")

    assert "your draft goes on from sandbox@2" in words(app)
    [draft] = unsaved("login:ada")
    assert (draft.base, [one.title for one in draft.now.principles[:2]]) == (
        "sandbox@2",
        ["Ada's words", "Bob's words"],
    )
    press(app, "Save version")
    assert "Saved as sandbox@3." in words(app)


def test_another_name_keeps_both_and_a_taken_one_is_refused() -> None:
    save_meanwhile("other")
    app = page("Ada")
    fill(app, title="Ada's words")
    save_meanwhile(title="Bob's words")
    app.text_input(key="sandbox@1//name").set_value("other").run()
    assert "choose a name that is free" in words(app)
    press(app, "Save version")
    assert "there is a constitution &#x27;other&#x27; already" in words(app)
    app.text_input(key="sandbox@1//name").set_value("adas").run()
    press(app, "Save version")

    assert "Saved as adas@1." in words(app)
    assert saved("adas").principles[0].title == "Ada's words"
    assert saved("sandbox").principles[0].title == "Bob's words"


def test_a_tab_whose_draft_another_tab_saved_loses_nothing() -> None:
    """It goes on from what it shows, and meets the saved version when it saves."""
    first = page("Ada")
    fill(first, title="Typed in both")
    second = page("Ada")
    press(first, "Save version")
    assert "Saved as sandbox@2." in words(first)
    fill(second, comparison="Typed in the second?")
    [draft] = unsaved("login:ada")
    assert draft.base == "sandbox@1"
    press(second, "Save version")
    assert "all of it fits together" in words(second)
    press(second, "Merge and save")

    one = saved("sandbox@3").principles[0]
    assert (one.title, one.comparison) == ("Typed in both", "Typed in the second?")


def test_two_tabs_of_one_person_both_keep_their_fields() -> None:
    first, second = page("Ada"), page("Ada")
    fill(first, title="First tab")
    fill(second, comparison="Second tab?")

    [draft] = unsaved("login:ada")
    assert (draft.now.principles[0].title, draft.now.principles[0].comparison) == ("First tab", "Second tab?")
    assert widget(second, "title").value == "First tab"


def test_nothing_changed_makes_no_version() -> None:
    app = page("Ada")
    fill(app, title="The same")
    save_meanwhile(title="The same")
    press(app, "Save version")
    assert "Nothing changed: sandbox@2 says the same already." in words(app)
    assert newest() == "sandbox@2"


def test_what_cannot_run_is_said_where_it_is_and_stays() -> None:
    """Half a principle, an id that is taken: shown in words, refused by Save, kept as typed."""
    app = page("Ada")
    fill(app, revision_request="")
    assert "it has a critique request without a revision request; add the other" in words(app)
    press(app, "Save version")
    assert "critique_request without revision_request" in words(app)
    assert newest() == "sandbox@1"
    [draft] = unsaved("login:ada")
    assert draft.now.principles[0].revision_request is None

    press(app, "Add a principle")
    key = opened(app)["principle"]
    fill(app, key, id="privacy")
    assert "another principle has this id" in words(app)
    press(app, "Show")
    assert opened(app)["principle"] == "privacy"


def test_principles_are_added_copied_moved_removed_and_put_back() -> None:
    app = page("Ada")
    ids = [one.id for one in saved().principles]

    def now() -> list[str]:
        [draft] = unsaved("login:ada")
        return [one.id for one in draft.now.principles]

    press(app, "Down")
    assert now() == [ids[1], ids[0], *ids[2:]]
    press(app, "Up")
    assert unsaved("login:ada") == []
    show(app, ids[3])
    press(app, "To the top")
    assert now() == [ids[3], *ids[:3], *ids[4:]]
    press(app, "Discard edits")
    show(app, ids[1])
    press(app, "Duplicate")
    assert now() == [ids[0], ids[1], f"{ids[1]}-2", *ids[2:]]
    press(app, "Remove")
    press(app, "Put back")
    assert now() == [ids[0], ids[1], f"{ids[1]}-2", *ids[2:]]
    press(app, "Add a principle")
    fill(app, opened(app)["principle"], title="Be Brief!", comparison="Which is shorter?")
    assert now()[-1] == "be-brief"
    show(app, ids[0])
    press(app, "Remove")
    assert "2 added, 1 removed" in words(app)
    press(app, "Save version")
    assert [one.id for one in saved("sandbox@2").principles] == [ids[1], f"{ids[1]}-2", *ids[2:], "be-brief"]


@pytest.mark.parametrize("weight", [1e-6, 5e4])
def test_a_weight_outside_the_offered_bounds_is_shown_and_kept(weight: float) -> None:
    """A file may say so."""
    save_meanwhile(weight=weight)
    app = page()
    assert widget(app, "weight", base="sandbox@2").value == weight
    fill(app, base="sandbox@2", title="Else")
    assert unsaved()[0].now.principles[0].weight == weight


def test_an_address_shows_a_version_and_a_principle() -> None:
    """A select changes it; a version that is not there is said."""
    save_meanwhile(title="Bob's words")
    app = page(version="sandbox@1", principle="hacking")
    assert widget(app, "title", "hacking").value == saved().principles[1].title
    show(app, "privacy")
    assert widget(app, "title").value == "Privacy"
    assert "sandbox@2 is the newest version" in words(app)

    app.selectbox(key="constitutions.version.sandbox").set_value("sandbox@2").run()
    assert widget(app, "title", base="sandbox@2").value == "Bob's words"
    assert "There is no version nothing@7 here" in words(page(version="nothing@7"))
    assert "There is no draft 7 of yours" in words(page(draft="7"))


def test_the_list_is_searched_and_marked() -> None:
    app = page()
    fill(app, title="Private matters", enabled=False)
    [table] = app.dataframe
    first = table.value.iloc[0]
    assert (first["title"], first["marks"], first["halves"]) == ("Private matters", "changed, off", "CP")
    app.text_input(key="constitutions.search").set_value("PRIVATE matters").run()
    assert list(app.dataframe[0].value["n"]) == [1]
    app.text_input(key="constitutions.search").set_value("nothing says this").run()
    assert "No principle holds all of these words." in words(app)


def test_the_description_and_the_name_are_kept() -> None:
    app = page("Ada")
    app.text_area(key="sandbox@1//description").set_value("For another thing.").run()
    app.text_input(key="sandbox@1//name").set_value("another").run()
    press(app, "Save version")
    assert saved("another").description == "For another thing."


def begin(app: AppTest, way: str, name: str) -> None:
    """Begin a new constitution in one of the ways."""
    press(app, "New")
    app.segmented_control(key="new.way").set_value(way).run()
    app.text_input(key="new.name").set_value(name)
    press(app, "Begin writing")
    assert not app.exception


def test_a_new_constitution_from_scratch() -> None:
    """It is a draft that a reload finds again; it is saved when it says something."""
    app = page("Ada")
    begin(app, "From scratch", "mine")
    assert "No principle yet" in words(app)
    [draft] = unsaved("login:ada")
    app = page("Ada", draft=str(draft.id))
    assert "at least one principle is wanted" in words(app)
    press(app, "Add a principle")
    key = opened(app)["principle"]
    fill(app, key, f"draft {draft.id}", title="Be kind", comparison="Which is kinder?")
    press(app, "Save version")

    assert saved("mine").principles == (Principle("be-kind", "Be kind", comparison="Which is kinder?"),)
    assert opened(app) == {"version": "mine@1", "principle": "be-kind"}


def test_a_new_constitution_from_a_template_or_as_a_copy() -> None:
    app = page("Ada")
    begin(app, "From a template", "one")
    press(app, "Save version")
    begin(app, "As a copy", "two")
    press(app, "Save version")

    assert saved("one").principles[0].id == "privacy"
    assert saved("one").few_shots.comparison
    assert saved("two").principles == saved("harmlessness").principles
    begin(app, "From scratch", "one")
    assert "there is a constitution &#x27;one&#x27; already (one@1)" in words(app)


GOOD = b"""format: cai-constitution/1
name: filed
principles:
  - id: kind
    title: Be kind
    comparison: Which is kinder?
"""


def test_a_new_constitution_from_a_file() -> None:
    """First what would come in, then a draft of it; what is no constitution is said."""
    app = page("Ada")
    press(app, "New")
    app.segmented_control(key="new.way").set_value("From files").run()
    app.file_uploader(key="new.files").upload("bad.yaml", b"format: [").run()
    assert "bad.yaml" in words(app)
    assert not [b for b in app.button if b.label == "Begin with it"]
    app.file_uploader(key="new.files").set_value([("filed.yaml", GOOD, "text/yaml")]).run()
    assert "1 comes in" in words(app)
    press(app, "Begin with it")
    press(app, "Save version")
    assert saved("filed").principles[0].title == "Be kind"


def shots(app: AppTest) -> None:
    app.segmented_control(key="constitutions.view").set_value("Few-shots").run()


def test_few_shots_of_all_kinds_are_written_as_what_they_are() -> None:
    app = page("Ada")
    begin(app, "From scratch", "mine")
    [draft] = unsaved("login:ada")
    base = f"draft {draft.id}"
    shots(app)
    for name, values in {
        "critique_revision": {"turn 0": "q", "turn 1": "a", "critique": "c", "revision": "r"},
        "comparison": {"turn 0": "q", "comparison": "which?", "response_a": "x", "response_b": "y"},
        "comparison_with_reasoning": {"turn 0": "q", "reasoning": "since"},
    }.items():
        app.button(key=f"shot.add.{name}").click().run()
        place = opened(app)["shot"].replace(":", "/")
        for field, value in values.items():
            app.text_area(key=f"{base}/{place}/{field}").set_value(value).run()
    app.segmented_control(key=f"{base}/{place}/answer").set_value("B").run()
    press(app, "Add two turns")
    app.text_area(key=f"{base}/{place}/turn 2").set_value("q again").run()
    press(app, "Begin with a system turn")
    app.text_area(key=f"{base}/{place}/system turn").set_value("s").run()
    assert not app.exception

    [draft] = unsaved("login:ada")
    found = draft.now.few_shots
    one, two, three = found.critique_revision[0], found.comparison[0], found.comparison_with_reasoning[0]
    assert [turn.content for turn in one.conversation] == ["q", "a"]
    assert (one.critique, one.revision, one.critique_request) == ("c", "r", "")
    assert (two.comparison, two.response_a, two.response_b, two.answer, two.reasoning) == (
        "which?",
        "x",
        "y",
        "A",
        None,
    )
    assert (three.reasoning, three.answer) == ("since", "B")
    assert [turn.content for turn in three.conversation] == ["s", "q", "", "q again"]
    said = words(app)
    assert "critique request, revision request: blank; write them" in said, "a text once, for all fields it is said of"
    assert "Few-shot 1 · reasoned" in said


def test_a_few_shot_is_counted_within_its_kind_and_stays_open_over_a_save() -> None:
    """Its form and what is to be mended count so too."""
    app = page("Ada", version="sandbox@1", view="few-shots", shot="comparison:2")
    numbers = app.dataframe[0].value["n"].tolist()
    assert numbers[:9] == [1, 2, 3, 4, 5, 6, 7, 8, 1]
    app.text_area(key="sandbox@1/comparison/2/comparison").set_value("Which one is kinder?").run()
    press(app, "Save version")
    assert opened(app) == {"version": "sandbox@2", "shot": "comparison:2", "view": "few-shots"}


def test_a_reload_shows_the_same_view() -> None:
    app = page("Ada")
    assert "view" not in app.query_params
    shots(app)
    assert opened(app)["view"] == "few-shots"
    again = page("Ada", **opened(app))
    assert again.segmented_control(key="constitutions.view").value == "Few-shots"
    again.segmented_control(key="constitutions.view").set_value("Principles").run()
    assert "view" not in again.query_params


def test_what_changed_names_a_new_principle_by_its_id() -> None:
    app = page("Ada")
    press(app, "Add a principle")
    key = opened(app)["principle"]
    fill(app, key, title="Be kind", comparison="Choose the kinder one.")
    app.toggle(key="constitutions.changes").set_value(True).run()
    said = drawn_html(app)
    assert "be-kind" in said
    assert key not in said


def test_few_shots_are_copied_moved_removed_and_put_back() -> None:
    app = page("Ada")
    before = saved().few_shots.critique_revision
    shots(app)
    press(app, "Duplicate")
    assert unsaved("login:ada")[0].now.few_shots.critique_revision == (before[0], *before)
    press(app, "Up")
    press(app, "Remove")
    assert unsaved("login:ada")[0].now == saved()
    press(app, "Put back")
    press(app, "Save version")
    assert len(saved("sandbox@2").few_shots.critique_revision) == len(before) + 1


@pytest.mark.parametrize("text", [HOSTILE, "x" * 100_000], ids=["hostile", "long"])
def test_any_text_in_any_field_is_shown_and_kept_as_it_is(text: str) -> None:
    """In fields, in the list, in the diff; and saved to the character."""
    app = page("Ada")
    one_line = text.replace("\n", " ")
    fill(app, title=one_line, tags=[one_line], critique_request=text, revision_request=text, comparison=text)
    app.toggle(key="constitutions.changes").set_value(True).run()
    assert widget(app, "comparison").value == text
    assert app.dataframe[0].value.iloc[0]["title"] == one_line
    assert html.escape(one_line) in drawn_html(app)
    assert "<script" not in drawn_html(app)
    app.text_area(key="sandbox@1//description").set_value(text).run()
    shots(app)
    app.text_area(key="sandbox@1/critique_revision/0/critique").set_value(text).run()
    press(app, "Save version")
    assert not app.exception

    found = saved("sandbox@2")
    one = found.principles[0]
    assert [one.title, *one.tags] == [one_line] * 2
    assert {one.critique_request, one.revision_request, one.comparison, found.description} == {text}
    assert found.few_shots.critique_revision[0].critique == text


def test_what_no_model_takes_is_refused_by_name() -> None:
    app = page("Ada")
    fill(app, comparison="a\x00b")
    press(app, "Save version")
    assert "unprintable character U+0000" in words(app)
    assert newest() == "sandbox@1"


@pytest.mark.parametrize("view", ["History", "Files"])
def test_the_other_views_draw(view: str) -> None:
    app = page()
    fill(app, title="Else")
    app.segmented_control(key="constitutions.view").set_value(view).run()
    assert not app.exception
    begin(app, "From scratch", "mine")
    app.segmented_control(key="constitutions.view").set_value(view).run()
    assert "Not saved yet" in words(app)


def test_a_browser_that_repeats_an_old_value_undoes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has set a field, and the browser, which has not heard of it yet, sends what it showed before."""
    done: list[object] = []
    state: dict[str, Any] = {}
    monkeypatch.setattr(draft_edit.st, "session_state", state)
    monkeypatch.setattr(draft_edit, "do", lambda shown, verb, place, field, value: done.append(value))
    with open_workspace().writing() as session:
        shown = drafts.on_page(session, people.add(session, "browser:1"), "sandbox@1")
    place = ("principles", "privacy")
    key = draft_edit.field_key(shown, place, "title")

    def browser_says(value: str) -> None:
        state[key] = value
        draft_edit.commit(shown, place, "title")

    draft_edit.hold(key, "old")
    draft_edit.hold(key, "set by the page")
    browser_says("old")
    assert done == []
    draft_edit.hold(key, "set by the page")
    browser_says("typed")
    draft_edit.hold(key, "typed")
    browser_says("old")
    assert done == ["typed", "old"]
