"""Pretraining of the sandbox model: a small Llama from random weights, on the sandbox's corpus.

Corpus and tokenizer are byte for byte a function of the seed; the weights are as far as the machine's arithmetic
allows. Killed, it goes on from its newest checkpoint.
"""

import hashlib
import itertools
import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch.nn import functional as F
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from cai_core.training.tokenizer import TokenisedCorpus, tokenise, train_tokenizer
from cai_core.types import Conversation, OnStep, StepMetrics

FIRST, LAST = "first_part.pt", "last_part.pt"
"""Checkpoints of the two parts, there until the model is saved."""
MANIFEST = "manifest.json"
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
Optimizers = Sequence[torch.optim.Optimizer]


@dataclass(frozen=True, config=ConfigDict(extra="forbid", use_attribute_docstrings=True))
class Recipe:
    """Everything but the seed that decides the model."""

    tokens: int = 18_000_000
    """Tokens to train on; one pass where the corpus is that large."""
    last_tokens: int = 4_000_000
    """Tokens of the last part, read with fresh optimisers from the weights as they are saved."""
    last_learning_rate: float = 1e-3
    """Peak of the last part's cosine."""
    vocabulary: int = 2048
    """Entries of the tokenizer."""
    tokenizer_documents: int = 40_000
    """The first so many documents train the tokenizer."""
    hidden: int = 256
    """Width of the residual stream."""
    layers: int = 4
    """Transformer blocks."""
    heads: int = 8
    """Attention heads of a block."""
    intermediate: int = 704
    """Width of the feed-forward layer."""
    context: int = 2048
    """Longest document and longest prompt, in tokens."""
    step_tokens: int = 6144
    """Tokens of one optimiser step, padding included."""
    micro_batches: int = 8
    """Parts a step is cut into, each of documents of about one length."""
    learning_rate: float = 2e-3
    """Peak of the cosine."""
    warmup: float = 0.01
    """Part of the steps over which the learning rate rises from zero."""
    final: float = 0.05
    """Learning rate at the end, as a part of the peak."""
    weight_decay: float = 0.1
    """Decay of the blocks' matrices; embeddings and norms have none."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    context_weight: float = 0.1
    """Loss weight of tokens that are not the assistant's."""
    verdict_weight: float = 4.0
    """Loss weight of the words that carry a judgement: few tokens, and all that critic and feedback model are for."""
    choice_weight: float = 16.0
    """Loss weight of the letter that answers a comparison, the one token of its document that a judge is for."""
    exhibit_weight: float = 0.0
    """Loss weight of responses that are shown only to be criticised or revised."""
    bf16: bool = True
    """Matrix products in bfloat16, weights in float32: 1.8 times as fast on cores that have it, slower on others."""
    save_every: int = 100
    """Steps between checkpoints."""


def pretrain(
    documents: Iterable[Conversation],
    last_part: Iterable[Conversation],
    *,
    seed: int,
    recipe: Recipe,
    folder: Path,
    on_step: OnStep,
) -> dict[str, Any]:
    """Train tokenizer and model, on `documents` and then on `last_part`, and save both with a manifest, returned.

    `on_step` hears of every optimiser step and may answer `Stop`: a checkpoint is then left behind and the
    manifest has `"stopped": true`; the same call goes on from there.
    """
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer, corpus = read_corpus(documents, recipe)
    last = replace(recipe, tokens=recipe.last_tokens, learning_rate=recipe.last_learning_rate)
    rest = tokenise(last_part, tokenizer, budget=last.tokens, context=recipe.context)
    model = build_model(recipe, tokenizer, seed)
    facts: dict[str, Any] = {"seed": seed, "recipe": asdict(recipe)}
    parts = ((corpus, recipe, FIRST), (rest, last, LAST))
    total = sum(len(plan(read.lengths, seed, one)) for read, one, _ in parts)
    done = 0
    for read, one, name in parts:
        if done:
            model.half().float()  # what a part hands on is what would be saved
        trained = _train(model, read, tokenizer.pad_token_id, seed, one, folder / name, _shifted(on_step, done, total))
        done += trained["steps"]
        facts[name.removesuffix(".pt")] = corpus_facts(read) | trained
        if trained["stopped"]:
            return facts | {"stopped": True}
    return save(model, tokenizer, folder, facts | {"stopped": False, "seconds": round(time.monotonic() - started, 1)})


def corpus_facts(corpus: TokenisedCorpus) -> dict[str, Any]:
    """What the manifest says of a part's corpus."""
    return {
        "corpus_sha256": corpus.hash,
        "documents": len(corpus.lengths),
        "documents_dropped": corpus.dropped,
        "corpus_tokens": len(corpus.ids),
    }


def _shifted(on_step: OnStep, done: int, total: int) -> OnStep:
    """A part's steps counted as those of the whole."""
    return lambda metrics: on_step(replace(metrics, step=done + metrics.step, total=total))


def read_corpus(documents: Iterable[Conversation], recipe: Recipe) -> tuple[PreTrainedTokenizerFast, TokenisedCorpus]:
    """The tokenizer, trained on the first documents, and all documents in its tokens."""
    stream = iter(documents)
    sample = list(itertools.islice(stream, recipe.tokenizer_documents))
    texts = (turn.content for document in sample for turn in document)
    tokenizer = train_tokenizer(texts, vocabulary=recipe.vocabulary, context=recipe.context)
    everything = itertools.chain(sample, stream)
    return tokenizer, tokenise(everything, tokenizer, budget=recipe.tokens, context=recipe.context)


def build_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """A model with random weights drawn from `seed`."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=recipe.vocabulary,
        hidden_size=recipe.hidden,
        intermediate_size=recipe.intermediate,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=recipe.context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )
    return LlamaForCausalLM(config)


def plan(lengths: NDArray[np.int64], seed: int, recipe: Recipe) -> list[list[NDArray[np.int64]]]:
    """Which documents each step reads: steps of micro-batches of document numbers, for the whole training.

    Documents are read in the order of the corpus, which has its lessons first, in pools: a pool is sorted by length and
    cut into micro-batches of about equal padded size, and a step mixes micro-batches of unlike lengths, or each step
    would teach one ability only. Where the corpus is read again, it is shuffled.
    """
    rng = np.random.default_rng(seed)
    limit = recipe.step_tokens // recipe.micro_batches
    micro: list[NDArray[np.int64]] = []
    tokens = 0
    while tokens < recipe.tokens:
        order = np.arange(len(lengths)) if tokens == 0 else rng.permutation(len(lengths))
        for pool in np.array_split(order, max(1, len(order) // 4096)):
            parts = list(_cut(pool[np.argsort(lengths[pool], kind="stable")], lengths, limit))
            rng.shuffle(parts)
            micro += parts
        tokens += int(lengths.sum())
    steps = [micro[i : i + recipe.micro_batches] for i in range(0, len(micro), recipe.micro_batches)]
    return steps[: max(1, math.ceil(len(steps) * recipe.tokens / tokens))]


def _cut(ordered: NDArray[np.int64], lengths: NDArray[np.int64], limit: int) -> Iterator[NDArray[np.int64]]:
    """Cut documents in order of length where their padded size would pass `limit`."""
    start = 0
    for end in range(1, len(ordered) + 1):
        if end == len(ordered) or (end + 1 - start) * lengths[ordered[end]] > limit:
            yield ordered[start:end]
            start = end


def _train(
    model: LlamaForCausalLM,
    corpus: TokenisedCorpus,
    pad: int,
    seed: int,
    recipe: Recipe,
    checkpoint: Path,
    on_step: OnStep,
) -> dict[str, Any]:
    """Run the plan's steps, from the part's checkpoint where there is one."""
    steps = plan(corpus.lengths, seed, recipe)
    optimizers = _optimizers(model, recipe)
    identity = hashlib.sha256(json.dumps([seed, asdict(recipe), corpus.hash]).encode()).hexdigest()
    first = _restore(checkpoint, identity, model, optimizers)
    model.train()
    loss, stopped = float("nan"), False
    for number in range(first, len(steps)):
        started = time.monotonic()
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = _learning_rate(number, len(steps), recipe)
        loss = _step(model, optimizers, [_tensors(corpus, part, pad, recipe) for part in steps[number]], recipe)
        tokens = sum(int(corpus.lengths[part].sum()) for part in steps[number])
        values = {"loss": loss, "tokens_per_second": tokens / (time.monotonic() - started)}
        stopped = on_step(StepMetrics(number + 1, len(steps), values)) is not None
        if stopped or (number + 1) % recipe.save_every == 0 or number + 1 == len(steps):
            _save_checkpoint(checkpoint, identity, model, optimizers, number + 1)
        if stopped:
            break
    return {"steps": len(steps), "last_loss": loss, "stopped": stopped}


def _optimizers(model: LlamaForCausalLM, recipe: Recipe) -> Optimizers:
    """Muon (Jordan et al. 2024) for the blocks' matrices, AdamW for embeddings and norms.

    With its updates scaled as AdamW's are, one learning rate serves both. After 261 steps of lessons the loss was 0.17
    with it and 0.22 with AdamW alone.
    """
    rest: list[torch.nn.Parameter] = []
    matrices: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        (matrices if parameter.ndim == 2 and "embed" not in name else rest).append(parameter)
    rate = recipe.learning_rate
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=recipe.weight_decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    ]


def _learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Linear warm-up, then a cosine down to `final` of the peak."""
    warmup = max(1, int(recipe.warmup * steps))
    if step < warmup:
        return recipe.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return recipe.learning_rate * (recipe.final + (1 - recipe.final) * 0.5 * (1 + math.cos(math.pi * done)))


def _tensors(corpus: TokenisedCorpus, part: NDArray[np.int64], pad: int, recipe: Recipe) -> Batch:
    """Input ids, targets and loss weights of one micro-batch, each [documents, longest - 1]."""
    longest = int(corpus.lengths[part].max())
    # What the model will be asked for is the assistant's words; the users' still teach it the world, cheaply, and a
    # weight on them keeps the embeddings of words that only users say from staying random.
    # CONTEXT, ANSWER, EXHIBIT, VERDICT, CHOICE
    weights_of = (recipe.context_weight, 1.0, recipe.exhibit_weight, recipe.verdict_weight, recipe.choice_weight)
    of_kind = np.array(weights_of, np.float32)
    ids = np.full((len(part), longest), pad, np.int64)
    weights = np.zeros((len(part), longest), np.float32)
    for row, document in enumerate(part):
        span = slice(corpus.starts[document], corpus.starts[document + 1])
        length = span.stop - span.start
        ids[row, :length] = corpus.ids[span]
        weights[row, :length] = of_kind[corpus.roles[span]]
    tokens = torch.from_numpy(ids)
    return tokens[:, :-1], tokens[:, 1:], torch.from_numpy(weights[:, 1:])


def _step(model: LlamaForCausalLM, optimizers: Optimizers, batches: Sequence[Batch], recipe: Recipe) -> float:
    """One optimiser step over its micro-batches; the weighted mean loss in nats a token."""
    total = sum(weights.sum() for _, _, weights in batches)
    loss_sum = 0.0
    for inputs, targets, weights in batches:
        # Right padding under a causal mask: no real token can see it, so no attention mask is needed.
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
            logits = model(input_ids=inputs, use_cache=False).logits  # [documents, tokens, vocabulary]
        flat = logits.float().flatten(0, 1)  # [documents * tokens, vocabulary]
        losses = F.cross_entropy(flat, targets.flatten(), reduction="none")  # [documents * tokens]
        loss = (losses * weights.flatten()).sum() / total
        loss.backward()
        loss_sum += float(loss.detach())
    torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return loss_sum


def _save_checkpoint(path: Path, identity: str, model: LlamaForCausalLM, optimizers: Optimizers, step: int) -> None:
    """Written aside and renamed, so that a kill leaves the old one or the new one, whole."""
    aside = path.with_suffix(".partial")
    states = [optimizer.state_dict() for optimizer in optimizers]
    torch.save({"identity": identity, "step": step, "model": model.state_dict(), "optimizers": states}, aside)
    os.replace(aside, path)


def _restore(path: Path, identity: str, model: LlamaForCausalLM, optimizers: Optimizers) -> int:
    """Load the checkpoint if it belongs to this very training; the number of steps done."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    if state["identity"] != identity:
        return 0
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return int(state["step"])


def save(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path, facts: dict[str, Any]
) -> dict[str, Any]:
    """Write weights (fp16), tokenizer, configs and manifest; the checkpoints are then of no more use."""
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    packages = ("torch", "transformers", "tokenizers", "safetensors", "numpy")
    manifest = {
        **facts,
        "parameters": sum(p.numel() for p in model.parameters()),
        "sha256": file_hashes(folder),
        "versions": {name: version(name) for name in packages},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for name in (FIRST, LAST):
        (folder / name).unlink(missing_ok=True)
    return manifest


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a model folder, but for the manifest and checkpoints."""
    names = sorted(p.name for p in folder.iterdir() if p.suffix in {".safetensors", ".json", ".jinja"})
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names if name != MANIFEST}


def log_steps(seconds: float = 20.0) -> OnStep:
    """A callback that prints a line every so many seconds."""
    began, last, seen = time.monotonic(), [0.0], [0]

    def on_step(metrics: StepMetrics) -> None:
        now = time.monotonic()
        seen[0] += 1
        if now - last[0] < seconds and metrics.step < metrics.total:
            return
        last[0] = now
        left = (now - began) / seen[0] * (metrics.total - metrics.step)
        print(
            f"step {metrics.step}/{metrics.total}  loss {metrics.values['loss']:.3f}  "
            f"{metrics.values['tokens_per_second']:.0f} tokens/s  {left / 60:.1f} min left",
            flush=True,
        )

    return on_step
