"""The Datasets page: fields, live counts, freezing, one dataset, and its preview."""

import json
from typing import Any

import pytest

from app.components.dataset_form import conditions
from cai_core.config.datasets import Recipe
from cai_core.store import datasets
from cai_core.store.workspace import Workspace
from db.schema_asks import AskPartRow, AskRow
from db.schema_chains import DatasetRow
from tests.app.conftest import Visit, drawn_html, links, press, words
from tests.made_chains import say


def frozen(workspace: Workspace, name: str = "mine", **recipe: Any) -> DatasetRow:
    return datasets.freeze(workspace, name, Recipe(**recipe), author="ann")


def test_without_chains_it_says_what_to_do(visit: Visit) -> None:
    assert "No chains yet" in words(visit("datasets"))


def test_counts_follow_the_fields_and_freezing_opens_what_was_frozen(visit: Visit, loop: Workspace) -> None:
    say(loop, 1, "reject")
    app = visit("datasets")
    assert "300 examples: 240 revisions and 60 plain samples; those of 10% of the prompts are held out." in words(app)
    app.segmented_control(key="dataset.take").set_value("last").run()
    assert "120 examples: 60 revisions and 60 plain samples" in words(app)
    assert "180 left out" in drawn_html(app)
    app.segmented_control(key="dataset.verdicts").set_value("not_rejected").run()
    assert "119 examples: 59 revisions" in words(app)
    app.text_input(key="dataset.name").set_value("last ones")
    app.text_input(key="who.name").set_value("Ann")
    press(app, "Freeze")
    assert not app.exception
    assert "last ones is frozen" in words(app)
    assert app.title[0].value == "Dataset 1"
    with loop.reading() as session:
        row = datasets.get(session, "last ones")
    assert (row.author, row.recipe["verdicts"], row.counts["examples"]) == ("Ann", "not_rejected", 119)


def test_what_is_wrong_is_said_and_nothing_is_frozen(visit: Visit, loop: Workspace) -> None:
    app = visit("datasets")
    app.text_input(key="dataset.more").set_value("colour=<b>red</b>").run()
    assert "chains are not filtered by &#x27;colour&#x27;" in drawn_html(app)
    app.text_input(key="dataset.more").set_value("kind=red_team").run()
    app.text_input(key="who.name").set_value("Ann")
    press(app, "Freeze")
    assert "cannot be a dataset&#x27;s name" in drawn_html(app)


def test_the_chains_page_s_address_fills_the_fields(visit: Visit, loop: Workspace) -> None:
    app = visit("datasets", run="1", kind="helpful", topic="gardening")
    assert app.selectbox(key="dataset.run").value == 1
    assert app.selectbox(key="dataset.kind").value == "helpful"
    assert app.text_input(key="dataset.more").value == "topic=gardening"
    assert "60 examples: 0 revisions and 60 plain samples" in words(app)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("gate=cut&verdict=accept", {"gate": "cut", "verdict": "accept"}),
        ("http://localhost:8501/chains?run=3&text=a%20b", {"run": "3", "text": "a b"}),
    ],
)
def test_conditions_are_read_from_an_address(text: str, found: dict[str, str]) -> None:
    assert conditions(text) == found


def test_a_dataset_shows_its_counts_its_recipe_and_its_uses(visit: Visit, loop: Workspace) -> None:
    row = frozen(loop, "<i>mine</i>", rounds=2, heldout=0.5)
    with loop.writing() as session:
        datasets.use(session, 2, row.name)
    app = visit("datasets")
    assert list(app.dataframe[0].value["Dataset"]) == ["<i>mine</i>"]
    app = visit("datasets", dataset=str(row.id))
    html = drawn_html(app)
    assert "&lt;i&gt;mine&lt;/i&gt;" in html
    assert row.hash in html
    assert "of a later round than is taken" in html
    assert {"Run 1", "Run 2", "Model 2"} <= links(app)
    assert "There is no dataset 99." in drawn_html(visit("datasets", dataset="99"))


def test_train_on_it_opens_launch_with_the_dataset(visit: Visit, loop: Workspace) -> None:
    row = frozen(loop)
    app = visit("datasets", dataset=str(row.id))
    press(app, "Train on it")
    assert app.title[0].value == "Launch"
    assert app.selectbox(key="launch.sft.sandbox.dataset").value == "mine"


def test_a_preview_tints_what_carries_loss_and_says_what_is_too_long(
    visit: Visit, loop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cai_core.runs.warm_queue.kick", lambda _workspace: [])
    row = frozen(loop)
    app = visit("datasets", dataset=str(row.id))
    press(app, "Preview")
    assert not app.exception
    told = {"limit": 64, "looked_at": 300, "too_long": 2, "median": 30, "longest": 90, "loss_tokens": 1234}
    seen = {
        "key": "chain x/0 round 1",
        "heldout": True,
        "tokens": 90,
        "too_long": True,
        "segments": [["<|user|>hello", False], ["<b>answer</b><|end|>", True]],
    }
    with loop.writing() as session:
        ask = session.query(AskRow).filter_by(kind="preview").one()
        assert (ask.request["dataset"], ask.request["max_length"], ask.request["samples"]) == ("mine", 1024, 4)
        ask.state = "done"
        for position, (part, value) in enumerate([("lengths", told), ("example", seen)]):
            session.add(AskPartRow(ask_id=ask.id, position=position, part=part, text=json.dumps(value), finished=True))
    app.run()
    html = drawn_html(app)
    assert "2 too long, left out" in html
    assert "of 300 examples looked at, at most 64 tokens" in html
    assert "&lt;b&gt;answer&lt;/b&gt;&lt;|end|&gt;</mark>" in html
    assert "&lt;|user|&gt;hello</span>" in html
