"""The number of requests at once, against servers made of arithmetic."""

import heapq

import pytest

from cai_core.models.endpoint_pace import Pace


def serve(pace: Pace, answers: int, *, capacity: int, refuses_above: int | None = None) -> list[int]:
    """Keep a server busy that works on `capacity` requests at a time, a second each; the limits that were held."""
    now, held = 0.0, []
    flying: list[tuple[float, float, bool]] = []
    workers = [0.0] * capacity
    for _ in range(answers):
        while len(flying) < pace.limit:
            refused = refuses_above is not None and len(flying) >= refuses_above
            if refused:
                heapq.heappush(flying, (now + 0.01, now, True))
                continue
            start = max(now, heapq.heappop(workers))
            heapq.heappush(workers, start + 1.0)
            heapq.heappush(flying, (start + 1.0, now, False))
        now, sent_at, refused = heapq.heappop(flying)
        if refused:
            pace.refused(now, sent_at)
        else:
            pace.answered(now, sent_at, 10, full=True)
        held.append(pace.limit)
    return held


@pytest.mark.parametrize("capacity", [1, 3, 8, 40])
def test_it_finds_what_a_server_can_do_and_stays_near(capacity: int) -> None:
    held = serve(Pace(256, timeout=1e6), 6000, capacity=capacity)[-2000:]
    assert sum(held) / len(held) >= 0.8 * capacity
    assert max(held) <= 3 * capacity + 2


def test_it_never_passes_its_limit() -> None:
    assert max(serve(Pace(16, timeout=1e6), 3000, capacity=1000)) == 16
    assert max(serve(Pace(1, timeout=1e6), 100, capacity=1000)) == 1


def test_refusals_hold_it_down() -> None:
    held = serve(Pace(256, timeout=1e6), 6000, capacity=1000, refuses_above=20)[-2000:]
    assert 5 <= sum(held) / len(held) <= 21


def test_a_refusal_halves_once_for_all_that_were_sent_before_it() -> None:
    pace = Pace(64, timeout=1e6, start=32)
    for _ in range(10):
        pace.refused(5.0, 1.0)
    assert pace.limit == 16
    pace.refused(7.0, 6.0)
    assert pace.limit == 8


def test_it_never_falls_below_one() -> None:
    pace = Pace(64, timeout=1e6)
    for second in range(10):
        pace.refused(second + 0.5, second)
    assert pace.limit == 1


def test_answers_that_nearly_come_too_late_let_it_grow_no_further() -> None:
    assert serve(Pace(256, timeout=1.5), 2000, capacity=1000)[-1] == 4


def test_rounds_with_too_little_to_send_say_nothing() -> None:
    pace = Pace(64, timeout=1e6)
    for second in range(1, 200):
        pace.answered(float(second), second - 1.0, 10, full=False)
    assert pace.limit == 4
