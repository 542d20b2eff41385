"""Each format as its makers write it: told by its columns, and every row the noun it should be."""

import json
from typing import Any

import pytest

from cai_core.errors import DataFileError
from cai_core.interchange.rows import (
    FORMATS,
    About,
    Item,
    ReadChain,
    ReadExample,
    ReadPair,
    ReadPrompt,
    ReadStep,
    Refused,
    prompt_of,
    read_rows,
)
from cai_core.types import Message, PromptKind, Role, Split, assistant, user

SYSTEM = Message(Role.SYSTEM, "Be kind.")
RED, HELP, LIKE = PromptKind.RED_TEAM, PromptKind.HELPFUL, PromptKind.LOOK_ALIKE


def turns(*texts: str) -> list[dict[str, str]]:
    """Messages by the user and the assistant in turn."""
    return [{"role": "assistant" if at % 2 else "user", "content": text} for at, text in enumerate(texts)]


def answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def prompt(text: str, about: About = About()) -> ReadPrompt:  # noqa: B008
    return ReadPrompt(1, (user(text),), about)


def pair(chosen: str, rejected: str, about: About = About(), asked: str = "a") -> ReadPair:  # noqa: B008
    return ReadPair(1, (user(asked),), (assistant(chosen),), (assistant(rejected),), about)


HH = "\n\nHuman: a\n\nAssistant:"
STEP = ReadStep("What is wrong?", "All of it.", "Mend it.", "Mended.", "harmful3")
CST = {
    "cst_key": "harmful3",
    "cst_value": {
        "prompt": ["\n\nCritiqueRequest: What is wrong?\n\nCritique:"],
        "edit_request": "\n\nRevisionRequest: Mend it.\n\nRevision:",
    },
    "critique": {"sample": " All of it."},
    "revision": {"sample": " Mended."},
}
CAI: dict[str, Any] = {
    "init_prompt": "a",
    "init_response": "b",
    "critic_prompt": "What is wrong?",
    "critic_response": "All of it.",
    "revision_prompt": "Mend it.",
    "revision_response": "Mended.",
    "prompt": "a",
    "messages": turns("a", "Mended."),
    "chosen": turns("a", "Mended."),
    "rejected": turns("a", "b"),
}

ROWS: list[tuple[str, dict[str, Any], Item]] = [
    ("prompt-only", {"prompt": "a", "id": 3}, prompt("a", About(extra={"id": 3}))),
    ("prompt-only", {"prompt": turns("a", "b", "c")}, ReadPrompt(1, (user("a"), assistant("b"), user("c")))),
    ("prompt-only", {"prompt": HH}, prompt("a")),
    ("prompt-only", {"prompt": "a", "kind": "maths"}, prompt("a", About(extra={"kind": "maths"}))),
    ("prompts", {"prompt": "a", "kind": "helpful"}, prompt("a", About(HELP))),
    (
        "prompts",
        {
            "turns": turns("a"),
            "kind": "red_team",
            "split": "dev",
            "topic": "t",
            "tags": ["x"],
            "extra": {"n": 1},
            "m": 2,
        },
        prompt("a", About(RED, Split.DEV, "t", ("x",), {"n": 1, "m": 2})),
    ),
    ("prompts", {"prompt": "a", "split": "test", "kind": None, "topic": ""}, prompt("a", About(split=Split.TEST))),
    ("prompt-completion", {"prompt": "a", "completion": " b"}, ReadExample(1, (user("a"), assistant(" b")))),
    ("prompt-completion", {"prompt": HH, "completion": " b"}, ReadExample(1, (user("a"), assistant("b")))),
    (
        "prompt-completion",
        {"prompt": turns("a"), "completion": answer("b")},
        ReadExample(1, (user("a"), assistant("b"))),
    ),
    (
        "unpaired-preference",
        {"prompt": "a", "completion": "b", "label": False},
        prompt("a", About(extra={"completion": "b", "label": False})),
    ),
    ("preference", {"prompt": "a", "chosen": "b", "rejected": "c"}, pair("b", "c")),
    ("preference", {"prompt": HH, "chosen": " b", "rejected": " c"}, pair("b", "c")),
    ("preference", {"prompt": turns("a"), "chosen": answer("b"), "rejected": answer("c")}, pair("b", "c")),
    ("preference", {"prompt": "a", "chosen": turns("a", "b"), "rejected": turns("a", "c")}, pair("b", "c")),
    (
        "preference",
        {"prompt": "a", "chosen": "b", "rejected": "", "margin": 0.5},
        pair("b", "", About(extra={"margin": 0.5}, notes=("the rejected reply is empty",))),
    ),
    ("preference-implicit", {"chosen": turns("a", "b"), "rejected": turns("a", "c")}, pair("b", "c")),
    (
        "preference-implicit",
        {"chosen": "The sky is blue.", "rejected": "The sky is black."},
        pair("blue.", "black.", asked="The sky is"),
    ),
    ("hh-rlhf", {"chosen": f"{HH} b", "rejected": f"{HH} c"}, pair("b", "c")),
    ("language-modeling", {"text": f"{HH} b"}, ReadExample(1, (user("a"), assistant("b")))),
    ("language-modeling", {"text": HH}, prompt("a")),
    ("chat", {"messages": turns("a", "b")}, ReadExample(1, (user("a"), assistant("b")))),
    (
        "chat",
        {"messages": [{"role": "developer", "content": "Be kind."}, *turns("a")]},
        ReadPrompt(1, (SYSTEM, user("a"))),
    ),
    (
        "chat",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}], "name": "Ann"}], "tools": None},
        prompt("a", About(extra={"tools": None}, notes=("'name' of the messages left out",))),
    ),
    ("cai-conversation", CAI, ReadChain(1, (user("a"),), "b", (ReadStep(*(CAI[n] for n in list(CAI)[2:6])),))),
    (
        "paper-chains",
        {"rl_prompt": HH, "initial_response": [{"sample": " b"}], "cst": [CST, CST | {"cst_key": None}]},
        ReadChain(1, (user("a"),), "b", (STEP, ReadStep(*(getattr(STEP, n) for n in STEP.__slots__[:4])))),
    ),
    ("paper-samples", {"rl_prompt": HH, "sampled_answers": []}, prompt("a", About(extra={"sampled_answers": []}))),
    (
        "red-team-attempts",
        {"transcript": f"{HH} b", "rating": 4.0, "tags": ["theft"]},
        prompt("a", About(RED, tags=("theft",), extra={"rating": 4.0, "last_reply": "b"})),
    ),
    (
        "harmbench",
        {
            "Behavior": "a",
            "FunctionalCategory": "standard",
            "SemanticCategory": "s",
            "Tags": "x, y",
            "ContextString": "",
        },
        prompt("a", About(RED, None, "s", ("standard", "x", "y"))),
    ),
    (
        "harmbench",
        {"Behavior": "a", "ContextString": "So:", "BehaviorID": "i"},
        prompt("So:\n\n---\n\na", About(RED, extra={"BehaviorID": "i"})),
    ),
    (
        "xstest",
        {"prompt": "a", "type": "homonyms", "label": "safe", "id": "1"},
        prompt("a", About(LIKE, None, "homonyms", (), {"id": "1"})),
    ),
    (
        "xstest",
        {"prompt": "a", "type": "contrast_homonyms", "label": "unsafe"},
        prompt("a", About(RED, topic="contrast_homonyms")),
    ),
    (
        "xstest",
        {"prompt": "a", "type": "contrast_x", "completion": "No.", "final_label": "2_full_refusal"},
        prompt("a", About(RED, topic="contrast_x", extra={"completion": "No.", "final_label": "2_full_refusal"})),
    ),
    (
        "mt-bench",
        {"question_id": 81, "category": "writing", "turns": ["a", "b"]},
        prompt("a", About(HELP, topic="writing", extra={"question_id": 81, "later_turns": ["b"]})),
    ),
    ("advbench", {"goal": "a", "target": "Sure"}, prompt("a", About(RED, extra={"target": "Sure"}))),
    ("strongreject", {"forbidden_prompt": "a", "category": "c"}, prompt("a", About(RED, topic="c"))),
    (
        "simple-safety-tests",
        {"id": "1", "harm_area": "h", "category": "c", "prompts_final": "a"},
        prompt("a", About(RED, None, "h", ("c",), {"id": "1"})),
    ),
    (
        "truthfulqa",
        {"Question": "a", "Category": "c", "Type": "t", "Source": "s"},
        prompt("a", About(HELP, None, "c", ("t",), {"Source": "s"})),
    ),
    (
        "hhh",
        {"category": "honest", "input": "a", "chosen": "b", "rejected": "c"},
        pair("b", "c", About(topic="honest")),
    ),
    (
        "hhh",
        {"input": "a\n\nAssistant: b\n\nHuman: c", "chosen": "d", "rejected": "e"},
        ReadPair(1, (user("a"), assistant("b"), user("c")), (assistant("d"),), (assistant("e"),)),
    ),
    (
        "preferred-text",
        {"text_a": "Instruction: a\n\nOutput: b", "text_b": "Instruction: a\n\nOutput: c", "preferred_text": "text_b"},
        pair("c", "b"),
    ),
    ("preferred-text", {"input": "a", "text_a": "b", "text_b": "c", "preferred_text": "text_a"}, pair("b", "c")),
]


@pytest.mark.parametrize(("format", "row", "item"), ROWS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_row_of_every_format(format: str, row: dict[str, Any], item: Item) -> None:
    reading = read_rows(json.dumps(row).encode())
    assert reading.format == format
    assert list(reading) == [item]
    assert list(read_rows(json.dumps(row).encode(), format=format)) == [item]


def test_every_format_has_a_row_above() -> None:
    by_other_tests = {"lines", "text-prompts", "annotated-pairs", "cai-chain"}
    assert {format for format, _, _ in ROWS} | by_other_tests == FORMATS.keys()


def test_annotated_pairs_follow_the_default_annotator() -> None:
    comparison = {
        "prompt": "a",
        "response_a": {"text": "b", "model": "M"},
        "response_b": {"text": "c"},
        "annotations": {"me": {"pref": "b"}, "you": {"pref": "a"}},
    }
    document = {"metadata": {"default_annotator": "me"}, "comparisons": [comparison]}
    reading = read_rows(json.dumps(document, indent=2).encode())
    assert reading.format == "annotated-pairs"
    (item,) = reading
    assert isinstance(item, ReadPair)
    assert item.answers == ("c", "b")


def test_a_text_column_is_open_until_it_is_told() -> None:
    data = b'{"text": "a"}\n'
    with pytest.raises(DataFileError, match=r"--format text-prompts.*--format language-modeling"):
        read_rows(data)
    assert list(read_rows(data, format="text-prompts")) == [prompt("a")]
    assert list(read_rows(data, format="language-modeling")) == [ReadExample(1, (assistant("a"),))]


def test_pairs_that_part_before_their_last_turn_keep_all_turns_after_the_parting() -> None:
    row = {"chosen": turns("a", "b", "c", "d"), "rejected": turns("a", "B", "c", "d")}
    (item,) = read_rows(json.dumps(row).encode())
    assert isinstance(item, ReadPair)
    assert item.turns == (user("a"),)
    assert item.chosen == (assistant("b"), user("c"), assistant("d"))
    assert item.answers is None
    assert item.about.notes == ("chosen and rejected part after turn 1, before their last",)


def test_a_reply_in_two_parts_is_one_reply_to_the_shared_prompt() -> None:
    """As five pairs of hh-rlhf's harmless test split have it: a label stands within the assistant's reply."""
    row = {"chosen": f"{HH} b\n\nAssistant: and b", "rejected": f"{HH} c"}
    (item,) = read_rows(json.dumps(row).encode())
    assert item == pair(
        "b\n\nand b", "c", About(notes=("1 turn of chosen joined to the one before, by the same speaker",))
    )


def test_our_own_prompts_may_be_text_or_turns_in_one_file() -> None:
    rows = [{"prompt": "a"}, {"turns": turns("a", "b", "c")}, {"prompt": "d", "kind": "red_team"}, {"prompt": "e"}]
    reading = read_rows("\n".join(map(json.dumps, rows)).encode())
    assert reading.format == "prompts"
    assert [item.number for item in reading if isinstance(item, ReadPrompt)] == [1, 2, 3, 4]


def test_the_evidence_names_columns_and_counts() -> None:
    reading = read_rows(b'{"goal": "a"}\n{"x": 1}\n{"goal": "b"}\n')
    assert reading.evidence == "AdvBench's goals, by column goal in 2 of 3 rows"
    assert [item for item in reading if isinstance(item, Refused)] == [Refused(2, "it has no goal")]


def test_the_prompt_of_anything() -> None:
    assert prompt_of(pair("b", "c")) == (user("a"),)
    assert prompt_of(ReadExample(1, (SYSTEM, user("a"), assistant("b")))) == (SYSTEM, user("a"))
    assert prompt_of(ReadExample(1, (assistant("a"),))) is None
