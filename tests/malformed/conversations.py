"""Rows whose turns, replies, steps or words are not what their format has."""

from typing import Any

from tests.malformed.case import Case, jsonl

TURN = "\n\nHuman: Hi\n\nAssistant: Yes"
HI = (("user", "Hi"), ("assistant", "Yes"))
ASKED = "\n\nHuman: a\n\nAssistant:"


def hh(chosen: Any, rejected: Any) -> dict[str, Any]:
    return {"chosen": chosen, "rejected": rejected}


def chat(*turns: tuple[Any, Any]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def rows(name: str, format: str, good: Any, *bad: tuple[Any, str]) -> Case:
    """A row that is well, and rows that are not, each with words of the reason."""
    aside = tuple((number, words) for number, (_, words) in enumerate(bad, start=2))
    return Case(name, jsonl(good, *(row for row, _ in bad)), usable=1, aside=aside, format=format)


def chain(response: Any, steps: Any) -> dict[str, Any]:
    return {"rl_prompt": ASKED, "initial_response": response, "cst": steps}


STEP = {
    "cst_value": {"prompt": ["CritiqueRequest: a\n\nCritique:"], "edit_request": "b"},
    "critique": {"sample": " c"},
    "revision": {"sample": " d"},
}
CALL = {"role": "assistant", "content": None, "tool_calls": [1]}
PAIR = {"prompt": "a", "chosen": "b", "rejected": "c"}

CONVERSATIONS = [
    rows(
        "transcripts",
        "hh-rlhf",
        hh(TURN, TURN + "!"),
        (hh("Hello", TURN), "does not begin with 'Human:'"),
        (hh(TURN, TURN), "are the same"),
        (hh(TURN + "\n\nHuman: a", TURN), "should be the assistant's"),
        (hh("\n\nHuman: a\n\nAssistant: b", "\n\nHuman: c\n\nAssistant: d"), "share no turn"),
        (hh("\n\nAssistant: a", TURN), "where the user's is due"),
        (hh("\n\nHuman:\n\nAssistant: a", TURN), "is empty"),
        (hh(None, TURN), "null"),
        ({"chosen": TURN}, "has no rejected"),
    ),
    rows(
        "pairs",
        "preference",
        PAIR,
        (PAIR | {"rejected": "b"}, "are the same"),
        (PAIR | {"prompt": ""}, "prompt is empty"),
        (PAIR | {"chosen": 3}, "chosen is a number"),
        (PAIR | {"chosen": TURN}, "one of chosen and rejected repeats the prompt"),
        (PAIR | {"chosen": TURN, "rejected": TURN + "!"}, "not how chosen and rejected begin"),
    ),
    rows(
        "chats",
        "chat",
        chat(*HI),
        (chat(("robot", "a")), "the role 'robot'"),
        (chat((3, "a")), "the role a number"),
        (chat(("user", "a"), ("user", "b")), "where the assistant's is due"),
        (chat(("assistant", "a")), "where the user's is due"),
        (chat(("system", "a")), "no turn of the user's"),
        (chat(("user", "")), "empty"),
        (chat(("user", None)), "null"),
        ({"messages": []}, "an empty list"),
        ({"messages": "a"}, "text"),
        ({"messages": [3]}, "without a role"),
        ({"messages": [{"content": "a"}]}, "without a role"),
        (chat(("user", [{"type": "image_url"}])), "'image_url'"),
        (chat(*HI, ("tool", "a")), "the role 'tool'"),
        ({"messages": [{"role": "user", "content": "a"}, CALL]}, "calls a tool"),
    ),
    rows(
        "chains",
        "paper-chains",
        chain([{"sample": " b"}], [STEP]),
        (chain([{"sample": " b"}], []), "list of steps"),
        (chain([], [STEP]), "list of one"),
        (chain([{"sample": ""}], [STEP]), "initial_response is empty"),
        (chain([{"sample": " b"}], [{"cst_value": 3}]), "step 1 should be an object"),
        (chain([{"sample": " b"}], [STEP | {"revision": None}]), "step 1's revision is null"),
        (chain([{"sample": " b"}], [STEP | {"cst_value": {"prompt": []}}]), "step 1's prompt should be a list of one"),
    ),
    rows(
        "our own prompts",
        "prompts",
        {"turns": [{"role": "user", "content": "a"}], "kind": "helpful"},
        ({"prompt": "a", "kind": "cheerful"}, "'cheerful'"),
        ({"prompt": "a", "turns": []}, "either 'prompt' or 'turns'"),
        ({"prompt": "a", "split": "exam"}, "'exam'"),
        ({"prompt": "a", "tags": [1]}, "a tag"),
        ({"prompt": "a", "extra": 3}, "extra"),
        ({"prompt": "a", "topic": []}, "topic"),
    ),
]
