"""An ask's requests, step by step."""

from dataclasses import replace

import pytest

from cai_core.chains.asks import Asking, Place, chains_of, narrowed
from cai_core.types import (
    Answer,
    Ask,
    AskKind,
    Choice,
    Choose,
    Constitution,
    CritiqueRevisionShot,
    Failed,
    Failure,
    FewShots,
    Principle,
    Sample,
    Text,
    assistant,
    user,
)

SHOT = CritiqueRevisionShot((user("q"), assistant("r")), "Critique?", "c", "Revise.", "v")
ONE, OFF = (
    Principle(id, id, critique_request=f"{id}: what is wrong?", revision_request=f"{id}: mend it.", enabled=id != "off")
    for id in ("one", "off")
)
CONSTITUTION = Constitution("mine", "", (ONE, OFF), FewShots(critique_revision=(SHOT,)))
ASK = Ask(AskKind.CRITIQUE_REVISION, "m", (user("Hello?"),), seed=4, max_new_tokens=9, temperature=0.5, few_shots=1)


def answered(
    ask: Ask, constitution: Constitution | None, *answers: Answer
) -> tuple[list[tuple[str, object]], str | None]:
    """What is asked when these answers come, and the problem in the end."""
    [task] = chains_of(ask, constitution)
    asked = [next(task)]
    for answer in answers:
        try:
            asked.append(task.send(answer))
        except StopIteration as returned:
            return [(place.part, request) for place, request in asked], returned.value
    pytest.fail("it asks for more")


def text(words: str) -> Text:
    return Text(words, True, 1, "hash")


def test_a_principle_that_is_off_can_be_tried_and_no_other_is_drawn() -> None:
    assert narrowed(CONSTITUTION, "off").principles == (replace(OFF, enabled=True),)
    asked, problem = answered(replace(ASK, principles=("off",)), CONSTITUTION, text("r"), text("c"), text("v"))
    assert problem is None
    assert [part for part, _ in asked] == ["response", "critique", "revision"]
    requests = [request for _, request in asked if isinstance(request, Sample)]
    assert requests[0].context == (user("Hello?"),), "the response is what the model says by itself"
    assert requests[1].context[-1] == user("Critique Request: off: what is wrong?")
    assert requests[2].context[-2:] == (assistant("c"), user("Revision Request: off: mend it."))
    assert requests[1].context[0] == user("q"), "a few-shot stands in front"
    assert {(one.max_new_tokens, one.temperature) for one in requests} == {(9, 0.5)}
    assert len({one.seed for one in requests}) == 3


def test_the_response_is_the_same_with_a_principle_and_without() -> None:
    [(_, under), *_], _ = answered(replace(ASK, principles=("one",)), CONSTITUTION, text("r"), text("c"), text("v"))
    [(part, alone)], problem = answered(replace(ASK, kind=AskKind.SAMPLE), None, text("r"))
    assert (part, alone, problem) == ("response", under, None)


def test_a_choice_is_one_request() -> None:
    ask = replace(ASK, kind=AskKind.CHOOSE, options=(" yes", " no"))
    asked, problem = answered(ask, None, Choice((-1.0, -0.5), "hash"))
    assert (asked, problem) == ([("choice", Choose(ask.turns, ask.options))], None)


def test_what_fails_is_the_problem_and_too_long_says_what_to_do() -> None:
    too_long = Failed(Failure.TOO_LONG, "3,000 tokens are needed.")
    _, problem = answered(replace(ASK, principles=("one",)), CONSTITUTION, text("r"), too_long)
    assert problem is not None
    assert problem.startswith("3,000 tokens are needed. Shorten the prompt")
    for kind in (AskKind.SAMPLE, AskKind.CHOOSE):
        _, problem = answered(replace(ASK, kind=kind, options=("a", "b")), None, Failed(Failure.FAILED, "broken"))
        assert problem == "broken"


def following(task: Asking, answer: Answer) -> tuple[Place, object] | None:
    """The task's next request, None at its end."""
    try:
        return task.send(answer)
    except StopIteration:
        return None


def test_every_sample_under_every_principle_has_a_place_of_its_own_and_a_response_is_shared() -> None:
    ask = replace(ASK, samples=2, principles=("one", "off"))
    places: dict[int, Place] = {}
    seeds: dict[int, int] = {}
    for task in chains_of(ask, CONSTITUTION):
        step: tuple[Place, object] | None = next(task)
        while step is not None:
            place, request = step
            assert places.setdefault(place.position, place) == place
            assert isinstance(request, Sample)
            assert seeds.setdefault(place.position, request.seed) == request.seed
            step = following(task, text(place.part))
    assert [places[n] for n in sorted(places)] == [
        Place(0, "response", 0),
        Place(1, "critique", 0, "one"),
        Place(2, "revision", 0, "one"),
        Place(3, "critique", 0, "off"),
        Place(4, "revision", 0, "off"),
        Place(5, "response", 1),
        Place(6, "critique", 1, "one"),
        Place(7, "revision", 1, "one"),
        Place(8, "critique", 1, "off"),
        Place(9, "revision", 1, "off"),
    ]
    assert seeds[0] != seeds[5], "another sample, another seed"
    assert seeds[1] == seeds[3], "a seed is the row's, whatever principle is tried"


def test_of_two_principles_that_go_by_one_id_the_first_is_tried() -> None:
    twice = replace(CONSTITUTION, principles=(ONE, replace(ONE, title="again")))
    assert narrowed(twice, "one").principles == (ONE,)
