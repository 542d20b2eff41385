"""Scores: what a judge makes of each text of a chains run, the initial responses and all revisions."""

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from cai_core.chains.critique_revision import chain_key
from cai_core.chains.few_shots import draw_prefixes
from cai_core.config import LabelsConfig, ScoresConfig
from cai_core.errors import RunError
from cai_core.evaluation.scores import feedback_score, gold_score, pm_score
from cai_core.models.drive import drive
from cai_core.runs.inputs import check_gold_knows
from cai_core.runs.job import Job
from cai_core.runs.stages.common import expect_use, model_ref, model_row, parent_id, text_model
from cai_core.runs.usage import asked_by_labels
from cai_core.store import chains, constitutions, scores
from cai_core.store.rows import Rows
from cai_core.store.scores import Unscored
from cai_core.types import Answer, Axis, Comparison, Request, RunKind, Score, assistant

Found = tuple[Unscored, Score]
Texts = Iterable[Unscored]


def run(job: Job) -> dict[str, Any]:
    """Score the texts that have no score of this run yet."""
    config = job.config
    assert isinstance(config, ScoresConfig)
    parent = parent_id(job, RunKind.CHAINS)
    with job.workspace.reading() as session:
        ids, total = scores.chains_of(session, parent), scores.count_texts(session, parent)
        done = scores.count_done(session, job.run_id)
        sources = chains.sources(session, parent)
    if not ids:
        raise RunError(f"run {parent} has no chains to score. Enqueue a scores run with a chains run that has.")
    if config.judge == "gold":
        check_gold_knows(sources)
    job.begin("scoring", done=done, total=total)
    left = Rows(job.workspace, ids, scores.unscored(job.run_id))
    if done < total:
        job.store(JUDGES[config.judge](job, config, left), _saving(job))
    with job.workspace.reading() as session:
        facts = scores.facts(session, job.run_id)
    return {**facts, "judge": config.judge_model or config.judge}


def _saving(job: Job) -> Callable[[Session, Found], object]:
    principles: dict[str, int] = {}
    if job.constitution_version_id is not None:
        with job.workspace.reading() as session:
            principles = constitutions.principle_ids(session, job.constitution().principles)

    def save(session: Session, found: Found) -> None:
        text, score = found
        scores.save(session, job.run_id, text.chain, text.round, score, principles)

    return save


def _missing(text: Unscored) -> Score | None:
    """The score of a response that is not there."""
    return Score(text.state, error=text.error or "there is no response") if text.text is None else None


def _by_gold(job: Job, config: ScoresConfig, left: Texts) -> Iterator[Found]:
    axis = Axis(config.axis)
    for one in left:
        yield one, _missing(one) or gold_score(one.prompt.turns, one.text or "", axis)


def _by_pm(job: Job, config: ScoresConfig, left: Texts) -> Iterator[Found]:
    from cai_core.models.preference import score_conversations

    score = score_conversations(model_ref(job, model_row(job, config.judge_model)))
    rest = iter(left)
    while part := list(islice(rest, config.width)):
        job.give_way()
        there = [one for one in part if one.text is not None]
        yield from ((one, missing) for one in part if (missing := _missing(one)) is not None)
        values = score([(*one.prompt.turns, assistant(one.text or "")) for one in there])
        yield from ((one, pm_score(float(value))) for one, value in zip(there, values, strict=True))


def _by_feedback(job: Job, config: ScoresConfig, left: Texts) -> Iterator[Found]:
    constitution, axis = job.constitution(), Axis(config.axis)
    settings = LabelsConfig(constitution=config.constitution, model=config.judge_model, width=config.width)
    shots = constitution.few_shots.comparison
    prefixes = draw_prefixes(shots, count=settings.few_shot_prefixes, size=settings.few_shots, seed=job.seed)
    named = model_row(job, config.judge_model)
    expect_use(
        job, named, lambda: asked_by_labels((_pair(one) for one in left if one.round), shots, settings.few_shots)
    )
    model = text_model(job, named, config.width)
    ask = partial(
        feedback_score, axis=axis, constitution=constitution, config=settings, prefixes=prefixes, seed=job.seed
    )

    def task(one: Unscored) -> Generator[tuple[str, Request], Answer, Score]:
        if (missing := _missing(one)) is not None:
            return missing
        return (yield from ask(_pair(one), key=chain_key(one.prompt, one.sample)))

    yield from drive(((one, task(one)) for one in left), {"feedback": model}, config.width)


def _pair(one: Unscored) -> Comparison:
    """The text against the initial response."""
    return Comparison(one.prompt, one.text or "", one.initial or "")


JUDGES: dict[str, Callable[[Job, ScoresConfig, Texts], Iterator[Found]]] = {
    "gold": _by_gold,
    "pm": _by_pm,
    "feedback": _by_feedback,
}
