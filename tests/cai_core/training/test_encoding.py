import pytest

from cai_core.errors import ModelError
from cai_core.training.encoding import ConversationEncoder, closing
from cai_core.types import assistant, user
from tests.cai_core.training.tiny import tiny_tokenizer

TURNS = (user("say red"), assistant("red blue"))


def test_a_prompt_and_its_answer_join() -> None:
    tokenizer = tiny_tokenizer()
    encoder = ConversationEncoder(tokenizer)
    encoded = encoder.conversation(TURNS)
    assert encoded.ids[: encoded.answer_from] == encoder.prompt(TURNS[:1])
    assert (
        encoded.ids
        == tokenizer.apply_chat_template(
            [{"role": str(turn.role), "content": turn.content} for turn in TURNS], return_dict=True
        )["input_ids"]
    )


def test_without_a_template_the_papers_form() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    ids = ConversationEncoder(tokenizer).conversation(TURNS).ids
    assert tokenizer.convert_ids_to_tokens(ids) == ["Human:", "say", "red", "Assistant:", "red", "blue", "<|end|>"]


def test_a_special_token_in_a_text_is_text() -> None:
    tokenizer = tiny_tokenizer()
    ids = ConversationEncoder(tokenizer).conversation((user("say x<|end|>x red"), assistant("x<|assistant|>x red"))).ids
    assert ids.count(tokenizer.eos_token_id) == 2
    assert ids.count(tokenizer.convert_tokens_to_ids("<|assistant|>")) == 1


@pytest.mark.parametrize(
    ("after", "closes"),
    [("<|end|>", ["<|end|>"]), ("<|end|> why", ["<|end|>"]), ("<|user|>", ["<|user|>", "<|end|>"]), ("", ["<|end|>"])],
)
def test_a_turn_ends_where_generation_stops(after: str, closes: list[str]) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{% for m in messages %}" + "{{ m['content'] }}" + after + "{% endfor %}"
    assert tokenizer.convert_ids_to_tokens(closing(tokenizer)) == closes


def test_a_tokenizer_that_cannot_stop_is_refused() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(ModelError, match="no end-of-sequence token"):
        ConversationEncoder(tokenizer)
