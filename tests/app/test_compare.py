"""Compare versions: the form, what is foreseen, past comparisons, figures, and rows side by side."""

import html
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from streamlit.testing.v1 import AppTest

from app.components.compare_cards import percent
from app.components.compare_form import first_pair
from cai_core.store.workspace import Workspace, open_workspace
from db.schema import (
    ConstitutionRow,
    ConstitutionVersionRow,
    LabelRow,
    PrincipleRow,
    PromptRow,
    RunRow,
    VersionPrincipleRow,
)
from db.schema_chains import ChainRow, RevisionRow
from tests.app.compared import FLIPPED, compared, save_version
from tests.app.conftest import Visit, drawn_html, links, press, set_state, words
from tests.app.test_untrusted_text import HOSTILE, assert_nothing_is_markup


@pytest.fixture(scope="module")
def compared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compared") / "workspace"
    compared(folder)
    return folder


@pytest.fixture
def opened(compared_folder: Path, workspace: Path) -> Workspace:
    """A copy for each test."""
    shutil.copytree(compared_folder, workspace)
    return open_workspace(workspace)


@pytest.fixture
def bare(workspace: Path) -> Workspace:
    """Two versions, and nothing compared."""
    found = open_workspace(workspace)
    save_version(found)
    return found


def rows(app: AppTest, column: str, table: int = 0) -> list[Any]:
    return list(app.dataframe[table].value[column])


def runs(workspace: Workspace) -> list[RunRow]:
    with workspace.reading() as session:
        return list(session.scalars(select(RunRow).order_by(RunRow.id)))


def fill(app: AppTest, **numbers: int) -> None:
    for name, value in numbers.items():
        app.number_input(key=f"compare.{name}").set_value(value)


@pytest.mark.parametrize(
    ("refs", "pair"),
    [
        (["s@2", "s@1", "h@1"], ("s@1", "s@2")),
        (["h@1", "s@2", "s@1"], ("s@2", "h@1")),
        (["h@3", "s@1", "h@2"], ("h@2", "h@3")),
    ],
)
def test_the_newest_version_is_compared_with_the_one_before(refs: list[str], pair: tuple[str, str]) -> None:
    assert first_pair(refs) == pair


def test_the_form_begins_with_the_newest_edit_and_foresees(visit: Visit, bare: Workspace) -> None:
    app = visit("compare")
    assert (app.selectbox(key="compare.a").value, app.selectbox(key="compare.b").value) == ("sandbox@1", "sandbox@2")
    said = words(app)
    assert "Before it starts" in said
    assert "of 300 chains are taken over whole" in said
    assert "Nothing was compared so far" in said


def test_a_press_enqueues_five_runs_once_and_opens_them(visit: Visit, bare: Workspace, launched: list[int]) -> None:
    app = visit("compare")
    app.selectbox(key="compare.model").set_value("scripted")
    fill(app, red_team=6, num_pairs=4, rounds=2, seed=9)
    app.run()
    press(app, "Compare")
    assert [run.kind for run in runs(bare)] == ["chains", "chains", "comparisons", "labels", "labels"]
    assert {run.seed for run in runs(bare)} == {9}
    assert runs(bare)[1].config["red_team_prompts"] == 6
    assert app.query_params["run"] in ("2", ["2"])
    assert "Run 1 · Chains" in words(app)


def test_a_double_press_compares_once(visit: Visit, bare: Workspace, launched: list[int]) -> None:
    app = visit("compare")
    app.session_state["compare.token"] = "the next press's"
    press(app, "Compare")
    assert runs(bare) == []


def test_what_cannot_be_compared_is_said_before_and_after_the_press(visit: Visit, bare: Workspace) -> None:
    app = visit("compare")
    app.selectbox(key="compare.b").set_value("sandbox@1").run()
    assert "A and B are both sandbox@1" in words(app)
    press(app, "Compare")
    assert drawn_html(app).count("A and B are both sandbox@1") == 2
    assert runs(bare) == []


def test_an_address_chooses_the_versions_once(visit: Visit, bare: Workspace) -> None:
    app = visit("compare", a="harmlessness@1", b="sandbox@1")
    assert (app.selectbox(key="compare.a").value, app.selectbox(key="compare.b").value) == (
        "harmlessness@1",
        "sandbox@1",
    )
    app.selectbox(key="compare.a").set_value("sandbox@2").run()
    assert app.selectbox(key="compare.a").value == "sandbox@2"


def test_one_version_is_not_enough(visit: Visit, workspace: Path) -> None:
    found = open_workspace(workspace)
    with found.writing() as session:
        gone = session.scalars(select(ConstitutionRow).where(ConstitutionRow.name == "harmlessness")).one()
        session.execute(delete(VersionPrincipleRow))
        session.execute(delete(ConstitutionVersionRow).where(ConstitutionVersionRow.constitution_id == gone.id))
    assert "There is but one version" in words(visit("compare"))


def test_past_comparisons_are_listed_once_each(visit: Visit, opened: Workspace) -> None:
    app = visit("compare")
    assert (rows(app, "A"), rows(app, "B")) == (["sandbox@1"], ["sandbox@2"])
    assert rows(app, "Labels") == [f"{FLIPPED} of 70 flip"]
    assert rows(app, "State") == [["Done"]]


def test_the_chains_found(visit: Visit, opened: Workspace) -> None:
    app = visit("compare", run="2")
    result = runs(opened)[1].result
    found = result["compared"]
    said = words(app)
    assert f"{found['redrawn']} of 70" in said
    assert percent(found["differ"]["value"]) in said
    assert f"{result['recalled']['rows']} of 75" in said
    assert len(app.get("plotly_chart")) == 1
    assert {"Run 1", "Run 2"} <= links(app)
    assert len(rows(app, "Chain")) == found["differ"]["count"] > 0
    app.toggle(key="compare.differ.chains").set_value(False).run()
    assert len(rows(app, "Chain")) == 50
    app.button(key="compare.on").click().run()
    assert len(rows(app, "Chain")) == 25


def test_a_topic_narrows_the_examples(visit: Visit, opened: Workspace) -> None:
    app = visit("compare", run="2")
    app.toggle(key="compare.differ.chains").set_value(False).run()
    app.selectbox(key="compare.topic.2").set_value("theft").run()
    assert set(rows(app, "Topic")) == {"theft"}


def test_chains_are_read_side_by_side(visit: Visit, opened: Workspace) -> None:
    chain = int(rows(visit("compare", run="2"), "Chain")[0])
    app = visit("compare", run="2", chain=str(chain))
    with opened.reading() as session:
        after = session.get_one(ChainRow, chain)
        same = (ChainRow.run_id == 1, ChainRow.prompt_id == after.prompt_id, ChainRow.sample == after.sample)
        before = session.scalars(select(ChainRow).where(*same)).one()
        last = [one.revisions[-1].revision for one in (before, after)]
    drawn = drawn_html(app)
    assert last[0] != last[1]
    assert all(html.escape(text) in drawn for text in last)
    assert "word diff from sandbox@1 to sandbox@2" in drawn
    assert {f"Chain {before.id}", f"Chain {after.id}"} <= links(app)
    press(app, "All")
    assert app.title[0].value == "Compare versions"


def test_the_labels_found(visit: Visit, opened: Workspace) -> None:
    app = visit("compare", run="5")
    assert f"flip: {FLIPPED} of 70" in words(app)
    principles = app.dataframe[0].value
    assert sum(principles["Flips"]) == FLIPPED
    assert list(principles.columns)[:2] == ["Principle in sandbox@1", "Principle in sandbox@2"]
    assert len(rows(app, "Pair", 1)) == FLIPPED
    first = runs(opened)[4].result["compared"]["principles"][0]
    app.selectbox(key="compare.drew.5").set_value((first["before"], first["after"])).run()
    assert len(rows(app, "Pair", 1)) == first["flips"]


def test_labels_are_read_side_by_side(visit: Visit, opened: Workspace) -> None:
    with opened.reading() as session:
        own = (LabelRow.run_id == 5, LabelRow.recalled.is_(False))
        label = session.scalars(select(LabelRow).where(*own).order_by(LabelRow.id)).first()
        assert label is not None
        former = session.scalars(
            select(LabelRow).where(LabelRow.run_id == 4, LabelRow.comparison_id == label.comparison_id)
        ).one()
        p_before, p_after = former.p_a or 0.0, label.p_a or 0.0
    app = visit("compare", run="5", label=str(label.id))
    said = words(app)
    assert f"Response A {p_before:.2f}" in said
    assert f"Response A {p_after:.2f}" in said
    assert f"Pair {label.comparison_id}" in links(app)


def test_the_switch_goes_from_chains_to_labels(visit: Visit, opened: Workspace) -> None:
    app = visit("compare", run="2")
    app.segmented_control(key="compare.kind.2").set_value("labels").run()
    assert "Which principle did it" in words(app)


def test_what_is_no_comparison_is_said(visit: Visit, opened: Workspace) -> None:
    for run in ("1", "3", "99"):
        assert f"Run {run} compares nothing." in words(visit("compare", run=run))
    assert "There is no chain 1 in this comparison" in words(visit("compare", run="2", chain="1"))
    assert "There is no label 9999 in this comparison" in words(visit("compare", run="5", label="9999"))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"state": "failed", "error": "out of memory"}, "Run 2 is failed: out of memory"),
        ({"state": "stopped"}, "Run 2 is stopped"),
        ({"result": {"recalled": {"run": 1, "why_not": "run 1 has seed 1"}}}, "cannot be compared: run 1 has seed 1"),
    ],
)
def test_why_there_is_nothing_to_show(visit: Visit, opened: Workspace, values: dict[str, Any], said: str) -> None:
    set_state(opened, 2, **{"result": {}, **values})
    assert said in words(visit("compare", run="2"))


def test_hostile_text_is_never_markup(visit: Visit, opened: Workspace) -> None:
    one_line = HOSTILE.replace("\n", " ")
    with opened.writing() as session:
        for prompt in session.scalars(select(PromptRow)):
            prompt.topic = one_line
        for chain in session.scalars(select(ChainRow)):
            chain.response = chain.error = HOSTILE
        for revision in session.scalars(select(RevisionRow)):
            revision.critique, revision.revision = HOSTILE, f"{HOSTILE} {revision.id}"
        for principle in session.scalars(select(PrincipleRow)):
            principle.title, principle.comparison = one_line, HOSTILE
        for run in session.scalars(select(RunRow)):
            run.config = {**run.config, "constitution": f"{one_line}@{run.id % 3}", "model": one_line}
        run = session.get_one(RunRow, 2)
        rates = [{**one, "topic": one["topic"] and one_line} for one in run.result["compared"]["rates"]]
        run.result = {**run.result, "compared": {**run.result["compared"], "rates": rates}}
    for query in ({}, {"run": "2"}, {"run": "5"}, {"run": "2", "chain": "76"}, {"run": "5", "label": "71"}):
        assert_nothing_is_markup(visit("compare", **query))


def test_chains_may_recall_a_run_and_need_none(visit: Visit, loop: Workspace, launched: list[int]) -> None:
    """On Launch no run is chosen first, none is missing, and one that is chosen becomes the parent."""
    app = visit("launch", stage="chains")
    recall = app.selectbox(key="launch.chains.parent.chains.None")
    assert (recall.label, recall.value) == ("Recall from", None)
    assert "still missing" not in words(app)
    recall.set_value(1).run()
    press(app, "Start run")
    with loop.reading() as session:
        assert [link.parent_id for link in session.get_one(RunRow, 8).parents] == [1]


def test_a_labels_run_needs_comparisons_alone(visit: Visit, loop: Workspace) -> None:
    app = visit("launch", stage="labels")
    assert app.selectbox(key="launch.labels.parent.comparisons.3").value == 3
    assert app.selectbox(key="launch.labels.parent.labels.None").value is None
    assert "still missing" not in words(app)


def test_a_run_that_recalls_leads_to_its_comparison(visit: Visit, opened: Workspace) -> None:
    assert "What differs" in links(visit("runs", run="2"))
    assert "What differs" not in links(visit("runs", run="1"))
    assert "Compared" not in words(visit("runs", run="2"))
