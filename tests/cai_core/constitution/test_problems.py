"""Problems are found where they are, and exactly where saving would fail."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cai_core.constitution.load import check_constitution
from cai_core.constitution.problems import find_problems
from cai_core.errors import ConstitutionError
from cai_core.types import ComparisonShot, Constitution, CritiqueRevisionShot, FewShots, Principle, assistant, user

GOOD = Constitution("mine", "", (Principle("a", "A", comparison="Which?"), Principle("b", "B", comparison="Which?")))
TEXTS = st.sampled_from(["", " ", "ok", "\x00", "ünï 👍", "a b/@"])
PRINCIPLES = st.builds(
    Principle,
    st.sampled_from(["", "a", "b", "no good"]),
    TEXTS,
    critique_request=TEXTS | st.none(),
    revision_request=TEXTS | st.none(),
    comparison=TEXTS | st.none(),
    tags=st.lists(TEXTS, max_size=2).map(tuple),
    weight=st.sampled_from([0.0, 1.0, float("inf")]),
)
TURNS = st.lists(st.builds(user, TEXTS) | st.builds(assistant, TEXTS), max_size=3).map(tuple)
SHOTS = st.builds(
    FewShots,
    st.lists(st.builds(CritiqueRevisionShot, TURNS, TEXTS, TEXTS, TEXTS, TEXTS), max_size=1).map(tuple),
    st.lists(st.builds(ComparisonShot, TURNS, TEXTS, TEXTS, TEXTS, st.sampled_from("AB")), max_size=1).map(tuple),
)


def places(constitution: Constitution) -> list[tuple[str | None, int, str]]:
    return [(one.list, one.index, one.field) for one in find_problems(constitution)]


@given(st.builds(Constitution, TEXTS, TEXTS, st.lists(PRINCIPLES, max_size=3).map(tuple), SHOTS))
def test_there_is_a_problem_exactly_where_it_cannot_be_saved(constitution: Constitution) -> None:
    try:
        check_constitution(constitution)
        saved = True
    except ConstitutionError:
        saved = False

    assert saved == (find_problems(constitution) == ())


def test_each_is_at_its_place() -> None:
    a, b = GOOD.principles
    shot = ComparisonShot((user(""), assistant("x")), "", "x", "y", "A")
    assert places(GOOD) == []
    assert places(replace(GOOD, name="a/b")) == [(None, 0, "name")]
    assert places(replace(GOOD, principles=())) == [(None, 0, "principles")]
    assert places(replace(GOOD, description="\x00")) == [(None, 0, "description")]
    assert places(replace(GOOD, principles=(a, replace(b, id="a")))) == [
        ("principles", 0, "id"),
        ("principles", 1, "id"),
    ]
    assert places(replace(GOOD, principles=(a, replace(b, comparison=None)))) == [("principles", 1, "half")]
    assert places(replace(GOOD, principles=(a, replace(b, title="", weight=0)))) == [
        ("principles", 1, "title"),
        ("principles", 1, "weight"),
    ]
    found = find_problems(replace(GOOD, few_shots=FewShots(comparison=(shot,))))
    assert [(one.list, one.index, one.field, one.turn) for one in found] == [
        ("comparison", 0, "conversation", 0),
        ("comparison", 0, "comparison", None),
    ]


def test_the_words_suit_a_form() -> None:
    a, _ = GOOD.principles
    half = replace(GOOD, principles=(replace(a, critique_request="What?"),))

    assert find_problems(half)[0].text == "it has a critique request without a revision request; add the other"
    assert find_problems(replace(GOOD, name=""))[0].text == "it is blank; write it"
