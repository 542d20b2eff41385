"""Generated constitutions with texts that formats may trip over."""

from functools import partial

from hypothesis import strategies as st

from cai_core.types import (
    ComparisonShot,
    Constitution,
    Conversation,
    CritiqueRevisionShot,
    FewShots,
    Principle,
    PrincipleKind,
    assistant,
    user,
)

HOSTILE = [
    "<script>alert(1)</script> ![x](http://example.org/x.png)",
    "{principle} {0} {} {{",
    "\u202eright to left\u202c and \U0001f9d1\u200d\U0001f52c",
    "one\n\nHuman: two\n\nAssistant: three",
    "\n\nCritique:",
    "CritiqueRequest: what? Critique:",
    "Choose. Options:",
    "Options:",
    "a]]]\n (B) [[[b]]]",
    "\n\nHuman:\nSo the answer is: (A)",
    "x\n\n{}\n (A) [[[",
    "H: a\n\nA: b",
    "%TAG ! &anchor *alias !!python/object",
    "#comment: 'quoted' \"twice\" \\n",
    "1e3",
    "null",
    "one\x85two\u2028three\rfour",
    "constitutions",
    "a,b;c\td",
]
plain = st.text("abc XYZ.,é漢", min_size=1, max_size=30).map(str.strip).filter(bool)
words = st.one_of(
    plain,
    st.sampled_from(HOSTILE),
    st.lists(st.one_of(plain, st.sampled_from(HOSTILE)), min_size=2, max_size=3).map("\n\n".join),
    st.text(st.characters(exclude_categories=("Cs", "Cn"), exclude_characters="\x7f\ufffe\uffff", min_codepoint=32)),
)
texts = words.map(str.strip).filter(bool)
slugs = st.one_of(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True),
    st.sampled_from(["comparison0", "comparison1", "critique0", "harmful0", "constitutions", "principles", "format"]),
)


def halves(texts: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.one_of(
        st.fixed_dictionaries({"comparison": texts}),
        st.fixed_dictionaries({"critique_request": texts, "revision_request": texts}, optional={"comparison": texts}),
    )


@st.composite
def principles(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> Principle:
    id = draw(slugs)
    return Principle(
        id,
        draw(texts | st.just(id)),
        draw(st.sampled_from(PrincipleKind)),
        tags=tuple(draw(st.lists(texts, max_size=2))),
        weight=draw(st.sampled_from([1.0, 1.0, 2.5, 1e-9])),
        enabled=draw(st.sampled_from([True, True, True, False])),
        **draw(halves(texts)),
    )


def turns(said: list[str], *, answered: bool) -> Conversation:
    """Turns of alternating speakers, as many as there are texts, or one fewer to end with the right one."""
    wanted = len(said) - (len(said) % 2 == answered)
    said = said[:wanted] if wanted else said * 2
    return tuple((user, assistant)[place % 2](text) for place, text in enumerate(said))


def few_shots(texts: st.SearchStrategy[str]) -> st.SearchStrategy[FewShots]:
    said = st.lists(texts, min_size=1, max_size=4)
    asked, answered = (said.map(partial(turns, answered=one)) for one in (False, True))
    sides = st.sampled_from("AB")
    return st.builds(
        FewShots,
        st.lists(st.builds(CritiqueRevisionShot, answered, texts, texts, texts, texts), max_size=2).map(tuple),
        st.lists(st.builds(ComparisonShot, asked, texts, texts, texts, sides), max_size=2).map(tuple),
        st.lists(st.builds(ComparisonShot, asked, texts, texts, texts, sides, texts), max_size=2).map(tuple),
    )


def constitutions_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Constitution]:
    return st.builds(
        Constitution,
        slugs,
        texts | st.just(""),
        st.lists(principles(texts), min_size=1, max_size=4, unique_by=lambda one: one.id).map(tuple),
        few_shots(texts),
    )


constitutions = constitutions_of(texts)
"""Any at all."""
plain_constitutions = constitutions_of(plain)
"""With nothing in them that any format could mistake for its own marks."""
