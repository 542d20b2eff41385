"""Recall: a task gets what an earlier one was told, where the very same would be sent, and asks the rest."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.chains.critique_revision import CUT, critique_and_revise, plain_sample
from cai_core.chains.few_shots import draw_prefixes
from cai_core.chains.recall import Known, Task, answers_of_chain, recalling
from cai_core.config import ChainsConfig
from cai_core.models.base import sent_hash
from cai_core.models.scripted import ScriptedModel
from cai_core.types import (
    Answer,
    Chain,
    Constitution,
    CritiqueRevisionShot,
    Principle,
    Prompt,
    PromptKind,
    Request,
    RowState,
    Split,
    Text,
    assistant,
    prompt_uid,
    user,
)

TURNS = (user("How do I spy?"),)
PROMPT = Prompt(prompt_uid(TURNS), TURNS, PromptKind.RED_TEAM, Split.TRAIN, "test")
CONFIG = ChainsConfig("c", rounds=4, few_shots=1)
PRINCIPLES = tuple(Principle(f"p{n}", "t", critique_request=f"crit {n}", revision_request=f"rev {n}") for n in range(5))
NOTHING: Known = {}
SHOTS = (CritiqueRevisionShot((user("q"), assistant("a")), "cr", "c", "rr", "r"),)


def chain(constitution: Constitution, config: ChainsConfig = CONFIG, seed: int = 7) -> Task[Chain]:
    shots = constitution.few_shots.critique_revision
    prefixes = draw_prefixes(shots, count=config.few_shot_prefixes, size=config.few_shots, seed=seed)
    return critique_and_revise(PROMPT, sample=0, constitution=constitution, config=config, prefixes=prefixes, seed=seed)


def of(*principles: Principle, shots: tuple[CritiqueRevisionShot, ...] = SHOTS) -> Constitution:
    base = Constitution("c", "", principles)
    return replace(base, few_shots=replace(base.few_shots, critique_revision=shots))


def told(
    task: Task[Chain], known: Known = NOTHING, fails: bool = False
) -> tuple[Chain, int, list[tuple[str, Request]]]:
    """The chain, how much of it was recalled, and what the model was asked."""
    model = ScriptedModel(seed=3)

    def sent(_: str, request: Request) -> str:
        if fails:
            raise ValueError("a template that raises")
        return sent_hash(model.render(request), request)

    wrapped, asked = recalling(task, known, sent), []
    try:
        part, request = next(wrapped)
        while True:
            asked.append((part, request))
            answer: Answer = next(iter(model.answer([("row", request)])))[1]
            part, request = wrapped.send(answer)
    except StopIteration as stop:
        return *stop.value, asked


def test_the_same_task_asks_nothing() -> None:
    first, recalled, asked = told(chain(of(*PRINCIPLES)))
    assert (recalled, len(asked)) == (0, 9)
    again, recalled, asked = told(chain(of(*PRINCIPLES)), answers_of_chain(first))
    assert (again, recalled, asked) == (first, 9, [])


def test_from_another_principle_on_all_is_asked() -> None:
    first, _, _ = told(chain(of(*PRINCIPLES)))
    changed = first.rounds[2].principle
    reworded = of(*(replace(one, critique_request="other") if one == changed else one for one in PRINCIPLES))
    since = next(one.number for one in first.rounds if one.principle == changed)
    afresh, _, _ = told(chain(reworded))
    again, recalled, asked = told(chain(reworded), answers_of_chain(first))
    assert again == afresh
    assert recalled == 1 + 2 * (since - 1)
    assert len(asked) == 9 - recalled


def test_a_revision_request_alone_leaves_the_critique_as_it_was() -> None:
    first, _, _ = told(chain(of(*PRINCIPLES)))
    reworded = of(*(replace(one, revision_request="other", title="new") for one in PRINCIPLES))
    _, recalled, asked = told(chain(reworded), answers_of_chain(first))
    assert recalled == 2
    assert asked[0][0] == "revision"


def test_titles_and_tags_are_not_sent_and_change_nothing() -> None:
    first, _, _ = told(chain(of(*PRINCIPLES)))
    renamed = of(*(replace(one, title="new", tags=("x",), comparison="Which?") for one in PRINCIPLES))
    again, recalled, asked = told(chain(renamed), answers_of_chain(first))
    assert (recalled, asked) == (9, [])
    assert [one.principle.title for one in again.rounds] == ["new"] * 4


@given(
    st.sets(st.integers(0, 4), min_size=1),
    st.sets(st.integers(0, 4)),
    st.booleans(),
    st.integers(1, 5),
    st.booleans(),
)
def test_what_is_recalled_is_what_would_have_been_said(
    kept: set[int], reworded: set[int], shots: bool, rounds: int, critique: bool
) -> None:
    """Whatever the edit: the same chain as without recall, and never more asked."""
    first, _, _ = told(chain(of(*PRINCIPLES)))
    edited = of(
        *(replace(PRINCIPLES[n], revision_request="other") if n in reworded else PRINCIPLES[n] for n in sorted(kept)),
        shots=SHOTS if shots else (),
    )
    config = replace(CONFIG, rounds=rounds, critique=critique)
    afresh, _, all_asked = told(chain(edited, config))
    again, recalled, asked = told(chain(edited, config), answers_of_chain(first))
    assert again == afresh
    assert recalled + len(asked) == len(all_asked)


def test_a_cut_round_is_asked_again_and_those_after_it_are_not() -> None:
    first, _, _ = told(chain(of(*PRINCIPLES)))
    cut = replace(first, rounds=tuple(replace(one, finished=one.number != 2) for one in first.rounds))
    again, recalled, asked = told(chain(of(*PRINCIPLES)), answers_of_chain(cut))
    assert again == first
    assert (recalled, [part for part, _ in asked]) == (7, ["critique", "revision"])


@pytest.mark.parametrize("state", [RowState.FAILED, RowState.TOO_LONG])
def test_of_a_chain_that_ended_early_nothing_is_known(state: RowState) -> None:
    first, _, _ = told(chain(of(*PRINCIPLES)))
    assert answers_of_chain(replace(first, state=state)) == {}


def test_a_plain_sample_keeps_that_it_was_cut() -> None:
    helpful = replace(PROMPT, kind=PromptKind.HELPFUL)
    first = Chain(helpful, 0, 1, "so far", (), RowState.DONE, None, sent="x", error=CUT)
    known = answers_of_chain(first)
    assert known == {("response", 1): Text("so far", False, 0, "x")}
    again = told(plain_sample(helpful, sample=0, config=CONFIG, seed=7))[0]
    recalled = told(plain_sample(helpful, sample=0, config=CONFIG, seed=7), answers_of_chain(again))
    assert recalled == (again, 1, [])


def test_what_cannot_be_rendered_is_asked() -> None:
    first, _, _ = told(chain(of(*PRINCIPLES)))
    again, recalled, asked = told(chain(of(*PRINCIPLES)), answers_of_chain(first), fails=True)
    assert (again, recalled, len(asked)) == (first, 0, 9)


def test_a_task_given_up_is_closed() -> None:
    ended = []

    def task() -> Task[int]:
        try:
            yield "response", PROMPT  # type: ignore[misc]
        finally:
            ended.append(True)
        return 0

    wrapped = recalling(task(), {}, lambda _: "")
    next(wrapped)
    wrapped.close()
    assert ended == [True]
