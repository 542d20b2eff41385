"""Models: the chain of causes, and adding one through the command line's check."""

import os
import sys
import time

import pytest
from streamlit.testing.v1 import AppTest

from app.components import model_import
from cai_core.errors import ModelError
from cai_core.store.workspace import Workspace
from db.queries.models import causes, models
from tests.app.conftest import Visit, links, press, words


def test_a_model_leads_back_to_the_constitution(visit: Visit, loop: Workspace) -> None:
    """Every run behind RL-CAI, the first cause first, with the version that was drawn from."""
    with loop.reading() as session:
        model = next(m for m in models(session) if m.name == "rl-cai-6")
        behind = causes(session, model.run or 0)
    assert [c.kind for c in behind] == ["chains", "sft", "comparisons", "labels", "pm", "rl"]
    assert behind[0].constitution == "sandbox@1"
    assert "sandbox@1" in words(visit("models", model=str(model.id)))
    assert links(visit("models", model=str(model.id))) == {f"Run {c.run}" for c in behind} | {"Constitution"}


def test_a_model_says_where_human_judgement_entered(visit: Visit, loop: Workspace) -> None:
    """A run's model what is known, an added one that nothing is."""
    with loop.reading() as session:
        made, added = (next(m for m in models(session) if m.name == name) for name in ("rl-cai-6", "sandbox"))
    html = words(visit("models", model=str(made.id)))
    assert "0: every preference is a model" in html
    assert "gold only measures" in html
    assert "what is behind it is not recorded here" in words(visit("models", model=str(added.id)))


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The imports that were asked for; each is a process that fails, or waits while `hold` is its base."""
    asked: list[list[str]] = []
    own = model_import.command

    def stand_in(name: str, base: str, adapter: str) -> list[str]:
        asked.append(own(name, base, adapter))
        script = "import time; time.sleep(60)" if base == "hold" else f"print('no <x> for {name}'); raise SystemExit(2)"
        return [sys.executable, "-c", script]

    monkeypatch.setattr(model_import, "command", stand_in)
    return asked


def add(app: AppTest, name: str, base: str) -> None:
    """Fill the form and send it."""
    app.text_input(key="models.name").set_value(name)
    app.text_input(key="models.base").set_value(base)
    press(app, "Check and add")


def test_the_check_s_error_is_shown(visit: Visit, commands: list[list[str]]) -> None:
    """What the command line says is what the page says, until it is dismissed; a base is never taken for an option."""
    app = visit("models")
    add(app, "mine", "--help")
    assert commands[0][-2:] == ["--", "--help"]
    model_import.checks()[0].process.wait(timeout=30)
    app.run()
    assert "mine (--help) was not added: no &lt;x&gt; for mine" in words(app)
    press(app, "Dismiss")
    assert "was not added" not in words(app)


def test_a_check_holds_up_no_page_and_two_are_told_apart(visit: Visit, commands: list[list[str]]) -> None:
    """The page answers while one is at work; another tab sees it too, and can stop it."""
    began = time.monotonic()
    app = visit("models")
    add(app, "slow", "hold")
    add(app, "quick", "gone")
    assert time.monotonic() - began < 45
    slow, quick = model_import.checks()
    quick.process.wait(timeout=30)
    other = visit("models")
    assert "quick (gone) was not added" in words(other)
    assert "checking" in words(other)
    assert slow.process.poll() is None
    assert os.getsid(slow.process.pid) == slow.process.pid, "it would end with the server"

    press(other, "Stop")
    assert slow.process.wait(timeout=30) != 0
    app.run()
    assert "slow (hold) was not added: its check ended without a word." in words(app)


def test_a_nameless_model_is_refused() -> None:
    """Before any process starts."""
    with pytest.raises(ModelError, match="needs a name and a base"):
        model_import.add_model("", "x", "")
