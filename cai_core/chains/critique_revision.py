"""Critique and revision (paper section 3.1), as a generator that asks and is answered.

`critique_and_revise` yields (part, request), receives the `Answer` and returns its `Chain`; it holds no model, so many
chains run at once and a resumed one asks exactly what it asked before. Each round starts afresh from few-shots,
conversation and current response: the revision replaces the response and earlier critiques leave the context.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cai_core.chains.few_shots import prefix_of
from cai_core.chains.gates import without_preamble
from cai_core.chains.measures import found
from cai_core.chains.templates import critique_turns, revision_turns, shot_turns
from cai_core.config import ChainsConfig
from cai_core.constitution.draw import draw_principle, restricted
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
    PromptKind,
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
PARTS: tuple[Part, ...] = ("response", "critique", "revision")
Asking = Generator[tuple[str, Request], Answer, Text | Failed]
Chaining = Generator[tuple[str, Request], Answer, Chain]


def chain_key(prompt: Prompt, sample: int) -> str:
    """The key of a chain: of all draws and seeds that belong to it."""
    return f"{prompt.uid}/{sample}"


def samples_of(config: ChainsConfig, kind: PromptKind) -> int:
    """How many chains, or plain samples, a prompt of a kind gets."""
    return config.red_team_samples if kind is PromptKind.RED_TEAM else config.helpful_samples


def model_of(config: ChainsConfig, part: str) -> str:
    """Name of the model that is asked for a part."""
    named = {"critique": config.critique_model, "revision": config.revision_model}
    return named.get(part, "") or config.model


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
    own = derive_seed(seed, prompt.uid, sample, 0, "response")
    first = yield from ask("response", prompt.turns, config, own)
    if isinstance(first, Failed):
        return _failed(prompt, sample, own, first)
    drawn_from = restricted(constitution, config.principles)

    def principle(number: int) -> Principle:
        return draw_principle(drawn_from, kind=None, half="critique", seed=seed, row=key, round=number)

    setting = Setting(prompt, sample, config, shots_of(prefixes, chosen, critique=config.critique), seed)
    chain = Chain(prompt, sample, own, first.text, (), RowState.DONE, chosen, first.sent, finished=first.finished)
    return (yield from go_on(chain, setting, principle))


def plain_sample(prompt: Prompt, *, sample: int, config: ChainsConfig, seed: int) -> Chaining:
    """A chain without rounds: one response to a helpful prompt, asked for as it stands.

    A response cut at the token limit is marked: `error` says so, and it does not train.
    """
    own = derive_seed(seed, prompt.uid, sample, 0, "response")
    answer = yield from ask("response", prompt.turns, config, own)
    if isinstance(answer, Failed):
        return _failed(prompt, sample, own, answer)
    cut = None if answer.finished else CUT
    return Chain(
        prompt, sample, own, answer.text, (), RowState.DONE, sent=answer.sent, error=cut, finished=answer.finished
    )


CUT = "the response was cut at the token limit"
STATES = {Failure.TOO_LONG: RowState.TOO_LONG, Failure.FAILED: RowState.FAILED}


@dataclass(frozen=True, slots=True)
class Setting:
    """What all rounds of a chain share."""

    prompt: Prompt
    sample: int
    config: ChainsConfig
    shots: Conversation
    seed: int
    """The run's."""
    branch: int = 0
    """Its number is in the seeds of what is asked for it."""

    def seed_of(self, number: int, part: Part) -> int:
        """The seed of one request of a round."""
        mark = ("branch", self.branch) if self.branch else ()
        return derive_seed(self.seed, self.prompt.uid, self.sample, number, part, *mark)


def go_on(chain: Chain, setting: Setting, principle: Callable[[int], Principle]) -> Chaining:
    """The chain with the rounds that it lacks, each under the principle of its number."""
    rounds, problem = list(chain.rounds), None
    for number in range(len(rounds) + 1, setting.config.rounds + 1):
        response = rounds[-1].revision if rounds else chain.response or ""
        done = yield from one_round(number, response, principle(number), setting)
        if isinstance(done, Failed):
            problem = done
            break
        rounds.append(done)
    state, error = (RowState.DONE, None) if problem is None else (STATES[problem.failure], problem.message)
    return replace(chain, rounds=tuple(rounds), state=state, error=error)


def one_round(
    number: int, response: str, principle: Principle, setting: Setting, given: Text | None = None
) -> Generator[tuple[str, Request], Answer, Round | Failed]:
    """One round under a principle; without a critique the revision is asked for at once (paper figure 7).

    `given` is a critique that is not asked for, as somebody wrote it.
    """
    config = setting.config
    context = context_of(setting.shots, setting.prompt, response)
    shared, asked, critique = shared_turns(setting.shots, context), context, given
    if config.critique or given is not None:
        asked = critique_turns(context, principle.critique_request or "")
    if config.critique and given is None:
        said = yield from ask("critique", asked, config, setting.seed_of(number, "critique"), shared)
        if isinstance(said, Failed):
            return said
        critique = said
        if config.skip_when_nothing_found and said.finished and found(said.text) is False:
            return Round(number, principle, said.text, response, said.sent, None, skipped=True)
    turns = revision_turns(asked, None if critique is None else critique.text, principle.revision_request or "")
    revision = yield from ask("revision", turns, config, setting.seed_of(number, "revision"), shared)
    if isinstance(revision, Failed):
        return revision
    kept = without_preamble(revision.text) if config.strip_preamble else revision.text
    return Round(
        number=number,
        principle=principle,
        critique=None if critique is None else critique.text,
        revision=kept,
        critique_sent=None if critique is None else critique.sent or None,
        revision_sent=revision.sent,
        finished=revision.finished and (critique is None or critique.finished),
        critique_finished=critique is None or critique.finished,
        revision_finished=revision.finished,
        written=None if kept == revision.text else revision.text,
    )


def shots_of(prefixes: Sequence[Sequence[CritiqueRevisionShot]], chosen: int | None, *, critique: bool) -> Conversation:
    """The few-shots of a chain that takes this prefix, as turns."""
    if chosen is None:
        return ()
    return tuple(turn for shot in prefixes[chosen] for turn in shot_turns(shot, critique=critique))


def context_of(shots: Conversation, prompt: Prompt, response: str) -> Conversation:
    """What a round starts from: few-shots, conversation, current response."""
    return behind(shots, (*prompt.turns, assistant(response)))


def behind(shots: Conversation, conversation: Conversation) -> Conversation:
    """The conversation with few-shots before it; a system turn stays first, where chat templates want it."""
    if conversation and conversation[0].role == Role.SYSTEM:
        return (conversation[0], *shots, *conversation[1:])
    return (*shots, *conversation)


def shared_turns(shots: Conversation, context: Conversation) -> int:
    """How many turns of a context made by `behind` other rows begin with too; none behind a system turn of its own."""
    return len(shots) if context[: len(shots)] == shots else 0


def ask(part: Part, turns: Conversation, config: ChainsConfig, seed: int, shared: int = 0) -> Asking:
    """Ask for one text; `shared` turns of the beginning are other rows' as well."""
    answer = yield part, Sample(turns, seed, config.max_new_tokens, config.temperature, shared_turns=shared)
    if not isinstance(answer, Text | Failed):
        raise TypeError(f"a sample was answered with {type(answer).__name__}")
    return answer


def _failed(prompt: Prompt, sample: int, seed: int, failed: Failed) -> Chain:
    return Chain(prompt, sample, seed, None, (), STATES[failed.failure], error=failed.message)
