"""`cai-studio models`: what a model is, and what cannot be merged."""

import json
from pathlib import Path

from cai_core.store import models
from cai_core.store.workspace import Workspace
from tests.cai_core.cli.conftest import Call


def test_a_model_is_shown_with_what_is_behind_it(opened: Workspace, call: Call) -> None:
    found = json.loads(call("models", "show", "scripted", "--json")[0])
    assert (found["base"], found["runs"]) == ("scripted", [])
    assert "not known" in found["human_judgement"]["Human judgement"]
    assert "Human judgement: not known" in call("models", "show", "scripted")[0]


def test_what_cannot_be_merged_is_said(opened: Workspace, call: Call, tmp_path: Path) -> None:
    with opened.writing() as session:
        models.add(session, name="pm", base="b", adapter="a", kind="preference")
    out = tmp_path / "out"
    assert "nothing to merge" in call("models", "merge", "sandbox", str(out), code=2)[1]
    assert "Merge a causal one" in call("models", "merge", "pm", str(out), code=2)[1]
    assert not out.exists()
