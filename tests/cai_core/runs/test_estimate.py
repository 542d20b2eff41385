"""What is said of a run before it starts, against what it then asks."""

from datetime import timedelta
from typing import Any

import pytest

from cai_core.config import ChainsConfig, dump_config
from cai_core.models.endpoint_settings import load_settings
from cai_core.models.endpoint_use import expected_use
from cai_core.runs import estimate as estimates
from cai_core.runs import warm
from cai_core.runs.estimate import Estimate, estimate, time_samples
from cai_core.runs.usage import asked_by_chains
from cai_core.store import models, prompts
from cai_core.store.workspace import Workspace
from cai_core.types import Endpoint, PromptKind, RunKind, Split
from db.schema_asks import AskRow
from tests.cai_core.runs.helpers import CHAINS, add_scripted, enqueue, finished, row

PRICES = {"model": "served-name", "price_in": 2.0, "price_out": 10.0}


def said(workspace: Workspace, kind: RunKind = RunKind.CHAINS, parents: Any = (), **values: Any) -> Estimate | None:
    with workspace.reading() as session:
        return estimate(session, kind, values, parents, workspace.folder)


def test_chains_ask_a_response_and_two_calls_a_round(opened: Workspace) -> None:
    """12 red-team prompts of 2 rounds: 12 × (1 + 2 × 2); 9 others with two samples each: 18."""
    found = said(opened, **CHAINS)
    assert found is not None
    assert (found.rows, found.requests) == (12 + 18, 12 * 5 + 18)
    assert found.completion_tokens_at_most == found.requests * 256
    assert found.cost_at_most is None
    assert (found.seconds, found.paced_by) == (None, None), "no such run has finished: nobody knows"


def test_without_critiques_a_round_is_one_call(opened: Workspace) -> None:
    found = said(opened, **{**CHAINS, "critique": False})
    assert found is not None
    assert found.requests == 12 * 3 + 18


def test_it_counts_no_more_prompts_than_there_are(opened: Workspace) -> None:
    found = said(opened, **{**CHAINS, "red_team_prompts": 1_000_000, "helpful_prompts": 0, "look_alike_prompts": 0})
    assert found is not None
    assert found.rows == 1500, "the workspace has no more"


@pytest.mark.parametrize("is_done", [True, False])
def test_prompts_that_a_parent_gives_are_counted(opened: Workspace, is_done: bool) -> None:
    parent = finished(opened) if is_done else enqueue(opened)
    found = said(opened, parents=[parent], **{**CHAINS, "red_team_prompts": 700, "helpful_prompts": 0})
    assert found is not None
    assert (found.rows, found.requests) == (12 + 18, 12 * 5 + 18)


def test_the_pace_of_a_finished_run_tells_the_time(opened: Workspace) -> None:
    """Twice the prompts at the same pace: twice the time."""
    run_id = finished(opened)
    with opened.writing() as session:
        session.merge(row(opened, run_id)).seconds = 39.0
    doubled = {"red_team_prompts": 24, "helpful_prompts": 12, "look_alike_prompts": 6}
    found = said(opened, **{**CHAINS, **doubled})
    assert found is not None
    assert found.paced_by == run_id
    assert found.seconds == pytest.approx(78.0)
    assert said(opened, **{**CHAINS, "model": "sandbox"}).paced_by is None, "another model's pace says nothing"  # type: ignore[union-attr]


def test_a_servers_prices_make_the_cost(opened: Workspace) -> None:
    with opened.writing() as session:
        models.add(session, name="served", base="http://127.0.0.1:9/v1", endpoint=load_settings(PRICES))
    found = said(opened, **{**CHAINS, "model": "served"})
    assert found is not None
    assert found.cost_at_most == pytest.approx(
        (found.prompt_tokens * 2.0 + found.completion_tokens_at_most * 10.0) / 1e6
    )


def test_comparisons_labels_and_battles_are_estimated(opened: Workspace) -> None:
    of = {"red_team_prompts": 5, "helpful_prompts": 3, "look_alike_prompts": 2}
    pairs = said(opened, RunKind.COMPARISONS, model="scripted", **of)
    assert pairs is not None
    assert (pairs.rows, pairs.requests) == (10, 20)
    made = finished(opened, RunKind.COMPARISONS, model="scripted", **of)
    labels = said(opened, RunKind.LABELS, parents=[made], constitution="sandbox", model="scripted")
    assert labels is not None
    assert (labels.rows, labels.requests) == (10, 20)
    answers = said(opened, RunKind.BATTLES, models=("scripted", "sandbox"), **of)
    assert answers is not None
    assert (answers.rows, answers.requests) == (20, 20)


@pytest.mark.parametrize("values", [{}, {"constitution": "nobody"}, {**CHAINS, "model": "nobody"}, {"rounds": -1}])
def test_settings_that_do_not_say_enough_have_no_estimate(opened: Workspace, values: dict[str, Any]) -> None:
    assert said(opened, **values) is None


def test_training_asks_for_no_rows(opened: Workspace) -> None:
    assert said(opened, RunKind.SFT, model="sandbox") is None


def test_measured_on_every_prompt_it_is_what_the_run_itself_would_say(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All look-alikes there are, so that no draw comes between: the sums of the run's own expectation."""
    monkeypatch.setattr(estimates, "SAMPLE", 1000)
    settings = {"red_team_prompts": 0, "helpful_prompts": 0, "look_alike_prompts": 1000}
    config = ChainsConfig(constitution="sandbox", **settings)
    with opened.reading() as session:
        ids, found = prompts.draw(session, {PromptKind.LOOK_ALIKE: 1000}, split=Split.TRAIN, source="", seed=0)
        drawn = [prompt for _, prompt in prompts.read(session, ids)]
    wanted = expected_use(Endpoint("m"), asked_by_chains(config, [one for one in drawn for _ in range(2)], ()))
    said_before = said(opened, **dump_config(config))
    assert said_before is not None
    assert found == {"look_alike": 600}
    assert said_before.rows == 1200
    assert said_before.requests == wanted["requests"]
    assert said_before.prompt_tokens == pytest.approx(wanted["prompt_tokens"], abs=1)
    assert said_before.completion_tokens_at_most == wanted["completion_tokens_at_most"]


def test_where_no_run_tells_the_pace_a_few_samples_are_timed(opened: Workspace) -> None:
    """8 samples of 3 calls each that took 12 s: half a second a call, for each of the models."""
    add_scripted(opened, "critic")
    values = {**CHAINS, "critique_model": "critic", "principles": ["harm"]}
    before = said(opened, **values)
    assert before is not None
    assert (before.seconds, before.untimed) == (None, ("scripted", "critic"))
    assert warm.claim(opened, "cpu")
    asked = time_samples(opened, RunKind.CHAINS, values, ())
    worker = warm.WarmWorker(opened, "cpu")
    while (taken := worker._take()) is not None:
        worker._answer(*taken)
    with opened.writing() as session:
        for ask_id in asked:
            ask = session.get_one(AskRow, ask_id)
            assert (ask.state, len(ask.parts), ask.principle and ask.principle.slug) == ("done", 24, "harm")
            assert ask.first_text_at is not None
            ask.ended_at = ask.first_text_at + timedelta(seconds=12)
    found = said(opened, **values)
    assert found is not None
    assert found.seconds == pytest.approx(found.requests / 2)
    assert (found.paced_by, found.timed_calls, found.untimed) == (None, 48, ())
    assert time_samples(opened, RunKind.CHAINS, values, ()) == []
    other = said(opened, **{**values, "max_new_tokens": 40})
    assert other is not None
    assert other.untimed == ("scripted", "critic"), "of shorter answers nothing is known"


def test_a_run_of_other_models_says_nothing_of_the_pace(opened: Workspace) -> None:
    add_scripted(opened, "critic")
    made = finished(opened)
    same, other = said(opened, **CHAINS), said(opened, **{**CHAINS, "revision_model": "critic"})
    assert same is not None
    assert other is not None
    assert (same.paced_by, other.paced_by) == (made, None)
