"""Launch: the form is the config, what is missing is said, a press enqueues."""

from pathlib import Path

import pytest
from sqlalchemy import func, select
from streamlit.testing.v1 import AppTest

from app.components.config_form import schema
from app.components.launch_checks import missing
from cai_core.config import CONFIGS, dump_config, load_config
from cai_core.models.endpoint_settings import load_settings
from cai_core.runs import warm
from cai_core.store import models
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import RunKind
from db.schema import PromptRow, RunRow
from tests.app.conftest import Visit, press, set_state, words
from tests.cai_core.runs.helpers import add_scripted
from tests.workspaces import fresh


def start(app: AppTest) -> None:
    """Press the button."""
    press(app, "Start run")


def clone(visit: Visit, run: str = "2") -> AppTest:
    """Launch with a run's settings."""
    app = visit("runs", run=run)
    press(app, "Clone with changes")
    assert app.title[0].value == "Launch"
    return app.switch_page("views/launch.py").run()  # where AppTest, unlike a browser, does not follow by itself


def count(workspace: Workspace) -> int:
    """How many runs there are."""
    with workspace.reading() as session:
        return session.scalar(select(func.count(RunRow.id))) or 0


def test_every_field_of_every_stage_has_help() -> None:
    """The config's docstrings are the form's help."""
    for kind in CONFIGS:
        for name, field in schema(kind).items():
            assert field.get("description"), (kind, name)


@pytest.mark.parametrize("kind", list(RunKind))
def test_the_untouched_form_is_the_default_config(kind: RunKind, visit: Visit, loop: Workspace,
                                                  launched: list[int]) -> None:  # fmt: skip
    """What the form sends without an edit, on the paper's settings, is the config's defaults."""
    with loop.writing() as session:
        for prompt in session.scalars(select(PromptRow)):
            prompt.source = "sandbox"  # what gold knows
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
    assert not missing(RunKind.SCORES, {"judge": "gold", "constitution": ""}, ["chains"])
    assert missing(RunKind.SCORES, {"judge": "feedback"}, []) == [
        "Choose a Chains run to read from.",
        "Choose the judge model.",
        "Choose a constitution to draw comparison principles from.",
    ]
    assert missing(RunKind.CHAINS, {"constitution": None}, []) == ["Choose a constitution to draw principles from."]


def test_a_clone_starts_from_the_run_s_settings(visit: Visit, loop: Workspace, launched: list[int]) -> None:
    """Clone with changes opens Launch with the settings, parents and seed of the run."""
    app = clone(visit)
    assert "Settings from run 2" in words(app)
    app.number_input(key="launch.sft.run-2.1.epochs").set_value(5)
    start(app)

    with loop.reading() as session:
        run = session.get_one(RunRow, 8)
        assert (run.kind, run.seed, run.config["epochs"]) == ("sft", 7, 5)
        assert [link.parent_id for link in run.parents] == [1]


def test_a_clone_ends_with_an_address_or_a_press(visit: Visit, loop: Workspace) -> None:
    """Neither a link to a stage nor the stage itself is stuck with what was cloned once."""
    app = clone(visit)
    app.query_params["stage"] = "pm"
    app.switch_page("views/launch.py").run()
    assert "Settings from run" not in words(app)
    assert app.number_input(key="launch.pm.sandbox.epochs").value == 2

    app = clone(visit)
    press(app, "Let the clone go")
    assert "Settings from run" not in words(app)
    assert app.number_input(key="launch.sft.sandbox.epochs").value == 2


def test_a_second_clone_shows_the_run_s_settings_again(visit: Visit, loop: Workspace) -> None:
    """Not those that the first clone was changed to."""
    app = clone(visit)
    app.number_input(key="launch.sft.run-2.1.epochs").set_value(50).run()
    app.query_params["run"] = "2"
    app.switch_page("views/runs.py").run()
    press(app, "Clone with changes")

    assert app.number_input(key="launch.sft.run-2.2.epochs").value == 2


@pytest.mark.parametrize("seed", [2**31 + 5, 2**63 - 1])
def test_a_large_seed_is_cloned_as_it_is(seed: int, visit: Visit, loop: Workspace, launched: list[int]) -> None:
    """Larger than a browser's number field holds, too."""
    set_state(loop, 2, seed=seed)
    app = clone(visit)
    assert not app.exception
    start(app)

    with loop.reading() as session:
        assert session.get_one(RunRow, 8).seed == seed


def test_what_is_no_seed_is_said(visit: Visit, loop: Workspace, launched: list[int]) -> None:
    """Nothing is enqueued."""
    set_state(loop, 2, seed=2**60)
    app = clone(visit)
    app.text_input(key="launch.sft.run-2.1.seed").set_value("²7")
    start(app)

    assert "is no whole number" in words(app)
    assert count(loop) == 7


def test_settings_outlive_a_page_switch(visit: Visit, loop: Workspace) -> None:
    """The stage, its settings and the note."""
    app = visit("launch")
    app.segmented_control(key="launch.kind..0").set_value(RunKind.SFT).run()
    app.number_input(key="launch.sft.sandbox.epochs").set_value(9)
    app.text_input(key="launch.sft.sandbox.note").set_value("why").run()
    app.switch_page("views/chains.py").run()
    app.switch_page("views/launch.py").run()

    assert app.number_input(key="launch.sft.sandbox.epochs").value == 9
    assert app.text_input(key="launch.sft.sandbox.note").value == "why"


def test_a_start_opens_the_run(visit: Visit, loop: Workspace, launched: list[int]) -> None:
    """With what was done said above it."""
    app = visit("launch")
    start(app)

    assert app.title[0].value == "Run 8"
    assert "Run 8 is enqueued." in words(app)


def test_a_double_press_starts_one_run(visit: Visit, loop: Workspace, launched: list[int]) -> None:
    """The second press of a button that was drawn once carries a token that the first one used up."""
    app = visit("launch")
    app.session_state["launch.token"] = "the next press's"
    start(app)

    assert count(loop) == 7
    assert app.title[0].value == "Launch"


def test_what_is_still_missing_follows_the_form(visit: Visit, launched: list[int]) -> None:
    """A named model stands in for a parent, and the page sees it."""
    app = visit("launch", stage="comparisons")
    assert "still missing" in words(app)
    app.selectbox(key="launch.comparisons.sandbox.model").set_value("sandbox").run()

    assert "still missing" not in words(app)


def test_a_parent_that_fifty_newer_runs_hide_is_still_offered(visit: Visit, loop: Workspace) -> None:
    """A cloned run's parent, and the older kinds beside many runs of one kind."""
    with loop.writing() as session:
        for number in range(60):
            session.add(RunRow(uid=f"c{number}", kind="chains", config={}, seed=0, code_revision="x", state="stopped"))
    assert clone(visit).selectbox(key="launch.sft.parent.chains.1").value == 1
    app = visit("launch", stage="comparisons")
    assert app.selectbox(key="launch.comparisons.parent.sft.2").value == 2


def test_what_the_run_will_ask_is_said_before_it_starts(visit: Visit, loop: Workspace) -> None:
    """Rows and calls follow the form: three rounds of a response, and two calls each."""
    app = visit("launch", stage="chains")
    said = words(app)
    assert "Before it starts" in said
    assert " calls · about " in said
    app.number_input(key="launch.chains.sandbox.red_team_prompts").set_value(10).run()
    app.number_input(key="launch.chains.sandbox.helpful_prompts").set_value(0).run()
    app.number_input(key="launch.chains.sandbox.look_alike_prompts").set_value(0).run()
    app.number_input(key="launch.chains.sandbox.rounds").set_value(3).run()
    assert not app.exception
    assert f"{min(10, count_prompts(loop))} rows · {min(10, count_prompts(loop)) * 7} calls" in words(app)


def test_where_the_pace_is_unknown_a_press_has_a_few_samples_timed(visit: Visit, workspace: Path) -> None:
    """The button is there until the samples are: then their pace is said, and from how many calls it comes."""
    opened = fresh(workspace)
    add_scripted(opened)
    assert warm.claim(opened, "cpu")  # this process in the worker's place
    app = visit("launch", stage="chains")
    app.selectbox(key="launch.chains.sandbox.model").set_value("scripted").run()
    said = words(app)
    assert "Before it starts" in said
    assert "at the pace of" not in said
    press(app, "Time a few samples")
    assert "a few samples are written to time them" in words(app)
    worker = warm.WarmWorker(opened, "cpu")
    while (taken := worker._take()) is not None:
        worker._answer(*taken)
    app.run()
    assert not app.exception
    assert "at the pace of 24 sampled calls" in words(app)
    assert "Time a few samples" not in [one.label for one in app.button]


def count_prompts(workspace: Workspace) -> int:
    """How many red-team prompts of the train split there are."""
    with workspace.reading() as session:
        chosen = select(func.count(PromptRow.id)).where(PromptRow.kind == "red_team", PromptRow.split == "train")
        return session.scalar(chosen) or 0


def test_a_servers_model_is_not_offered_for_training(visit: Visit, loop: Workspace) -> None:
    """Its weights are not here."""
    with loop.writing() as session:
        models.add(session, name="served", base="http://127.0.0.1:9/v1", endpoint=load_settings({"model": "m"}))
    assert "served" in visit("launch", stage="chains").selectbox(key="launch.chains.sandbox.model").options
    assert "served" not in visit("launch", stage="sft").selectbox(key="launch.sft.sandbox.model").options
