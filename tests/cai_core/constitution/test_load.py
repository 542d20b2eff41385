"""Constitutions from and to YAML: the shipped files, the README's example, round trips, and a table of errors."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.constitution.draw import candidates
from cai_core.constitution.load import (
    check_constitution,
    constitution_hash,
    dump_constitution,
    load_constitution,
    parse_constitution,
)
from cai_core.constitution.read_yaml import MAX_BYTES
from cai_core.errors import ConstitutionError
from cai_core.types import (
    ComparisonShot,
    Constitution,
    CritiqueRevisionShot,
    FewShots,
    Principle,
    PrincipleKind,
    assistant,
    user,
)

SHIPPED = Path(__file__).parents[3] / "constitutions"
VALID = """\
format: cai-constitution/1
name: small
principles:
  - id: kind
    title: Kindness
    comparison: Which is kinder?
"""

# --- good files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_file_loads_and_comes_back_the_same(path: Path) -> None:
    constitution = load_constitution(path)
    assert constitution.name == path.stem
    assert parse_constitution(dump_constitution(constitution), where="dump") == constitution


def test_harmlessness_has_what_the_paper_has() -> None:
    constitution = load_constitution(SHIPPED / "harmlessness.yaml")
    harmless, helpful = PrincipleKind.HARMLESSNESS, PrincipleKind.HELPFULNESS
    assert len(candidates(constitution, kind=harmless, half="critique")) == 16
    compared = candidates(constitution, kind=harmless, half="comparison")
    assert len(compared) == 16
    assert sum("over-reaction" in principle.tags for principle in compared) >= 3
    # Helpful prompts are labelled too, so the whole loop runs under this file alone.
    assert candidates(constitution, kind=helpful, half="comparison")
    shots = constitution.few_shots
    assert len(shots.critique_revision) >= 4
    for comparisons, least in ((shots.comparison, 5), (shots.comparison_with_reasoning, 4)):
        answers = [shot.answer for shot in comparisons]
        assert len(answers) >= least
        assert abs(answers.count("A") - answers.count("B")) <= 1


def test_the_readme_example_loads() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (SHIPPED / "README.md").read_text("utf-8"), re.DOTALL)
    constitution = parse_constitution(example, where="README.md")
    privacy, plain, useful = constitution.principles
    assert privacy.weight == 2.0
    assert privacy.revision_request == "Write the answer anew so that it leaves other people's private things alone."
    assert plain.critique_request is None
    assert (useful.kind, useful.enabled) == (PrincipleKind.HELPFULNESS, False)
    shots = constitution.few_shots
    assert [len(s) for s in (shots.critique_revision, shots.comparison, shots.comparison_with_reasoning)] == [1, 1, 1]


def test_defaults_and_space_around_texts() -> None:
    text = VALID.replace("Which is kinder?", ">\n      Which is\n      kinder?\n")
    (principle,) = parse_constitution(text, where="x").principles
    assert principle == Principle("kind", "Kindness", comparison="Which is kinder?")


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode())
    assert load_constitution(path).name == "small"


# --- round trips -------------------------------------------------------------------------------------------

_words = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")) | st.sampled_from("\n\t:#'\"-&*!%@`{}[]|>"))
words = _words.map(str.strip).filter(bool) | st.sampled_from(
    ["yes", "null", "~", "1e3", "0x1", "2024-01-01", "- a", "=", "<<"]
)
slugs = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True)
halves = st.one_of(
    st.fixed_dictionaries({"comparison": words}),
    st.fixed_dictionaries({"critique_request": words, "revision_request": words}, optional={"comparison": words}),
)


@st.composite
def principle_nouns(draw: st.DrawFn) -> Principle:
    return Principle(
        draw(slugs),
        draw(words),
        draw(st.sampled_from(PrincipleKind)),
        tags=tuple(draw(st.lists(words, max_size=2))),
        weight=draw(st.floats(min_value=0, exclude_min=True, allow_infinity=False)),
        enabled=draw(st.booleans()),
        **draw(halves),
    )


few_shots = st.builds(
    FewShots,
    st.lists(
        st.builds(
            CritiqueRevisionShot,
            st.builds(lambda q, a: (user(q), assistant(a)), words, words),
            words,
            words,
            words,
            words,
        ),
        max_size=1,
    ).map(tuple),
    st.lists(
        st.builds(ComparisonShot, words.map(lambda q: (user(q),)), words, words, words, st.sampled_from("AB")),
        max_size=1,
    ).map(tuple),
)
constitutions = st.builds(
    Constitution,
    slugs,
    words | st.just(""),
    st.lists(principle_nouns(), min_size=1, max_size=3, unique_by=lambda p: p.id).map(tuple),
    few_shots,
)


@given(constitutions)
def test_dump_and_parse_give_the_same_constitution(constitution: Constitution) -> None:
    again = parse_constitution(dump_constitution(constitution), where="dump")
    assert again == constitution
    assert constitution_hash(again) == constitution_hash(constitution)


@given(constitutions, st.data())
def test_the_hash_sees_every_change(constitution: Constitution, data: st.DataObject) -> None:
    first, *rest = constitution.principles
    changed = data.draw(
        st.sampled_from(
            [
                replace(constitution, description=constitution.description + "!"),
                replace(constitution, principles=(replace(first, enabled=not first.enabled), *rest)),
                replace(constitution, principles=(replace(first, weight=first.weight / 2 + 1), *rest)),
                replace(constitution, principles=(replace(first, title=first.title + "!"), *rest)),
            ]
        )
    )
    assert (constitution_hash(changed) == constitution_hash(constitution)) == (changed == constitution)


def test_one_edited_in_a_form_is_checked_by_the_same_rules() -> None:
    good = parse_constitution(VALID, where="x")
    spaced = replace(good, principles=(replace(good.principles[0], comparison=" Which is kinder?\n"),))
    assert check_constitution(spaced) == good
    with pytest.raises(ConstitutionError, match=r"principle 'kind' \(number 1\): it has neither half"):
        check_constitution(replace(good, principles=(replace(good.principles[0], comparison=None),)))


# --- bad input ---------------------------------------------------------------------------------------------


def _with(line: str) -> str:
    return f"{VALID}    {line}\n"


def _shot(conversation: str) -> str:
    rest = "comparison: c, response_a: a, response_b: b, answer: A"
    return f"{VALID}few_shots:\n  comparison:\n    - {{conversation: {conversation}, {rest}}}\n"


BAD: dict[str, tuple[str, tuple[str, ...]]] = {
    "empty": ("", ("is empty", "README")),
    "blank": (" \n\n", ("is empty",)),
    "comment only": ("# hello\n", ("holds nothing", "format: cai-constitution/1")),
    "text": ("hello", ("holds text", "mapping")),
    "list": ("- a", ("holds a list", "mapping")),
    "format": (VALID.replace("/1", "/2"), ("field format", "cai-constitution/2", "cai-constitution/1")),
    "no format": (VALID.replace("format: cai-constitution/1\n", ""), ("field format", "missing")),
    "no principles": ("format: cai-constitution/1\nname: x\nprinciples: []", ("field principles", "at least one")),
    "name with @": (VALID.replace("small", "a@b"), ("field name", "a@b", "'@'")),
    "unknown key": (_with("colour: red"), ("'kind' (number 1)", "field colour", "'red'", "unknown key")),
    "unknown key on top": (VALID + "extra: 1\n", ("field extra", "unknown key")),
    "number as key": (_with("1: x"), ("field 1", "quotes")),
    "critique without revision": (_with("critique_request: x"), ("'kind'", "without revision_request")),
    "revision without critique": (_with("revision_request: x"), ("'kind'", "without critique_request")),
    "neither half": (VALID.replace("    comparison: Which is kinder?\n", ""), ("'kind'", "neither half", "comparison")),
    "empty half": (VALID.replace("Which is kinder?", ""), ("'kind'", "neither half")),
    "blank half": (VALID.replace("Which is kinder?", "'  '"), ("field comparison", "blank")),
    "duplicate key": (_with("title: Again"), ("line 7", 'duplicate key "title"')),
    "duplicate id": (
        VALID + "  - id: kind\n    title: Again\n    comparison: x\n",
        ("principle 'kind'", "2 principles have this id"),
    ),
    "id": (VALID.replace("id: kind", "id: be kind"), ("field id", "'be kind'", "letters")),
    "kind": (_with("kind: nice"), ("field kind", "'nice'", "harmlessness, helpfulness")),
    "title a number": (VALID.replace("Kindness", "42"), ("field title = 42", "quotes")),
    "title a date": (VALID.replace("Kindness", "2024-01-01"), ("field title", "quotes")),
    "tags text": (_with("tags: a"), ("field tags = 'a'", "list")),
    "tag a number": (_with("tags: [a, 7]"), ("field tags.2 = 7", "quotes")),
    "enabled text": (_with("enabled: 'no'"), ("field enabled = 'no'", "true or false")),
    "weight 0": (_with("weight: 0"), ("field weight = 0", "above 0", "enabled: false")),
    "weight below 0": (_with("weight: -1"), ("field weight = -1", "above 0")),
    "weight inf": (_with("weight: .inf"), ("field weight = inf", "finite")),
    "weight nan": (_with("weight: .nan"), ("field weight = nan", "finite")),
    "weight text": (_with("weight: '2'"), ("field weight = '2'", "number")),
    "weight true": (_with("weight: true"), ("field weight = True", "number")),
    "weight too large": (_with("weight: 1" + "0" * 400), ("field weight", "number")),
    "weight too long": (_with("weight: 1" + "0" * 5000), ("not valid YAML", "digits")),
    "no such day": (_with("weight: 2024-13-99"), ("not valid YAML", "month")),
    "NUL": (VALID + "\0", ("line 7", "U+0000", "remove")),
    "control character": (VALID.replace("small", "sm\x1ball"), ("line 2", "U+001B", "remove")),
    "escaped NUL": (VALID.replace("Which is kinder?", r'"a\0b"'), ("field comparison", "U+0000", "place 2")),
    "half a surrogate": (VALID.replace("Which is kinder?", r'"\ud800"'), ("field comparison", "U+D800")),
    "syntax": (VALID + "  [", ("line", "not valid YAML")),
    "colon in text": (_with("critique_request: Find: harm"), ("line 7", "not valid YAML", "quotes")),
    "tab": (VALID + "\tx: 1", ("line 7", "not valid YAML")),
    "two documents": (VALID + "---\n" + VALID, ("second document", "split")),
    "anchor": ("a: &x 1\n", ("line 1", "'&x'", "not accepted")),
    "bomb": ("a: &a [x, x]\nb: &b [*a, *a]\n", ("anchor '&a'",)),
    "alias": ("a: *x\n", ("alias '*x'", "write the text out")),
    "tag": ("a: !!python/object/apply:os.system [ls]\n", ("tag", "python/object", "not accepted")),
    "deep": ("[" * 2000, ("nested more than 12 deep",)),
    "mapping as key": ("? {a: b}\n: c\n", ("line 1", "not valid YAML")),
    "large": ("#" * (MAX_BYTES + 1), ("larger than 1,000,000 bytes",)),
    "no turns": (_shot("[]"), ("comparison few-shot number 1", "field conversation", "user")),
    "wrong end": (
        _shot("[{role: user, content: q}, {role: assistant, content: a}]"),
        ("field conversation", "must end with a turn whose role is user"),
    ),
    "two users": (_shot("[{role: user, content: q}, {role: user, content: a}]"), ("field conversation", "alternate")),
    "late system": (
        _shot("[{role: user, content: q}, {role: system, content: a}]"),
        ("field conversation", "system turn may come first"),
    ),
    "role": (_shot("[{role: human, content: q}]"), ("conversation.1.role", "'human'", "system, user, assistant")),
    "answer": (_shot("[{role: user, content: q}]").replace("answer: A", "answer: C"), ("field answer", "'C'", "A, B")),
    "no response": (
        _shot("[{role: user, content: q}]").replace("response_b: b, ", ""),
        ("field response_b", "missing"),
    ),
    "few-shots a list": (VALID + "few_shots: []\n", ("field few_shots", "mapping", "list")),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_text_says_what_where_and_what_to_do(case: str) -> None:
    text, expected = BAD[case]
    with pytest.raises(ConstitutionError) as caught:
        parse_constitution(text, where="mine.yaml")
    message = str(caught.value)
    assert message.startswith("mine.yaml")
    assert [part for part in expected if part not in message] == [], message
    assert len(message) < 1000


def test_all_problems_are_told_at_once() -> None:
    text = VALID + "    weight: 0\n    kind: nice\n  - id: kind\n    title: Again\n"
    with pytest.raises(ConstitutionError) as caught:
        parse_constitution(text, where="mine.yaml")
    message = str(caught.value)
    assert "has 4 problems" in message
    for part in ("field weight = 0", "field kind = 'nice'", "neither half", "2 principles have this id"):
        assert part in message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConstitutionError, match="is a directory"):
        load_constitution(tmp_path)
    with pytest.raises(ConstitutionError, match="there is no file"):
        load_constitution(tmp_path / "none.yaml")
    with pytest.raises(ConstitutionError, match=r"cannot be read|there is no file"):
        load_constitution("a\0b")
    bad = tmp_path / "bad.yaml"
    bad.write_bytes(VALID.encode() + b"# caf\xe9\n")
    with pytest.raises(ConstitutionError, match=r"bad\.yaml: line 7: byte 0xE9 is not UTF-8; save the file as UTF-8"):
        load_constitution(bad)
    bad.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConstitutionError, match="larger than"):
        load_constitution(bad)
