r"""From a request's context to exactly what a local model is sent: text, and token ids.

Turns go through the model's chat template, or, where it has none, take the paper's form: `\n\nHuman: ...` and
`\n\nAssistant:`. What people or models wrote is never parsed for special tokens: only the template's own words are.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from transformers import PreTrainedTokenizerBase

from cai_core.errors import ModelError
from cai_core.models.plain_form import HUMAN, cut_at, plain_text
from cai_core.types import Conversation, Role, assistant, user

_MOST_PARTS = 4096
"""Most texts whose tokens are remembered."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text: the template's own, where special tokens count, or somebody's, where they do not."""

    text: str
    trusted: bool


class Renderer:
    """Renders contexts for one tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self.has_template = bool(tokenizer.chat_template)
        # Headers and the like are in no named list of the tokenizer's, and are read as special tokens all the same.
        added = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
        self._special = tuple(sorted(text for text in added.union(tokenizer.all_special_tokens) if text))
        self._parts = re.compile("(" + "|".join(map(re.escape, sorted(self._special, key=len, reverse=True))) + ")")
        self._splits = bool(self._special) and self._splits_at_special()
        self._known: OrderedDict[str, list[int]] = OrderedDict()  # tokens of parts, the one used last is last
        self._last: tuple[Conversation, list[Piece]] | None = None
        begins = list(tokenizer("a").input_ids)[:1]
        self._begin: int | None = tokenizer.bos_token_id if begins == [tokenizer.bos_token_id] else None

    def stops(self, context: str | Conversation) -> tuple[str, ...]:
        """Strings that end an answer beyond those asked for: without a template, the next human turn."""
        return () if self.has_template or isinstance(context, str) else (HUMAN,)

    def answer(self, context: str | Conversation, text: str, stop: Sequence[str] = ()) -> str:
        """What of a model's `text` answers `context`: all before the first stop string, the usual ones or one given."""
        text = cut_at(text, (*stop, *self.stops(context)))
        if self.has_template or isinstance(context, str) or context[-1].role is Role.ASSISTANT:
            return text
        # Without a template, what follows 'Assistant:' begins with the space that parts it from the label.
        return text.lstrip()

    def spells_special(self, turns: Conversation) -> bool:
        """Whether a text holds the letters of a special token."""
        return any(special in turn.content for special in self._special for turn in turns)

    @property
    def begins_with(self) -> str:
        """What the tokenizer by itself puts before any text."""
        return "" if self._begin is None else str(self.tokenizer.bos_token)

    def text(self, context: str | Conversation) -> str:
        """What is sent, special tokens written out."""
        begin = "" if self._templated(context) else self.begins_with
        return begin + "".join(piece.text for piece in self._pieces(context))

    def sent(self, context: str | Conversation, *more: str) -> str:
        """16 hex digits of SHA-256 over the rendered text, and over the options of a choice."""
        return hashlib.sha256("\x1f".join([self.text(context), *more]).encode()).hexdigest()[:16]

    def ids(self, context: str | Conversation, continuation: str = "") -> list[int]:
        """The tokens sent; `continuation` is the beginning of the answer, tokenised with what it goes on from."""
        pieces = self._pieces(context)
        if pieces and not pieces[-1].trusted:
            pieces[-1] = Piece(pieces[-1].text + continuation, trusted=False)
        else:
            pieces.append(Piece(continuation, trusted=False))
        begin = [] if self._begin is None or self._templated(context) else [self._begin]
        return begin + self._tokens(pieces)

    def closed_ids(self, conversation: Conversation) -> list[int]:
        """The tokens of a whole conversation that ends with an answer, and of the end of its turn."""
        answer = conversation[-1].content
        if not self.has_template and not answer[:1].isspace():
            answer = " " + answer  # a space parts the answer from 'Assistant:' and belongs to its first word
        return self.ids(conversation[:-1], answer) + self.closing

    @cached_property
    def closing(self) -> list[int]:
        """The tokens after an answer, up to the one at which generation stops.

        A chat template says what follows a turn; where the stop token is not in it, it comes last. Raises `ModelError`
        for a tokenizer that has no stop token: what it answers would never end.
        """
        stop = self.tokenizer.eos_token_id
        if stop is None:
            raise ModelError(
                f"the tokenizer of {self.tokenizer.name_or_path} has no end-of-sequence token, so no answer could end. "
                "Set eos_token in its tokenizer_config.json."
            )
        pieces = (
            self._template_pieces((user("question"), assistant("answer")), closed=True) if self.has_template else []
        )
        after = self._encode(pieces[-1].text, trusted=True) if pieces else []
        return after[: after.index(stop) + 1] if stop in after else [*after, stop]

    def _templated(self, context: str | Conversation) -> bool:
        return self.has_template and not isinstance(context, str)

    def _pieces(self, context: str | Conversation) -> list[Piece]:
        if isinstance(context, str):
            return [Piece(context, trusted=False)]
        if self.has_template:
            if self._last is None or self._last[0] is not context:
                self._last = (context, self._template_pieces(context))
            return list(self._last[1])
        return [Piece(plain_text(context), trusted=False)]

    def _template_pieces(self, context: Conversation, *, closed: bool = False) -> list[Piece]:
        """Render the template around place-holders, so that no text can pass for a part of it.

        A last turn of the assistant's is left open, to be gone on from, unless `closed`.
        """
        salt = hashlib.sha256(repr(context).encode()).hexdigest()[:12]
        names = [f"turn{salt}x{i}x" for i in range(len(context))]
        messages = [{"role": str(turn.role), "content": name} for turn, name in zip(context, names, strict=True)]
        whole = closed or context[-1].role is Role.ASSISTANT
        rendered = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=not whole)
        parts = re.split(f"(turn{salt}x[0-9]+x)", str(rendered))
        if parts[1::2] != names:
            raise ValueError(f"The chat template does not show each of the {len(context)} turns once and in order.")
        texts = [Piece(turn.content, trusted=False) for turn in context]
        frame = [Piece(part, trusted=True) for part in parts[::2]]
        pieces = [piece for pair in zip(frame, texts, strict=False) for piece in pair]
        return pieces if whole and not closed else [*pieces, frame[-1]]

    def _tokens(self, pieces: Sequence[Piece]) -> list[int]:
        """All in one where no text holds a special token, as the model was trained; else piece by piece."""
        if any(special in piece.text for special in self._special for piece in pieces if not piece.trusted):
            return [token for piece in pieces if piece.text for token in self._encode(piece.text, piece.trusted)]
        return self._encode("".join(piece.text for piece in pieces), trusted=True)

    def _encode(self, text: str, trusted: bool) -> list[int]:
        if not (trusted and self._splits):
            return self._encode_whole(text, trusted)
        return [token for part in self._parts.split(text) if part for token in self._encode_part(part)]

    def _encode_whole(self, text: str, trusted: bool) -> list[int]:
        encoded = self.tokenizer(text, add_special_tokens=False, split_special_tokens=not trusted)
        return list(encoded.input_ids)

    def _encode_part(self, part: str) -> list[int]:
        """Tokens of what stands between special tokens: few-shots come again with every request."""
        found = self._known.pop(part, None) or self._encode_whole(part, trusted=True)
        self._known[part] = found
        if len(self._known) > _MOST_PARTS:
            self._known.popitem(last=False)
        return found

    def _splits_at_special(self) -> bool:
        """Whether text on both sides of a special token is read as if it stood alone; some tokenizers add spaces."""
        added = self.tokenizer.added_tokens_decoder.values()
        if any(token.special and (token.lstrip or token.rstrip or token.single_word) for token in added):
            return False
        for special in self._special:
            text = f"{special}Hello there{special}\n\n Hi, you.{special}{special} x {special}A"
            apart = [token for part in self._parts.split(text) if part for token in self._encode_whole(part, True)]
            if apart != self._encode_whole(text, True):
                return False
        return True
