"""A tiny random Llama: enough for every line of the trainers to run for real."""

from collections.abc import Iterator

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, set_seed

from cai_core.config import SftConfig
from cai_core.types import ModelRef
from tests.cai_core.training.tiny import Steps, examples, tiny_tokenizer


def pytest_configure(config: pytest.Config) -> None:
    # PEFT still reads a name that transformers has deprecated.
    config.addinivalue_line("filterwarnings", "ignore:.*is_gradient_checkpointing.*:FutureWarning")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Equal to the last bit needs one order of additions."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A folder with a random model, as `from_pretrained` reads it."""
    folder = tmp_path_factory.mktemp("base")
    tokenizer = tiny_tokenizer()
    set_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=128,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    with torch.no_grad():
        model.lm_head.weight.mul_(20)  # a frozen head this small could only ever say that all words are alike
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return ModelRef(str(folder))


@pytest.fixture(scope="session")
def sl_cai(base: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A trained adapter on the base."""
    from cai_core.training.sft import train_sft  # TRL takes seconds to import

    config = SftConfig(learning_rate=0.01, batch_size=4, lora_rank=4, epochs=2)
    folder = tmp_path_factory.mktemp("sl_cai")
    result = train_sft(config, examples(24), start=base, folder=folder, seed=3, on_step=Steps())
    return ModelRef(base.base, str(result.snapshots[-1].folder))
