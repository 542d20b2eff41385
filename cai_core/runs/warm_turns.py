"""How a run and the asks share a device: asks go first between the run's batches, and the run is never starved.

A run calls `give_way` before each batch. While somebody waits it pauses, at most `MOST` seconds at a stretch; after a
whole stretch it has a turn of `TURN` seconds in which it is not held up.
"""

import time
from collections.abc import Callable

EVERY = 0.1
"""Seconds between two looks at the database: a run of thousands of rows a second must not feel them."""
PAUSED_EVERY = 0.05
"""The same while it pauses."""
MOST, TURN = 10.0, 5.0


class Turns:
    """One run's part of the bargain."""

    def __init__(
        self,
        asked: Callable[[], bool],
        say: Callable[[bool], object],
        wait: Callable[[float], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`asked` tells whether a living worker has asks; `say` is told when a pause begins and ends.

        `wait` lets so many seconds go by, and answers whether the run is to end, at once if it is.
        """
        self._asked, self._say, self._wait, self._clock = asked, say, wait, clock
        self._look_at = 0.0

    def give_way(self) -> None:
        """Pause while somebody waits; returns at once where nobody does, or where it is the run's turn."""
        if self._clock() < self._look_at:
            return
        if self._asked():
            self._say(True)
            try:
                held = self._pause()
            finally:
                self._say(False)
        else:
            held = False
        self._look_at = self._clock() + (TURN if held else EVERY)

    def _pause(self) -> bool:
        """Whether it lasted as long as a pause may, with somebody still waiting."""
        until = self._clock() + MOST
        while self._clock() < until:
            if self._wait(PAUSED_EVERY) or not self._asked():
                return False
        return True
