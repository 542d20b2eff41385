"""Runs many tasks on few models, in full batches.

A task is a generator: it yields `(role, request)`, is sent the answer, and returns its noun. Tasks that are further on
go first, so results come early and a killed run has little unfinished.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from cai_core.errors import ModelError
from cai_core.models.base import TextModel
from cai_core.types import Answer, Request

K = TypeVar("K")
T = TypeVar("T")
Task = Generator[tuple[str, Request], Answer, T]


@dataclass
class _Flight(Generic[K, T]):
    """A task that has begun."""

    number: int
    key: K
    task: Task[T]
    role: str
    request: Request
    answers: int = 0


def drive(tasks: Iterable[tuple[K, Task[T]]], models: Mapping[str, TextModel], width: int) -> Iterator[tuple[K, T]]:
    """Yield `(key, result)` as each task returns; at most `width` tasks are begun at a time.

    The caller may stop at any time: tasks in progress are closed, those not begun stay in `tasks`.
    """
    if width < 1:
        raise ValueError(f"width is {width}: at least one task has to run at a time")
    yield from _Drive(tasks, models, width).run()


class _Drive(Generic[K, T]):
    """The state of one `drive`: tasks to begin, tasks that wait for an answer, results not yet handed out."""

    def __init__(self, tasks: Iterable[tuple[K, Task[T]]], models: Mapping[str, TextModel], width: int) -> None:
        self._tasks, self._models, self._width = iter(tasks), models, width
        self._begun = 0
        self._waiting: dict[int, _Flight[K, T]] = {}
        self._asked: dict[int, _Flight[K, T]] = {}
        self._results: list[tuple[K, T]] = []

    def run(self) -> Iterator[tuple[K, T]]:
        """Answer role after role until no task is left."""
        try:
            while True:
                self._begin()
                if self._results:
                    # A task that needed no answer: there may be more behind it.
                    yield from self._take_results()
                    continue
                if not self._waiting:
                    return
                role = self._deepest().role
                for number, answer in self._model(role).answer(self._feed(role)):
                    flight = self._asked.pop(int(number))
                    flight.answers += 1
                    self._advance(flight, answer)
                    yield from self._take_results()
        finally:
            for flight in (*self._waiting.values(), *self._asked.values()):
                flight.task.close()

    def _feed(self, role: str) -> Iterator[tuple[str, Request]]:
        """Requests of a role, deepest first, as the model pulls them; new tasks begin as others end."""
        while True:
            self._begin()
            if not any(flight.role == role for flight in self._waiting.values()):
                return
            flight = self._deepest(role)
            self._asked[flight.number] = self._waiting.pop(flight.number)
            yield str(flight.number), flight.request

    def _begin(self) -> None:
        """Begin tasks while there is room."""
        while len(self._waiting) + len(self._asked) < self._width:
            following = next(self._tasks, None)
            if following is None:
                return
            key, task = following
            try:
                role, request = next(task)
            except StopIteration as returned:
                self._results.append((key, returned.value))
                # Handed out before more begin: a source of tasks that need no answer may be endless.
                return
            self._waiting[self._begun] = _Flight(self._begun, key, task, role, request)
            self._begun += 1

    def _advance(self, flight: "_Flight[K, T]", answer: Answer) -> None:
        try:
            flight.role, flight.request = flight.task.send(answer)
        except StopIteration as returned:
            self._results.append((flight.key, returned.value))
        else:
            self._waiting[flight.number] = flight

    def _take_results(self) -> Iterator[tuple[K, T]]:
        while self._results:
            yield self._results.pop(0)

    def _deepest(self, role: str | None = None) -> "_Flight[K, T]":
        """The waiting task with the most answers; of equals, the one begun first."""
        flights = [flight for flight in self._waiting.values() if role in (None, flight.role)]
        return max(flights, key=lambda flight: (flight.answers, -flight.number))

    def _model(self, role: str) -> TextModel:
        if role not in self._models:
            raise ModelError(f"No model has the role {role!r}; there are {sorted(self._models)}. Give one for it.")
        return self._models[role]
