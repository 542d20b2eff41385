"""Runs many tasks on few models, in full batches.

A task is a generator: it yields `(role, request)`, is sent the answer, and returns its noun. Tasks that are further on
go first, so results come early and a killed run has little unfinished.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

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


class _Feed(Iterator[tuple[str, Request]]):
    """Requests for one model, whatever their role. It may go on after its end: an answer brings the next request."""

    def __init__(self, drive: "_Drive[Any, Any]", model: TextModel) -> None:
        self._drive, self._model = drive, model

    def __next__(self) -> tuple[str, Request]:
        return self._drive.take(self._model)


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
                model = self._model(self._deepest().role)
                for number, answer in model.answer(_Feed(self, model)):
                    flight = self._asked.pop(int(number))
                    flight.answers += 1
                    self._advance(flight, answer)
                    yield from self._take_results()
        finally:
            for flight in (*self._waiting.values(), *self._asked.values()):
                flight.task.close()

    def take(self, model: TextModel) -> tuple[str, Request]:
        """The deepest request for a model; `StopIteration` while there is none. New tasks begin as others end."""
        self._begin()
        flight = self._deepest(model)
        self._asked[flight.number] = self._waiting.pop(flight.number)
        return str(flight.number), flight.request

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

    def _deepest(self, model: TextModel | None = None) -> "_Flight[K, T]":
        """The waiting task with the most answers; of equals, the one begun first. `StopIteration` if there is none."""
        flights = [one for one in self._waiting.values() if model is None or self._model(one.role) is model]
        if not flights:
            raise StopIteration
        return max(flights, key=lambda flight: (flight.answers, -flight.number))

    def _model(self, role: str) -> TextModel:
        if role not in self._models:
            raise ModelError(f"No model has the role {role!r}; there are {sorted(self._models)}. Give one for it.")
        return self._models[role]
