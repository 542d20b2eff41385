"""Endpoints on the pages: added by a form, read on Models, counted on Runs, their bounds said beside a label."""

import pytest
from streamlit.testing.v1 import AppTest

from app.components import model_import
from app.components.endpoint_form import endpoint_words
from app.components.run_findings import findings
from cai_core.errors import ModelError
from cai_core.models.endpoint_settings import load_settings
from cai_core.store import models
from cai_core.store.workspace import Workspace
from db.schema import LabelOrderRow, LabelRow
from tests.app.conftest import Visit, press, set_state, words
from tests.fake_server import MODEL, Fake, serving

FILLED = {"name": "mine", "url": "http://h/v1", "model": "", "key_env": "", "api": "chat"}


def fill(app: AppTest, **values: str) -> None:
    for name, value in values.items():
        app.text_input(key=f"models.endpoint.{name}").set_value(value)
    press(app, "Probe and add")


def test_an_endpoint_is_probed_by_the_command_line_and_added(visit: Visit, loop: Workspace) -> None:
    app = visit("models")
    with serving(Fake(ignores=frozenset({"logprobs"}))) as fake:
        app.number_input(key="models.endpoint.price_in").set_value(2.5)
        app.number_input(key="models.endpoint.price_out").set_value(5.0)
        fill(app, name="mine", url=fake.url)
        assert model_import.checks()[0].process.wait(timeout=120) == 0
    assert "Added mine." in words(app.run())
    with loop.reading() as session:
        row = models.get(session, "mine")
    assert row.endpoint == {
        "model": MODEL,
        "api": "chat",
        "key_env": None,
        "max_requests": 64,
        "max_tokens": 500_000,
        "timeout": 300.0,
        "price_in": 2.5,
        "price_out": 5.0,
    }
    said = words(visit("models", model=str(row.id)))
    assert fake.url in said
    assert "It cannot label or judge" in said


def test_what_cannot_be_right_is_refused_before_a_process_starts(visit: Visit) -> None:
    app = visit("models")
    fill(app, name="mine", url="", key_env="")
    assert "needs a name and the base URL" in words(app)
    fill(app, name="mine", url="http://h/v1", key_env="sk-1234")
    assert "not the key" in words(app)
    assert "1234" not in words(app)
    fill(app, name="mine", url="https://me:secret@h/v1", key_env="")
    assert "would be stored" in words(app)
    assert "secret" not in words(app)
    assert model_import.checks() == []


def test_what_was_typed_outlives_a_switch_of_pages(visit: Visit) -> None:
    app = visit("models")
    app.text_input(key="models.endpoint.url").set_value("http://127.0.0.1:8000/v1").run()
    app.switch_page("views/runs.py").run()
    app.switch_page("views/models.py").run()
    assert app.text_input(key="models.endpoint.url").value == "http://127.0.0.1:8000/v1"


def test_fields_are_options_and_never_more() -> None:
    values = {**FILLED, "model": "--help", "timeout": "30.0"}
    assert endpoint_words(values) == [
        "--endpoint=http://h/v1",
        "--name=mine",
        "--model=--help",
        "--api=chat",
        "--config=timeout=30.0",
    ]
    with pytest.raises(ModelError, match="needs a name"):
        endpoint_words({**FILLED, "name": ""})


def test_a_hostile_server_s_words_are_drawn_as_they_are(visit: Visit, loop: Workspace) -> None:
    hostile = "<script>alert(1)</script>"
    with loop.writing() as session:
        config = load_settings({"model": hostile})
        row = models.add(session, name="evil", base="http://h/v1", endpoint=config, facts={"remarks": [hostile]})
        number = row.id
    said = words(visit("models", model=str(number)))
    assert "<script>" not in said
    assert said.count("&lt;script&gt;") == 2


def test_a_run_says_what_it_asked_of_a_server(visit: Visit, loop: Workspace) -> None:
    before = {"requests": 1200, "prompt_tokens": 34000, "completion_tokens_at_most": 5, "cost_at_most": 2.5}
    sent = {"requests": 1300, "sent_again": 100, "uncounted": 2}
    after = {**sent, "prompt_tokens": 32000, "completion_tokens": 4, "cost": 1.25}
    result = {"expected": {"a <b> c": before}, "use": {"a <b> c": after}, "rows": 3}
    assert dict(findings(result)) == {
        "Expected of a <b> c": "1,200 requests, about 34,000 tokens in, at most 5 out, cost at most 2.50",
        "Asked of a <b> c": "1,300 requests, 100 of them again, 32,000 tokens in, 4 out, "
        "2 answers whose tokens the server did not tell, cost 1.25",
        "Rows": "3",
    }
    set_state(loop, 1, result=result)
    assert "Asked of a &lt;b&gt; c" in words(visit("runs", run="1"))


def test_a_label_that_rests_on_a_bound_says_so(visit: Visit, loop: Workspace) -> None:
    with loop.writing() as session:
        order = session.query(LabelOrderRow).first()
        label = session.get_one(LabelRow, order.label_id)
        order.bounded = True
        comparison = label.comparison_id
    said = words(visit("comparisons", comparison=str(comparison)))
    assert said.count("its value is an upper bound") == 1
