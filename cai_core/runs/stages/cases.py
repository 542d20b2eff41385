"""Cases: what a constitution's cases come to under one of its versions."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from cai_core.config import CasesConfig
from cai_core.errors import RunError
from cai_core.evaluation.cases import JUDGE, MODEL, Trial, Trying, prompt_of, trial, try_case
from cai_core.models.base import TextModel
from cai_core.models.drive import drive
from cai_core.models.endpoint_use import BYTES_A_TOKEN, Asked
from cai_core.runs.job import Job
from cai_core.runs.stages.common import expect_use, model_row, text_model
from cai_core.runs.usage import asked_by_chains, asked_by_labels
from cai_core.store import cases, constitutions, runs
from cai_core.store.rows import Rows
from cai_core.types import Case, CaseKind, CaseResult, Comparison
from db.schema import ModelRow

INPUTS = "cases"
"""Where a run's result lists the row ids of its cases."""
WRITTEN = ("response", "critique", "revision", MODEL)
"""What the model is asked for; the rest is the judge's."""


def run(job: Job) -> dict[str, Any]:
    """Try the cases that have no result of this run yet."""
    config = job.config
    assert isinstance(config, CasesConfig)
    constitution = job.constitution()
    stored = Rows(job.workspace, inputs(job, constitution.name), cases.read)
    with job.workspace.reading() as session:
        done = cases.done_ids(session, job.run_id)
        principles = constitutions.principle_ids(session, constitution.principles)
    job.begin("trying cases", done=len(done), total=len(stored))
    under = trial(constitution, config, job.seed)
    models = _models(job, config, under, stored)
    tasks: Iterator[tuple[int, Trying]] = ((one.id, try_case(one.case, under)) for one in stored.without(done))

    def save(session: Session, found: tuple[int, CaseResult]) -> None:
        cases.save_result(session, job.run_id, *found, principles)

    job.store(drive(tasks, models, config.width), save)
    with job.workspace.reading() as session:
        states = cases.states(session, job.run_id)
    return {"rows": sum(states.values()), "states": states}


def inputs(job: Job, constitution: str) -> list[int]:
    """Row ids of the run's cases: all that are not retired at its first start, the same ever after."""
    with job.writing() as session:
        row = runs.get(session, job.run_id)
        if INPUTS not in row.result:
            row.result = {**row.result, INPUTS: cases.ids_of(session, constitution)}
        found: list[int] = row.result[INPUTS]
    if not found:
        raise RunError(f"all cases of {constitution!r} have been retired. Restore or add one, and resume the run.")
    return found


def _models(job: Job, config: CasesConfig, under: Trial, stored: Rows[cases.Stored]) -> dict[str, TextModel]:
    """Who takes which role; the judge is loaded by itself where it is another model and has something to judge."""
    named, judging = model_row(job, config.model), model_row(job, config.judge or config.model)
    shots, few = under.constitution.few_shots, config.few_shots
    longest = "x" * (config.max_new_tokens * BYTES_A_TOKEN // 2)
    prompts = (prompt_of(one.case) for one in stored if one.case.kind is CaseKind.PROMPT)
    pairs = (_pair(one.case) for one in stored if one.case.kind is CaseKind.PAIR)
    hoped = (_pair(one.case, longest) for one in stored if one.case.kind is CaseKind.PROMPT and one.case.hope)
    _expect(job, named, asked_by_chains(under.chains, prompts, shots.critique_revision))
    _expect(job, named, asked_by_labels(pairs, shots.comparison, few), " on pairs")
    judged = asked_by_labels(hoped, shots.comparison, few)
    _expect(job, judging, judged, " as judge")
    model = text_model(job, named, config.width)
    alone = judged.requests and judging.id != named.id
    return {**dict.fromkeys(WRITTEN, model), JUDGE: text_model(job, judging, config.width) if alone else model}


def _expect(job: Job, row: ModelRow, asked: Asked, part: str = "") -> None:
    if asked.requests:
        expect_use(job, row, lambda: asked, part)


def _pair(case: Case, text: str = "") -> Comparison:
    """The two responses that are compared; of a prompt, whose responses are still to be written, `text` for both."""
    return Comparison(prompt_of(case), case.response_a or text, case.response_b or text)
