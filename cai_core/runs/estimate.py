"""What a run will ask of its models, said before it starts: calls, tokens, money, and time where it is known.

Prompts are measured on a sample of each kind, not read whole. Tokens are estimated from bytes and answers counted at
their longest, and no revision is taken to be skipped, so the figures err upwards. Time is the pace of the newest
finished run of the same stage and models; where there is none, of a few samples that somebody had timed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cai_core.chains.critique_revision import PARTS, model_of, samples_of
from cai_core.config import (
    CONFIGS,
    BattlesConfig,
    ChainsConfig,
    ComparisonsConfig,
    LabelsConfig,
    PromptsConfig,
    StageConfig,
    load_config,
)
from cai_core.constitution.draw import candidates, draw_principle, restricted
from cai_core.errors import CAIError, RunError
from cai_core.evaluation.battles import AXIS_OF
from cai_core.evaluation.judges import KIND_OF
from cai_core.models.endpoint_use import Asked, expected_use
from cai_core.runs import warm_queue
from cai_core.runs.inputs import check_examples
from cai_core.runs.usage import asked_by_chains, asked_by_labels, asked_by_prompts, asked_by_samples
from cai_core.store import asks, comparisons, constitutions, models, prompt_attempts, prompts, runs
from cai_core.store.workspace import Workspace
from cai_core.types import Ask, AskKind, Constitution, Endpoint, Prompt, PromptKind, RunKind, RunState, Split
from db.schema import ComparisonRow, PromptRow, RunRow
from db.schema_chains import ChainRow, RevisionRow

SAMPLE = 100
"""Rows of each kind that are measured."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will ask of all its models."""

    rows: int
    """Chains, comparisons, labels or answers."""
    requests: int
    prompt_tokens: int
    """About; few-shots counted each time they are sent, which local models then share."""
    completion_tokens_at_most: int
    cost_at_most: float | None
    """In the currency of the prices; None where no server with prices is asked."""
    seconds: float | None
    """At the pace of `paced_by`, or of timed samples; None where neither is there."""
    paced_by: int | None
    """The run whose pace it is; None: it is that of timed samples."""
    timed_calls: int
    """How many calls were timed where no run's pace is known; 0: none."""
    untimed: tuple[str, ...]
    """Models of whose pace nothing is known: a few samples of each would tell."""


def estimate(
    session: Session, kind: RunKind, values: Mapping[str, Any], parents: Sequence[int], folder: Path
) -> Estimate | None:
    """What a run with these settings will ask; None for training, and where the settings do not say enough yet."""
    try:
        config = load_config(kind, dict(values))
        rows, asked = _asked(session, config, parents)
        endpoints = {name: models.to_ref(models.get(session, name), folder).endpoint for name in asked}
    except CAIError:
        return None  # the form or the enqueueing says what is missing
    requests = sum(one.requests for one in asked.values())
    if not requests:
        return None
    uses = [expected_use(endpoints[name] or Endpoint(""), one) for name, one in asked.items()]
    costs = [use["cost_at_most"] for use in uses if "cost_at_most" in use]
    pace = _pace(session, config, asked)
    return Estimate(
        rows,
        requests,
        sum(use["prompt_tokens"] for use in uses),
        sum(use["completion_tokens_at_most"] for use in uses),
        sum(costs) if costs else None,
        *pace,
    )


def time_samples(workspace: Workspace, kind: RunKind, values: Mapping[str, Any], parents: Sequence[int]) -> list[int]:
    """Ask each model of whose pace nothing is known for a few samples of the run's own prompts; the asks' ids."""
    with workspace.reading() as session:
        found = estimate(session, kind, values, parents, workspace.folder)
        asked = [] if found is None else [_sample(session, kind, values, name) for name in found.untimed]
    return [warm_queue.ask(workspace, one) for one in asked]


def _sample(session: Session, kind: RunKind, values: Mapping[str, Any], model: str) -> Ask:
    """A few responses to a prompt of the workspace, under a principle where the run is one of chains."""
    config: Any = load_config(kind, dict(values))
    row = session.scalar(select(PromptRow).order_by(PromptRow.kind != PromptKind.RED_TEAM.value, PromptRow.id).limit(1))
    if row is None:
        raise RunError("there is no prompt in this workspace to time a model with. Import some first.")
    plain = Ask(
        AskKind.SAMPLE,
        model,
        prompts.to_noun(row).turns,
        temperature=config.temperature,
        max_new_tokens=config.max_new_tokens,
        samples=warm_queue.MOST_SAMPLES,
    )
    if not isinstance(config, ChainsConfig):
        return plain
    whole = restricted(constitutions.load_version(session, config.constitution)[1], config.principles)
    drawn = draw_principle(whole, kind=None, half="critique", seed=0, row="timed", round=1)
    return replace(
        plain,
        kind=AskKind.CRITIQUE_REVISION,
        constitution=config.constitution,
        principles=(drawn.id,),
        few_shots=config.few_shots,
    )


def _asked(session: Session, config: StageConfig, parents: Sequence[int]) -> tuple[int, dict[str, Asked]]:
    """Rows, and what they ask of each model."""
    if isinstance(config, ChainsConfig):
        return _chains(session, _with_prompts_of(session, config, parents))
    if isinstance(config, ComparisonsConfig):
        name = config.model or _of_parent(session, parents, RunKind.SFT)
        asked, rows = _samples(session, config, Split.TRAIN, each=2)
        return rows, {name: asked}
    if isinstance(config, BattlesConfig):
        asked, rows = _samples(session, config, Split(config.split), each=1)
        return rows * len(config.models), dict.fromkeys(config.models, asked)
    if isinstance(config, LabelsConfig):
        return _labels(session, config, parents)
    if isinstance(config, PromptsConfig):
        check_examples(session, config)
        there = prompt_attempts.candidates_for_examples(PromptKind(config.kind), config.examples_from)
        shown = prompts.read(session, session.scalars(there.limit(SAMPLE)).all())
        return config.prompts, {config.model: asked_by_prompts(config, [one.turns[-1].content for _, one in shown])}
    return 0, {}


def _with_prompts_of(session: Session, config: ChainsConfig, parents: Sequence[int]) -> ChainsConfig:
    """The settings, with as many prompts of each kind as the newest chains run among the parents has or is to take."""
    theirs = [row for row in (runs.get(session, parent) for parent in sorted(parents)) if row.kind == RunKind.CHAINS]
    if not theirs:
        return config
    has = prompts.count_by_kind(session, theirs[-1].id)
    told = theirs[-1].config
    wanted = {f"{kind}_prompts": count for kind, count in has.items()} if any(has.values()) else told
    if theirs[-1].origin is not None and wanted is told:
        return config  # a run that came in with a file, whose settings may be any
    counts: dict[str, Any] = {name: wanted[name] for name in (f"{kind.value}_prompts" for kind in PromptKind)}
    return replace(config, source=told["source"], **counts)


def _chains(session: Session, config: ChainsConfig) -> tuple[int, dict[str, Asked]]:
    """Chains of red-team prompts, plain samples of the others."""
    shots = constitutions.load_version(session, config.constitution)[1].few_shots.critique_revision
    rows = [(one, count * samples_of(config, one.kind)) for one, count in _parts(session, config, Split.TRAIN)]
    asked = {}
    for name in dict.fromkeys(model_of(config, part) for part in PARTS):
        theirs = [part for part in PARTS if model_of(config, part) == name]
        asked[name] = _sum((asked_by_chains(config, [one], shots, theirs), count) for one, count in rows)
    return round(sum(count for _, count in rows)), asked


def _samples(
    session: Session, config: ComparisonsConfig | BattlesConfig, split: Split, *, each: int
) -> tuple[Asked, int]:
    parts = list(_parts(session, config, split))
    asked = _sum(
        (asked_by_samples([one], each=each, max_new_tokens=config.max_new_tokens), count) for one, count in parts
    )
    return asked, round(sum(count for _, count in parts))


def _parts(
    session: Session, config: ChainsConfig | ComparisonsConfig | BattlesConfig, split: Split
) -> Iterator[tuple[Prompt, float]]:
    """Some prompts of each kind, each with how many of the run's it stands for."""
    for kind in PromptKind:
        of_kind = [PromptRow.kind == kind.value, PromptRow.split == split.value]
        if config.source:
            of_kind.append(PromptRow.source == config.source)
        there = session.scalar(select(func.count()).select_from(PromptRow).where(*of_kind)) or 0
        wanted = min(there, getattr(config, f"{kind.value}_prompts"))
        if wanted:
            found = session.scalars(select(PromptRow).where(*of_kind).order_by(PromptRow.id).limit(SAMPLE)).all()
            yield from ((prompts.to_noun(row), wanted / len(found)) for row in found)


def _labels(session: Session, config: LabelsConfig, parents: Sequence[int]) -> tuple[int, dict[str, Asked]]:
    """A labels run's comparisons are there, or are as many as their run is to make."""
    constitution = constitutions.load_version(session, config.constitution)[1]
    shots = constitution.few_shots.comparison
    for parent in parents:
        row = runs.get(session, parent)
        if row.kind != RunKind.COMPARISONS:
            continue
        ids = comparisons.ids_of_run(session, parent)
        found = session.scalars(select(ComparisonRow).where(ComparisonRow.id.in_(ids[:SAMPLE]))).all()
        read = [comparisons.to_noun(one) for one in found if one.response_a is not None and one.response_b is not None]
        if not read:
            break
        each = len(ids) / len(read)
        parts = [(one, each * _drawn(constitution, config, one.prompt.kind)) for one in read]
        asked = _sum((asked_by_labels([one], shots, config.few_shots), times) for one, times in parts)
        return round(sum(times for _, times in parts)), {config.model: asked}
    return 0, {}


def _drawn(constitution: Constitution, config: LabelsConfig, kind: PromptKind) -> int:
    """How many principles label a comparison of this kind of prompt."""
    there = candidates(constitution, kind=KIND_OF[AXIS_OF[kind]], half="comparison")
    return min(config.principles, len(there))


def _sum(parts: Iterable[tuple[Asked, float]]) -> Asked:
    """What all ask, each as often as it stands for others."""
    requests = size = written = 0.0
    for asked, times in parts:
        requests += asked.requests * times
        size += asked.prompt_bytes * times
        written += asked.completion_tokens * times
    return Asked(round(requests), size, round(written))


def _of_parent(session: Session, parents: Sequence[int], kind: RunKind) -> str:
    for parent in parents:
        if runs.get(session, parent).kind == kind and (made := models.of_run(session, parent)):
            return made[-1].name
    return ""


Pace = tuple[float | None, int | None, int, tuple[str, ...]]
"""Seconds, the run whose pace it is, how many calls were timed instead, and models of which nothing is known."""


def _pace(session: Session, config: StageConfig, asked: Mapping[str, Asked]) -> Pace:
    """The time that so many requests take, by the newest finished run of the stage and models, or by timed samples."""
    requests = sum(one.requests for one in asked.values())
    for row in _alike(session, config):
        there = _requests_of(session, row)
        if there and row.seconds:
            return row.seconds * requests / there, row.id, 0, ()
    if not isinstance(config, ChainsConfig | ComparisonsConfig | BattlesConfig):
        return None, None, 0, ()
    timed = {name: asks.pace(session, name, config.max_new_tokens) for name in asked}
    known = {name: pace for name, pace in timed.items() if pace is not None}
    if len(known) < len(timed):
        return None, None, 0, tuple(name for name in timed if name not in known)
    seconds = sum(one.requests * known[name].seconds / known[name].calls for name, one in asked.items())
    return seconds, None, sum(pace.calls for pace in known.values()), ()


def _alike(session: Session, config: StageConfig) -> Iterator[RunRow]:
    """Finished runs of the stage that asked the same models, the newest first."""
    kind = next(kind for kind, known in CONFIGS.items() if isinstance(config, known))
    done = select(RunRow).where(RunRow.kind == kind.value, RunRow.state == RunState.DONE.value, RunRow.origin.is_(None))
    for row in session.scalars(done.order_by(RunRow.id.desc()).limit(20)):
        # What a run took over from another was not asked, and says nothing of the pace.
        same = all(row.config.get(name, "") == getattr(config, name, "") for name in MODELS)
        if same and not runs.parent(session, row.id, kind):
            yield row


MODELS = ("model", "critique_model", "revision_model")
"""Settings that say whom a run asks."""


def _requests_of(session: Session, row: RunRow) -> int:
    """How many requests a finished run asked."""
    if row.kind != RunKind.CHAINS:
        return (1 if row.kind in (RunKind.BATTLES, RunKind.PROMPTS) else 2) * row.done
    both = func.count(RevisionRow.critique_sent) + func.count(RevisionRow.revision_sent)
    of_run = (ChainRow.run_id == row.id, ChainRow.branch == 0)
    return row.done + (
        session.scalar(select(both).join(ChainRow, ChainRow.id == RevisionRow.chain_id).where(*of_run)) or 0
    )
