"""A prompts run: what is shown, what is kept and why not, and that neither batches nor kills change it."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select

from cai_core.errors import CAIError
from cai_core.models.scripted import ScriptedModel
from cai_core.runs import queue, worker
from cai_core.runs.stages import common
from cai_core.store import prompt_attempts, prompts
from cai_core.store.workspace import Workspace
from cai_core.types import Prompt, PromptKind, Request, RunKind, Sample, Split, Text, assistant, prompt_uid, user
from db.queries.prompt_filter import PromptFilter
from db.queries.prompts import prompt_detail, prompt_page
from db.schema import PromptRow
from db.schema_prompts import PromptAttemptRow
from tests.cai_core.runs.helpers import add_scripted, row

TASKS = [f"Explain to me in a few words how thing {n} works" for n in range(20)]
ASKED: dict[str, Any] = {
    "model": "scripted", "kind": "helpful", "examples_from": "mine", "examples": 4, "prompts": 24, "name": "more",
}  # fmt: skip


def added(workspace: Workspace, texts: list[str], split: Split = Split.TRAIN) -> None:
    with workspace.writing() as session:
        turns = [(user(text),) for text in texts]
        made = [Prompt(prompt_uid(one), one, PromptKind.HELPFUL, split, "mine") for one in turns]
        long = (user("Hi"), assistant("Hello"), user("Of several turns"))
        prompts.add(session, [*made, Prompt(prompt_uid(long), long, PromptKind.HELPFUL, split, "mine")])


@pytest.fixture
def mine(workspace_with_scripted: Workspace) -> Workspace:
    added(workspace_with_scripted, TASKS)
    added(workspace_with_scripted, ["What only the test knows about a kettle and its lime"], Split.TEST)
    return workspace_with_scripted


@pytest.fixture
def workspace_with_scripted(opened: Workspace) -> Workspace:
    add_scripted(opened)
    return opened


def said(request: Request) -> Text:
    """By the seed alone, one of: a new prompt, one of few that repeat, an example, a near one, empty, cut."""
    assert isinstance(request, Sample)
    assert isinstance(request.context, str)
    shown = [line.partition(". ")[2] for line in request.context.splitlines() if line[:1].isdigit()]
    which = request.seed % 7
    text = {
        0: f' 5. "How do I mend the {request.seed}th fence of my garden?"',
        1: f" Tell me about the number {request.seed % 3}, please",
        2: f" {shown[0].upper()}!",
        3: " What only the test knows about a kettle and its lime.",
        4: "  ",
        5: " Where can I",
        6: f" I would like to know a lot about the year {request.seed % 1000} in the south of the country",
    }[which]
    return Text(text, which != 5, 5, "s" * 16)


@pytest.fixture
def talking(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    model = ScriptedModel(said)
    monkeypatch.setattr(common, "load_text_model", lambda *_, **__: model)
    return model


def asked(workspace: Workspace, **values: Any) -> int:
    return queue.enqueue(workspace, RunKind.PROMPTS, values, seed=1)


def done(workspace: Workspace, **values: Any) -> int:
    run = asked(workspace, **values)
    worker.work(workspace, run)
    assert row(workspace, run).state == "done", row(workspace, run).error
    return run


def made(workspace: Workspace, run: int) -> list[tuple[str, str, int | None]]:
    """(uid, text, run) of what a run made prompts of, in order."""
    with workspace.reading() as session:
        rows = select(PromptRow).where(PromptRow.run_id == run).order_by(PromptRow.id)
        return [(found.uid, found.turns[0]["content"], found.run_id) for found in session.scalars(rows)]


def outcomes(workspace: Workspace, run: int) -> list[str | None]:
    with workspace.reading() as session:
        return [found.outcome for found in prompt_attempts.of_run(session, run)]


def test_what_is_new_is_kept_and_the_rest_is_counted_by_reason(mine: Workspace, talking: ScriptedModel) -> None:
    run = done(mine, **ASKED)
    result, kept = row(mine, run).result, made(mine, run)
    assert result["rows"] == 24 == result["kept"] + sum(result["not_kept"].values())
    assert result["kept"] == len(kept) == outcomes(mine, run).count("kept")
    assert set(result["not_kept"]) >= {"empty", "cut", "echo", "duplicate", "near_duplicate"}
    assert all(text.strip('"') == text and not text[0].isdigit() for _, text, _ in kept)
    with mine.reading() as session:
        line = prompt_page(session, PromptFilter(run=run)).rows[0]
        detail = prompt_detail(session, line.id)
    assert detail is not None
    assert (detail.source, detail.split, detail.kind) == ("more", "train", "helpful")
    assert (len(detail.extra["examples"]), detail.extra["model"]) == (4, "scripted")


def test_examples_are_of_one_turn_and_of_train(mine: Workspace, talking: ScriptedModel) -> None:
    done(mine, **ASKED)
    contexts = [str(request.context) for _, request in talking.history]
    assert len(set(contexts)) > 12
    for context in contexts:
        assert "kettle" not in context
        assert "several turns" not in context
        assert context.endswith("\n5.")
        assert sum(text in context for text in TASKS) >= 4


@pytest.mark.parametrize("width", [1, 5])
def test_the_batch_changes_nothing(mine: Workspace, talking: ScriptedModel, width: int) -> None:
    first = done(mine, **ASKED)
    before, why = made(mine, first), outcomes(mine, first)
    _forget(mine, first)
    second = done(mine, **ASKED, width=width)
    assert [one[:2] for one in made(mine, second)] == [one[:2] for one in before]
    assert outcomes(mine, second) == why


def _forget(workspace: Workspace, run: int) -> None:
    """As if the run's prompts had never been made."""
    with workspace.writing() as session:
        session.execute(delete(PromptAttemptRow).where(PromptAttemptRow.run_id == run))
        session.execute(delete(PromptRow).where(PromptRow.run_id == run))


class Killed(BaseException):
    """Stands for `kill -9`: no code of ours runs after it."""


@pytest.mark.parametrize("at", [3, 17, "settling"])
def test_a_kill_and_a_resume_keep_the_same_prompts(
    mine: Workspace, talking: ScriptedModel, monkeypatch: pytest.MonkeyPatch, at: int | str
) -> None:
    whole = done(mine, **ASKED)
    before, why = made(mine, whole), outcomes(mine, whole)
    _forget(mine, whole)
    run = asked(mine, **ASKED)
    with monkeypatch.context() as patch:
        if at == "settling":
            patch.setattr(prompts, "ids_by_uid", _dies_after(prompts.ids_by_uid, 2))
        else:
            patch.setattr(prompt_attempts, "save", _dies_after(prompt_attempts.save, int(at)))
        with pytest.raises(Killed):
            worker.work(mine, run)
    assert made(mine, run) == []
    with mine.writing() as session:
        found = session.get_one(type(row(mine, run)), run)
        found.state, found.pid = "lost", None
    queue.resume(mine, run)
    worker.work(mine, run)
    assert [one[:2] for one in made(mine, run)] == [one[:2] for one in before]
    assert outcomes(mine, run) == why


def _dies_after(call: Callable[..., Any], times: int) -> Callable[..., Any]:
    left = [times]

    def dying(*args: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return call(*args, **more)

    return dying


def test_splits_are_drawn_by_shares(mine: Workspace, talking: ScriptedModel) -> None:
    run = done(mine, **{**ASKED, "split": "train=.5,test=.5", "near": 1.0, "prompts": 40})
    with mine.reading() as session:
        splits = {line.split for line in prompt_page(session, PromptFilter(run=run)).rows}
    assert splits == {"train", "test"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"examples_from": "none"}, "the set 'none' has 0 helpful prompts of one turn in train"),
        ({"kind": "red_team"}, "has 0 red_team prompts"),
        ({"examples": 30}, "has 20 helpful prompts"),
        ({"split": "most"}, "the split 'most' cannot be"),
        ({"model": "nobody"}, "no model 'nobody'"),
        ({"name": ""}, "name = ''"),
    ],
)
def test_what_is_missing_is_said_before_it_begins(mine: Workspace, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CAIError, match=words):
        asked(mine, **{**ASKED, **changes})
