"""What one attempt at an ask writes, and when: with a model and a clock of the test's own."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from cai_core.chains.asks import chains_of
from cai_core.models.base import OnText
from cai_core.models.scripted import ScriptedModel
from cai_core.runs.warm_answer import EVERY, Answering, AskLost, AskStopped
from cai_core.store import asks
from cai_core.store.workspace import Workspace
from cai_core.types import Answer, Failed, Failure, Request, Text
from tests.cai_core.runs.warming import ask_row, question

STEPS = 40
"""Words that an answer is told in, at most."""


class Together(ScriptedModel):
    """Answers all it can get side by side, a word of each at a time; each word takes half of a commit's time."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.at = 0.0
        self.batches: list[int] = []

    def answer(
        self, requests: Iterable[tuple[str, Request]], *, on_text: OnText | None = None
    ) -> Iterator[tuple[str, Answer]]:
        asked = list(requests)
        self.batches.append(len(asked))
        answers = dict(answer for one in asked for answer in super(Together, self).answer([one]))
        for length in range(1, STEPS + 1):
            self.at += EVERY / 2
            for key, answer in answers.items():
                if isinstance(answer, Text) and on_text is not None:
                    on_text(key, " ".join(answer.text.split()[:length]))
        yield from answers.items()


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[dict[int, Mapping[str, Any]]]:
    """What each transaction wrote."""
    found: list[dict[int, Mapping[str, Any]]] = []
    as_ever = asks.write_parts

    def write(session: Any, ask_id: int, known: Mapping[int, Mapping[str, Any]]) -> None:
        found.append(dict(known))
        as_ever(session, ask_id, known)

    monkeypatch.setattr(asks, "write_parts", write)
    return found


def taken(workspace: Workspace, model: Together, **more: Any) -> tuple[int, Answering]:
    """An ask that is being answered."""
    with workspace.writing() as session:
        ask_id = asks.add(session, question(**more), device="cpu").id
        asks.take(session, "cpu", 1, "")
        principles = {one.slug: one.id for one in asks.principles(asks.get(session, ask_id))}
    return ask_id, Answering(workspace, ask_id, 1, principles=principles, clock=lambda: model.at)


def tried(workspace: Workspace, ask_id: int) -> list[Any]:
    """Its tasks."""
    from cai_core.store.constitutions import load_version

    with workspace.reading() as session:
        ask = asks.to_noun(asks.get(session, ask_id))
        return chains_of(ask, load_version(session, "sandbox")[1] if ask.principles else None)


def test_all_that_can_be_asked_is_asked_in_one_batch(opened: Workspace) -> None:
    model = Together()
    ask_id, answering = taken(opened, model, principle="hacking", principles=("hacking", "theft"), samples=3)
    assert answering.run(tried(opened, ask_id), model) is None
    assert model.batches == [3, 6, 6], "responses once, then each critique, then each revision"


def test_what_grows_side_by_side_is_committed_in_one_transaction_each_tenth_of_a_second(
    opened: Workspace, written: list[dict[int, Mapping[str, Any]]]
) -> None:
    model = Together(script=lambda _request: " ".join(map(str, range(STEPS))))
    ask_id, answering = taken(opened, model, samples=3)
    answering.run(tried(opened, ask_id), model)
    growing = [known for known in written if any("text" in values for values in known.values())]
    assert abs(len(growing) - STEPS / 2) <= 2, "two words of all three lie between two commits"
    assert [known.keys() for known in growing[1:]] == [{0, 1, 2}] * (len(growing) - 1)
    assert len(growing[0]) == 1, "the very first word does not wait"


def test_a_stop_is_heard_between_two_words_and_ends_all(opened: Workspace) -> None:
    model = Together()
    ask_id, answering = taken(opened, model, samples=3)
    with opened.writing() as session:
        asks.get(session, ask_id).stop_requested = True
    with pytest.raises(AskStopped):
        answering.run(tried(opened, ask_id), model)
    assert ask_row(opened, ask_id).state == "stopped"


def test_a_lost_claim_ends_all_and_writes_nothing_more(opened: Workspace) -> None:
    model = Together()
    ask_id, answering = taken(opened, model, samples=2)
    with opened.writing() as session:
        asks.get(session, ask_id).attempt = 2
    with pytest.raises(AskLost):
        answering.run(tried(opened, ask_id), model)
    assert ask_row(opened, ask_id).parts == []


def test_a_part_that_fails_is_kept_with_its_reason_and_the_others_go_on(opened: Workspace) -> None:
    def script(request: Request) -> Answer | None:
        text = str(request.context)
        return Failed(Failure.TOO_LONG, "9 tokens are needed.") if "encourages stealing" in text else None

    model = Together(script=script)
    ask_id, answering = taken(opened, model, principle="hacking", principles=("hacking", "theft"), few_shots=0)
    problem = answering.run(tried(opened, ask_id), model)
    assert problem is not None
    assert problem.startswith("1 of 2 came to nothing: 9 tokens are needed. Shorten the prompt")
    parts = {part.position: part for part in ask_row(opened, ask_id).parts}
    assert (parts[3].failure, parts[3].error, parts[3].text) == ("too_long", "9 tokens are needed.", None)
    assert parts[2].finished, "under the other principle it was revised"
    assert 4 not in parts, "what was not written is not revised"


def test_why_a_model_is_answered_the_slow_way_is_kept(opened: Workspace) -> None:
    model = Together()
    model.plain_because = "its layers are strange"  # type: ignore[attr-defined]
    ask_id, answering = taken(opened, model)
    answering.run(tried(opened, ask_id), model)
    assert ask_row(opened, ask_id).plain_because == "its layers are strange"
