"""Models: a name keeps its meaning; adapters move with the workspace."""

from pathlib import Path
from typing import Any

import pytest

from cai_core.errors import ModelError
from cai_core.models.endpoint_settings import load_settings
from cai_core.store import models, runs
from cai_core.store.workspace import Workspace
from cai_core.types import Endpoint, ModelRef, RunKind


def test_a_model_is_found_by_name_with_its_adapter_in_the_workspace(opened: Workspace) -> None:
    adapter = models.adapter_path(opened.adapters / "run-1" / "step-2", opened.folder)
    assert adapter == "adapters/run-1/step-2"
    with opened.writing() as session:
        models.add(session, name="m", base="sandbox", adapter=adapter)
    with opened.reading() as session:
        row = models.get(session, "m")
    assert models.to_ref(row, opened.folder) == ModelRef("sandbox", str(opened.adapters / "run-1" / "step-2"))
    assert models.to_ref(row, Path("/moved")).adapter == "/moved/adapters/run-1/step-2"


def test_an_adapter_elsewhere_keeps_its_whole_path(opened: Workspace, tmp_path: Path) -> None:
    assert models.adapter_path(tmp_path / "a", opened.folder) == str(tmp_path / "a")


def test_adding_again_is_harmless_and_another_meaning_is_refused(opened: Workspace) -> None:
    with opened.writing() as session:
        first = models.add(session, name="m", base="x", final=False)
        assert models.add(session, name="m", base="x").id == first.id
        with pytest.raises(ModelError, match="already stands for"):
            models.add(session, name="m", base="y")


@pytest.mark.parametrize("name", ["", " ", " a", "a\nb", "a\0", "x" * 201])
def test_a_name_that_cannot_be_shown_is_refused(opened: Workspace, name: str) -> None:
    with pytest.raises(ModelError, match="cannot be a model's name"), opened.writing() as session:
        models.add(session, name=name, base="x")


def test_a_missing_model_is_an_error_that_lists_those_there_are(opened: Workspace) -> None:
    with pytest.raises(ModelError, match="sandbox"), opened.reading() as session:
        models.get(session, "gpt")


def test_what_a_run_saved_is_changed_by_that_run_alone(opened: Workspace) -> None:
    with opened.writing() as session:
        run = runs.add(session, kind=RunKind.SFT, config={}, seed=0, parents=[], constitution_version_id=None).id
        row = models.add(session, name="m", base="x", adapter="a", run_id=run, step=3, final=False)
        models.add(session, name="m", base="x", adapter="a")
        assert (row.step, row.final) == (3, False)
        models.add(session, name="m", base="x", adapter="a", run_id=run, step=3, final=True)
        assert (row.step, row.final) == (3, True)


def test_an_endpoint_is_a_model_whose_ref_says_how_its_server_is_asked(opened: Workspace) -> None:
    config = load_settings({"model": "m", "key_env": "MY_KEY", "max_requests": 5})
    facts = {"goes_on": False, "completions": True, "seeds": "refused", "top_logprobs": 5, "context_length": 4096}
    with opened.writing() as session:
        models.add(session, name="served", base="http://h/v1", endpoint=config, facts=facts)
    with opened.reading() as session:
        ref = models.to_ref(models.get(session, "served"), opened.folder)
    expected = Endpoint(
        "m", key_env="MY_KEY", max_requests=5, goes_on=False, completions=True, seeds=False, top_logprobs=5,
        context_length=4096,
    )  # fmt: skip
    assert ref == ModelRef("http://h/v1", endpoint=expected)


def test_an_endpoint_may_take_other_limits_but_never_another_model(opened: Workspace) -> None:
    def add(name: str = "served", base: str = "http://h/v1", **settings: Any) -> None:
        config = load_settings({"model": "m", **settings})
        with opened.writing() as session:
            models.add(session, name=name, base=base, endpoint=config, facts={"seeds": "repeat"})

    add()
    add(max_requests=3, price_in=1.0)
    with opened.reading() as session:
        assert (models.get(session, "served").endpoint or {})["max_requests"] == 3
    for other in ({"model": "n"}, {"api": "completions"}, {"base": "http://other/v1"}):
        with pytest.raises(ModelError, match="already stands for the model 'm' at http://h/v1"):
            add(**other)
    with opened.writing() as session, pytest.raises(ModelError, match="already stands"):
        models.add(session, name="served", base="http://h/v1")
