"""SL-CAI on small random models of several families: what is saved is what was trained, for plain peft and merged."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from cai_core.config import SftConfig
from cai_core.errors import ModelError
from cai_core.models.rendering import Renderer
from cai_core.training.examples import tokenised
from cai_core.training.measure import answer_logprobs, mean_loss
from cai_core.training.merge import merge_adapter
from cai_core.training.packing import check_packing
from cai_core.training.sft import train_sft
from cai_core.types import Example, ModelRef, PromptKind, assistant, user
from tests.cai_core.training.tiny import Steps, weights
from tests.tiny_models import save, save_both, tiny

CONFIG = SftConfig(learning_rate=0.01, batch_size=4, lora_rank=2, evaluate_every=3, max_length=96)
EXAMPLES = [
    Example(
        (user(f"How do I boil {n} eggs?"), assistant("Put them " + "well " * (n % 4) + "into water.")),
        PromptKind.HELPFUL,
        str(n),
        heldout=n >= 10,
    )
    for n in range(12)
]


def saved(folder: Path, kind: str, *, template: bool, pad_is_end: bool) -> ModelRef:
    """A model folder; where its pad token is its end token, the tokenizer says so."""
    model, words = tiny(kind, template=template)
    if pad_is_end:
        words.pad_token = words.eos_token
    return ModelRef(str(save_both(folder, model, words)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "template", "pad_is_end"),
    [
        ("llama", False, True),  # with tied embeddings
        ("qwen", True, True),
        ("gemma", True, False),
        ("neox", False, False),
        ("mistral", False, True),
    ],
)
def test_each_family_trains_and_its_adapter_says_the_same_again(
    tmp_path: Path, kind: str, template: bool, pad_is_end: bool
) -> None:
    base = saved(tmp_path / "base", kind, template=template, pad_is_end=pad_is_end)
    steps = Steps()
    result = train_sft(CONFIG, EXAMPLES, start=base, folder=tmp_path / "run", seed=1, on_step=steps)
    assert [metrics.step for metrics in steps.seen] == [1, 2, 3]
    adapter = result.snapshots[-1].folder
    assert result.facts["reload_difference"] < 1e-4
    assert any(tensor.any() for name, tensor in weights(adapter).items() if "lora_B" in name)

    renderer = Renderer(AutoTokenizer.from_pretrained(base.base))
    rows = [tokenised(example, renderer) for example in EXAMPLES if example.heldout]
    plain = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base.base), adapter)
    assert mean_loss(plain, rows) == pytest.approx(steps.seen[-1].values["heldout_loss"], abs=1e-4)

    out = tmp_path / "merged"
    assert merge_adapter(ModelRef(base.base, str(adapter)), out) < 1e-3
    merged = AutoModelForCausalLM.from_pretrained(out)
    assert torch.allclose(answer_logprobs(merged, rows), answer_logprobs(plain, rows), atol=1e-3)
    assert AutoTokenizer.from_pretrained(out).get_vocab() == renderer.tokenizer.get_vocab()


@pytest.mark.parametrize("kind", ["llama", "qwen", "gemma", "neox", "mistral"])
def test_each_family_reads_packed_examples_apart(kind: str) -> None:
    model, words = tiny(kind)
    rows = [tokenised(example, Renderer(words)) for example in EXAMPLES]
    check_packing(model, rows)


def test_one_that_takes_no_positions_cannot_pack() -> None:
    model, words = tiny("bloom")
    with pytest.raises(ModelError, match="Set packing to false"):
        check_packing(model, [tokenised(example, Renderer(words)) for example in EXAMPLES])


def test_a_merge_overwrites_nothing_and_needs_an_adapter(base: ModelRef, sl_cai: ModelRef, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for ref, out, words in (
        (base, tmp_path / "out", "nothing to merge"),
        (sl_cai, tmp_path / "there", "is there already"),
        (sl_cai, tmp_path / "no" / "out", "in no folder"),
    ):
        with pytest.raises(ModelError, match=words):
            merge_adapter(ref, out)
    other = ModelRef(str(save(tmp_path / "other", "neox")), sl_cai.adapter)
    with pytest.raises(ModelError, match="was trained on"):
        merge_adapter(other, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "there"]


def test_a_merge_that_says_something_else_is_not_written(
    base: ModelRef, sl_cai: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cai_core.training.merge._save", lambda _model, words, folder, _: _plain(base, words, folder))
    with pytest.raises(ModelError, match="apart from the two"):
        merge_adapter(replace(sl_cai), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def _plain(base: ModelRef, words: object, folder: Path) -> None:
    AutoModelForCausalLM.from_pretrained(base.base).save_pretrained(folder)
    words.save_pretrained(folder)  # type: ignore[attr-defined]
