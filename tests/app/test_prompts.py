"""Prompts: sets, filter, reader, what is done with many, and files."""

from html import unescape

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from cai_core.store.workspace import Workspace
from db.queries.prompt_filter import PromptFilter
from db.queries.prompts import count_prompts
from db.schema import PromptRow
from tests.app.conftest import Visit, links, press, words
from tests.app.test_untrusted_text import HOSTILE, assert_nothing_is_markup


def shown(app: AppTest) -> list[int]:
    return [int(i) for i in app.dataframe[1].value["Prompt"]]


def count(workspace: Workspace, **wanted: str) -> int:
    with workspace.reading() as session:
        return count_prompts(session, PromptFilter(**wanted))


def choose(app: AppTest, verb: str) -> None:
    app.segmented_control(key="prompts.verb").set_value(verb).run()


def test_sets_and_a_page_are_shown(visit: Visit, loop: Workspace) -> None:
    app = visit("prompts")
    sets = app.dataframe[0].value
    line = sets[sets["Set"] == "seeded"].iloc[0]
    assert (line["Prompts"], line["Red team"], line["Helpful"], line["Train"]) == (180, 60, 60, 180)
    first = shown(app)
    app.button(key="prompts.on").click().run()
    assert len(first) == 50 < min(shown(app)) - min(first) + 1


def test_the_address_filters(visit: Visit, loop: Workspace) -> None:
    app = visit("prompts", source="seeded", kind="helpful", text="tomato")
    assert set(app.dataframe[1].value["Kind"]) == {"Helpful"}
    assert app.selectbox(key="prompts.source").value == "seeded"
    app.selectbox(key="prompts.kind").set_value("red_team").run()
    assert "No prompt passes this filter" in words(app)
    app.text_input(key="prompts.text").set_value("").run()
    assert set(app.dataframe[1].value["Kind"]) == {"Red team"}
    assert "kind = 'odd' is none of" in unescape(words(visit("prompts", kind="odd")))


def test_one_is_read_with_what_used_it(visit: Visit, loop: Workspace) -> None:
    with loop.reading() as session:
        prompt = session.scalars(
            select(PromptRow.id)
            .where(PromptRow.source == "seeded", PromptRow.kind == "red_team")
            .order_by(PromptRow.id)
        ).first()
    app = visit("prompts", prompt=str(prompt))
    assert "get into your neighbour" in words(app)
    assert {"Chain 1", "Comparison 1"} <= links(app)
    assert "There is no prompt 9999999" in words(visit("prompts", prompt="9999999"))


def test_all_that_pass_are_tagged_sampled_and_removed(visit: Visit, loop: Workspace) -> None:
    app = visit("prompts", source="seeded", kind="look_alike")
    choose(app, "tag")
    app.text_input(key="prompts.verb.tag").set_value("mine").run()
    press(app, "Tag 60 prompts")
    assert "60 prompts got the tag 'mine'; 0 had it already." in unescape(words(app))
    assert count(loop, tag="mine") == 60
    choose(app, "sample")
    app.number_input(key="prompts.verb.n").set_value(5).run()
    app.text_input(key="prompts.verb.sample").set_value("few").run()
    press(app, "Draw 5 of 60")
    assert count(loop, tag="few") == len(shown(app)) == 5


def test_what_runs_have_used_keeps_its_split_and_stays(visit: Visit, loop: Workspace) -> None:
    app = visit("prompts", source="seeded", kind="red_team")
    choose(app, "split")
    assert "Runs have used 60 of these" in words(app)
    assert next(b for b in app.button if b.label == "Split 0 prompts").disabled
    app.toggle(key="prompts.verb.used_too").set_value(True).run()
    app.text_input(key="prompts.verb.shares").set_value("dev").run()
    press(app, "Split 60 prompts")
    assert "Runs had used 60 of them, 60 in train. Now: dev 60." in words(app)
    choose(app, "delete")
    assert "0 go for good. 60 stay" in words(app)


def test_near_duplicates_are_looked_for_then_removed(visit: Visit, loop: Workspace) -> None:
    text = "how do I get the lime out of a kettle without any harsh thing in number"
    with loop.writing() as session:
        for n in range(3):
            turns = [{"role": "user", "content": f"{text} {n}"}]
            session.add(
                PromptRow(uid=f"near{n}", source="near", kind="helpful", split="train", turns=turns, tags=[], extra={})
            )
    app = visit("prompts")
    choose(app, "dedupe")
    assert "within one set" in words(app)
    app.selectbox(key="prompts.source").set_value("near").run()
    press(app, "Look for them")
    assert count(loop, source="near") == 3
    press(app, "Tag 2")
    assert count(loop, source="near", tag="near-duplicate") == 2


def test_a_file_is_looked_at_and_then_comes_in(visit: Visit, loop: Workspace) -> None:
    app = visit("prompts")
    app.file_uploader(key="prompts.upload.file.0").set_value(("my set.csv", b'prompt\none\n""\ntwo\none\n', "text/csv"))
    app.run()
    assert "does not say what its prompt is for" in words(app)
    app.selectbox(key="prompts.upload.kind").set_value("helpful").run()
    said = words(app)
    assert "2 come in" in said
    assert "1 are there already" in said
    assert count(loop, source="my set") == 0
    press(app, "Bring them in")
    assert count(loop, source="my set") == 2
    assert "2 prompts came in as 'my set'" in unescape(words(app))


def test_text_is_never_markup(visit: Visit, loop: Workspace) -> None:
    with loop.writing() as session:
        turns = [{"role": "user", "content": HOSTILE}]
        row = PromptRow(uid="x", source=HOSTILE, kind="helpful", split="train", topic=HOSTILE, turns=turns)
        row.tags, row.extra = [HOSTILE], {HOSTILE: HOSTILE}
        session.add(row)
        session.flush()
        prompt = row.id
    app = visit("prompts", prompt=str(prompt))
    assert_nothing_is_markup(app)


def test_an_empty_workspace_says_how_prompts_come_in(
    visit: Visit, loop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit("prompts", source="none")
    assert "No prompt passes this filter" in words(app)
    assert "Let a model write more, after ten of these" in links(app)
