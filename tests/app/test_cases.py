"""Cases: what is listed, what has changed, how they are run, read, written and changed."""

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from app.components.case_table import change
from cai_core.store import cases
from cai_core.store.workspace import Workspace
from cai_core.types import CaseKind
from db.schema import ConstitutionRow, RunRow
from db.schema_authoring import CaseResultRow, CaseRow
from tests.app.conftest import Visit, drawn_html, links, press, set_state, words
from tests.app.seed_cases import CRITIQUE, HOPE, PROMPT, RESPONSE, add_results
from tests.app.test_untrusted_text import HOSTILE, assert_nothing_is_markup

FIRST, SECOND = 8, 9
"""The two cases runs, after the loop's seven."""


@pytest.fixture
def tried(loop: Workspace) -> Workspace:
    """Two versions, each with a run of all cases."""
    with loop.writing() as session:
        assert add_results(session) == (FIRST, SECOND)
    return loop


def table(app: AppTest) -> dict[str, list[object]]:
    """The list, by column."""
    found: dict[str, list[object]] = {name: list(column) for name, column in app.dataframe[0].value.items()}
    return found


def tags(column: list[object]) -> list[str]:
    """A column of tags, one a row or none."""
    return [", ".join(row) for row in column]  # type: ignore[arg-type]


def newest_run(workspace: Workspace) -> RunRow:
    with workspace.reading() as session:
        return session.scalars(select(RunRow).order_by(RunRow.id.desc())).first()  # type: ignore[return-value]


def case(workspace: Workspace, case_id: int) -> CaseRow:
    with workspace.reading() as session:
        return cases.get(session, case_id)


def test_the_list_shows_what_each_case_is_now_and_was_before(visit: Visit, tried: Workspace) -> None:
    app = visit("cases")
    rows = table(app)
    assert rows["Case"] == [1, 2, 3]
    assert tags(rows["Now"]) == ["fails", "passes", "could not tell"]
    assert tags(rows["Before"]) == ["passes", "fails", "to be read"]
    assert tags(rows["Change"]) == ["now fails", "now passes", "changed"]
    assert rows["p(hoped)"] == [0.21, 0.88, 0.51]
    assert rows["Hoped for"] == [HOPE, "A is preferred", ""]
    said = words(app)
    for part in ("1 pass", "1 fail", "1 could not tell", "3 changed since sandbox@1", "1 now fail", "1 now pass"):
        assert part in said
    assert {"Run 8", "Run 9"} <= links(app)


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        ("fail", "pass", "now fails"),
        ("pass", "fail", "now passes"),
        ("failed", "pass", "changed"),
        ("pass", "pass", None),
        (None, "pass", None),
        ("pass", None, None),
    ],
)
def test_a_change_is_said_only_where_both_are_known(now: str | None, before: str | None, said: str | None) -> None:
    assert change(now, before) == said


def test_an_older_version_is_compared_with_none_before_it(visit: Visit, tried: Workspace) -> None:
    app = visit("cases")
    app.selectbox(key="cases.version.sandbox").set_value(1).run()
    assert "Change" not in table(app)
    assert tags(table(app)["Now"]) == ["passes", "fails", "to be read"]
    assert "changed since" not in words(app)


def test_the_filter_narrows_the_list_and_the_reader_stays_in_it(visit: Visit, tried: Workspace) -> None:
    app = visit("cases")
    app.selectbox(key="cases.only").set_value("could_not_tell").run()
    assert table(app)["Case"] == [3]
    app.query_params["case"] = "3"
    app.run()
    assert app.button(key="cases.before").disabled
    assert app.button(key="cases.after").disabled
    app.button(key="cases.all").click().run()
    app.selectbox(key="cases.only").set_value("too_long").run()
    assert "No case passes this filter" in words(app)


def test_a_run_s_address_shows_that_run_with_what_it_tried(visit: Visit, tried: Workspace) -> None:
    with tried.writing() as session:
        cases.retire(session, 2)
    assert table(visit("cases"))["Case"] == [1, 3]
    app = visit("cases", run=str(FIRST))
    assert app.selectbox(key="cases.version.sandbox").value == 1
    assert table(app)["Kind"] == ["prompt", "pair, retired", "prompt"]
    app.selectbox(key="cases.version.sandbox").set_value(2).run()
    assert table(app)["Case"] == [1, 3]
    assert "run" not in app.query_params


def test_a_constitution_s_address_and_wrong_ones(visit: Visit, tried: Workspace) -> None:
    app = visit("cases", constitution="harmlessness")
    assert app.selectbox(key="cases.constitution").value == "harmlessness"
    assert table(app)["Case"] == [4]
    for query in ({"constitution": "nope"}, {"run": "1"}, {"run": "777"}, {"run": "x"}):
        app = visit("cases", **query)
        assert not app.exception
        assert app.selectbox(key="cases.constitution").value == "sandbox", query


def test_runs_that_asked_otherwise_are_said_to_have(visit: Visit, tried: Workspace) -> None:
    config = newest_run(tried).config
    assert "asked otherwise" not in words(visit("cases"))
    set_state(tried, SECOND, config={**config, "few_shots": 0})
    assert "asked otherwise" in words(visit("cases"))


def test_a_press_runs_all_cases_on_the_version_once(visit: Visit, tried: Workspace, launched: list[int]) -> None:
    app = visit("cases")
    app.selectbox(key="cases.version.sandbox").set_value(1).run()
    app.number_input(key="cases.seed").set_value(5).run()
    press(app, "Run all cases")
    run = newest_run(tried)
    assert launched == [run.id]
    assert (run.kind, run.seed, run.id) == ("cases", 5, 10)
    assert run.config == {
        "constitution": "sandbox@1",
        "model": "sandbox",
        "judge": "",
        "temperature": 1.0,
        "max_new_tokens": 256,
        "few_shots": 4,
        "min_mass": 0.2,
        "width": 64,
    }
    assert "Run 10 tries all cases on sandbox@1." in words(app)
    assert "Run 10 · Cases" in words(app)
    assert next(b for b in app.button if b.label == "Run all cases").disabled
    assert tags(table(app)["Now"]) == ["passes", "fails", "to be read"]
    set_state(tried, 10, state="done")
    assert tags(table(app.run())["Now"]) == ["", "", ""]
    assert "3 not run yet" in words(app)


def test_what_hinders_a_run_is_said(visit: Visit, tried: Workspace, launched: list[int]) -> None:
    with tried.writing() as session:
        for one in (1, 2, 3):
            cases.retire(session, one)
    app = visit("cases")
    press(app, "Run all cases")
    assert "has no cases to run" in words(app)
    assert launched == []


def test_a_case_is_read_from_its_prompt_to_both_orders(visit: Visit, tried: Workspace) -> None:
    app = visit("cases", case="1")
    said = words(app)
    assert app.title[0].value == "Case 1"
    for text in (PROMPT.replace("'", "&#x27;"), HOPE, RESPONSE, CRITIQUE, "Revision 0.21", "fails", "by Ada"):
        assert text in said
    assert "Revision shown first: p(the revision is better) 0.92" in said
    assert "Response shown first: p(the revision is better) 0.77" in said
    assert "<del" in drawn_html(app)
    assert {"Run 9", "Constitution"} <= links(app)
    history = table(app)
    assert history["Version"] == ["sandbox@2", "sandbox@1"]
    assert tags(history["Result"]) == ["fails", "passes"]


def test_a_pair_shows_both_responses_and_why_nothing_could_be_told(visit: Visit, tried: Workspace) -> None:
    said = words(visit("cases", case="2"))
    assert "Response A is preferred" in said
    assert "A shown first: p(A) 0.92" in said
    assert "The two orders prefer different responses." in words(visit("cases", case="3"))


def test_an_older_result_is_a_press_away(visit: Visit, tried: Workspace) -> None:
    with tried.reading() as session:
        old = session.scalars(select(CaseResultRow.id).where(CaseResultRow.case_id == 1)).first()
    app = visit("cases", case="1", result=str(old))
    assert "Run 8" in links(app)
    assert "Revision 0.88" in words(app)
    app.button(key="cases.after").click().run()
    assert "result" not in app.query_params
    assert "Run 9" in links(app)


def test_a_case_that_is_not_there_or_not_run(visit: Visit, loop: Workspace) -> None:
    assert "There is no case 77." in words(visit("cases", case="77"))
    app = visit("cases", case="3")
    assert "Not run yet" in words(app)
    assert "the revision is to be read" in words(app)
    assert not app.dataframe


def test_another_hope_is_another_case(visit: Visit, tried: Workspace) -> None:
    app = visit("cases", case="1")
    press(app, "Save")
    assert "It says the same already." in words(app)
    app.text_area(key="cases.hope.1").set_value("Which is shorter?").run()
    press(app, "Save")
    assert app.query_params["case"] == "5"
    assert "Case 5 has taken the place of case 1" in words(app)
    assert case(tried, 1).retired_at is not None
    assert (case(tried, 5).hope, case(tried, 5).retired_at) == ("Which is shorter?", None)


def test_the_other_response_may_be_preferred(visit: Visit, tried: Workspace) -> None:
    app = visit("cases", case="2")
    app.segmented_control(key="cases.preferred.2").set_value("b").run()
    press(app, "Save")
    assert (case(tried, 5).preferred, case(tried, 5).response_a) == ("b", case(tried, 2).response_a)
    assert case(tried, 2).retired_at is not None


def test_a_case_is_retired_and_brought_back(visit: Visit, tried: Workspace) -> None:
    app = visit("cases", case="3")
    press(app, "Retire")
    assert "Case 3 is retired" in words(app)
    assert case(tried, 3).retired_at is not None
    app.button(key="cases.all").click().run()
    app.selectbox(key="cases.only").set_value("retired").run()
    assert table(app)["Kind"] == ["prompt, retired"]
    app = visit("cases", case="3")
    press(app, "Bring it back")
    assert case(tried, 3).retired_at is None


def test_a_prompt_is_added_by_hand(visit: Visit, loop: Workspace) -> None:
    app = visit("cases")
    press(app, "Add case")
    assert "a case needs a prompt" in words(app)
    app.text_area(key="cases.new.prompt").set_value("How do I $5?")
    app.text_area(key="cases.new.hope").set_value("Which is kinder?")
    app.selectbox(key="cases.new.principle").set_value("hacking").run()
    press(app, "Add case")
    assert "Case 5 is added." in words(app)
    found = cases.to_noun(case(loop, 5))
    assert (found.kind, found.turns[0].content, found.hope, found.principle) == (
        "prompt",
        "How do I $5?",
        "Which is kinder?",
        "hacking",
    )
    assert not app.text_area(key="cases.new.prompt").value
    assert not app.text_area(key="cases.new.hope").value
    assert table(app)["Case"] == [1, 2, 3, 5]


def test_a_pair_is_added_by_hand(visit: Visit, loop: Workspace) -> None:
    app = visit("cases", constitution="harmlessness")
    app.segmented_control(key="cases.new.kind").set_value(CaseKind.PAIR).run()
    app.text_area(key="cases.new.prompt").set_value("How?")
    app.text_area(key="cases.new.a").set_value("No.")
    app.text_area(key="cases.new.b").set_value("Yes.").run()
    press(app, "Add case")
    assert "say which response" in words(app)
    app.segmented_control(key="cases.new.preferred").set_value("a").run()
    press(app, "Add case")
    row = case(loop, 5)
    assert (row.kind, row.response_a, row.response_b, row.preferred) == ("pair", "No.", "Yes.", "a")
    with loop.reading() as session:
        assert session.get_one(ConstitutionRow, row.constitution_id).name == "harmlessness"


def test_a_cases_run_is_shown_with_the_runs_and_leads_back(visit: Visit, tried: Workspace) -> None:
    assert "Cases" in list(visit("runs").dataframe[0].value["Stage"])
    app = visit("runs", run=str(SECOND))
    assert not app.exception
    assert "State: passes" in words(app)
    link = next(one for one in app.get("page_link") if one.proto.label == "Read what it made")
    assert (link.proto.page, link.proto.query_string) == ("cases", f"run={SECOND}")


@pytest.mark.parametrize("query", [{}, {"case": "1"}, {"case": "2"}, {"run": str(SECOND)}])
def test_hostile_text_is_never_markup(query: dict[str, str], visit: Visit, tried: Workspace) -> None:
    one_line = HOSTILE.replace("\n", " ")
    with tried.writing() as session:
        for row in session.scalars(select(CaseRow)):
            row.hope = row.author = HOSTILE
            row.principle = one_line
            row.turns = [{"role": "user", "content": HOSTILE}]
            row.response_a, row.response_b = (HOSTILE, HOSTILE + "b") if row.kind == "pair" else (None, None)
        for result in session.scalars(select(CaseResultRow)):
            result.response = result.critique = result.error = HOSTILE
            result.revision = HOSTILE + " more"
        for run in session.scalars(select(RunRow).where(RunRow.kind == "cases")):
            run.config = {**run.config, "model": one_line, "judge": one_line + "!"}
        for owner in session.scalars(select(ConstitutionRow).where(ConstitutionRow.name == "sandbox")):
            owner.name = one_line
    app = visit("cases", **query)
    assert_nothing_is_markup(app)
    if "case" in query:
        assert "tracker.example" in drawn_html(app)


def test_a_principle_chosen_for_one_constitution_is_not_offered_for_another(visit: Visit, loop: Workspace) -> None:
    app = visit("cases")
    app.selectbox(key="cases.new.principle").set_value("hacking").run()
    app.selectbox(key="cases.constitution").set_value("harmlessness").run()
    assert not app.exception
    assert not app.selectbox(key="cases.new.principle").value
    app.text_area(key="cases.new.prompt").set_value("How?").run()
    press(app, "Add case")
    assert case(loop, 5).principle is None
