"""Critique and revision (paper section 3.1), as a generator that asks and is answered.

`critique_and_revise` yields (part, request), receives the `Answer` and returns its `Chain`; it holds no model, so many
chains run at once and a resumed one asks exactly what it asked before. Each round starts afresh from few-shots,
conversation and current response: the revision replaces the response and earlier critiques leave the context.
"""

from collections.abc import Generator, Sequence
from typing import Literal

from cai_core.chains.few_shots import prefix_of
from cai_core.chains.templates import critique_turns, revision_turns, shot_turns
from cai_core.config import ChainsConfig
from cai_core.constitution.draw import draw_principle
from cai_core.types import (
    Answer,
    Chain,
    Constitution,
    Conversation,
    CritiqueRevisionShot,
    Failed,
    Failure,
    Principle,
    Prompt,
    Request,
    Role,
    Round,
    RowState,
    Sample,
    Text,
    assistant,
    derive_seed,
)

Part = Literal["response", "critique", "revision"]
Asking = Generator[tuple[str, Request], Answer, Text | Failed]
Chaining = Generator[tuple[str, Request], Answer, Chain]


def chain_key(prompt: Prompt, sample: int) -> str:
    """The key of a chain: of all draws and seeds that belong to it."""
    return f"{prompt.uid}/{sample}"


def critique_and_revise(
    prompt: Prompt,
    *,
    sample: int,
    constitution: Constitution,
    config: ChainsConfig,
    prefixes: Sequence[Sequence[CritiqueRevisionShot]],
    seed: int,
) -> Chaining:
    """A response, then `config.rounds` rounds; what has no answer ends the chain and keeps the rounds done.

    The initial response is asked for without few-shots: it is what the model says by itself. `seed` is the run's; a
    chain's own seed is the one its initial response was sampled with.
    """
    key = chain_key(prompt, sample)
    chosen = prefix_of(key, count=len(prefixes), seed=seed)
    shots: Conversation = ()
    if chosen is not None:
        shots = tuple(turn for shot in prefixes[chosen] for turn in shot_turns(shot, critique=config.critique))
    own = derive_seed(seed, prompt.uid, sample, 0, "response")
    first = yield from _ask("response", prompt.turns, config, own)
    if isinstance(first, Failed):
        return _failed(prompt, sample, own, first)
    rounds: list[Round] = []
    response, problem = first.text, None
    for number in range(1, config.rounds + 1):
        principle = draw_principle(constitution, kind=None, half="critique", seed=seed, row=key, round=number)
        context = behind(shots, (*prompt.turns, assistant(response)))
        done = yield from _round(number, context, principle, config, prompt, sample, seed, shared_turns(shots, context))
        if isinstance(done, Failed):
            problem = done
            break
        rounds.append(done)
        response = done.revision
    state, error = (RowState.DONE, None) if problem is None else (_STATES[problem.failure], problem.message)
    return Chain(prompt, sample, own, first.text, tuple(rounds), state, chosen, first.sent, error)


def plain_sample(prompt: Prompt, *, sample: int, config: ChainsConfig, seed: int) -> Chaining:
    """A chain without rounds: one response to a helpful prompt, asked for as it stands.

    A response cut at the token limit is marked: `error` says so, and it does not train.
    """
    own = derive_seed(seed, prompt.uid, sample, 0, "response")
    answer = yield from _ask("response", prompt.turns, config, own)
    if isinstance(answer, Failed):
        return _failed(prompt, sample, own, answer)
    cut = None if answer.finished else CUT
    return Chain(prompt, sample, own, answer.text, (), RowState.DONE, None, answer.sent, cut)


CUT = "the response was cut at the token limit"
_STATES = {Failure.TOO_LONG: RowState.TOO_LONG, Failure.FAILED: RowState.FAILED}


def behind(shots: Conversation, conversation: Conversation) -> Conversation:
    """The conversation with few-shots before it; a system turn stays first, where chat templates want it."""
    if conversation and conversation[0].role == Role.SYSTEM:
        return (conversation[0], *shots, *conversation[1:])
    return (*shots, *conversation)


def shared_turns(shots: Conversation, context: Conversation) -> int:
    """How many turns of a context made by `behind` other rows begin with too; none behind a system turn of its own."""
    return len(shots) if context[: len(shots)] == shots else 0


def _round(
    number: int,
    context: Conversation,
    principle: Principle,
    config: ChainsConfig,
    prompt: Prompt,
    sample: int,
    seed: int,
    shared: int,
) -> Generator[tuple[str, Request], Answer, Round | Failed]:
    """One round under a principle; without a critique the revision is asked for at once (paper figure 7)."""
    critique: Text | None = None
    asked = context
    if config.critique:
        asked = critique_turns(context, principle.critique_request or "")
        own = derive_seed(seed, prompt.uid, sample, number, "critique")
        said = yield from _ask("critique", asked, config, own, shared)
        if isinstance(said, Failed):
            return said
        critique = said
    turns = revision_turns(asked, None if critique is None else critique.text, principle.revision_request or "")
    own = derive_seed(seed, prompt.uid, sample, number, "revision")
    revision = yield from _ask("revision", turns, config, own, shared)
    if isinstance(revision, Failed):
        return revision
    return Round(
        number=number,
        principle=principle,
        critique=None if critique is None else critique.text,
        revision=revision.text,
        critique_sent=None if critique is None else critique.sent,
        revision_sent=revision.sent,
        finished=revision.finished and (critique is None or critique.finished),
    )


def _ask(part: Part, turns: Conversation, config: ChainsConfig, seed: int, shared: int = 0) -> Asking:
    answer = yield part, Sample(turns, seed, config.max_new_tokens, config.temperature, shared_turns=shared)
    if not isinstance(answer, Text | Failed):
        raise TypeError(f"a sample was answered with {type(answer).__name__}")
    return answer


def _failed(prompt: Prompt, sample: int, seed: int, failed: Failed) -> Chain:
    return Chain(prompt, sample, seed, None, (), _STATES[failed.failure], error=failed.message)
