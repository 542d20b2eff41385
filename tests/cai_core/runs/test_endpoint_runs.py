"""Runs whose model is a server: the real stages against a strict one, with trouble, stopped, resumed, counted."""

import math
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from cai_core.errors import ModelError
from cai_core.models.endpoint_settings import load_settings
from cai_core.runs import job as jobs
from cai_core.runs import queue, worker
from cai_core.store import labels, models
from cai_core.store.workspace import Workspace
from cai_core.types import Label, RunKind
from db.schema import ComparisonRow, LabelRow
from db.schema_chains import ChainRow
from tests.cai_core.runs.helpers import count, enqueue, finished, row, stored_chains
from tests.fake_server import MODEL, Fake, few_times, prompt_of, serving, soft_tokens

PAIRS = {"model": "served", "red_team_prompts": 8, "helpful_prompts": 4, "look_alike_prompts": 2}
QUICK = ("429", "500", "cut", "drop", "fewer", "swap", "two")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are committed five at a time however busy the machine is, and nobody waits long before another try."""
    monkeypatch.setattr(jobs, "BATCH_ROWS", 5)
    monkeypatch.setattr(jobs, "BATCH_SECONDS", 1e9)
    monkeypatch.setattr("cai_core.models.endpoint_trouble.BASE_SECONDS", 0.001)


def add(workspace: Workspace, fake: Fake, name: str = "served", facts: Any = None, **settings: Any) -> None:
    config = load_settings({"model": MODEL, "timeout": 30.0, **settings})
    with workspace.writing() as session:
        models.add(session, name=name, base=fake.url, endpoint=config, facts=facts or {})


def troubled(seed: int = 3) -> Fake:
    rng = Random(seed)
    return Fake(trouble=few_times(lambda *_: rng.choice(QUICK) if rng.random() < 0.15 else None))


def stop_after(monkeypatch: pytest.MonkeyPatch, commits: int) -> None:
    """The next attempt is asked to stop once it has committed so often."""
    real, made = jobs.Job._commit, [0]

    def commit(self: jobs.Job, batch: list[Any], save: Any) -> None:
        real(self, batch, save)
        made[0] += 1
        if made[0] == commits:
            self.stop.set()

    monkeypatch.setattr(jobs.Job, "_commit", commit)


def stopped_and_resumed(workspace: Workspace, run_id: int, monkeypatch: pytest.MonkeyPatch, table: Any) -> None:
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        worker.work(workspace, run_id)
    assert row(workspace, run_id).state == "stopped"
    assert count(workspace, table, run_id) >= 5
    queue.resume(workspace, run_id)
    worker.work(workspace, run_id)
    found = row(workspace, run_id)
    assert found.state == "done", found.error


def test_chains_through_trouble_a_stop_and_a_resume_are_those_of_a_quiet_run(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as fake:
        add(opened, fake)
        quiet = finished(opened, model="served")
        asked = len(fake.seen)
        assert row(opened, quiet).result["expected"]["served"]["requests"] == asked
        assert row(opened, quiet).result["use"]["served"]["requests"] == asked
    with serving(troubled()) as fake:
        with opened.writing() as session:
            models.get(session, "served").base = fake.url
        run_id = enqueue(opened, model="served")
        stopped_and_resumed(opened, run_id, monkeypatch, ChainRow)
        use = row(opened, run_id).result["use"]["served"]
    assert stored_chains(opened, run_id) == stored_chains(opened, quiet)
    assert use["requests"] == len(fake.seen), "both attempts, and what came to nothing"
    assert use["sent_again"] > 0
    assert row(opened, run_id).result["states"] == {"done": count(opened, ChainRow, run_id)}


def test_labels_through_trouble_a_stop_and_a_resume_are_each_the_comparison_s_own(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(troubled()) as fake:
        add(opened, fake, price_in=5e5, price_out=1e6)
        pairs = finished(opened, RunKind.COMPARISONS, **PAIRS)
        run_id = enqueue(opened, RunKind.LABELS, parents=[pairs], model="served", constitution="sandbox")
        stopped_and_resumed(opened, run_id, monkeypatch, LabelRow)
        result = row(opened, run_id).result
    chosen = {prompt_of(body): body for body in fake.seen if body.get("logprobs")}
    with opened.reading() as session:
        found = list(labels.of_run(session, run_id))
        pairs_of = {f"{r.prompt.uid}/{r.sample}": r for r in session.scalars(select(ComparisonRow))}
    assert len(found) == 14
    for one in found:
        pair = pairs_of[one.key]
        for order in one.label.orders:
            first, second = (pair.response_a, pair.response_b)[:: 1 if order.order == "ab" else -1]
            [prompt] = [
                p for p in chosen if p.split("Options:")[-1].startswith(f"\n (A) [[[{first}]]]\n (B) [[[{second}]]]")
            ]
            tokens = soft_tokens(chosen[prompt])
            own = {"ab": ("A", "B"), "ba": ("B", "A")}[order.order]
            read = (order.logprob_a, order.logprob_b)
            assert read == pytest.approx([math.log(tokens[token]) for token in own], abs=1e-6)
    use = result["use"]["served"]
    assert use["cost"] == pytest.approx(0.5 * use["prompt_tokens"] + use["completion_tokens"])
    assert result["expected"]["served"]["requests"] == 28
    assert "bounded" not in result


def label_states(workspace: Workspace, tokens: dict[str, float], **config: Any) -> tuple[list[Label], dict[str, Any]]:
    with serving(Fake(tokens=lambda _: tokens)) as fake:
        add(workspace, fake)
        pairs = finished(workspace, RunKind.COMPARISONS, **PAIRS)
        run_id = finished(workspace, RunKind.LABELS, parents=[pairs], model="served", constitution="sandbox", **config)
    with workspace.reading() as session:
        return [one.label for one in labels.of_run(session, run_id)], row(workspace, run_id).result


def test_an_option_that_is_not_listed_leaves_a_label_that_says_so(opened: Workspace) -> None:
    found, result = label_states(opened, {"A": 0.9, "The": 0.06, "Well": 0.01})
    assert result["bounded"] == len(found) == 14
    for label in found:
        assert label.p_a == pytest.approx(0.5), "always the first shown: the orders cancel"
        assert all(order.bounded for order in label.orders)
        assert label.order_disagrees


@pytest.mark.parametrize("min_mass", [0.0, 0.2])
def test_options_that_are_both_not_listed_are_unparseable_whatever_mass_is_asked_for(
    opened: Workspace, min_mass: float
) -> None:
    found, result = label_states(opened, {"The": 0.6, "Well": 0.3}, min_mass=min_mass)
    assert {(label.state.value, label.p_a) for label in found} == {("unparseable", None)}
    assert result["bounded"] == 14


def test_a_server_that_gives_no_log_probabilities_ends_the_run_with_the_way_out(opened: Workspace) -> None:
    with serving(Fake(ignores=frozenset({"logprobs"}))) as fake:
        add(opened, fake)
        pairs = finished(opened, RunKind.COMPARISONS, **PAIRS)
        run_id = enqueue(opened, RunKind.LABELS, parents=[pairs], model="served", constitution="sandbox")
        worker.work(opened, run_id)
    assert row(opened, run_id).state == "failed"
    assert "vLLM" in row(opened, run_id).error
    assert count(opened, LabelRow, run_id) == 0


def test_a_server_that_shuts_down_on_the_way_fails_the_run_and_no_row(opened: Workspace) -> None:
    open_hours = Fake(trouble=lambda number, _: None if number < 60 else "429-86400")
    with serving(open_hours) as fake:
        add(opened, fake)
        run_id = enqueue(opened, model="served")
        worker.work(opened, run_id)
        found = row(opened, run_id)
        assert found.state == "failed"
        assert "Resume" in found.error
        kept = stored_chains(opened, run_id)
        assert 0 < len(kept) == found.done < 27
        assert {chain.state for chain in kept} == {"done"}
        fake.trouble = lambda *_: None
        queue.resume(opened, run_id)
        worker.work(opened, run_id)
    assert row(opened, run_id).state == "done"
    assert row(opened, run_id).result["states"] == {"done": count(opened, ChainRow, run_id)}


def test_battles_may_be_fought_and_judged_by_servers(opened: Workspace) -> None:
    with serving() as fake:
        add(opened, fake)
        small = {"red_team_prompts": 3, "helpful_prompts": 2, "look_alike_prompts": 1, "resamples": 100}
        settings = {"judge": "feedback", "judge_model": "served", "constitution": "sandbox", **small}
        run_id = finished(opened, RunKind.BATTLES, models=["served", "scripted"], **settings)
    result = row(opened, run_id).result
    assert result["expected"]["served"]["requests"] + result["expected"]["served as judge"]["requests"] == len(
        fake.seen
    )
    assert result["use"]["served"]["requests"] == len(fake.seen)


def test_a_missing_key_is_named_and_never_stored(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Fake(key="the-secret-itself")) as fake:
        add(opened, fake, key_env="FAKE_KEY")
        run_id = enqueue(opened, model="served")
        worker.work(opened, run_id)
        assert "FAKE_KEY is not set" in row(opened, run_id).error
        monkeypatch.setenv("FAKE_KEY", "the-secret-itself")
        queue.resume(opened, run_id)
        worker.work(opened, run_id)
    assert row(opened, run_id).state == "done"
    assert not any(b"the-secret-itself" in path.read_bytes() for path in opened.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (RunKind.SFT, {"model": "served"}),
        (RunKind.PM, {"model": "served"}),
        (RunKind.RL, {"policy": "served", "preference_model": "a-pm"}),
    ],
)
def test_what_is_trained_cannot_be_an_endpoint(opened: Workspace, kind: RunKind, config: dict[str, Any]) -> None:
    with serving() as fake:
        add(opened, fake)
        with opened.writing() as session:
            models.add(session, name="a-pm", base="sandbox", kind="preference")
        chains = enqueue(opened, model="served")
        pairs = enqueue(opened, RunKind.COMPARISONS, **PAIRS)
        labelled = enqueue(opened, RunKind.LABELS, parents=[pairs], model="served", constitution="sandbox")
        parents = {RunKind.SFT: [chains], RunKind.PM: [labelled], RunKind.RL: []}[kind]
        with pytest.raises(ModelError, match="training needs them here"):
            enqueue(opened, kind, parents=parents, **config)
        with pytest.raises(ModelError, match="cannot take a preference one's place"):
            enqueue(opened, RunKind.RL, policy="scripted", preference_model="served")


def test_a_server_that_was_seen_not_to_choose_is_refused_as_feedback_model_and_judge(opened: Workspace) -> None:
    with serving() as fake:
        add(opened, fake, facts={"stages": {"feedback": False}})
        pairs = enqueue(opened, RunKind.COMPARISONS, **PAIRS)
        with pytest.raises(ModelError, match="no log-probabilities"):
            enqueue(opened, RunKind.LABELS, parents=[pairs], model="served", constitution="sandbox")
        judge = {"judge": "feedback", "judge_model": "served", "constitution": "sandbox"}
        with pytest.raises(ModelError, match="no log-probabilities"):
            enqueue(opened, RunKind.BATTLES, models=["served", "scripted"], **judge)


def test_a_killed_worker_s_use_counts_what_was_stored(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """Stands for SIGKILL."""

    with serving() as fake:
        add(opened, fake)
        run_id = enqueue(opened, model="served")
        real, made = jobs.Job._commit, [0]

        def commit(self: jobs.Job, batch: list[Any], save: Any) -> None:
            if made[0] == 2:
                raise Killed
            made[0] += 1
            real(self, batch, save)

        with monkeypatch.context() as patch:
            patch.setattr(jobs.Job, "_commit", commit)
            with pytest.raises(Killed):
                worker.work(opened, run_id)
    use = row(opened, run_id).result["use"]["served"]
    assert 0 < use["completion_tokens"] <= 5 * len(fake.seen)
    assert count(opened, ChainRow, run_id) == 10
