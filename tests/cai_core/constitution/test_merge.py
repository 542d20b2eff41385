"""Merging what two people made of one version: nothing of either is lost unseen."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cai_core.constitution.merge import Side, merge
from cai_core.types import ComparisonShot, Constitution, CritiqueRevisionShot, FewShots, Principle, assistant, user

WORDS = st.sampled_from(["", "one", "two", "three"])
PRINCIPLES = st.builds(
    Principle, st.sampled_from("abcdef"), WORDS, comparison=WORDS | st.none(), weight=st.sampled_from([1.0, 2.0])
)
SHOTS = st.builds(lambda text: ComparisonShot((user("q"),), text, "x", "y", "A"), st.sampled_from("12345"))
CONSTITUTIONS = st.builds(
    Constitution,
    WORDS,
    WORDS,
    st.lists(PRINCIPLES, max_size=6, unique_by=lambda one: one.id).map(tuple),
    st.builds(FewShots, st.just(()), st.lists(SHOTS, max_size=4).map(tuple)),
)


def principles(*ids: str, **titles: str) -> tuple[Principle, ...]:
    return tuple(Principle(id, titles.get(id, id), comparison=f"{id}?") for id in ids)


def ids(constitution: Constitution) -> str:
    return "".join(one.id for one in constitution.principles)


BASE = Constitution("c", "about", principles(*"abcd"))


@given(CONSTITUTIONS, CONSTITUTIONS)
def test_against_an_unchanged_side_the_other_holds(base: Constitution, edited: Constitution) -> None:
    for merged in (merge(base, edited, base), merge(base, base, edited), merge(base, edited, edited)):
        assert merged.merged == edited
        assert merged.conflicts == ()


@given(CONSTITUTIONS, CONSTITUTIONS, CONSTITUTIONS)
def test_every_conflict_can_be_chosen_either_way(base: Constitution, mine: Constitution, theirs: Constitution) -> None:
    """Choices change the result and never what there is to choose; no principle comes twice or from nowhere."""
    found = merge(base, mine, theirs)
    assert len({one.key for one in found.conflicts}) == len(found.conflicts)
    for side in Side:
        merged = merge(base, mine, theirs, {one.key: side for one in found.conflicts})
        assert merged.conflicts == found.conflicts
        assert len(set(ids(merged.merged))) == len(merged.merged.principles)
        for one in merged.merged.principles:
            same = [p for p in (*mine.principles, *theirs.principles) if p.id == one.id]
            assert one.title in {p.title for p in same}
            assert one.weight in {p.weight for p in same}
    mirrored = merge(base, theirs, mine)
    assert {one.key for one in mirrored.conflicts} == {one.key for one in found.conflicts}


@given(st.permutations("abcdef"), st.integers(1, 5), WORDS, WORDS)
def test_disjoint_edits_are_both_kept(order: list[str], cut: int, mine: str, theirs: str) -> None:
    base = replace(BASE, principles=principles(*order))
    left, right = set(order[:cut]), set(order[cut:])
    found = merge(
        base,
        replace(base, principles=principles(*order, **dict.fromkeys(left, mine))),
        replace(base, principles=principles(*order, **dict.fromkeys(right, theirs))),
    )
    assert found.conflicts == ()
    assert found.merged.principles == principles(*order, **dict.fromkeys(left, mine), **dict.fromkeys(right, theirs))


def test_one_principle_s_fields_merge_by_themselves() -> None:
    """Mine changed the title, theirs the comparison; both the description."""
    a = BASE.principles[0]
    mine = replace(BASE, description="mine", principles=(replace(a, title="Mine"), *BASE.principles[1:]))
    theirs = replace(BASE, description="theirs", principles=(replace(a, comparison="Theirs?"), *BASE.principles[1:]))

    found = merge(BASE, mine, theirs)

    assert found.merged.principles[0] == replace(a, title="Mine", comparison="Theirs?")
    [conflict] = found.conflicts
    assert (conflict.principle, conflict.field) == (None, "description")
    assert (conflict.base, conflict.mine, conflict.theirs) == ("about", "mine", "theirs")
    assert merge(BASE, mine, theirs, {conflict.key: Side.THEIRS}).merged.description == "theirs"


def test_removed_here_and_changed_there_is_somebody_s_choice() -> None:
    mine = replace(BASE, principles=principles(*"acd"))
    theirs = replace(BASE, principles=principles(*"abcd", b="More of it"))

    found = merge(BASE, mine, theirs)

    [conflict] = found.conflicts
    assert (conflict.principle, conflict.field, conflict.mine) == ("b", "presence", None)
    assert ids(found.merged) == "acd"
    chosen = merge(BASE, mine, theirs, {conflict.key: Side.THEIRS}).merged
    assert (ids(chosen), chosen.principles[1].title) == ("abcd", "More of it")


def test_both_added_one_of_the_same_id() -> None:
    """What they say alike is no question, the rest is."""
    new = Principle("new", "New", comparison="Mine?")
    mine = replace(BASE, principles=(*BASE.principles, new))
    theirs = replace(BASE, principles=(*BASE.principles, replace(new, comparison="Theirs?")))

    [conflict] = merge(BASE, mine, theirs).conflicts

    assert (conflict.principle, conflict.field, conflict.base) == ("new", "comparison", None)


def test_the_order_of_who_moved_holds_and_additions_follow_their_neighbours() -> None:
    def order(mine: str, theirs: str) -> tuple[str, int]:
        found = merge(BASE, replace(BASE, principles=principles(*mine)), replace(BASE, principles=principles(*theirs)))
        return ids(found.merged), len(found.conflicts)

    assert order("dabc", "abxcd") == ("dabxc", 0)
    assert order("abxcd", "dabc") == ("dabxc", 0)
    assert order("xabcd", "abcdy") == ("xabcdy", 0)
    assert order("abd", "abcxd") == ("abxd", 0)
    assert order("dabc", "bacd") == ("dabc", 1)


def test_few_shots_merge_entry_by_entry() -> None:
    """Different ones edited, one added, one removed: all of it holds. The same one edited twice: a choice."""
    a, b, c, d, x, y = (CritiqueRevisionShot((user(text), assistant("r")), "?", "c", "?", "r") for text in "abcdxy")

    def found(mine: str, theirs: str) -> tuple[str, list[str]]:
        named = dict(zip("abcdxy", (a, b, c, d, x, y), strict=True))
        each = [replace(BASE, few_shots=FewShots(tuple(named[one] for one in text))) for text in ("abcd", mine, theirs)]
        result = merge(*each)
        text = "".join(shot.conversation[0].content for shot in result.merged.few_shots.critique_revision)
        return text, [conflict.field for conflict in result.conflicts]

    assert found("xbcd", "abyd") == ("xbyd", [])
    assert found("xbcd", "aycd") == ("xycd", [])
    assert found("bcd", "abcdy") == ("bcdy", [])
    assert found("abcdx", "abcdy") == ("abcdyx", [])
    assert found("abcdxy", "abcdy") == ("abcdyx", [])
    text, conflicts = found("axcd", "aycd")
    assert (text, len(conflicts)) == ("axcd", 1)
    assert conflicts[0].startswith("critique_revision ")
    assert len(found("ad", "abxd")[1]) == 1
