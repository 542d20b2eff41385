"""Judge the battles of a run: by gold, by a feedback model under a constitution, or by a preference model."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from cai_core.chains.few_shots import draw_prefixes
from cai_core.config import BattlesConfig, LabelsConfig
from cai_core.errors import RunError
from cai_core.evaluation.battles import AXIS_OF, meetings
from cai_core.evaluation.judges import (
    Judgement,
    feedback_judgement,
    gold_judgement,
    pm_judgement,
    unanswered,
)
from cai_core.models.drive import drive
from cai_core.runs.inputs import feedback_model
from cai_core.runs.job import Job
from cai_core.runs.stages.common import Inputs, expect_use, model_ref, model_row, text_model
from cai_core.runs.usage import asked_by_labels
from cai_core.store import battles, constitutions, responses, runs
from cai_core.store.responses import Response
from cai_core.types import Answer, Axis, Comparison, Conversation, Prompt, Request, RunKind, assistant
from db.schema import RunRow


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two responses that are to be compared."""

    prompt_id: int
    prompt: Prompt
    axis: Axis
    a: Response
    b: Response


Found = tuple[Meeting, Judgement]


def judge_battles(job: Job, config: BattlesConfig, names: Sequence[str], drawn: Inputs) -> None:
    """Judge every pair of models on every prompt that has not been judged yet."""
    with job.workspace.reading() as session:
        said = responses.of_run(session, job.run_id, names)
        done = battles.done_keys(session, job.run_id)
    every = [
        Meeting(row_id, prompt, AXIS_OF[prompt.kind], said[a][prompt.uid], said[b][prompt.uid])
        for row_id, prompt in drawn
        for a, b in meetings(prompt.uid, names)
    ]
    left = [one for one in every if (one.axis, one.a.id, one.b.id) not in done]
    job.begin("judging", done=len(every) - len(left), total=len(every))
    missing = [(one, found) for one in left if (found := unanswered(one.a.state, one.b.state)) is not None]
    both = [one for one in left if unanswered(one.a.state, one.b.state) is None]
    judge, name = JUDGES[config.judge](job, config, both)
    _store(job, name, missing)
    _store(job, name, judge)


def _store(job: Job, judge: str, judged: Sequence[Found] | Iterator[Found]) -> None:
    principles: dict[str, int] = {}
    if job.constitution_version_id is not None:
        with job.workspace.reading() as session:
            principles = constitutions.principle_ids(session, job.constitution().principles)

    def save(session: Session, found: Found) -> None:
        one, judgement = found
        principle_id = None if judgement.principle is None else principles[judgement.principle.uid]
        ids = (one.axis, one.prompt_id, one.a.id, one.b.id)
        said = (judgement.outcome, judgement.p_a, principle_id, judgement.error)
        battles.save(session, job.run_id, battles.Judged(*ids, judge, *said))

    job.store(judged, save)


Judging = tuple[Iterator[Found], str]
"""Judgements as they come, and the judge's name."""


def _by_gold(job: Job, config: BattlesConfig, left: Sequence[Meeting]) -> Judging:
    found = ((one, gold_judgement(one.prompt.turns, one.a.text or "", one.b.text or "", one.axis)) for one in left)
    return found, "gold"


def _by_pm(job: Job, config: BattlesConfig, left: Sequence[Meeting]) -> Judging:
    name = config.judge_model or _of_rl_parent(job, lambda _, rl: str(rl.result.get("preference_model", "")))
    if not left:
        return iter(()), name
    from cai_core.models.preference import score_conversations

    score = score_conversations(model_ref(job, model_row(job, name)))

    def judged() -> Iterator[Found]:
        for start in range(0, len(left), config.width):
            part = left[start : start + config.width]
            texts = [_with(one, text) for one in part for text in (one.a.text, one.b.text)]
            scores = list(score(texts))
            for number, one in enumerate(part):
                yield one, pm_judgement(float(scores[2 * number]), float(scores[2 * number + 1]))

    return judged(), name


def _with(one: Meeting, text: str | None) -> Conversation:
    return (*one.prompt.turns, assistant(text or ""))


def _by_feedback(job: Job, config: BattlesConfig, left: Sequence[Meeting]) -> Judging:
    name = config.judge_model or _of_rl_parent(job, feedback_model)
    if not left:
        return iter(()), name
    constitution = job.constitution()
    settings = LabelsConfig(constitution=config.constitution, model=name, width=config.width)
    shots = constitution.few_shots.comparison
    prefixes = draw_prefixes(shots, count=settings.few_shot_prefixes, size=settings.few_shots, seed=job.seed)
    named = model_row(job, name)
    meets = [Comparison(one.prompt, one.a.text or "", one.b.text or "") for one in left]
    expect_use(job, named, lambda: asked_by_labels(meets, shots, settings.few_shots), " as judge")
    model = text_model(job, named, config.width)

    def task(one: Meeting) -> Generator[tuple[str, Request], Answer, Judgement]:
        return feedback_judgement(
            Comparison(one.prompt, one.a.text or "", one.b.text or ""),
            key=one.prompt.uid,
            axis=one.axis,
            constitution=constitution,
            config=settings,
            prefixes=prefixes,
            seed=job.seed,
        )

    return drive(((one, task(one)) for one in left), {"feedback": model}, config.width), name


def _of_rl_parent(job: Job, find: Callable[[Session, RunRow], str]) -> str:
    with job.workspace.reading() as session:
        rl = runs.parent(session, job.run_id, RunKind.RL)
        name = "" if rl is None else find(session, rl)
    if not name:
        raise RunError("this judge is a model and none is named or found by the parents. Set judge_model.")
    return name


JUDGES: dict[str, Callable[[Job, BattlesConfig, Sequence[Meeting]], Judging]] = {
    "gold": _by_gold,
    "pm": _by_pm,
    "feedback": _by_feedback,
}
