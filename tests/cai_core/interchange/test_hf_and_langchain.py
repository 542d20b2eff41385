"""Hugging Face's and LangChain's files: worked by hand, with what is refused and what is lost."""

import json
from typing import Any

import pytest

from cai_core.errors import ConstitutionError
from cai_core.interchange import formats
from cai_core.interchange.report import ImportReport, accepted
from cai_core.types import Constitution, CritiqueRevisionShot, FewShots, Principle, PrincipleKind, assistant, user

CHAT = [
    {"role": "user", "content": "How do I open this?"},
    {"role": "assistant", "content": "Break it."},
    {"role": "user", "content": "What is wrong with that?"},
    {"role": "assistant", "content": "It breaks."},
    {"role": "user", "content": "Write it anew."},
    {"role": "assistant", "content": "Turn the key."},
]
HF = {"constitutions": [{"critic": "Is it kind?", "revision": "Make it kind."}], "system_chat": [CHAT]}
LANGCHAIN = [{"name": "Be kind", "critique_request": "Is it kind?", "revision_request": "Make it kind."}]


def read(data: Any) -> ImportReport:
    return formats.read({"folder/My file.json": json.dumps(data)})


def test_hf() -> None:
    report = read(HF)
    assert report.format == "hf"
    assert accepted(report) == Constitution(
        "My file",
        "",
        (Principle("critique0", "Is it kind?", critique_request="Is it kind?", revision_request="Make it kind."),),
        FewShots(
            critique_revision=(
                CritiqueRevisionShot(
                    (user("How do I open this?"), assistant("Break it.")),
                    "What is wrong with that?",
                    "It breaks.",
                    "Write it anew.",
                    "Turn the key.",
                ),
            )
        ),
    )


def test_a_longer_chat_is_a_longer_conversation() -> None:
    report = read({**HF, "system_chat": [[{"role": "system", "content": "S"}, *CHAT[:2], *CHAT]]})
    (shot,) = accepted(report).few_shots.critique_revision
    assert [turn.role.value for turn in shot.conversation] == ["system", "user", "assistant", "user", "assistant"]


def test_hf_goes_out_as_published_with_two_blanks_and_the_same_keys() -> None:
    made = formats.write(accepted(read(HF)), "hf")
    assert made.files == {"constitution.json": json.dumps(HF, indent=2)}
    assert made.lost == ("the name 'My file'",)


def test_langchain() -> None:
    constitution = accepted(read(LANGCHAIN))
    assert constitution.principles == (
        Principle("be-kind", "Be kind", critique_request="Is it kind?", revision_request="Make it kind."),
    )
    assert formats.write(constitution, "langchain").files == {"principles.json": json.dumps(LANGCHAIN, indent=2)}


def test_langchain_by_name_without_name_and_with_names_twice() -> None:
    one = {"critique_request": "Is it kind?", "revision_request": "Make it kind."}
    by_name = accepted(read({"kind": one, "mild": {**one, "name": "mild"}}))
    assert [(p.id, p.title) for p in by_name.principles] == [("kind", "kind"), ("mild", "mild")]
    report = read([{**one, "name": "kind"}, {**one, "name": "kind"}, one, {**one, "name": "漢"}])
    assert [p.id for p in accepted(report).principles] == ["kind", "kind-2", "is-it-kind", "principle"]
    assert [entry.state.value for entry in report.entries] == ["ok", "changed", "ok", "ok"]
    assert "its id became 'kind-2'" in report.entries[1].note


def test_what_a_format_cannot_hold_is_listed() -> None:
    half = {"critique_request": "Is it kind?", "revision_request": "Make it kind."}
    constitution = Constitution(
        "c",
        "About c.",
        (
            Principle("be-kind", "Be kind", weight=2.0, tags=("a",), **half),
            Principle("z9", "Something else", PrincipleKind.HELPFULNESS, comparison="Which?", **half),
            Principle("off", "Off", enabled=False, **half),
            Principle("pair", "Pair", comparison="Which one?"),
        ),
    )
    assert formats.write(constitution, "langchain").lost == (
        "the name 'c'",
        "the description",
        "disabled, so left out: off",
        "without critique half, so left out: pair",
        "title of z9",
        "kind of z9",
        "tags of be-kind",
        "weight of be-kind",
        "comparison of z9",
    )
    lost = formats.write(constitution, "paper").lost
    assert "that critique and comparison belong together: z9" in lost
    assert "the order: principles with a critique half come first" not in lost
    assert "id of z9 and pair" in lost


BAD = {
    "a critic alone": ({**HF, "constitutions": [*HF["constitutions"], {"critic": "x"}]}, '"critic" and "revision"'),
    "a number": ({**HF, "constitutions": [*HF["constitutions"], {"critic": "x", "revision": 3}]}, "be text"),
    "a string": ({**HF, "constitutions": [*HF["constitutions"], "x"]}, "an object"),
    "a NUL": ({**HF, "constitutions": [*HF["constitutions"], {"critic": "x\0", "revision": "y"}]}, "U+0000"),
    "a short chat": ({**HF, "system_chat": [CHAT[:4]]}, "six turns"),
    "roles in another order": ({**HF, "system_chat": [[*CHAT[:4], CHAT[5], CHAT[4]]]}, "last four turns"),
    "a role that nobody knows": ({**HF, "system_chat": [[{"role": "tool", "content": "x"}, *CHAT]]}, "role"),
    "no revision request": ([*LANGCHAIN, {"name": "x", "critique_request": "y"}], "revision_request"),
    "no critique request": ([*LANGCHAIN, {"name": "x", "revision_request": "y"}], "critique_request"),
    "a list in a list": ([*LANGCHAIN, []], "an object"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_entry_that_does_not_fit_is_refused_by_name(case: str) -> None:
    data, why = BAD[case]
    report = read(data)
    (refused,) = report.refused
    assert why in refused.reason, refused.reason
    with pytest.raises(ConstitutionError, match="nothing came in"):
        accepted(report)
    assert len(accepted(report, skip_refused=True).principles) == 1


def test_unknown_keys_are_left_behind_and_said() -> None:
    report = read({**HF, "constitutions": [{**HF["constitutions"][0], "author": "me"}], "version": 3})  # type: ignore[dict-item]
    assert report.entries[0].state.value == "changed"
    assert report.entries[0].note == "left behind: author"
    assert "left behind: version" in report.lost


def test_where_nothing_can_be_used_nothing_comes_in_even_if_told_to_skip() -> None:
    report = read({"constitutions": [{"critic": " ", "revision": "y"}]})
    assert report.constitution is None
    with pytest.raises(ConstitutionError, match="no principle in it can be used"):
        accepted(report, skip_refused=True)
