"""The Playground: what the form asks, what an answer shows while it is written and after, and what is said in words."""

import html
import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cai_core.runs import launchers, warm_queue
from cai_core.store import asks
from cai_core.store.constitutions import load_version
from cai_core.store.workspace import Workspace
from cai_core.types import Ask, AskState
from db.queries.asks import ask_detail, ask_state, newest_asks, warm_workers
from db.schema import now
from db.schema_asks import WarmWorkerRow
from tests.app.conftest import Visit, drawn_html, links, press, words
from tests.app.seed_asks import CRITIQUE, PROMPT, RENDERED, RESPONSE, REVISION


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Devices whose worker would have been started; no process is, and this one stands for it."""
    devices: list[str] = []

    def start(_words: object, _folder: Path, _log: Path, device: str) -> int:
        devices.append(device)
        return os.getpid()

    monkeypatch.setenv("CAI_STUDIO_DEVICES", "cpu")
    monkeypatch.setattr(launchers, "start_module", start)
    return devices


def write(app: AppTest, prompt: str, **values: object) -> AppTest:
    """Fill the form."""
    app.text_area(key="playground.prompt").set_value(prompt)
    for name, value in values.items():
        kinds = (app.number_input, app.selectbox)
        found = next(one for kind in kinds for one in kind if (one.key or "").startswith(f"playground.{name}"))
        found.set_value(value)
    return app.run()


def asked(workspace: Workspace, ask_id: int) -> Ask:
    """What was asked."""
    with workspace.reading() as session:
        return asks.to_noun(asks.get(session, ask_id))


def test_the_form_asks_for_a_critique_and_a_revision_and_opens_the_answer(
    visit: Visit, loop: Workspace, started: list[str]
) -> None:
    app = visit("playground")
    write(app, "  How do I get in?  ", seed=7, temperature=0.5, tokens=64, few_shots=1)
    app.selectbox(key="playground.principle.sandbox@1").set_value("hacking").run()
    with loop.reading() as session:
        principle = next(one for one in load_version(session, "sandbox@1")[1].principles if one.id == "hacking")
    assert html.escape(principle.critique_request or "") in words(app)
    press(app, "Ask")
    noun = asked(loop, 4)
    assert (noun.kind.value, noun.model, noun.principle) == ("critique_revision", "sandbox", "hacking")
    assert noun.turns[0].content == "How do I get in?"
    assert (noun.seed, noun.temperature, noun.max_new_tokens, noun.few_shots) == (7, 0.5, 64, 1)
    assert noun.constitution == "sandbox@1"
    assert app.query_params["ask"] == "4"
    assert started == ["cpu"]
    assert "a worker is coming up" in words(app)
    assert words(app).count("to come") == 3


def test_without_a_principle_only_a_response_is_asked_for(visit: Visit, loop: Workspace, started: list[str]) -> None:
    app = visit("playground")
    write(app, "Hello")
    app.selectbox(key="playground.principle.sandbox@1").set_value("").run()
    press(app, "Ask")
    assert asked(loop, 4).kind.value == "sample"
    assert words(app).count("to come") == 1


def test_an_empty_prompt_is_said_and_nothing_is_asked(visit: Visit, loop: Workspace, started: list[str]) -> None:
    app = visit("playground")
    press(app, "Ask")
    assert "the prompt is empty" in words(app)
    with loop.reading() as session:
        assert [line.id for line in newest_asks(session)] == [3, 2, 1]


def test_a_whole_answer_shows_every_part_and_what_was_sent(visit: Visit, loop: Workspace, started: list[str]) -> None:
    app = visit("playground", ask="1")
    said = words(app)
    for text in (PROMPT, RESPONSE, CRITIQUE, REVISION):
        assert text.replace("'", "&#x27;") in said
    assert drawn_html(app).count(f">{html.escape(RENDERED)}</div>") == 3, "to the last blank"
    assert "<del" in drawn_html(app)
    assert "first words after 0.12 s" in said
    assert "0.61 s in all" in said
    assert {"Model 1", "Constitution"} <= links(app)
    assert started == []
    assert not [button for button in app.button if button.label == "Stop"]


def test_what_a_stop_left_is_shown_as_unfinished(visit: Visit, loop: Workspace) -> None:
    app = visit("playground", ask="3")
    assert RESPONSE[:40] in words(app)
    assert "not finished" in drawn_html(app)


def test_an_answer_is_shown_as_it_grows_and_can_be_stopped(visit: Visit, loop: Workspace, started: list[str]) -> None:
    app = visit("playground")
    write(app, "Hello")
    press(app, "Ask")
    with loop.writing() as session:
        assert asks.take(session, "cpu", os.getpid(), "") is not None
        asks.write_part(session, 4, 0, part="response", seed=1, rendered="<sent>", text="Half a")
    app.run()
    assert "Half a" in words(app)
    assert "being written" in drawn_html(app)
    assert "&lt;sent&gt;" in drawn_html(app)
    press(app, "Stop")
    with loop.reading() as session:
        assert ask_state(session, 4) == ("answering", True)
    assert "Ask 4 was asked to stop." in words(app)
    with loop.writing() as session:
        asks.end(asks.get(session, 4), AskState.STOPPED)
    app.run()
    assert not [button for button in app.button if button.label == "Stop"]


def test_an_error_is_shown_in_words(visit: Visit, loop: Workspace) -> None:
    with loop.writing() as session:
        asks.end(asks.get(session, 1), AskState.FAILED, "the moon is full. Wait.")
    assert "There is no whole answer: the moon is full. Wait." in words(visit("playground", ask="1"))


def test_a_model_s_thoughts_stand_apart(visit: Visit, loop: Workspace) -> None:
    with loop.writing() as session:
        asks.write_part(session, 2, 0, part="response", thinking="Let me think.")
    app = visit("playground", ask="2")
    assert "What it thought first" in [one.label for one in app.expander]
    assert "Let me think." in words(app)


def test_an_ask_fills_the_form_to_be_asked_again(visit: Visit, loop: Workspace, started: list[str]) -> None:
    app = visit("playground", ask="1")
    press(app, "Ask again")
    assert app.text_area(key="playground.prompt").value == PROMPT
    assert (app.number_input(key="playground.seed").value, app.number_input(key="playground.tokens").value) == (7, 96)
    with loop.reading() as session:
        found = ask_detail(session, 1)
    assert found is not None
    assert app.selectbox(key=f"playground.principle.{found.constitution}").value == found.line.principle
    press(app, "Ask")
    again, first = asked(loop, 4), asked(loop, 1)
    assert again == first


def test_an_ask_that_is_not_there_is_said(visit: Visit, loop: Workspace) -> None:
    assert "There is no ask 99." in words(visit("playground", ask="99"))


def test_an_open_ask_whose_worker_died_gets_another_from_the_page(
    visit: Visit, loop: Workspace, started: list[str]
) -> None:
    app = visit("playground")
    write(app, "Hello")
    press(app, "Ask")
    with loop.writing() as session:
        row = session.get_one(WarmWorkerRow, "cpu")
        row.pid, row.process_started, row.launched_at = 2**22 + 1, 1.0, now().replace(year=2020)
    app.run()
    assert started == ["cpu", "cpu"]
    with loop.reading() as session:
        [worker] = warm_workers(session)
    assert worker.pid == os.getpid()
    assert warm_queue.kick(loop) == []
