"""`TextModel`: what chains, labels and battles ask of a model, whatever stands behind it.

Requests are pulled from an iterable and answers yielded as they finish, so a later engine may keep a batch full
while requests still arrive. A model never drops a request: what it cannot answer comes back as `Failed`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from cai_core.types import Answer, Choose, Conversation, Request, input_hash

OnText = Callable[[str, str], None]
"""Called with a request's key and its answer so far, as the answer grows; what it raises ends the answering.

A model that waits for somebody else's computer calls it in between as well, with what there is.
"""
UNKNOWN_LENGTH = 2**31 - 1
"""Stands for a context whose length a server does not tell: too long a request is refused by the server itself."""


class TextModel(Protocol):
    """A causal language model that answers requests."""

    def answer(
        self, requests: Iterable[tuple[str, Request]], *, on_text: OnText | None = None
    ) -> Iterator[tuple[str, Answer]]:
        """Yield `(key, answer)` once for every `(key, request)`, in any order.

        `requests` may have more after its end: an answer that was taken can bring new ones. A model that finds it at
        its end may ask again when it has room, or return when all it took is answered.
        """
        ...

    def render(self, request: Request) -> str:
        """Exactly what is sent for this request, as text (special tokens written out)."""
        ...

    def count_tokens(self, context: str | Conversation) -> int:
        """How many tokens a text takes, special tokens not added; of turns, how many are sent for them."""
        ...

    @property
    def context_length(self) -> int:
        """How many tokens prompt and answer may take together."""
        ...


def sent_hash(rendered: str, request: Request) -> str:
    """What an answer to a request bears as `sent`: 16 hex digits of SHA-256 over what is rendered, and over options."""
    more = request.options if isinstance(request, Choose) else ()
    return input_hash("\x1f".join([rendered, *more]))
