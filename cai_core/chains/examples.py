"""What SL-CAI trains on: revisions of rounds 1..n and plain samples of helpful prompts (paper section 3.1).

The initial response to a red-team prompt never trains. What is cut or empty is left out, and counted by reason.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from cai_core.chains.critique_revision import CUT, chain_key
from cai_core.types import Chain, Example, PromptKind, RowState, assistant

TRAINED_REVISION = "trained_revision"
TRAINED_SAMPLE = "trained_sample"
LEFT_OUT_CUT = "left_out_cut"
LEFT_OUT_EMPTY = "left_out_empty"
LEFT_OUT_FAILED = "left_out_failed"
LEFT_OUT_LATER_ROUND = "left_out_later_round"


def sft_examples(chains: Iterable[Chain], *, rounds: int) -> tuple[list[Example], dict[str, int]]:
    """The examples, and how many texts trained or were left out and why. `rounds` 0 takes all rounds.

    Rounds that a failed chain did finish train like any other; the failure itself is counted.
    """
    examples: list[Example] = []
    counts: Counter[str] = Counter()
    for chain in chains:
        for text, key, reason in _texts(chain, rounds):
            counts[reason] += 1
            if reason in (TRAINED_REVISION, TRAINED_SAMPLE):
                turns = (*chain.prompt.turns, assistant(text))
                examples.append(Example(turns, chain.prompt.kind, key))
    return examples, dict(counts)


def _texts(chain: Chain, rounds: int) -> Iterator[tuple[str, str, str]]:
    """Each text of a chain that might train: (text, key, what becomes of it)."""
    name = f"chain {chain_key(chain.prompt, chain.sample)}"
    if chain.state != RowState.DONE:
        yield "", name, LEFT_OUT_FAILED
    for step in chain.rounds:
        finished, wanted = step.finished, rounds == 0 or step.number <= rounds
        reason = _reason(step.revision, finished, TRAINED_REVISION) if wanted else LEFT_OUT_LATER_ROUND
        yield step.revision, f"{name} round {step.number}", reason
    if not chain.rounds and chain.response is not None and chain.prompt.kind != PromptKind.RED_TEAM:
        yield chain.response, f"{name} response", _reason(chain.response, chain.error != CUT, TRAINED_SAMPLE)


def _reason(text: str, finished: bool, trained: str) -> str:
    if not finished:
        return LEFT_OUT_CUT
    return trained if text.strip() else LEFT_OUT_EMPTY
