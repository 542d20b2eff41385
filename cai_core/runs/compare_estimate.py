"""How much of a comparison will be recalled: told beforehand from the draws, without a model.

Principles are drawn by hash, so it is known which rows draw one that says something else. What is told is exact, but
for rows that fail or are cut at the token limit, and for texts that come out the same under another principle.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from cai_core.chains.critique_revision import chain_key
from cai_core.chains.few_shots import draw_prefixes, prefix_of
from cai_core.config import ChainsConfig, LabelsConfig
from cai_core.constitution.draw import Half, draw_principle
from cai_core.evaluation.battles import AXIS_OF
from cai_core.evaluation.judges import KIND_OF
from cai_core.runs import compare, inputs
from cai_core.runs.compare import VersionComparison
from cai_core.store import comparisons, constitutions, prompts
from cai_core.types import Constitution, Principle, PrincipleKind, Prompt, PromptKind, RunKind

MOST = 500
"""Rows that are looked at; where there are more, every so many-th, and the others are taken to be like them."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the run under B takes over, and what it has to ask."""

    rows: int
    recalled: int
    """Rows that are taken over whole."""
    asked: int
    """Answers that the model still has to give."""


REVISED = PromptKind.RED_TEAM
"""The prompts whose responses are criticised and revised."""
Sides = tuple[Constitution, Constitution]
Prefixes = Sequence[Sequence[object]]


def expected(session: Session, wanted: VersionComparison) -> dict[RunKind, Expected]:
    """For the chains and the labels of a comparison, those that are wanted. Raises as `enqueue_compare` would."""
    wanted = compare.freeze(session, wanted)
    both = tuple(constitutions.load_version(session, ref)[1] for ref in (wanted.a, wanted.b))
    sides = (both[0], both[1])
    found = {}
    if wanted.chains and any(wanted.chains.values()):
        found[RunKind.CHAINS] = _chains(session, wanted, sides)
    if wanted.pairs_from is not None or (wanted.pairs and any(wanted.pairs.values())):
        found[RunKind.LABELS] = _labels(session, wanted, sides)
    return found


def _chains(session: Session, wanted: VersionComparison, sides: Sides) -> Expected:
    config = compare.chains_config(wanted, wanted.a)
    former = compare.finished_chains(session, wanted)
    if former is None:
        ids, _ = inputs.draw_prompts(session, RunKind.CHAINS, config, seed=wanted.seed)
    else:
        ids = prompts.ids_of_run(session, former)
    a, b = (_prefixes(side.few_shots.critique_revision, config, wanted.seed) for side in sides)

    def asked(prompt: Prompt) -> int:
        key = chain_key(prompt, 0)
        same_shots = _prefix(a, key, wanted) == _prefix(b, key, wanted)
        return _asked_by_chain(sides, config, wanted.seed, key, same_shots) if prompt.kind is REVISED else 0

    return _expected([asked(prompt) for _, prompt in prompts.read(session, _some_of(ids))], len(ids))


def _asked_by_chain(sides: Sides, config: ChainsConfig, seed: int, key: str, same_shots: bool) -> int:
    """How many answers differ: from the first request on that is not the same, all."""
    for number in range(1, config.rounds + 1):
        one, other = (_draw(side, None, "critique", seed, key, number) for side in sides)
        left = 2 * (config.rounds - number + 1)
        if not same_shots or one.critique_request != other.critique_request:
            return left
        if one.revision_request != other.revision_request:
            return left - 1
    return 0


def _labels(session: Session, wanted: VersionComparison, sides: Sides) -> Expected:
    config = compare.labels_config(wanted, wanted.a)
    num, keys = _pairs(session, wanted)
    a, b = (_prefixes(side.few_shots.comparison, config, wanted.seed) for side in sides)
    each = []
    for key, kind in keys:
        one, other = (_draw(side, kind, "comparison", wanted.seed, key, 0) for side in sides)
        same = one.comparison == other.comparison and _prefix(a, key, wanted) == _prefix(b, key, wanted)
        each.append(0 if same else 2)
    return _expected(each, num)


def _pairs(session: Session, wanted: VersionComparison) -> tuple[int, Iterable[tuple[str, PrincipleKind]]]:
    """How many pairs there are or will be; of some, the key and the kind of principle that they are labelled under."""
    if wanted.pairs_from is not None:
        ids = comparisons.ids_of_run(session, wanted.pairs_from)
        stored = comparisons.read(session, _some_of(ids))
        return len(ids), [(one.key, _kind(one.comparison.prompt.kind)) for one in stored]
    config = compare.comparisons_config(wanted)
    ids, _ = inputs.draw_prompts(session, RunKind.COMPARISONS, config, seed=wanted.seed)
    return len(ids), [(f"{one.uid}/0", _kind(one.kind)) for _, one in prompts.read(session, _some_of(ids))]


def _kind(kind: PromptKind) -> PrincipleKind:
    return KIND_OF[AXIS_OF[kind]]


def _draw(side: Constitution, kind: PrincipleKind | None, half: Half, seed: int, key: str, number: int) -> Principle:
    return draw_principle(side, kind=kind, half=half, seed=seed, row=key, round=number)


def _prefixes(shots: Sequence[object], config: ChainsConfig | LabelsConfig, seed: int) -> Prefixes:
    return draw_prefixes(shots, count=config.few_shot_prefixes, size=config.few_shots, seed=seed)


def _prefix(prefixes: Prefixes, key: str, wanted: VersionComparison) -> Sequence[object]:
    """The few-shots in front of a row's requests."""
    chosen = prefix_of(key, count=len(prefixes), seed=wanted.seed)
    return () if chosen is None else prefixes[chosen]


def _some_of(ids: Sequence[int]) -> Sequence[int]:
    return ids[:: -(-len(ids) // MOST) or 1]


def _expected(each: Sequence[int], rows: int) -> Expected:
    """Of what was looked at to all rows."""
    scale = rows / len(each) if each else 0.0
    return Expected(rows, round(scale * sum(not one for one in each)), round(scale * sum(each)))
