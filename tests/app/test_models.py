"""Models: the chain of causes, and adding one through the command line's check."""

import subprocess
from typing import Any

import pytest

from app.components import model_import
from cai_core.errors import ModelError
from cai_core.store.workspace import Workspace
from db.queries.models import causes, models
from tests.app.conftest import Visit, words


def test_a_model_leads_back_to_the_constitution(visit: Visit, loop: Workspace) -> None:
    """Every run behind RL-CAI, the first cause first, with the version that was drawn from."""
    with loop.reading() as session:
        model = next(m for m in models(session) if m.name == "rl-cai")
        behind = causes(session, model.run or 0)
    assert [c.kind for c in behind] == ["chains", "sft", "comparisons", "labels", "pm", "rl"]
    assert behind[0].constitution == "sandbox@1"
    assert "constitution sandbox@1" in words(visit("models", model=str(model.id)))


def test_the_check_s_error_is_shown(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command line says is what the page says; a base is never taken for an option."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 2, "", "there is no folder <x>")

    monkeypatch.setattr(model_import.subprocess, "run", run)
    app = visit("models")
    app.text_input(key="models.name").set_value("mine")
    app.text_input(key="models.base").set_value("--help")
    next(b for b in app.button if b.label == "Check and add").click().run()

    assert commands[0][-2:] == ["--", "--help"]
    assert "there is no folder &lt;x&gt;" in words(app)


def test_a_nameless_model_is_refused() -> None:
    """Before any process starts."""
    with pytest.raises(ModelError, match="needs a name and a base"):
        model_import.add_model("", "x", "")
