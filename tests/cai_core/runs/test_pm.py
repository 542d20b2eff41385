"""What the preference model's stage makes of a training's held-out margins."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cai_core.config import PmConfig
from cai_core.runs.stages import gold, pm
from cai_core.store import labels
from cai_core.store.labels import Stored
from cai_core.types import (
    Comparison,
    Label,
    LabelledComparison,
    LabelState,
    ModelRef,
    Principle,
    Prompt,
    PromptKind,
    Split,
    TrainingResult,
    user,
)


def labelled(uid: str, a: str, b: str) -> LabelledComparison:
    prompt = Prompt(uid, (user(uid),), PromptKind.RED_TEAM, Split.TRAIN, "test")
    return LabelledComparison(Comparison(prompt, a, b), 0.9, "red_team")


ROWS = [
    labelled("one", "better", "worse"),
    labelled("one", "worse", "better"),
    labelled("one", "same", "same"),
    labelled("two", "better", "worse"),
    labelled("two", "worse", "better"),
    labelled("three", "better", "worse"),
]
PRINCIPLE = Principle("harm", "Harm")


@pytest.fixture
def _gold(monkeypatch: pytest.MonkeyPatch) -> None:
    def prefers_a(comparison: Comparison) -> bool | None:
        return None if comparison.response_a == "same" else comparison.response_a == "better"

    monkeypatch.setattr(gold, "gold_prefers_a", prefers_a)


@pytest.mark.usefixtures("_gold")
@pytest.mark.parametrize(
    ("margins", "agreement"),
    [
        ([[0, 2.0], [1, -0.1], [2, 1.0], [5, -3.0]], 2 / 3),  # every comparison of a prompt counts
        ([[0, 2.0], [3, 0.0], [4, 1.0]], 1 / 2),  # a margin of nought takes no side
        ([[2, 1.0]], None),
        ([], None),
    ],
)
def test_gold_agreement_is_of_the_margins_that_training_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, margins: list[list[float]], agreement: float | None
) -> None:
    facts = {"steps": 3, "heldout": {"all": {"accuracy": 0.75}}, "heldout_margins": margins}
    monkeypatch.setattr(pm, "_labelled", lambda job, config: (ROWS, {}))
    monkeypatch.setattr(pm, "model_row", lambda job, name: name)
    monkeypatch.setattr(pm, "model_ref", lambda job, row: ModelRef("base"))
    monkeypatch.setattr(pm, "register", lambda job, result, **_: result.facts)
    monkeypatch.setattr(
        pm, "train_preference_model", lambda *_, **__: TrainingResult((), stopped=False, facts=dict(facts))
    )
    job: Any = SimpleNamespace(
        config=PmConfig(), run_id=1, seed=0, adapters=tmp_path, on_step=None, begin=lambda *_, **__: None
    )
    found = pm.run(job)
    assert found["gold_agreement"] == agreement
    assert found["heldout_accuracy"] == 0.75
    assert "heldout_margins" not in found  # thousands of numbers, told by the curves and counts above


@pytest.mark.parametrize(("drop", "kept"), [(False, 2), (True, 1)])
def test_what_may_not_train_is_counted(monkeypatch: pytest.MonkeyPatch, drop: bool, kept: int) -> None:
    def stored(state: LabelState, *, cut: bool = False, disagrees: bool = False) -> Stored:
        label = Label(state, PRINCIPLE, 0.9 if state == LabelState.LABELLED else None, (), disagrees)
        return Stored("key", label, ROWS[0] if state == LabelState.LABELLED else None, cut)

    found = [
        stored(LabelState.LABELLED),
        stored(LabelState.LABELLED, disagrees=True),
        stored(LabelState.LABELLED, cut=True),
        stored(LabelState.FAILED, cut=True),
    ]
    monkeypatch.setattr(pm, "parent_id", lambda job, kind: 1)
    monkeypatch.setattr(labels, "of_run", lambda session, run_id: iter(found))
    job: Any = SimpleNamespace(workspace=SimpleNamespace(reading=lambda: nullcontext()))
    rows, left_out = pm._labelled(job, PmConfig(drop_order_disagreements=drop))
    assert len(rows) == kept
    disagree = {"orders disagree": 1} if drop else {}
    assert left_out == {"failed": 1, "a response was cut": 1} | disagree
