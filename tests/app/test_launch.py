"""Launch: the form is the config, what is missing is said, a press enqueues."""

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from app.components.config_form import schema
from app.components.launch_checks import missing
from cai_core.config import CONFIGS, dump_config, load_config
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import RunKind
from db.schema import RunRow
from tests.app.conftest import Visit, words


def start(app: AppTest) -> None:
    """Press the button."""
    next(b for b in app.button if b.label == "Start run").click().run()


def test_every_field_of_every_stage_has_help() -> None:
    """The config's docstrings are the form's help."""
    for kind in CONFIGS:
        for name, field in schema(kind).items():
            assert field.get("description"), (kind, name)


@pytest.mark.parametrize("kind", list(RunKind))
def test_the_untouched_form_is_the_default_config(kind: RunKind, visit: Visit, loop: Workspace,
                                                  launched: list[int]) -> None:  # fmt: skip
    """What the form sends without an edit, on the paper's settings, is the config's defaults."""
    app = visit("launch", stage=kind.value)
    app.segmented_control(key=f"launch.{kind}.base").set_value("The paper's, for large models").run()
    start(app)

    assert not app.exception
    with loop.reading() as session:
        run = session.scalars(select(RunRow).order_by(RunRow.id.desc())).first()
    assert run is not None
    assert run.id == 8, words(app)
    constitution = {k: v for k, v in run.config.items() if k == "constitution"}
    assert run.config == dump_config(load_config(kind, constitution))


def test_what_is_missing_is_said_and_nothing_is_enqueued(visit: Visit, launched: list[int]) -> None:
    """RL without a policy and a preference model."""
    app = visit("launch", stage="rl")
    start(app)

    assert "Choose a SL-CAI run to read from, or name a model under" in words(app)
    with open_workspace().reading() as session:
        assert session.scalars(select(RunRow)).first() is None


def test_a_named_model_stands_in_for_a_parent() -> None:
    """A comparisons run needs an sft run or a model."""
    assert missing(RunKind.COMPARISONS, {"model": ""}, [])
    assert not missing(RunKind.COMPARISONS, {"model": "sandbox"}, [])
    assert not missing(RunKind.COMPARISONS, {"model": ""}, ["sft"])
    assert not missing(RunKind.BATTLES, {"models": ("a", "b")}, [])
    assert missing(RunKind.CHAINS, {"constitution": None}, []) == ["Choose a constitution to draw principles from."]


def test_a_clone_starts_from_the_run_s_settings(visit: Visit, loop: Workspace, launched: list[int]) -> None:
    """Clone with changes opens Launch with the settings, parents and seed of the run."""
    app = visit("runs", run="2")
    next(b for b in app.button if b.label == "Clone with changes").click().run()
    assert app.title[0].value == "Launch"
    assert "Settings from run 2" in words(app)
    app.number_input(key="launch.sft.run-2.epochs").set_value(5)
    start(app)

    with loop.reading() as session:
        run = session.get_one(RunRow, 8)
        assert (run.kind, run.seed, run.config["epochs"]) == ("sft", 7, 5)
        assert [link.parent_id for link in run.parents] == [1]
