"""Adapters on bases of other kinds than the sandbox's."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, GPT2Config, GPT2LMHeadModel

from cai_core.errors import ModelError
from cai_core.models.preference import PreferenceScorer
from cai_core.models.weights import check_adapter, load_causal
from cai_core.training.checkpoints import save_snapshot
from cai_core.training.lora import causal_policy, scorer_to_train
from cai_core.types import ModelRef, assistant, user
from tests.cai_core.training.tiny import tiny_tokenizer


def gpt2(folder: Path, width: int = 16) -> ModelRef:
    """A random one. Its linear layers keep their matrices as [in, out]."""
    tokenizer = tiny_tokenizer()
    ends = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=64, n_embd=width, n_layer=2, n_head=2, **ends)
    torch.manual_seed(0)
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return ModelRef(str(folder))


def test_an_adapter_on_gpt2_is_saved_checked_and_loaded(tmp_path: Path) -> None:
    base = gpt2(tmp_path / "base")
    policy, tokenizer = causal_policy(base, rank=4, seed=0)
    adapted = {name.split(".lora_A")[0].rpartition(".")[2] for name, _ in policy.named_parameters() if "lora_A" in name}
    assert adapted == {"c_attn", "c_proj", "c_fc"}
    stir(policy)
    saved = ModelRef(base.base, str(save_snapshot(policy, tmp_path, 1).folder))
    check_adapter(saved, AutoModelForCausalLM)
    ids = torch.tensor([tokenizer("say red why").input_ids])
    with torch.no_grad():
        assert torch.allclose(load_causal(saved, torch.device("cpu"))(ids).logits, policy.eval()(ids).logits, atol=1e-5)
    with pytest.raises(ModelError, match="was trained on"):
        check_adapter(ModelRef(gpt2(tmp_path / "wide", 24).base, saved.adapter), AutoModelForCausalLM)


def test_a_preference_model_on_gpt2(tmp_path: Path) -> None:
    base = gpt2(tmp_path / "base")
    model, tokenizer = scorer_to_train(base, rank=4, seed=0)
    stir(model)
    saved = ModelRef(base.base, str(save_snapshot(model, tmp_path, 1).folder))
    check_adapter(saved, AutoModelForSequenceClassification)
    conversations = [(user("say red"), assistant(text)) for text in ("red", "good blue", "")]
    expected = PreferenceScorer.of(model, tokenizer).score(conversations)
    assert PreferenceScorer(saved).score(conversations) == pytest.approx(expected, abs=1e-5)


def stir(model: torch.nn.Module) -> None:
    """Noise in what trains: a new adapter changes nothing."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.3)
