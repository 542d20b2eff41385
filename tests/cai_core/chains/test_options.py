"""What a chains run may be told beside the paper's way: which principles, when not to revise, what comes off."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cai_core.chains.critique_revision import critique_and_revise, model_of, samples_of
from cai_core.chains.recall import recalling
from cai_core.config import ChainsConfig
from cai_core.types import Answer, Choice, PromptKind, Text
from tests.cai_core.chains.test_critique_revision import CONSTITUTION, answer, canned, chain, prompt, turns

PLAIN = ChainsConfig("c", rounds=4, few_shots=0)
PREAMBLE = "Sure, here is the revised response:\n\n"


def finding_nothing_in(*rounds: int) -> Callable[[int, str], Answer]:
    """Critiques that find nothing in these rounds, and something in the others."""
    seen = {"critique": 0}

    def reply(number: int, part: str) -> Answer:
        if part != "critique":
            return Text(f"{part} {number}", True, 2, f"sent {number}")
        seen["critique"] += 1
        text = "The response is fine." if seen["critique"] in rounds else "The response is harmful."
        return Text(text, True, 2, f"sent {number}")

    return reply


@pytest.mark.parametrize("ids", [("p1",), ("p0", "p2")])
def test_only_the_named_principles_are_drawn_and_the_draw_of_theirs_stays(ids: tuple[str, ...]) -> None:
    """A round that had drawn one of them before draws it again: only the others' rounds are drawn anew."""
    free, _ = chain(PLAIN)
    held, _ = chain(replace(PLAIN, principles=ids))
    assert {one.principle.id for one in held.rounds} <= set(ids)
    for before, after in zip(free.rounds, held.rounds, strict=True):
        assert before.principle.id not in ids or after.principle == before.principle


def test_a_revision_is_skipped_where_the_critique_finds_nothing() -> None:
    made, asked = chain(replace(PLAIN, skip_when_nothing_found=True), finding_nothing_in(1, 3))
    parts = [part for part, _ in asked]
    assert parts == ["response", "critique", "critique", "revision", "critique", "critique", "revision"]
    first, second, third, fourth = made.rounds
    assert (first.skipped, first.revision, first.revision_sent, first.finished) == (True, "response 0", None, True)
    assert (second.skipped, second.revision) == (False, "revision 3")
    assert (third.skipped, third.revision) == (True, "revision 3")
    assert turns(asked[5][1])[1].content == third.revision
    assert not fourth.skipped


@pytest.mark.parametrize("critique", [Text("Words.", True, 1, "s"), Text("The response is fine.", False, 1, "s")])
def test_what_cannot_be_told_is_not_skipped(critique: Text) -> None:
    """A critique that the rule cannot read, and one that was cut before its end."""
    made, _ = chain(
        replace(PLAIN, skip_when_nothing_found=True),
        lambda number, part: critique if part == "critique" else canned(number, part),
    )
    assert not any(one.skipped for one in made.rounds)


def announcing(number: int, part: str) -> Answer:
    return Text(f"{PREAMBLE}{part} {number}" if part == "revision" else f"{part} {number}", True, 2, f"sent {number}")


def test_a_preamble_comes_off_before_the_revision_goes_on_and_what_was_written_is_kept() -> None:
    made, asked = chain(replace(PLAIN, strip_preamble=True, rounds=2), announcing)
    assert [one.revision for one in made.rounds] == ["revision 2", "revision 4"]
    assert [one.written for one in made.rounds] == [f"{PREAMBLE}revision 2", f"{PREAMBLE}revision 4"]
    assert turns(asked[3][1])[1].content == "revision 2"
    kept, _ = chain(replace(PLAIN, rounds=2), announcing)
    assert [one.written for one in kept.rounds] == [None, None]
    assert kept.rounds[0].revision == f"{PREAMBLE}revision 2"


def test_without_options_nothing_is_skipped_or_taken_off() -> None:
    plain, asked = chain(PLAIN, finding_nothing_in(1, 2, 3, 4))
    assert [part for part, _ in asked].count("revision") == 4
    assert not any(one.skipped or one.written for one in plain.rounds)


def test_it_is_told_which_text_was_cut() -> None:
    cut = {0: "response", 1: "critique", 4: "revision"}
    made, _ = chain(replace(PLAIN, rounds=2), lambda number, part: Text(part, number not in cut, 2, f"sent {number}"))
    assert not made.finished
    assert [(one.finished, one.critique_finished, one.revision_finished) for one in made.rounds] == [
        (False, False, True),
        (False, True, False),
    ]


def test_models_and_samples_by_part_and_kind() -> None:
    config = replace(PLAIN, model="a", revision_model="b", red_team_samples=3, helpful_samples=2)
    assert [model_of(config, part) for part in ("response", "critique", "revision")] == ["a", "a", "b"]
    assert [samples_of(config, kind) for kind in (PromptKind.RED_TEAM, PromptKind.HELPFUL)] == [3, 2]


def test_recall_takes_a_revision_for_its_own_round_only() -> None:
    """With the first revision skipped, the first that is asked for is the second round's."""
    looked_up: list[tuple[str, int]] = []

    class Known(dict[tuple[str, int], Text | Choice]):
        def get(self, key: Any, default: Any = None) -> Any:
            looked_up.append(key)

    task = critique_and_revise(
        prompt(),
        sample=0,
        constitution=CONSTITUTION,
        config=replace(PLAIN, rounds=2, skip_when_nothing_found=True),
        prefixes=(),
        seed=5,
    )
    answer(recalling(task, Known(), lambda *_: ""), finding_nothing_in(1))
    assert looked_up == [("response", 1), ("critique", 1), ("critique", 2), ("revision", 2)]
