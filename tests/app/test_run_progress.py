"""The live part of a page: when it draws itself, when the whole page, when it rests."""

from types import SimpleNamespace

import pytest

from app.components import run_progress
from app.components.run_progress import EVERY, Pulse, live, progress_words
from db.queries.runs import RunLine
from db.queries.waiting import Blocker
from db.schema import now


class Page:
    """Stands in for Streamlit: keeps the live part and its timer, counts the whole page's reruns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.timer: list[float | None] = []
        self.reruns = 0
        monkeypatch.setattr(run_progress, "st", SimpleNamespace(fragment=self.fragment, rerun=self.rerun))

    def fragment(self, tick: object, run_every: float | None) -> object:
        self.tick = tick
        self.timer.append(run_every)
        return tick

    def rerun(self) -> None:
        self.reruns += 1


def test_the_page_is_drawn_anew_once_what_it_stands_on_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Badges around the live part would tell an old state else; while nothing changes it draws itself alone."""
    page, drawn = Page(monkeypatch), []
    seen: list[Pulse] = [((3, "running", False),)]
    live(lambda: drawn.append(1), look=lambda: seen[0])
    page.tick()  # type: ignore[operator]
    assert (page.timer, page.reruns, len(drawn)) == ([EVERY], 0, 2)
    for change in (((3, "running", True),), ()):
        seen[0] = change
        page.tick()  # type: ignore[operator]

    assert page.reruns == 2


def test_nothing_active_keeps_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a run that has ended while others are at work."""
    page = Page(monkeypatch)
    live(lambda: None, look=lambda: ())
    live(lambda: None, active=False, look=lambda: ((3, "running", False),))

    assert page.timer == [None, None]


def test_progress_in_words() -> None:
    """What it does, or what it waits for in vain."""
    run = RunLine(2, "sft", "waiting", 0, "", "", 0, None, False, 0.0, now(), None)

    assert progress_words(run) == "Run 2 · SL-CAI · waiting"
    assert progress_words(run, Blocker(1, "failed")) == "Run 2 · SL-CAI · waits for run 1, which failed"
