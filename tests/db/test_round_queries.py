"""Sums by round, worked out by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from db.queries.rounds import RoundQuestion, RoundSums, judge_words, paired_sums, round_sums, scores_runs
from tests.rounds_seed import add_rounds
from tests.workspaces import fresh

RUN, SCORES = 11, 12


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rounds") / "workspace"


@pytest.fixture(scope="module")
def filled(seeded: Path) -> Iterator[Session]:
    workspace = fresh(seeded)
    with workspace.writing() as session:
        add_rounds(session, run=RUN, scores=SCORES)
        add_rounds(session, run=13, scores=14, lift=0.5, critique=False)
    with workspace.reading() as session:
        yield session
    workspace.close()


def told(found: list[RoundSums]) -> list[tuple[object, ...]]:
    return [(one.round, one.group, one.prompts, one.n, one.unknown, one.total) for one in found]


def test_scores_by_round_leave_plain_samples_and_unknown_values_out(filled: Session) -> None:
    """Four chains of three prompts; the second prompt has two. Its sums: one 1, two 0 and 0, ..."""
    found = round_sums(filled, RoundQuestion(RUN, "score", SCORES))
    assert told(found) == [(0, None, 3, 4, 0, 1.0), (1, None, 2, 3, 1, 1.0), (2, None, 3, 4, 0, 4.0)]
    last = found[2]  # sums by prompt 1, 2, 1 of 1, 2, 1 values
    assert (last.squares, last.cross, last.sizes) == (6.0, 6.0, 6)
    first = found[0]  # sums 0, 0, 1 of 1, 2, 1 values
    assert (first.squares, first.cross, first.sizes) == (1.0, 1.0, 6)


def test_by_topic_and_by_the_round_s_principle(filled: Session) -> None:
    found = round_sums(filled, RoundQuestion(RUN, "score", SCORES, "topic"))
    assert [(one.group, one.prompts, one.n) for one in found if one.round == 2] == [
        (None, 1, 1), ("fraud", 1, 2), ("privacy", 1, 1),
    ]  # fmt: skip
    found = round_sums(filled, RoundQuestion(RUN, "score", SCORES, "principle"))
    assert told(found) == [(0, None, 3, 4, 0, 1.0), (1, "privacy", 2, 3, 1, 1.0), (2, "fraud", 3, 4, 0, 4.0)]


def test_words_add_up_and_are_unknown_from_where_a_round_was_not_measured(filled: Session) -> None:
    """4, then 6, then 3 words; of the third prompt's chain the last is not known."""
    found = round_sums(filled, RoundQuestion(RUN, "words"))
    assert told(found) == [(0, None, 3, 4, 0, 16.0), (1, None, 3, 4, 0, 24.0), (2, None, 2, 3, 1, 9.0)]


def test_gates_are_shares_of_texts(filled: Session) -> None:
    refused = round_sums(filled, RoundQuestion(RUN, "refusal"))
    assert [(one.round, one.name, one.n, one.total) for one in refused] == [
        (0, "refusal", 4, 4.0), (1, "refusal", 4, 0.0), (2, "refusal", 4, 0.0),
    ]  # fmt: skip
    gates = {(one.round, one.name): one.total for one in round_sums(filled, RoundQuestion(RUN, "gates"))}
    assert {place: total for place, total in gates.items() if total} == {(0, "refusal"): 4.0, (2, "unchanged"): 1.0}
    assert len(gates) == 3 * 8


def test_gold_s_classes_are_shares_of_texts_those_it_cannot_read_among_them(filled: Session) -> None:
    found = round_sums(filled, RoundQuestion(RUN, "classes", SCORES))
    assert {(one.round, one.name): (one.n, one.total) for one in found if one.total} == {
        (0, "complies"): (4, 3.0), (0, "engaged"): (4, 1.0),
        (1, "complies"): (4, 2.0), (1, "engaged"): (4, 1.0), (1, "other"): (4, 1.0),
        (2, "engaged"): (4, 4.0),
    }  # fmt: skip


def test_two_runs_are_compared_prompt_by_prompt(filled: Session) -> None:
    """Half a point more on every prompt whose text could be told in both."""
    one, other = RoundQuestion(RUN, "score", SCORES), RoundQuestion(13, "score", 14)
    found = [(p.round, p.prompts, p.total, p.squares) for p in paired_sums(filled, one, other)]
    assert found == [(0, 3, 0.0, 0.0), (1, 2, 1.0, 0.5), (2, 3, 1.5, 0.75)]
    assert paired_sums(filled, one, RoundQuestion(99, "score", 99)) == []


def test_other_kinds_of_prompts_are_asked_for_by_name(filled: Session) -> None:
    assert told(round_sums(filled, RoundQuestion(RUN, "score", SCORES, None, "helpful"))) == [(0, None, 1, 1, 0, 1.0)]


def test_nothing_gives_nothing(filled: Session) -> None:
    for measure in ("score", "words", "gates", "classes"):
        assert round_sums(filled, RoundQuestion(99, measure, 99)) == []


def test_scores_runs_say_who_judged(filled: Session) -> None:
    assert [(one.id, one.chains, one.judge, one.kind) for one in scores_runs(filled)] == [
        (14, 13, "gold, harmlessness", "gold"), (12, 11, "gold, harmlessness", "gold"),
    ]  # fmt: skip
    assert [one.id for one in scores_runs(filled, RUN)] == [SCORES]
    feedback = {"judge": "feedback", "judge_model": "m", "constitution": "c@2", "axis": "helpfulness"}
    assert judge_words(feedback) == "m under c@2, helpfulness"
    assert judge_words({"judge": "pm", "judge_model": "pm-5", "axis": "harmlessness"}) == "pm-5"
    assert judge_words({"judge": "gold"}) == "gold", "of another's file, which says no more"
