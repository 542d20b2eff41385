"""What a run names is checked when it is enqueued; what it draws is its own."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import select, text

from cai_core.errors import CAIError, ModelError, RunError
from cai_core.runs import worker
from cai_core.runs.stages import common
from cai_core.store import constitutions, models, prompts
from cai_core.store.workspace import Workspace
from cai_core.types import PrincipleKind, RunKind
from db.schema import ComparisonRow, RunPromptRow
from db.session import open_engine
from tests.cai_core.runs.helpers import enqueue, finished, row

SMALL = {"red_team_prompts": 40, "helpful_prompts": 0, "look_alike_prompts": 0}


def save_harmlessness_only(workspace: Workspace) -> None:
    with workspace.writing() as session:
        _, sandbox = constitutions.load_version(session, "sandbox")
        kept = tuple(one for one in sandbox.principles if one.kind == PrincipleKind.HARMLESSNESS)
        one_sided = replace(sandbox, name="one-sided", principles=kept)
        constitutions.save_version(session, one_sided, author="me", message="why")


@pytest.mark.parametrize(("helpful", "look_alike", "fits"), [(2, 0, False), (0, 2, False), (0, 0, True)])
def test_labels_need_a_principle_for_each_kind_of_prompt_that_was_compared(
    opened: Workspace, helpful: int, look_alike: int, fits: bool
) -> None:
    save_harmlessness_only(opened)
    wanted = {"red_team_prompts": 2, "helpful_prompts": helpful, "look_alike_prompts": look_alike}
    comparisons = enqueue(opened, RunKind.COMPARISONS, model="scripted", **wanted)
    settings: dict[str, Any] = {"model": "scripted", "constitution": "one-sided", "parents": [comparisons]}
    if fits:
        assert enqueue(opened, RunKind.LABELS, **settings)
        return
    with pytest.raises(RunError, match="no enabled principle of kind helpfulness"):
        enqueue(opened, RunKind.LABELS, **settings)


def drawn(workspace: Workspace, kind: RunKind, seed: int) -> list[str]:
    settings: dict[str, Any] = dict(SMALL)
    if kind == RunKind.RL:
        settings |= {"policy": "scripted", "preference_model": "pm"}
    else:
        settings |= {"model": "scripted"}
    run_id = enqueue(workspace, kind, seed=seed, **settings)
    job = worker.claim(workspace, run_id)
    assert job is not None
    found = [prompt.uid for _, prompt in common.inputs(job)]
    with workspace.writing() as session:
        session.get_one(type(row(workspace, run_id)), run_id).state = "done"  # and the device is free
    return found


def test_runs_of_other_kinds_and_seeds_draw_apart(opened: Workspace) -> None:
    """Sharing prompts because seeds lie near each other would make seeds look more alike than they are."""
    with opened.writing() as session:
        models.add(session, name="pm", base="scripted", adapter="x", kind="preference")
    kinds = (RunKind.CHAINS, RunKind.COMPARISONS, RunKind.RL)
    found = {(kind, seed): drawn(opened, kind, seed) for kind in kinds for seed in (100, 101, 102)}
    for one, other in combinations(found, 2):
        # 40 of 1500 twice over: one or two are shared by chance.
        assert len(set(found[one]) & set(found[other])) < 12, (one, other)
    assert drawn(opened, RunKind.CHAINS, 100) == found[RunKind.CHAINS, 100]


def test_ranking_the_prompts_keeps_nobody_from_writing(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    real = prompts.draw

    def draw(*args: Any, **rest: Any) -> Any:
        impatient = open_engine(str(opened.engine.url))
        with impatient.connect() as connection:
            connection.execute(text("PRAGMA busy_timeout=0"))
            connection.execute(text("UPDATE runs SET note = 'written'"))
            connection.commit()
        impatient.dispose()
        return real(*args, **rest)

    monkeypatch.setattr(prompts, "draw", draw)
    run_id = enqueue(opened)
    job = worker.claim(opened, run_id)
    assert job is not None
    common.inputs(job)
    assert row(opened, run_id).note == "written"


def test_inputs_and_what_they_lack_are_stored_together(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = enqueue(opened, look_alike_prompts=601)
    job = worker.claim(opened, run_id)
    assert job is not None
    monkeypatch.setattr(prompts, "of_run", lambda *_: [])

    def fix_and_die(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(prompts, "fix_inputs", fix_and_die)
        with pytest.raises(KeyboardInterrupt):
            common.inputs(job)
    with opened.reading() as session:
        assert not session.scalars(select(RunPromptRow)).all()
    assert row(opened, run_id).result == {}
    common.inputs(job)
    assert row(opened, run_id).result["prompts_missing"] == {"look_alike": {"wanted": 601, "found": 600}}


@pytest.mark.parametrize("judge", ["feedback", "pm"])
def test_a_judge_that_is_a_model_must_be_named_or_come_from_an_rl_parent(opened: Workspace, judge: str) -> None:
    with opened.writing() as session:
        models.add(session, name="pm", base="scripted", adapter="x", kind="preference")
    settings: dict[str, Any] = {"judge": judge, "constitution": "sandbox", "models": ["sandbox", "scripted"]}
    chains = enqueue(opened)
    sft = enqueue(opened, RunKind.SFT, parents=[chains])
    with pytest.raises(RunError, match="Set judge_model"):
        enqueue(opened, RunKind.BATTLES, parents=[sft], **settings)
    named = enqueue(opened, RunKind.RL, parents=[sft], preference_model="pm")
    comparisons = enqueue(opened, RunKind.COMPARISONS, parents=[sft])
    labels = enqueue(opened, RunKind.LABELS, parents=[comparisons], constitution="sandbox")
    pm = enqueue(opened, RunKind.PM, parents=[labels])
    rl = enqueue(opened, RunKind.RL, parents=[sft, pm])
    assert enqueue(opened, RunKind.BATTLES, parents=[rl], **settings)
    if judge == "pm":
        assert enqueue(opened, RunKind.BATTLES, parents=[named], **settings)
        return
    with pytest.raises(RunError, match="Set judge_model"):
        enqueue(opened, RunKind.BATTLES, parents=[named], **settings)


def test_a_model_that_cannot_tell_the_options_apart_neither_labels_nor_judges(opened: Workspace) -> None:
    with opened.writing() as session:
        facts = {"options": {"distinct": False}}
        models.add(session, name="blind", base="scripted", revision="blind", facts=facts)
    comparisons = enqueue(opened, RunKind.COMPARISONS, model="blind")
    cases: list[tuple[RunKind, dict[str, Any]]] = [
        (RunKind.LABELS, {"model": "blind", "constitution": "sandbox", "parents": [comparisons]}),
        (
            RunKind.BATTLES,
            {"models": ["sandbox", "blind"], "judge": "feedback", "judge_model": "blind", "constitution": "sandbox"},
        ),
    ]
    for kind, settings in cases:
        with pytest.raises(ModelError, match="same tokens"):
            enqueue(opened, kind, **settings)


def test_a_pair_that_was_cut_is_stored_as_such_and_counted(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from cai_core.models import scripted
    from cai_core.types import Text

    class Cutting(scripted.ScriptedModel):
        """Cuts every other answer at the token limit."""

        def answer(self, requests: Any, **more: Any) -> Any:
            for number, (key, answer) in enumerate(super().answer(requests, **more)):
                yield key, replace(answer, finished=bool(number % 4)) if isinstance(answer, Text) else answer

    monkeypatch.setattr(common, "load_text_model", lambda *_args, **_more: Cutting())
    run_id = finished(opened, RunKind.COMPARISONS, model="scripted", red_team_prompts=6, helpful_prompts=2)
    with opened.reading() as session:
        rows = session.scalars(select(ComparisonRow).where(ComparisonRow.run_id == run_id)).all()
    cut = [one for one in rows if one.finished_a is False or one.finished_b is False]
    assert len(rows) == 8
    assert 0 < len(cut) < len(rows)
    assert row(opened, run_id).result["cut"] == len(cut)
    assert all(one.sent for one in rows)


def test_settings_of_a_wrong_type_are_refused(opened: Workspace) -> None:
    with pytest.raises(CAIError, match="rounds = True"):
        enqueue(opened, rounds=True)
