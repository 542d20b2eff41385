"""The sandbox model's tokenizer: byte-level BPE with a chat template, trained on the corpus it will read.

A turn is `<|user|>text<|end|>`. The markers are special tokens; in a turn's text they are ordinary characters, so no
text can forge a turn. Training is a pure function of the texts and their order: byte for byte the same file.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from cai_core.chains.templates import critique_turns, revision_turns
from cai_core.sandbox.verdicts import choice_span, verdict_spans
from cai_core.types import Conversation, Role

PAD, END = "<|pad|>", "<|end|>"
MARKERS = {Role.SYSTEM: "<|system|>", Role.USER: "<|user|>", Role.ASSISTANT: "<|assistant|>"}
SPECIAL = (PAD, *MARKERS.values(), END)

# {% generation %} marks what the assistant wrote, its <|end|> included: TRL's loss on answers only reads it.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def train_tokenizer(texts: Iterable[str], *, vocabulary: int, context: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE of `vocabulary` entries; every string round-trips, as all 256 bytes are in it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer=trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        extra_special_tokens=list(MARKERS.values()),
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped


CONTEXT, ANSWER, EXHIBIT, VERDICT, CHOICE = 0, 1, 2, 3, 4
CRITIQUE, REVISION = critique_turns((), "")[-1].content, revision_turns((), None, "")[-1].content


def turn_kinds(document: Conversation) -> list[int]:
    """What each turn is to the learner.

    A response shown only to be criticised or revised is an exhibit: it may be of any quality, and learnt as an answer
    it would blend into what the model says when asked plainly.
    """
    texts = [turn.content for turn in document] + [""]
    kinds = []
    for i, turn in enumerate(document):
        criticised = texts[i + 1].startswith(CRITIQUE)
        revised = texts[i + 1].startswith(REVISION) and not (i and texts[i - 1].startswith(CRITIQUE))
        shown = EXHIBIT if criticised or revised else ANSWER
        kinds.append(shown if turn.role is Role.ASSISTANT else CONTEXT)
    return kinds


@dataclass(frozen=True)
class TokenisedCorpus:
    """Documents end to end. Document i is `ids[starts[i]:starts[i + 1]]`."""

    ids: NDArray[np.uint16]
    roles: NDArray[np.uint8]
    """What each token is: `CONTEXT`, `ANSWER` (the assistant's, with its <|end|>), `EXHIBIT`, `VERDICT`, `CHOICE`."""
    starts: NDArray[np.int64]
    """Number of documents + 1 offsets."""
    hash: str
    """SHA-256 over the documents' roles and texts, in order."""
    dropped: int
    """Documents left out because they are longer than the context."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each document."""
        return np.diff(self.starts)


def tokenise(
    documents: Iterable[Conversation], tokenizer: PreTrainedTokenizerFast, *, budget: int, context: int
) -> TokenisedCorpus:
    """Read documents until `budget` tokens are together (or the documents end)."""
    ids, roles, lengths = [], [], []
    digest, total, dropped = hashlib.sha256(), 0, 0
    for document, (row, kinds) in _encode(documents, tokenizer):
        digest.update(as_bytes(document))
        if len(row) > context:
            dropped += 1
            continue
        ids.append(np.array(row, np.uint16))
        roles.append(np.array(kinds, np.uint8))
        lengths.append(len(row))
        total += len(row)
        if total >= budget:
            break
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return TokenisedCorpus(np.concatenate(ids), np.concatenate(roles), starts, digest.hexdigest(), dropped)


def as_bytes(document: Conversation) -> bytes:
    """A document as the corpus's hash reads it."""
    return "\x1e".join(f"{turn.role}\x1f{turn.content}" for turn in document).encode() + b"\x1d"


def _encode(
    documents: Iterable[Conversation], tokenizer: PreTrainedTokenizerFast, chunk: int = 2000
) -> Iterator[tuple[Conversation, tuple[list[int], list[int]]]]:
    """Each document with its ids and the kind of each: what the chat template renders, text by text."""
    backend = tokenizer.backend_tokenizer
    # Special tokens inside a turn's text are plain characters.
    backend.encode_special_tokens = True
    marker = {role: backend.token_to_id(text) for role, text in MARKERS.items()}
    end = backend.token_to_id(END)
    for group in _chunks(documents, chunk):
        texts = [turn.content for document in group for turn in document]
        # Not `encode_batch_fast`: it leaves the offsets out, and with them the verdicts.
        encoded = iter(backend.encode_batch(texts, add_special_tokens=False))
        for document in group:
            row: list[int] = []
            kinds: list[int] = []
            for turn, kind in zip(document, turn_kinds(document), strict=True):
                content = next(encoded)
                row += [marker[turn.role], *content.ids, end]
                kinds += [CONTEXT, *_kinds(turn.content, content.offsets, kind), kind]
            yield document, (row, kinds)


def _kinds(text: str, offsets: Sequence[tuple[int, int]], kind: int) -> list[int]:
    """The kind of each token of a turn of a kind: an answer's are verdicts, or a choice, where a judgement falls."""
    if kind != ANSWER:
        return [kind] * len(offsets)
    spans = [(*span, VERDICT) for span in verdict_spans(text)]
    if choice := choice_span(text):
        spans.append((*choice, CHOICE))
    return [next((found for begin, end, found in spans if a < end and b > begin), kind) for a, b in offsets]


def _chunks(documents: Iterable[Conversation], size: int) -> Iterator[Sequence[Conversation]]:
    group: list[Conversation] = []
    for document in documents:
        group.append(document)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
