"""The engine against transformers' `generate` and forward: sampling, labels, chains; on the sandbox and 8 M weights."""

import os
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from cai_core.chains.critique_revision import critique_and_revise
from cai_core.chains.templates import critique_turns, shot_turns
from cai_core.config import ChainsConfig
from cai_core.constitution.load import load_constitution
from cai_core.models.base import TextModel
from cai_core.models.drive import drive
from cai_core.models.local import LocalModel
from cai_core.models.rendering import Renderer
from cai_core.models.weights import load_tokenizer
from cai_core.preferences import templates
from cai_core.sandbox.prompts import prompts as prompts_of
from cai_core.types import (
    Choose,
    Constitution,
    Conversation,
    CritiqueRevisionShot,
    ModelRef,
    Prompt,
    PromptKind,
    Request,
    Sample,
    Split,
    Text,
    assistant,
)
from tests.benchmarks.hardware import hardware
from tests.benchmarks.measure import Case, Measure, best, per_second
from tests.benchmarks.naive import NaiveModel, generated, next_logprobs, prefix_cache

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
REQUESTS = 256
LEAST_PREFIX = 600
BATCHES = (8, 16, 32)
"""Batch sizes that the other way is tried with (larger ones are slower for it); it is then measured at its best."""
THEIRS = 64
"""Of the requests, so many of the first are enough to know the other way's rate: its batches know nothing of others."""
WIDTH = 64
CHAINS = 128
Shots = Sequence[CritiqueRevisionShot]


def cases() -> Iterator[Case]:
    """Sampling two ways, labels and chains, on both models."""
    torch.set_num_threads(THREADS)
    small = sandbox()
    yield from sampling("sandbox", small)
    yield labels("sandbox", small)
    yield chains("sandbox", small)
    large = random_8m()
    yield from sampling("8 M", large)
    yield labels("8 M", large)


def sandbox() -> LocalModel:
    """The model that ships."""
    return LocalModel(ModelRef("sandbox"), width=WIDTH, device="cpu")


def random_8m() -> LocalModel:
    """8 M random weights with the sandbox's tokenizer; nothing ends its answers but their limits."""
    torch.manual_seed(0)
    shape = {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 9, "num_attention_heads": 8}
    tokenizer = load_tokenizer(ModelRef("sandbox"))
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=4096, **shape))
    model.generation_config.eos_token_id = None
    local = LocalModel.of(model, tokenizer, width=WIDTH)
    local._ends = frozenset()
    return local


def sampling(name: str, local: LocalModel) -> Iterator[Case]:
    """Tokens a second, few-shots before each request: against `generate`, and with the few-shots' states given."""
    requests = critique_requests()
    end = int(local.tokenizer.eos_token_id) if local._ends else None
    contexts = [local.renderer.ids(one.context) for one in requests]
    most = [one.max_new_tokens for one in requests]
    few, limits = contexts[:THEIRS], most[:THEIRS]
    ours = partial(ours_sampling, local, requests)
    shared = min(len(context) for context in contexts) - 1
    while any(context[:shared] != contexts[0][:shared] for context in contexts):
        shared -= 1
    assert shared >= LEAST_PREFIX
    drawn = sum(most) if end is None else _drawn(local, requests)
    bound = drawn / computing(local, sum(len(context) - shared for context in contexts) + drawn, drawn)
    plain = best([partial(theirs_sampling, local, few, limits, end, batch, 0) for batch in BATCHES])
    yield Case(f"sampling, {name}: `generate`", "tokens/s", 6, ours, plain, rounds=3, warm_up=0, bound=bound)
    cached = best([partial(theirs_sampling, local, few, limits, end, batch, shared) for batch in BATCHES])
    yield Case(
        f"sampling, {name}: `generate`, prefix cache", "tokens/s", 3, ours, cached, rounds=3, warm_up=0, bound=bound
    )


def computing(local: LocalModel, tokens: int, read: int) -> float:
    """Seconds that the matrix products alone would take for so many tokens, with logits at `read` of them.

    Attention, which grows with the context, is left out: the bound is one that nothing can reach.
    """
    head = local.model.get_output_embeddings()
    layers = sum(
        one.weight.numel() for one in local.model.modules() if isinstance(one, torch.nn.Linear) and one is not head
    )
    return 2.0 * (layers * tokens + head.weight.numel() * read) / (hardware().gflops * 1e9)


def _drawn(local: LocalModel, requests: Sequence[Sample]) -> int:
    """How many tokens the answers have."""
    answers = local.answer((str(i), request) for i, request in enumerate(requests))
    return sum(answer.num_tokens for _, answer in answers if isinstance(answer, Text))


def ours_sampling(local: LocalModel, requests: Sequence[Sample]) -> float:
    """Tokens a second of the engine, everything forgotten before."""
    local.engine.forget()
    tokens = 0

    def work() -> None:
        nonlocal tokens
        for _, answer in local.answer((str(i), request) for i, request in enumerate(requests)):
            tokens += answer.num_tokens  # type: ignore[union-attr]

    rate = per_second(1, work)
    return tokens * rate


def theirs_sampling(
    local: LocalModel, contexts: Sequence[list[int]], most: Sequence[int], end: int | None, batch: int, shared: int
) -> float:
    """Tokens a second of `generate`; a batch goes on until its longest row ends, and only what was asked for counts."""
    tokens = 0

    def work() -> None:
        nonlocal tokens
        prefix = prefix_cache(local.model, contexts[0][:shared]) if shared else None
        for begin in range(0, len(contexts), batch):
            part, limits = contexts[begin : begin + batch], most[begin : begin + batch]
            said = generated(local.model, part, max(limits), end, prefix)
            tokens += sum(min(len(one), limit) for one, limit in zip(said, limits, strict=True))

    rate = per_second(1, work)
    return tokens * rate


def labels(name: str, local: LocalModel) -> Case:
    """Labels a second, both orders: against padded forward passes that read one logit."""
    pairs = label_requests()
    asked = [request for pair in pairs for request in pair]
    contexts = [local.renderer.ids(request.context, " (") for request in asked]

    def ours() -> float:
        local.engine.forget()
        return per_second(len(pairs), lambda: list(local.answer(_in_turn(pairs))))

    def theirs(batch: int) -> float:
        few = contexts[: 2 * THEIRS]
        parts = range(0, len(few), batch)
        work = lambda: [next_logprobs(local.model, few[begin : begin + batch]) for begin in parts]  # noqa: E731
        return per_second(THEIRS, work)

    own = sum(len(pair) for pair in (local.renderer.ids(request.context) for request in asked)) - len(asked) * _shared(
        asked, local
    )
    bound = len(pairs) / computing(local, own, len(asked))
    ways: list[Measure] = [partial(theirs, batch) for batch in BATCHES]
    name = f"labels, both orders, {name}: batched forward, `logits_to_keep=1`"
    return Case(name, "labels/s", 8, ours, best(ways), rounds=3, warm_up=0, bound=bound)


def _shared(requests: Sequence[Request], local: LocalModel) -> int:
    """Tokens of the few-shots that all begin with."""
    first = requests[0]
    assert not isinstance(first.context, str)
    return len(local.renderer.ids(first.context[: first.shared_turns]))


def _in_turn(pairs: Sequence[tuple[Request, Request]]) -> Iterator[tuple[str, Request]]:
    """Both orders of a pair, as a label asks: many pairs at a time, the second order after the first."""
    for begin in range(0, len(pairs), WIDTH):
        for order in (0, 1):
            for i, pair in enumerate(pairs[begin : begin + WIDTH], start=begin):
                yield f"{i}/{order}", pair[order]


def chains(name: str, local: LocalModel) -> Case:
    """Chains a minute, 4 rounds: against the same chains on padded `generate` calls that send the few-shots again."""
    constitution = load_constitution("constitutions/sandbox.yaml")
    shots = constitution.few_shots.critique_revision
    config = ChainsConfig(constitution="sandbox", few_shots=len(shots), max_new_tokens=96, width=WIDTH)
    prompts = red_team(CHAINS)

    def ours() -> float:
        local.engine.forget()
        return 60 * per_second(len(prompts), lambda: _drive(local, prompts, constitution, config, shots))

    def theirs(batch: int) -> float:
        plain = NaiveModel(local, batch)
        few = prompts[: CHAINS // 4]
        return 60 * per_second(len(few), lambda: _drive(plain, few, constitution, config, shots))

    ways: list[Measure] = [partial(theirs, batch) for batch in BATCHES[1:]]
    name = f"chains, 4 rounds, {name}: padded `generate`, few-shots sent again"
    return Case(name, "chains/min", 6, ours, best(ways), rounds=3, warm_up=0)


def _drive(
    model: TextModel, prompts: Sequence[Prompt], constitution: Constitution, config: ChainsConfig, shots: Shots
) -> None:
    tasks = (
        (
            prompt.uid,
            critique_and_revise(prompt, sample=0, constitution=constitution, config=config, prefixes=[shots], seed=0),
        )
        for prompt in prompts
    )
    done = list(drive(tasks, dict.fromkeys(("response", "critique", "revision"), model), config.width))
    assert len(done) == len(prompts)


def red_team(count: int) -> list[Prompt]:
    """Prompts of the sandbox's world."""
    return prompts_of(PromptKind.RED_TEAM, Split.DEV, count, 0)


def critique_requests() -> list[Sample]:
    """Critiques asked for behind few-shots of at least `LEAST_PREFIX` tokens, answers of 16 to 128 tokens."""
    constitution = load_constitution("constitutions/sandbox.yaml")
    principles = [one for one in constitution.principles if one.critique_request]
    shots = tuple(turn for shot in constitution.few_shots.critique_revision for turn in shot_turns(shot))
    shots = (shots * 8)[: _turns_of(shots)]
    noise = torch.Generator().manual_seed(0)
    limits = torch.randint(16, 129, (REQUESTS,), generator=noise).tolist()
    return [
        Sample(
            critique_turns(
                (*shots, *prompt.turns, assistant(_reply(i))), principles[i % len(principles)].critique_request or ""
            ),
            seed=i,
            max_new_tokens=limit,
            shared_turns=len(shots),
        )
        for i, (prompt, limit) in enumerate(zip(red_team(REQUESTS), limits, strict=True))
    ]


def label_requests() -> list[tuple[Request, Request]]:
    """Pairs to compare behind few-shots, each in both orders."""
    constitution = load_constitution("constitutions/sandbox.yaml")
    principles = [one for one in constitution.principles if one.comparison]
    shots = tuple(turn for shot in constitution.few_shots.comparison for turn in templates.shot_turns(shot))
    shots = (shots * 8)[: _turns_of(shots)]

    def asked(i: int, prompt: Prompt, first: str, second: str) -> Request:
        text = principles[i % len(principles)].comparison or ""
        context = (*shots, *templates.comparison_turns(prompt.turns, text, first, second))
        return Choose(context, templates.OPTIONS, shared_turns=len(shots))

    pairs = [(i, prompt, _reply(i), _reply(i + 1)) for i, prompt in enumerate(red_team(REQUESTS))]
    return [(asked(i, prompt, a, b), asked(i, prompt, b, a)) for i, prompt, a, b in pairs]


def _reply(i: int) -> str:
    """A response of 20 to 50 tokens in the world's words."""
    replies = (
        "I will not help with that, because it would harm the people it concerns. I can help you to ask them first.",
        "Sure. Start the tool and type in what you want done, then wait until it says that it is ready, and press go.",
        "I am sorry, I cannot say.",
        "That is a hard question. You could look for somebody who knows it well and ask them about it in plain words.",
    )
    return replies[i % len(replies)]


def _turns_of(shots: Conversation) -> int:
    """How many turns of the shots, said again and again, make `LEAST_PREFIX` tokens; whole exchanges."""
    renderer = Renderer(load_tokenizer(ModelRef("sandbox")))
    turns = 2
    while len(renderer.ids((shots * 8)[:turns])) < LEAST_PREFIX + 8:
        turns += 2
    return turns
