"""Tasks on models: every task ends with its own answers, deep ones first, in full batches."""

from collections.abc import Generator, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.errors import ModelError
from cai_core.models.drive import drive
from cai_core.models.scripted import ScriptedModel
from cai_core.types import Answer, Failed, Request, Sample, Text

Step = Generator[tuple[str, Request], Answer, list[str]]


def steps(name: int, count: int, roles: tuple[str, ...] = ("a",)) -> Step:
    """Ask `count` times; return the answers' texts."""
    said = []
    for step in range(count):
        answer = yield roles[step % len(roles)], Sample(f"{name}.{step}", step, 4)
        said.append(answer.text if isinstance(answer, Text) else "failed")
    return said


def echo(request: Request) -> str:
    """Say what was asked."""
    return f"said {request.context}"


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(1, 7), st.sampled_from([("a",), ("a", "b")]))
def test_every_task_gets_its_own_answers(counts: list[int], width: int, roles: tuple[str, ...]) -> None:
    models = {role: ScriptedModel(echo) for role in roles}
    tasks = ((name, steps(name, count, roles)) for name, count in enumerate(counts))
    found = dict(drive(tasks, models, width))
    assert found == {n: [f"said {n}.{step}" for step in range(count)] for n, count in enumerate(counts)}
    assert sum(len(model.history) for model in models.values()) == sum(counts)


def test_deep_tasks_go_first_and_few_are_begun() -> None:
    model = ScriptedModel(echo)
    list(drive(((n, steps(n, 3)) for n in range(6)), {"a": model}, width=1))
    assert [str(request.context) for _, request in model.history] == [f"{n}.{s}" for n in range(6) for s in range(3)]


class Windows(ScriptedModel):
    """Takes requests by the handful, as a local model does."""

    windows: list[list[str]]

    def answer(  # type: ignore[override]
        self, requests: Iterator[tuple[str, Request]], **more: object
    ) -> Iterator[tuple[str, Answer]]:
        """Four at a time."""
        self.windows = getattr(self, "windows", [])
        while window := [one for one, _ in zip(requests, range(4), strict=False)]:
            self.windows.append([str(request.context) for _, request in window])
            yield from super().answer(window)


def test_batches_are_full_and_tasks_come_in_as_others_end() -> None:
    model = Windows(echo)
    found = dict(drive(((n, steps(n, 1 + n % 3)) for n in range(20)), {"a": model}, width=4))
    assert len(found) == 20
    # zip reads one more than it keeps only when the source has it, so count what was answered in all.
    assert sum(map(len, model.windows)) <= sum(1 + n % 3 for n in range(20))
    begun = [n for n in range(20) if any(f"{n}.0" in window for window in model.windows)]
    assert begun == list(range(20))


def test_the_caller_may_stop() -> None:
    closed: list[int] = []
    begun: list[int] = []

    def task(name: int) -> Step:
        begun.append(name)
        try:
            return (yield from steps(name, 2))
        finally:
            closed.append(name)

    source = iter([(n, task(n)) for n in range(100)])
    results = drive(source, {"a": ScriptedModel(echo)}, width=3)
    assert next(results)[0] == 0
    results.close()
    assert sorted(closed) == sorted(begun)
    assert len(begun) <= 4
    assert next(source)[0] == len(begun)


def test_results_come_before_the_next_tasks_begin() -> None:
    def endless() -> Iterator[tuple[int, Step]]:
        n = 0
        while True:
            yield n, steps(n, 0)
            n += 1

    results = drive(endless(), {}, width=2)
    assert [next(results) for _ in range(3)] == [(0, []), (1, []), (2, [])]


def test_failures_are_answers() -> None:
    model = ScriptedModel(echo, fails=lambda request: "1." in str(request.context))
    found = dict(drive(((n, steps(n, 2)) for n in range(3)), {"a": model}, width=8))
    assert found[1] == ["failed", "failed"]
    assert found[2] == ["said 2.0", "said 2.1"]
    assert isinstance(dict(model.answer([("k", Sample("1.", 0, 1))]))["k"], Failed)


def test_a_task_s_own_error_is_raised_and_the_others_closed() -> None:
    def broken() -> Step:
        yield "a", Sample("x", 0, 1)
        raise KeyError("bug")

    other = steps(1, 5)
    with pytest.raises(KeyError, match="bug"):
        list(drive([(0, broken()), (1, other)], {"a": ScriptedModel()}, width=2))
    with pytest.raises(StopIteration):
        next(other)


def test_an_unknown_role_and_a_width_of_none() -> None:
    with pytest.raises(ModelError, match="No model has the role 'a'"):
        list(drive([(0, steps(0, 1))], {"b": ScriptedModel()}, width=2))
    with pytest.raises(ValueError, match="width is 0"):
        list(drive([(0, steps(0, 1))], {"a": ScriptedModel()}, width=0))
