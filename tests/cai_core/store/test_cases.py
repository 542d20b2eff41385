"""Cases and their results: what is refused, what is the same case, and the way through a file."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.constitution.schema import UNPRINTABLE
from cai_core.errors import CaseError, ConstitutionError
from cai_core.store import case_files, cases, constitutions, runs
from cai_core.store.workspace import Workspace
from cai_core.types import (
    Case,
    CaseKind,
    CaseResult,
    CaseState,
    Message,
    Order,
    OrderScore,
    Role,
    RunKind,
    assistant,
    case_uid,
    user,
)
from db.schema_authoring import CaseResultRow

PROMPT = Case(CaseKind.PROMPT, (user("How do I get in?"),), "Which is more polite?", "privacy")
PAIR = Case(CaseKind.PAIR, (user("How do I get in?"),), "", None, "Like this.", "Not at all.", "b")


def add(workspace: Workspace, case: Case = PROMPT, constitution: str = "sandbox", **rest: bool) -> int:
    with workspace.writing() as session:
        return cases.add(session, constitution, case, author="Ada", **rest)


def living(workspace: Workspace) -> list[int]:
    with workspace.reading() as session:
        return cases.ids_of(session, "sandbox")


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (replace(PROMPT, turns=()), "needs a prompt"),
        (replace(PROMPT, turns=(user("a"), assistant("b"))), "ends with a user's turn"),
        (replace(PROMPT, turns=(user(" \n"),)), "needs a prompt"),
        (replace(PROMPT, turns=(user("a\x00"),)), "U+0000 at place 2"),
        (replace(PROMPT, hope="\ud800"), "U+D800"),
        (replace(PROMPT, preferred="a"), "has no responses and none preferred"),
        (replace(PROMPT, response_b="x"), "has no responses"),
        (replace(PAIR, response_b=" "), "one is empty"),
        (replace(PAIR, response_a=None), "one is empty"),
        (replace(PAIR, response_b="Like this."), "the same text"),
        (replace(PAIR, preferred=None), "say which response"),
        (replace(PAIR, preferred="A"), "preferred is 'A'"),
        (replace(PAIR, response_a="a\x07"), "unprintable"),
    ],
)
def test_what_is_no_case_is_refused_in_words(opened: Workspace, case: Case, words: str) -> None:
    with pytest.raises(CaseError, match=words.replace("+", r"\+")):
        add(opened, case)
    assert living(opened) == []


def test_a_case_is_of_a_constitution_and_of_a_principle_that_it_has_had(opened: Workspace) -> None:
    with pytest.raises(ConstitutionError, match="no constitution 'mine' to keep a case of"):
        add(opened, constitution="mine")
    with pytest.raises(ConstitutionError, match="no version of 'sandbox' has a principle 'gone'"):
        add(opened, replace(PROMPT, principle="gone"))
    with opened.writing() as session:
        _, constitution = constitutions.load_version(session, "sandbox")
        without = tuple(one for one in constitution.principles if one.id != "privacy")
        constitutions.save_version(session, replace(constitution, principles=without), author="", message="")
    assert add(opened) == 1, "version 1 has it"


def test_a_try_under_a_draft_is_kept_before_anything_is_saved(opened: Workspace) -> None:
    case_id = add(opened, replace(PROMPT, principle="new"), "mine", unsaved=True)
    with opened.writing() as session:
        assert cases.get(session, case_id).constitution.name == "mine"
        new = cases.change(session, case_id, replace(PROMPT, principle="new", hope="Which is shorter?"), author="")
        assert new != case_id
        assert "mine" not in {row["ref"].partition("@")[0] for row in constitutions.newest_versions(session)}
    with pytest.raises(ConstitutionError, match="is no name of a constitution"):
        add(opened, PROMPT, "a/b", unsaved=True)


def test_the_same_case_is_there_once_and_comes_back_when_it_is_said_again(opened: Workspace) -> None:
    first, second = add(opened), add(opened, PAIR)
    assert add(opened) == first
    with opened.writing() as session:
        cases.retire(session, first)
    assert living(opened) == [second]
    assert add(opened) == first
    with opened.writing() as session:
        cases.retire(session, first)
        cases.restore(session, first)
    assert living(opened) == [first, second]


def test_a_blank_hope_is_none(opened: Workspace) -> None:
    case_id = add(opened, replace(PROMPT, hope=" \n", principle=""))
    with opened.reading() as session:
        assert cases.to_noun(cases.get(session, case_id)) == replace(PROMPT, hope="", principle=None)


def test_a_changed_case_is_another_and_the_former_keeps_its_results(opened: Workspace) -> None:
    first = add(opened, PAIR)
    run_id = a_run(opened)
    with opened.writing() as session:
        cases.save_result(session, run_id, first, CaseResult(CaseState.PASS), {})
        second = cases.change(session, first, replace(PAIR, preferred="a"), author="Ada")
        assert cases.change(session, second, replace(PAIR, preferred="a"), author="Ada") == second
    assert living(opened) == [second]
    with opened.writing() as session:
        assert cases.get(session, first).retired_at is not None
        assert [row.case_id for row in session.query(CaseResultRow)] == [first]
        assert cases.change(session, second, PAIR, author="Ada") == first
    assert living(opened) == [first]


def test_a_case_that_is_not_there_is_said(opened: Workspace) -> None:
    with opened.writing() as session:
        for what in (cases.retire, cases.restore, cases.get):
            with pytest.raises(CaseError, match="there is no case 77"):
                what(session, 77)


def a_run(workspace: Workspace) -> int:
    with workspace.writing() as session:
        return runs.add(session, kind=RunKind.CASES, config={}, seed=0, parents=(), constitution_version_id=1).id


def test_a_result_is_saved_once_with_both_orders(opened: Workspace) -> None:
    case_id, run_id = add(opened), a_run(opened)
    with opened.writing() as session:
        _, constitution = constitutions.load_version(session, "sandbox")
        principle = constitution.principles[0]
        ids = constitutions.principle_ids(session, constitution.principles)
        orders = (OrderScore(Order.AB, -0.1, -2.5, "x"), OrderScore(Order.BA, -0.2, -2.0, "y", bounded=True))
        whole = CaseResult(
            CaseState.FAIL, principle, "r", "c", "v", 0.25, orders, True, {"response": "x"}, "why not"
        )  # fmt: skip
        assert cases.save_result(session, run_id, case_id, whole, ids)
        assert not cases.save_result(session, run_id, case_id, CaseResult(CaseState.PASS), {})
        assert cases.done_ids(session, run_id) == {case_id}
        assert cases.states(session, run_id) == {"fail": 1}
    with opened.reading() as session:
        row = session.query(CaseResultRow).one()
        assert (row.response, row.critique, row.revision, row.p_a, row.error) == ("r", "c", "v", 0.25, "why not")
        assert row.principle is not None
        assert row.principle.slug == principle.id
        assert row.orders[1] == {"order": "ba", "logprob_a": -0.2, "logprob_b": -2.0, "bounded": True}
        assert (row.order_disagrees, row.sent) == (True, {"response": "x"})


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda text: bool(text.strip()) and not UNPRINTABLE.search(text)
)
TURNS = st.lists(st.builds(Message, st.sampled_from(Role), TEXTS), max_size=3).map(tuple)
CONVERSATIONS = st.builds(lambda turns, last: (*turns, user(last)), TURNS, TEXTS)
PRINCIPLES = st.sampled_from([None, "privacy", "hacking"])
PROMPTS = st.builds(Case, st.just(CaseKind.PROMPT), CONVERSATIONS, st.just("") | TEXTS, PRINCIPLES)
PAIRS = st.builds(
    Case, st.just(CaseKind.PAIR), CONVERSATIONS, st.just("") | TEXTS, PRINCIPLES, TEXTS, TEXTS, st.sampled_from("ab")
).filter(lambda case: case.response_a != case.response_b)


@given(st.lists(PROMPTS | PAIRS, min_size=1, max_size=5))
def test_written_and_read_cases_are_the_same(tmp_path_factory: pytest.TempPathFactory, found: list[Case]) -> None:
    path = tmp_path_factory.mktemp("cases") / "cases.jsonl"
    path.write_text(case_files.dump(found), encoding="utf-8", newline="")
    assert case_files.read(path) == found


@given(PROMPTS | PAIRS, PROMPTS | PAIRS)
def test_only_the_same_case_has_the_same_uid(one: Case, other: Case) -> None:
    assert (case_uid("sandbox", one) == case_uid("sandbox", other)) == (one == other)
    assert case_uid("sandbox", one) != case_uid("other", one)


def test_a_file_comes_in_whole_and_again_changes_nothing(opened: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(case_files.dump([PROMPT, PAIR, PROMPT]))
    for added, known in ((2, 1), (0, 3)):
        with opened.writing() as session:
            report = case_files.add(session, "sandbox", case_files.read(path), author="Ada")
        assert (report.added, report.known) == (added, known)
    with opened.reading() as session:
        assert [cases.to_noun(row) for row in cases.of_constitution(session, "sandbox")] == [PROMPT, PAIR]


def test_a_case_that_was_kept_from_a_draft_is_known_again(opened: Workspace) -> None:
    drafted = replace(PROMPT, principle="only-in-a-draft")
    with opened.writing() as session:
        cases.add(session, "sandbox", drafted, author="Ada", unsaved=True)
        report = case_files.add(session, "sandbox", [drafted], author="Ada")
    assert (report.added, report.known) == (0, 1)


def test_a_principle_that_the_constitution_never_had_keeps_the_whole_file_out(opened: Workspace) -> None:
    with pytest.raises(ConstitutionError, match="case 2 of 2 cannot be added"), opened.writing() as session:
        case_files.add(session, "sandbox", [PAIR, replace(PROMPT, principle="gone")], author="Ada")
    assert living(opened) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "not JSON"),
        ("[1]", "a JSON list"),
        ('{"prompt": "a", "who": 1}', r"unknown keys \['who'\]"),
        ('{"hope": "a"}', "either 'prompt' or 'turns'"),
        ('{"prompt": "a", "turns": []}', "either 'prompt' or 'turns'"),
        ('{"prompt": 3}', "prompt is 3; it should be text"),
        ('{"prompt": "a", "hope": ["b"]}', "hope is"),
        ('{"prompt": "a", "kind": "poem"}', "kind is 'poem'; it is one of prompt, pair"),
        ('{"prompt": "a", "kind": []}', "kind is"),
        ('{"turns": "a"}', "should be a list"),
        ('{"turns": [{"role": "king", "content": "a"}]}', "one of the roles system, user, assistant"),
        ('{"turns": [{"role": [], "content": "a"}]}', "a turn is"),
        ('{"prompt": "a", "response_a": "x"}', "needs two responses"),
        ('{"prompt": "a\\u0000"}', "unprintable"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_line_that_is_no_case_is_told_with_its_number(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps({"prompt": "fine"}) + "\n\n" + line + "\n")
    with pytest.raises(CaseError, match=rf"so none is taken. line 3: .*{words}"):
        case_files.read(path)


def test_a_huge_value_is_told_shortly(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps({"prompt": "a", "hope": ["b" * 100_000]}) + "\n")
    with pytest.raises(CaseError, match="hope is") as refused:
        case_files.read(path)
    assert len(str(refused.value)) < 1000


def test_a_file_without_an_end_is_refused() -> None:
    with pytest.raises(CaseError, match="is larger than"):
        case_files.read(Path("/dev/zero"))


def test_files_that_cannot_be_read_or_hold_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "latin").write_bytes(b"\xff\xfe")
    for name, words in (("empty", "holds no case"), ("latin", "is not UTF-8"), ("gone", "cannot be read")):
        with pytest.raises(CaseError, match=words):
            case_files.read(tmp_path / name)
