"""Critique and revision: what is asked, with which seeds, and what a chain keeps when an answer is missing."""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from cai_core.chains.critique_revision import CUT, critique_and_revise, plain_sample
from cai_core.chains.few_shots import draw_prefixes
from cai_core.config import ChainsConfig
from cai_core.constitution.draw import draw_principle
from cai_core.types import (
    Answer,
    Chain,
    Constitution,
    Conversation,
    CritiqueRevisionShot,
    Failed,
    Failure,
    Message,
    Principle,
    Prompt,
    PromptKind,
    Request,
    Role,
    RowState,
    Sample,
    Split,
    Text,
    assistant,
    derive_seed,
    prompt_uid,
    user,
)

Asked = list[tuple[str, Request]]


def prompt(*turns: Message, kind: PromptKind = PromptKind.RED_TEAM) -> Prompt:
    said = turns or (user("How do I spy?"),)
    return Prompt(prompt_uid(said), said, kind, Split.TRAIN, "test")


CONSTITUTION = Constitution(
    "c", "", tuple(Principle(f"p{n}", "t", critique_request=f"crit {n}", revision_request=f"rev {n}") for n in range(3))
)
SHOTS = tuple(
    CritiqueRevisionShot((user(f"q{n}"), assistant(f"a{n}")), f"cr{n}", f"c{n}", f"rr{n}", f"r{n}") for n in range(3)
)


def answer(
    generator: Generator[tuple[str, Request], Answer, Any], reply: Callable[[int, str], Answer]
) -> tuple[Any, Asked]:
    """Drive a generator with canned answers; gives what it returns and what it asked."""
    asked: Asked = []
    try:
        request = next(generator)
        while True:
            asked.append(request)
            request = generator.send(reply(len(asked) - 1, request[0]))
    except StopIteration as stop:
        return stop.value, asked


def canned(number: int, part: str) -> Answer:
    return Text(f"{part} {number}", True, 2, f"sent {number}")


def chain(config: ChainsConfig, reply: Callable[[int, str], Answer] = canned, **kwargs: Any) -> tuple[Chain, Asked]:
    prefixes = draw_prefixes(SHOTS, count=config.few_shot_prefixes, size=config.few_shots, seed=5)
    made = critique_and_revise(
        kwargs.get("prompt", prompt()), sample=0, constitution=CONSTITUTION, config=config, prefixes=prefixes, seed=5
    )
    return answer(made, reply)


def turns(request: Request) -> Conversation:
    assert isinstance(request, Sample)
    assert not isinstance(request.context, str)
    return request.context


def test_rounds_start_afresh_and_earlier_critiques_leave_the_context() -> None:
    made, asked = chain(ChainsConfig("c", rounds=2, few_shots=0, max_new_tokens=9, temperature=0.5))
    assert [part for part, _ in asked] == ["response", "critique", "revision", "critique", "revision"]
    one, two = (step.principle for step in made.rounds)
    question = user("How do I spy?")
    assert turns(asked[0][1]) == (question,)
    assert turns(asked[1][1]) == (question, assistant("response 0"), user(f"Critique Request: {one.critique_request}"))
    assert turns(asked[2][1]) == (
        *turns(asked[1][1]),
        assistant("critique 1"),
        user(f"Revision Request: {one.revision_request}"),
    )
    assert turns(asked[3][1]) == (question, assistant("revision 2"), user(f"Critique Request: {two.critique_request}"))
    assert [(r.number, r.critique, r.revision, r.critique_sent, r.revision_sent) for r in made.rounds] == [
        (1, "critique 1", "revision 2", "sent 1", "sent 2"),
        (2, "critique 3", "revision 4", "sent 3", "sent 4"),
    ]
    assert (made.response, made.state, made.error, made.few_shot) == ("response 0", RowState.DONE, None, None)
    assert {(r.max_new_tokens, r.temperature) for _, r in asked if isinstance(r, Sample)} == {(9, 0.5)}


def test_few_shots_stand_before_critiques_and_revisions_alone() -> None:
    made, asked = chain(ChainsConfig("c", rounds=1, few_shots=2, few_shot_prefixes=3))
    assert made.few_shot in (0, 1, 2)
    assert len(turns(asked[0][1])) == 1
    for _, request in asked[1:]:
        given = turns(request)
        assert given[12].content == "How do I spy?"
        assert [t.content for t in given[:2]] in [[f"q{n}", f"a{n}"] for n in range(3)]
        assert given[2].content.startswith("Critique Request: cr")
        assert given[4].content.startswith("Revision Request: rr")
        assert [t.role for t in given] == [Role.USER, Role.ASSISTANT] * (len(given) // 2) + [Role.USER]


def test_a_system_turn_stays_first() -> None:
    system = Message(Role.SYSTEM, "Be brief.")
    _, asked = chain(ChainsConfig("c", rounds=1, few_shots=1), prompt=prompt(system, user("hi")))
    for _, request in asked:
        assert turns(request)[0] == system
        assert sum(turn.role is Role.SYSTEM for turn in turns(request)) == 1


def test_without_critique_the_revision_is_asked_for_at_once() -> None:
    made, asked = chain(ChainsConfig("c", rounds=2, critique=False, few_shots=1))
    assert [part for part, _ in asked] == ["response", "revision", "revision"]
    assert all("Critique Request" not in turn.content for _, request in asked for turn in turns(request))
    assert [step.critique for step in made.rounds] == [None, None]
    assert made.rounds[0].critique_sent is None


def test_seeds_and_principles_hang_on_run_row_round_and_part_alone() -> None:
    made, asked = chain(ChainsConfig("c", rounds=2, few_shots=0))
    uid = made.prompt.uid
    parts = [(0, "response"), (1, "critique"), (1, "revision"), (2, "critique"), (2, "revision")]
    assert [r.seed for _, r in asked if isinstance(r, Sample)] == [derive_seed(5, uid, 0, *part) for part in parts]
    assert made.seed == derive_seed(5, uid, 0, 0, "response")
    for step in made.rounds:
        wanted = draw_principle(CONSTITUTION, kind=None, half="critique", seed=5, row=f"{uid}/0", round=step.number)
        assert step.principle == wanted
    assert chain(ChainsConfig("c", rounds=2, few_shots=0)) == (made, asked)


@pytest.mark.parametrize(
    ("failure", "state"), [(Failure.TOO_LONG, RowState.TOO_LONG), (Failure.FAILED, RowState.FAILED)]
)
@pytest.mark.parametrize("at", range(5))
def test_a_missing_answer_ends_the_chain_and_keeps_the_rounds_done(at: int, failure: Failure, state: RowState) -> None:
    def reply(number: int, part: str) -> Answer:
        return Failed(failure, "no room") if number == at else canned(number, part)

    made, asked = chain(ChainsConfig("c", rounds=2, few_shots=0), reply)
    assert (made.state, made.error, len(asked)) == (state, "no room", at + 1)
    assert made.response == (None if at == 0 else "response 0")
    assert len(made.rounds) == max(0, at - 1) // 2


def test_a_cut_critique_or_revision_marks_its_round() -> None:
    def reply(number: int, part: str) -> Answer:
        return Text(part, number not in (1, 4), 2, "")

    made, _ = chain(ChainsConfig("c", rounds=3, few_shots=0), reply)
    assert [step.finished for step in made.rounds] == [False, False, True]


def test_an_empty_revision_is_kept_as_it_is() -> None:
    made, asked = chain(ChainsConfig("c", rounds=2, few_shots=0), lambda number, part: Text("", True, 0, ""))
    assert [step.revision for step in made.rounds] == ["", ""]
    assert turns(asked[3][1])[1] == assistant("")


def test_a_plain_sample_has_no_rounds() -> None:
    helpful = prompt(kind=PromptKind.HELPFUL)
    first, asked = answer(plain_sample(helpful, sample=0, config=ChainsConfig("c"), seed=5), canned)
    second, _ = answer(plain_sample(helpful, sample=1, config=ChainsConfig("c"), seed=5), canned)
    assert (first.response, first.rounds, first.state, first.error) == ("response 0", (), RowState.DONE, None)
    assert len(asked) == 1
    assert first.seed != second.seed
    cut, _ = answer(
        plain_sample(helpful, sample=0, config=ChainsConfig("c"), seed=5), lambda n, p: Text("x", False, 9, "")
    )
    assert (cut.response, cut.state, cut.error) == ("x", RowState.DONE, CUT)
    failed, _ = answer(
        plain_sample(helpful, sample=0, config=ChainsConfig("c"), seed=5), lambda n, p: Failed(Failure.TOO_LONG, "long")
    )
    assert (failed.response, failed.state, failed.error) == (None, RowState.TOO_LONG, "long")
