"""Requests in flight to one server: sent as the pace allows, sent again after a hitch, each answered once.

All of it happens in one event loop that turns only while somebody waits for an answer: no threads, no locks.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from cai_core.errors import ModelError
from cai_core.models.base import OnText
from cai_core.models.endpoint_body import Call, call_for
from cai_core.models.endpoint_pace import Pace
from cai_core.models.endpoint_read import count_of, read_choice, read_text, text_so_far
from cai_core.models.endpoint_trouble import Hitch, Refused, backoff
from cai_core.models.endpoint_use import Use, estimate_tokens
from cai_core.models.endpoint_wire import Wire
from cai_core.types import Answer, Endpoint, Failed, Failure, Request, Sample, user

TRIES = 6
"""How often a request is sent before it is given up, where the server answers others."""
PATIENCE = 120.0
"""Seconds without any answer, from the first hitch on, after which the answering ends."""
TELLS_EVERY = 0.25
"""Seconds until who listens is told again what there is, though nothing came: it may have had enough."""


@dataclass
class Clock:
    """Time in seconds, and how to let it pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass
class Standing:
    """What a model keeps between one batch of requests and the next."""

    endpoint: Endpoint
    pace: Pace
    clock: Clock = field(default_factory=Clock)
    rng: Random = field(default_factory=Random)
    patience: float = PATIENCE
    use: Use = field(default_factory=Use)
    answers: int = 0
    """How many requests the server has answered."""
    troubled_since: float | None = None
    """When the first hitch after the last answer was."""


class Flight:
    """The requests that are out."""

    def __init__(self, wire: Wire, standing: Standing, on_text: OnText | None) -> None:
        self._wire, self._standing, self._on_text = wire, standing, on_text
        self._rows: dict[asyncio.Task[Answer], str] = {}
        self._so_far: dict[str, str] = {}
        self._turn = asyncio.Condition()
        self._flying = self._tokens = 0
        self.full = False
        """As many requests were begun as there was room for."""

    @property
    def room(self) -> bool:
        """Whether another request may be begun."""
        return len(self._rows) < self._standing.pace.limit

    @property
    def empty(self) -> bool:
        """Whether nothing is out."""
        return not self._rows

    def begin(self, loop: asyncio.AbstractEventLoop, key: str, request: Request) -> None:
        """Send a request as soon as the loop turns."""
        self._rows[loop.create_task(self._row(key, request))] = key

    async def landed(self) -> tuple[list[tuple[str, Answer]], BaseException | None]:
        """Wait until a request has its answer: all that have one, and what ends the answering, if anything does."""
        wait = None if self._on_text is None else TELLS_EVERY
        while True:
            done, _ = await asyncio.wait(self._rows, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            if done:
                break
            self._tell_again()
        found: list[tuple[str, Answer]] = []
        error: BaseException | None = None
        for task in done:
            key = self._rows.pop(task)
            self._so_far.pop(key, None)
            if (raised := task.exception()) is None:
                found.append((key, task.result()))
            else:
                error = error or raised
        return found, error

    def _tell_again(self) -> None:
        """What it raises ends the answering, so a wait for a server that is gone can be ended too."""
        if self._on_text is not None:
            for key in self._rows.values():
                self._on_text(key, self._so_far.get(key, ""))

    async def close(self) -> None:
        """Call back what is still out."""
        for task in self._rows:
            task.cancel()
        await asyncio.gather(*self._rows, return_exceptions=True)
        self._rows.clear()

    async def _row(self, key: str, request: Request) -> Answer:
        """One request to its answer."""
        call = call_for(self._standing.endpoint, request)
        tries = hitches = 0
        while True:
            answers_before = self._standing.answers
            try:
                return await self._attempt(key, call)
            except Refused as refused:
                return self._given_up(refused)
            except Hitch as hitch:
                tries += not hitch.busy
                wait = self._wait(hitch, hitches)
                hitches += 1
                # A request that fails while others do not, or where a plain one does not, is itself at fault.
                if tries >= TRIES and (self._standing.answers > answers_before or await self._answers_plainly()):
                    return Failed(Failure.FAILED, f"{hitch}; given up after {tries} tries.")
            self._standing.use.sent_again += 1
            await self._standing.clock.sleep(wait)

    async def _attempt(self, key: str, call: Call) -> Answer:
        """Send a request once."""
        standing = self._standing
        tokens = estimate_tokens(call.text) + int(call.body["max_tokens"])
        async with self._seat(tokens):
            sent_at = standing.clock.now()
            standing.use.requests += 1
            try:
                reply = await self._wire.post(call, self._telling(key, call))
                answer = self._read(call, reply)
            except Hitch as hitch:
                if hitch.busy or hitch.slow:
                    standing.pace.refused(standing.clock.now(), sent_at)
                raise
        written = count_of(reply, "completion_tokens")
        standing.use.add(count_of(reply, "prompt_tokens"), written)
        standing.answers, standing.troubled_since = standing.answers + 1, None
        standing.pace.answered(standing.clock.now(), sent_at, written or 1, full=self.full)
        return answer

    def _read(self, call: Call, reply: object) -> Answer:
        return read_text(call, reply, estimate_tokens) if isinstance(call.request, Sample) else read_choice(call, reply)

    def _telling(self, key: str, call: Call) -> Callable[[object], None] | None:
        """Who is told how the answer grows, if anybody wants to know."""
        on_text = self._on_text
        if on_text is None or not isinstance(call.request, Sample):
            return None

        def tell(reply: object) -> None:
            self._so_far[key] = text_so_far(call, reply)
            on_text(key, self._so_far[key])

        return tell

    @asynccontextmanager
    async def _seat(self, tokens: int) -> AsyncIterator[None]:
        """Wait for a place among the requests in flight, and keep it."""
        async with self._turn:
            await self._turn.wait_for(lambda: self._fits(tokens))
            self._flying, self._tokens = self._flying + 1, self._tokens + tokens
        try:
            yield
        finally:
            self._flying, self._tokens = self._flying - 1, self._tokens - tokens
            async with self._turn:
                self._turn.notify_all()

    def _fits(self, tokens: int) -> bool:
        if not self._flying:
            return True
        limits = self._standing
        return self._flying < limits.pace.limit and self._tokens + tokens <= limits.endpoint.max_tokens

    def _given_up(self, refused: Refused) -> Failed:
        """A refused row; where the server has never answered, the settings are at fault, and all would be refused."""
        if not refused.own and not self._standing.answers:
            raise ModelError(
                f"{refused}. It refused what it was asked first, so it would refuse all. "
                "`cai-studio doctor --endpoint` shows what it takes."
            )
        return Failed(refused.failure, str(refused))

    def _wait(self, hitch: Hitch, hitches: int) -> float:
        """Seconds until the next try. Raises `ModelError` once the server has answered nothing for too long."""
        standing, now = self._standing, self._standing.clock.now()
        if standing.troubled_since is None:
            standing.troubled_since = now
        waited = now - standing.troubled_since
        if waited > standing.patience or (hitch.wait or 0.0) > standing.patience:
            asks = f" and asks to wait {hitch.wait:.0f} s" if hitch.wait else ""
            raise ModelError(
                f"the server has answered nothing for {waited:.0f} s{asks}; at last: {hitch}. What was answered is "
                "kept. Resume the run once the server answers."
            )
        return backoff(hitches, hitch.wait, standing.rng)

    async def _answers_plainly(self) -> bool:
        """Whether the server answers the smallest request there is."""
        call = call_for(self._standing.endpoint, Sample((user("Hello"),), 0, 1))
        try:
            async with self._seat(1):
                self._standing.use.requests += 1
                self._read(call, await self._wire.post(call))
        except (Hitch, Refused):
            return False
        return True
