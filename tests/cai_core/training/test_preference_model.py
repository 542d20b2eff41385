import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from cai_core.config import PmConfig
from cai_core.errors import ModelError, RunError
from cai_core.models import preference
from cai_core.models.preference import PreferenceScorer
from cai_core.models.rendering import Renderer
from cai_core.training import preference_model
from cai_core.training.lora import scorer_to_train
from cai_core.training.pairs import split_by_prompt, tokenised
from cai_core.training.preference_model import (
    collate,
    preference_trainer,
    soft_preference_loss,
    train_preference_model,
)
from cai_core.types import Comparison, LabelledComparison, ModelRef, TrainingResult, assistant
from tests.cai_core.training.tiny import KilledError, Steps, prompts, same, tiny_tokenizer, weights

CONFIG = PmConfig(learning_rate=0.01, batch_size=4, lora_rank=4, epochs=1, heldout=0.25, checkpoint_every=3)
RENDERER = Renderer(tiny_tokenizer())


def good_against_bad(count: int, p_good: float = 0.9) -> list[LabelledComparison]:
    """Whether A or B is the good one changes from prompt to prompt; so do source and length."""
    rows = []
    for i, prompt in enumerate(prompts(count)):
        good, bad = "good" + " please" * (i % 3), "bad" + " please" * (i % 2)
        row = LabelledComparison(Comparison(prompt, good, bad), p_good, "helpful" if i % 3 else "red_team")
        rows.append(row if i % 2 else replace(row, comparison=row.comparison.swap(), p_a=1 - p_good))
    return rows


def run(
    base: ModelRef,
    folder: Path,
    on_step: Steps,
    config: PmConfig = CONFIG,
    rows: list[LabelledComparison] | None = None,
) -> TrainingResult:
    rows = rows or good_against_bad(32)
    return train_preference_model(config, rows, start=base, folder=folder, seed=5, on_step=on_step)


def test_the_loss_is_the_soft_cross_entropy() -> None:
    """By hand: Δ = 2 − 1 with p = 0.7, and Δ = −3 with p = 0.2."""

    def one(margin: float, p: float) -> float:
        return -(p * -math.log1p(math.exp(-margin)) + (1 - p) * -math.log1p(math.exp(margin)))

    loss = soft_preference_loss(torch.tensor([2.0, 0.0]), torch.tensor([1.0, 3.0]), torch.tensor([0.7, 0.2]))
    assert loss.item() == pytest.approx((one(1.0, 0.7) + one(-3.0, 0.2)) / 2, abs=1e-6)
    assert one(1.0, 0.7) == pytest.approx(0.6132617)


def test_the_loss_is_least_where_sigma_is_the_label() -> None:
    margin = torch.tensor([0.0], requires_grad=True)
    for p in (0.7, 0.5, 0.01):
        at = torch.tensor([math.log(p / (1 - p))], requires_grad=True)
        soft_preference_loss(at, torch.zeros(1), torch.tensor([p])).backward()
        assert at.grad is not None
        assert at.grad.abs().item() < 1e-6
    soft_preference_loss(margin, torch.zeros(1), torch.tensor([0.7])).backward()
    assert margin.grad is not None
    assert margin.grad.item() == pytest.approx(0.5 - 0.7)


def test_the_loss_of_a_hopeless_margin_is_finite() -> None:
    loss = soft_preference_loss(torch.tensor([-500.0]), torch.tensor([500.0]), torch.tensor([1.0]))
    assert loss.item() == pytest.approx(1000.0)


def test_a_batch_has_all_a_before_all_b() -> None:
    pairs = tokenised(good_against_bad(3), RENDERER)
    batch = collate(pairs)
    width = max(pair.longest for pair in pairs)
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (6, width)
    assert batch["input_ids"][0, : len(pairs[0].a)].tolist() == pairs[0].a
    assert batch["input_ids"][3, : len(pairs[0].b)].tolist() == pairs[0].b
    assert batch["attention_mask"].sum(1).tolist() == [len(p.a) for p in pairs] + [len(p.b) for p in pairs]
    assert batch["p_a"].tolist() == pytest.approx([pair.p_a for pair in pairs])


def test_the_whole_conversation_is_read() -> None:
    tokenizer = tiny_tokenizer()
    read = tokenizer.convert_ids_to_tokens(tokenised(good_against_bad(2), RENDERER)[1].a)
    assert read == ["<|user|>", "say", "red", "<|end|>", "<|assistant|>", "good", "please", "<|end|>"]


def test_a_prompt_is_held_out_with_all_its_comparisons() -> None:
    rows = good_against_bad(40)
    pairs = tokenised([*rows, *rows], RENDERER)
    train, held = split_by_prompt(pairs, share=0.25, seed=1)
    assert len(train) + len(held) == 80
    assert not {p.prompt_uid for p in train} & {p.prompt_uid for p in held}
    by_source = {name: sum(p.source == name for p in held) for name in ("red_team", "helpful")}
    assert by_source == {"red_team": 2 * round(14 * 0.25), "helpful": 2 * round(26 * 0.25)}
    assert split_by_prompt(pairs[::-1], share=0.25, seed=1)[1] == held[::-1]
    assert split_by_prompt(pairs, share=0.25, seed=2)[1] != held
    assert split_by_prompt(pairs, share=0.0, seed=1) == (pairs, [])


def test_it_learns_which_is_better(base: ModelRef, tmp_path: Path) -> None:
    steps = Steps()
    before = {path.name: path.read_bytes() for path in Path(base.base).iterdir()}
    result = run(base, tmp_path, steps, replace(CONFIG, epochs=5))
    facts: dict[str, Any] = dict(result.facts)
    assert facts["trained"] == 24
    assert facts["heldout"]["all"]["n"] == 8
    assert set(facts["heldout"]) == {"red_team", "helpful", "all"}
    assert facts["heldout"]["all"]["accuracy"] == 1.0
    assert facts["reload_difference"] <= 1e-4
    assert before == {path.name: path.read_bytes() for path in Path(base.base).iterdir()}
    saved = weights(result.snapshots[-1].folder)
    assert all("lora_" in name or "score" in name for name in saved)
    assert any("score" in name for name in saved)


def test_its_probability_is_that_of_the_labels(base: ModelRef, tmp_path: Path) -> None:
    """With p = 0.7 for every pair, Δ comes to logit 0.7 = 0.85, not to infinity."""
    config = replace(CONFIG, epochs=12, heldout=0.25, checkpoint_every=1000)
    facts: dict[str, Any] = dict(run(base, tmp_path, Steps(), config, good_against_bad(32, p_good=0.7)).facts)
    assert facts["heldout"]["all"]["ece"] < 0.05
    for bin in facts["heldout"]["all"]["bins"]:
        assert bin["predicted"] == pytest.approx(bin["observed"], abs=0.08)  # 0.7, or 0.3 where A is the bad one
    assert facts["heldout"]["all"]["log_loss"] == pytest.approx(0.6109, abs=0.02)  # the entropy of 0.7


def test_only_adapter_and_head_change(base: ModelRef, tmp_path: Path) -> None:
    model, tokenizer = scorer_to_train(base, rank=4, seed=5)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    pairs = tokenised(good_against_bad(12), RENDERER)
    trainer, _ = preference_trainer(CONFIG, pairs, model, tokenizer, tmp_path, 5, Steps())
    trainer.train()
    changed = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert any("score" in name for name in changed)
    assert any("lora_" in name for name in changed)
    assert all("lora_" in name or "score.modules_to_save" in name for name in changed)


def test_a_step_in_parts_is_the_same_step(base: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, in_parts = Steps(stop_at=3), Steps(stop_at=3)
    run(base, tmp_path / "at_once", at_once)
    monkeypatch.setattr(preference_model, "micro_batch", lambda rows, parameters, sequences: (2, rows // 2))
    run(base, tmp_path / "in_parts", in_parts)
    assert in_parts.losses == pytest.approx(at_once.losses, rel=1e-4)
    assert in_parts.seen[0].values["grad_norm"] == pytest.approx(at_once.seen[0].values["grad_norm"], rel=1e-4)


def test_too_long_ones_are_left_out_and_counted_by_source(base: ModelRef, tmp_path: Path) -> None:
    row = good_against_bad(1)[0]
    long = LabelledComparison(replace(row.comparison, response_b=" ".join(["red"] * 40)), 0.5, "helpful")
    config = replace(CONFIG, max_length=20)
    facts = run(base, tmp_path, Steps(), config, [*good_against_bad(8), long]).facts
    assert facts["left_out"] == {"too_long": 1}
    assert facts["left_out_by_source"] == {"helpful": {"too_long": 1}}
    with pytest.raises(RunError, match="of 1 comparisons, 1 are longer than 20 tokens"):
        run(base, tmp_path / "none", Steps(), config, [long])


@pytest.mark.parametrize("at", [2, 3, 5])
def test_stopped_and_resumed_it_ends_the_same(base: ModelRef, tmp_path: Path, at: int) -> None:
    whole = run(base, tmp_path / "whole", Steps())
    assert run(base, tmp_path / "parts", Steps(stop_at=at)).stopped
    then = Steps()
    resumed = run(base, tmp_path / "parts", then)
    assert then.seen[0].step == at + 1
    assert same(weights(resumed.snapshots[-1].folder), weights(whole.snapshots[-1].folder))
    assert resumed.facts == whole.facts


def test_killed_and_resumed_it_ends_the_same(base: ModelRef, tmp_path: Path) -> None:
    whole = run(base, tmp_path / "whole", Steps())
    with pytest.raises(KilledError):
        run(base, tmp_path / "parts", Steps(die_at=5))
    resumed = run(base, tmp_path / "parts", Steps())
    assert same(weights(resumed.snapshots[-1].folder), weights(whole.snapshots[-1].folder))


def test_it_may_start_from_sl_cai(sl_cai: ModelRef, tmp_path: Path) -> None:
    model, _ = scorer_to_train(sl_cai, rank=99, seed=5)
    copied = {name for name, parameter in model.named_parameters() if "lora_B" in name and parameter.abs().sum() > 0}
    assert copied
    assert run(sl_cai, tmp_path, Steps()).facts["reload_difference"] == pytest.approx(0.0, abs=1e-4)


def test_a_head_that_was_not_saved_is_noticed(base: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = preference_model.save_snapshot

    def forgetful(model: Any, folder: Path, step: int) -> Any:
        with torch.no_grad():
            model.base_model.model.score.modules_to_save["default"].weight.mul_(2)
            snapshot = real(model, folder, step)
            model.base_model.model.score.modules_to_save["default"].weight.mul_(0.5)
        return snapshot

    monkeypatch.setattr(preference_model, "save_snapshot", forgetful)
    with pytest.raises(ModelError, match="apart from the one just trained"):
        run(base, tmp_path, Steps())


def test_each_held_out_margin_is_of_its_comparison(base: ModelRef, tmp_path: Path) -> None:
    """Three comparisons a prompt: the margin says which, and a scorer on the saved adapter finds the same."""
    rows = [
        replace(row, comparison=replace(row.comparison, response_b=row.comparison.response_b + more))
        for row in good_against_bad(12)
        for more in ("", " red", " red blue")
    ]
    result = run(base, tmp_path, Steps(), rows=rows)
    found: Any = result.facts["heldout_margins"]
    assert [row for row, _ in found] == sorted({row for row, _ in found})
    held = {rows[row].comparison.prompt.uid for row, _ in found}
    assert [row for row, _ in found] == [i for i, each in enumerate(rows) if each.comparison.prompt.uid in held]
    score = PreferenceScorer(ModelRef(base.base, str(result.snapshots[-1].folder))).score
    for row, margin in found:
        one = rows[row].comparison
        a, b = score([(*one.prompt.turns, assistant(text)) for text in (one.response_a, one.response_b)])
        assert margin == pytest.approx(a - b, abs=1e-4)


def test_the_check_of_what_was_saved_loads_no_second_base(
    base: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Any] = []
    real = preference.load_base
    monkeypatch.setattr(preference, "load_base", lambda *args, **more: loaded.append(args) or real(*args, **more))
    assert run(base, tmp_path, Steps()).facts["reload_difference"] <= 1e-4  # type: ignore[operator]
    assert len(loaded) == 1


def test_a_head_that_is_not_in_the_saved_adapter_is_noticed(
    base: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = preference_model.save_snapshot

    def headless(model: Any, folder: Path, step: int) -> Any:
        snapshot = real(model, folder, step)
        kept = {name: tensor for name, tensor in weights(snapshot.folder).items() if "score" not in name}
        save_file(kept, snapshot.folder / "adapter_model.safetensors")
        return snapshot

    monkeypatch.setattr(preference_model, "save_snapshot", headless)
    with pytest.raises(ModelError, match="holds no head"):
        run(base, tmp_path, Steps())


def test_in_bfloat16_a_scorer_gives_the_scores_that_were_trained(
    base: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: the base in bfloat16, adapter and head in float32."""
    monkeypatch.setattr("cai_core.models.weights.pick_dtype", lambda device: torch.bfloat16)
    result = run(base, tmp_path, Steps(), replace(CONFIG, epochs=5))
    facts: Any = result.facts
    scorer = PreferenceScorer(ModelRef(base.base, str(result.snapshots[-1].folder)))
    assert scorer.model.dtype == torch.bfloat16
    rows = good_against_bad(32)
    for row, margin in facts["heldout_margins"]:
        one = rows[row].comparison
        a, b = scorer.score([(*one.prompt.turns, assistant(text)) for text in (one.response_a, one.response_b)])
        assert margin == pytest.approx(a - b, abs=1e-4)
