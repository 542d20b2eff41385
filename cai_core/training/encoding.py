"""Whole conversations as token ids: what a model is sent, the answer it gave, and the end of its turn.

The context is rendered as it is for sampling, so training and generation see one and the same prompt.
"""

from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from cai_core.errors import ModelError
from cai_core.models.rendering import Renderer
from cai_core.types import Conversation, assistant, user


@dataclass(frozen=True, slots=True)
class Encoded:
    """A conversation that ends with the assistant's turn, as token ids."""

    ids: list[int]
    answer_from: int
    """Place of the answer's first token; before it stands what a model is sent."""


class ConversationEncoder:
    """Encodes prompts and conversations for one tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.renderer = Renderer(tokenizer)
        self._closing = closing(tokenizer)

    def prompt(self, turns: Conversation) -> list[int]:
        """What is sent for an answer to `turns`, which end with the user's."""
        return self.renderer.ids(turns)

    def conversation(self, turns: Conversation) -> Encoded:
        """`turns` end with the answer, which is followed by the tokens that end a turn."""
        answer = turns[-1].content
        if not (self.renderer.has_template or answer[:1].isspace()):
            answer = " " + answer  # without a template a space sets the answer off, and belongs to its first word
        context = self.prompt(turns[:-1])
        ids = self.renderer.ids(turns[:-1], answer)
        kept = next((i for i, (x, y) in enumerate(zip(context, ids, strict=False)) if x != y), len(context))
        return Encoded(ids + self._closing, kept)


def closing(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens after an answer, up to the one at which generation stops.

    A chat template says what follows a turn; where the stop token is not in it, it comes last. Raises `ModelError`
    for a tokenizer that has no stop token: what it answers would never end.
    """
    stop = tokenizer.eos_token_id
    if stop is None:
        raise ModelError(
            f"the tokenizer of {tokenizer.name_or_path} has no end-of-sequence token, so no answer could end. Set "
            "eos_token in its tokenizer_config.json."
        )
    after = _after_answer(tokenizer) if tokenizer.chat_template else []
    return after[: after.index(stop) + 1] if stop in after else [*after, stop]


def _after_answer(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    turns = [{"role": str(turn.role), "content": turn.content} for turn in (user("question"), assistant("answer"))]
    text = str(tokenizer.apply_chat_template(turns, tokenize=False))
    return list(tokenizer(text.rpartition("answer")[2], add_special_tokens=False).input_ids)
