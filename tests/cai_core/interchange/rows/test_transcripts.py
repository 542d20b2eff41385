"""Transcripts: what stands between two labels is a turn, and what a transcript cannot say is not written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.interchange.rows.nouns import RowError
from cai_core.interchange.rows.transcripts import parse_prompt, parse_transcript, render_prompt, render_transcript
from cai_core.types import Conversation, Message, Role, assistant, user


def test_turns_are_verbatim_but_for_the_space_after_their_label() -> None:
    turns, notes = parse_transcript("\n\nHuman:  two\n\nparagraphs \n\nAssistant: yes\n\n\nHuman: \n\nAssistant:", "it")
    assert turns == (user(" two\n\nparagraphs "), assistant("yes\n"), user(""), assistant(""))
    assert notes == ()


def test_a_label_within_a_paragraph_is_text() -> None:
    turns, _ = parse_transcript("\n\nHuman: He said:\nHuman: and\n\n Assistant: no\n\nAssistant: yes", "it")
    assert turns == (user("He said:\nHuman: and\n\n Assistant: no"), assistant("yes"))


def test_turns_in_a_row_by_one_speaker_are_joined_by_an_empty_line() -> None:
    turns, notes = parse_transcript(
        "\n\nHuman: a\n\nAssistant: b\n\nAssistant:  c\n\nAssistant: \n\nHuman: d", "chosen"
    )
    assert turns == (user("a"), assistant("b\n\n c"), user("d"))
    assert notes == ("2 turns of chosen joined to the one before, by the same speaker",)


def test_the_label_of_the_answer_to_come_is_no_turn() -> None:
    assert parse_prompt("\n\nHuman: a\n\nAssistant:", "it")[0] == (user("a"),)
    assert parse_prompt("Human: a\n\nAssistant: b\n\nHuman: c", "it")[0] == (user("a"), assistant("b"), user("c"))
    assert render_prompt((user("a"),)) == "\n\nHuman: a\n\nAssistant:"


@pytest.mark.parametrize("text", ["", "Hello", "Hello\n\nHuman: a", "H: a"])
def test_other_texts_are_no_transcripts(text: str) -> None:
    with pytest.raises(RowError, match="does not begin with 'Human:'"):
        parse_transcript(text, "it")


@pytest.mark.parametrize("content", ["a\n\nHuman: b", "\n\nAssistant:"])
def test_a_turn_that_its_label_would_cut_in_two_is_not_written(content: str) -> None:
    with pytest.raises(RowError, match="begins with 'Human:' or 'Assistant:'"):
        render_transcript((user(content),))


def test_a_system_turn_is_not_written() -> None:
    with pytest.raises(RowError, match="no system turn"):
        render_transcript((Message(Role.SYSTEM, "Be kind."), user("a")))


pieces = st.sampled_from(["a", " ", "\n", "\n\n", "Human:", "Assistant:", "Human", ":", "é"])
contents = st.lists(pieces, max_size=6).map("".join)


@given(st.lists(contents, min_size=1, max_size=6))
def test_what_is_written_is_read_back(texts: list[str]) -> None:
    turns: Conversation = tuple((assistant if at % 2 else user)(text) for at, text in enumerate(texts))
    try:
        text = render_transcript(turns)
    except RowError:
        return
    assert parse_transcript(text, "it") == (turns, ())
