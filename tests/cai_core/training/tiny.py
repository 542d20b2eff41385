"""A tokenizer of a few words, a few rows of data, and a caller that stops or dies where it is told to."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from cai_core.training.tokenizer import CHAT_TEMPLATE, END, MARKERS, PAD
from cai_core.types import Example, Prompt, PromptKind, Split, StepMetrics, Stop, assistant, prompt_uid, user

WORDS = ["good", "bad", "red", "blue", "say", "please", "why", "Human:", "Assistant:", "<unk>"]


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A token a word."""
    vocabulary = {word: i for i, word in enumerate([PAD, *MARKERS.values(), END, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        unk_token="<unk>",
        extra_special_tokens=list(MARKERS.values()),
    )
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped


class KilledError(Exception):
    """Raised out of a step: training ends there without a word, as by `kill -9`."""


class Steps:
    """An `on_step` that keeps what it is told, and stops or dies after a given step."""

    def __init__(self, *, stop_at: int | None = None, die_at: int | None = None) -> None:
        self.seen: list[StepMetrics] = []
        self._stop_at, self._die_at = stop_at, die_at

    def __call__(self, metrics: StepMetrics) -> Stop | None:
        self.seen.append(metrics)
        if metrics.step == self._die_at:
            raise KilledError
        return Stop.STOP if metrics.step == self._stop_at else None

    @property
    def losses(self) -> dict[int, float]:
        return {metrics.step: metrics.values["loss"] for metrics in self.seen}


def weights(adapter: Path | str) -> dict[str, torch.Tensor]:
    """A saved adapter's tensors."""
    return dict(load_file(Path(adapter) / "adapter_model.safetensors"))


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Equal to the last bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def prompt(*words: str) -> Prompt:
    turns = (user(" ".join(words)),)
    return Prompt(prompt_uid(turns), turns, PromptKind.RED_TEAM, Split.TRAIN, "test")


def prompts(count: int) -> list[Prompt]:
    """Different ones: the number in binary, spelt in two words."""
    return [prompt("say", *("red" if digit == "1" else "blue" for digit in f"{i:b}")) for i in range(count)]


def examples(count: int) -> list[Example]:
    """Answers of one to three words."""
    return [
        Example((*p.turns, assistant(" ".join([["red", "blue", "good", "bad"][i % 4]] * (1 + i % 3)))), p.kind, str(i))
        for i, p in enumerate(prompts(count))
    ]
