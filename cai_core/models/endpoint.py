"""A model behind an OpenAI-compatible server, as a `TextModel`: vLLM, SGLang, llama.cpp, or a paid service.

The server renders and tokenises what it is sent, so what holds for local models holds here only as far as the server
keeps it: the same seed may give another text, and letters that spell a special token may be read as one.
"""

import asyncio
from collections.abc import Iterable, Iterator
from random import Random

from cai_core.models.base import UNKNOWN_LENGTH, OnText
from cai_core.models.endpoint_body import call_for
from cai_core.models.endpoint_flight import PATIENCE, Clock, Flight, Standing
from cai_core.models.endpoint_pace import Pace
from cai_core.models.endpoint_use import Use, estimate_tokens
from cai_core.models.endpoint_wire import Wire, read_key
from cai_core.types import Answer, Conversation, ModelRef, Request


class EndpointModel:
    """Asks a server. `use` is what it has been asked for so far."""

    def __init__(
        self,
        ref: ModelRef,
        *,
        clock: Clock | None = None,
        rng: Random | None = None,
        patience: float = PATIENCE,
    ) -> None:
        if ref.endpoint is None:
            raise ValueError(f"{ref.base!r} is no endpoint")
        self._ref, self.endpoint = ref, ref.endpoint
        self._key = read_key(ref.endpoint.key_env)
        pace = Pace(ref.endpoint.max_requests, ref.endpoint.timeout)
        self._standing = Standing(ref.endpoint, pace, clock or Clock(), rng or Random(), patience)

    @property
    def use(self) -> Use:
        """What the server was asked for so far."""
        return self._standing.use

    @property
    def context_length(self) -> int:
        """How many tokens prompt and answer may take together."""
        return self.endpoint.context_length or UNKNOWN_LENGTH

    def count_tokens(self, context: str | Conversation) -> int:
        """About how many: the tokenizer is the server's."""
        text = context if isinstance(context, str) else "\n".join(turn.content for turn in context)
        return estimate_tokens(text)

    def render(self, request: Request) -> str:
        """The body that is sent. The key goes beside it; so does what asks for the answer as it grows."""
        return call_for(self.endpoint, request).text

    def answer(
        self, requests: Iterable[tuple[str, Request]], *, on_text: OnText | None = None
    ) -> Iterator[tuple[str, Answer]]:
        """Answer as many at once as the server can take; each is yielded as it comes.

        Raises `ModelError` for what would meet every request: no key, no such model, a server that is gone.
        """
        loop = asyncio.new_event_loop()
        wire = Wire(self._ref, self._key)
        flight = Flight(wire, self._standing, on_text)
        try:
            yield from _answers(loop, flight, iter(requests))
        finally:
            loop.run_until_complete(flight.close())
            loop.run_until_complete(wire.close())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()


def _answers(
    loop: asyncio.AbstractEventLoop, flight: Flight, source: Iterator[tuple[str, Request]]
) -> Iterator[tuple[str, Answer]]:
    """Pull while there is room, wait, hand out; a source at its end may have more once an answer was taken."""
    while True:
        while flight.room and (pulled := next(source, None)) is not None:
            flight.begin(loop, *pulled)
        flight.full = not flight.room
        if flight.empty:
            return
        found, error = loop.run_until_complete(flight.landed())
        yield from found
        if error is not None:
            raise error
