"""The list that a model goes on with, and what is read off its answer."""

import pytest

from cai_core.chains.new_prompts import ask, examples_of, list_of, read_off, refused
from cai_core.types import PromptKind, Sample, Text


def test_the_list_ends_with_the_next_number_and_examples_take_a_line_each() -> None:
    text = list_of(PromptKind.HELPFUL, ["one\n\nthing", "two"])
    assert text.split("\n")[2:] == ["1. one thing", "2. two", "3."]


def test_examples_depend_on_seed_and_place_alone() -> None:
    pool = [str(n) for n in range(100)]
    drawn = [examples_of(pool, place, count=10, seed=1) for place in range(5)]
    assert drawn == [examples_of(pool, place, count=10, seed=1) for place in range(5)]
    assert len({tuple(one) for one in drawn}) == 5
    assert all(len(set(one)) == 10 for one in drawn)
    assert len(examples_of(pool[:3], 0, count=10, seed=1)) == 3


@pytest.mark.parametrize(
    ("written", "prompt"),
    [
        (" How are you?", "How are you?"),
        ("\n\n12. How are you?\n13. And you?", "How are you?"),
        ('- "How are you?"', "How are you?"),
        ("(3) “How”", "How"),
        ("3 apples cost what?", "3 apples cost what?"),
        ("  \n ", ""),
        ("", ""),
    ],
)
def test_the_new_prompt_is_the_first_line(written: str, prompt: str) -> None:
    assert read_off(written) == prompt


def test_empty_cut_and_echoed_ones_are_refused() -> None:
    assert refused("?!", True, []) == "empty"
    assert refused("How do I", False, []) == "cut"
    assert refused("how  ARE you", True, ["What?", "How are you?"]) == "echo"
    assert refused("How are they?", True, ["How are you?"]) is None


@pytest.mark.parametrize("as_chat", [True, False])
def test_a_server_that_only_chats_is_asked_in_a_turn(as_chat: bool) -> None:
    task = ask(PromptKind.HELPFUL, ["a"], seed=1, temperature=1.0, max_new_tokens=9, as_chat=as_chat)
    _, request = next(task)
    assert isinstance(request, Sample)
    assert isinstance(request.context, str) is not as_chat
    assert request.stop == (() if as_chat else ("\n",))
    with pytest.raises(StopIteration) as ended:
        task.send(Text(" b", True, 1, "s"))
    assert ended.value.value.text == " b"
