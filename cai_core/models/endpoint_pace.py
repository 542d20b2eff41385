"""How many requests are sent to a server at once: found by trying, within limits that are never passed.

While more at once bring more tokens a second, more are sent: twice as many at first, later a few. A number that brings
no more is taken back and left alone for a while. A refusal for want of room, or an answer that is not in time, halves.
"""

GAIN = 1.05
"""A rise in tokens a second that is no noise."""
KEPT = 8
"""Rounds that a number is kept, after a larger one brought no more, before that is tried again."""


class Pace:
    """The number of requests at once. A round is twice as many answers as that, and at least eight.

    Tokens a second are the number at once times tokens by seconds of an answer (Little's law): answers that come in
    bursts, as from a server that works in batches, would make a count by the clock jump.
    """

    def __init__(self, most: int, timeout: float, start: int = 4) -> None:
        self.limit = max(1, min(start, most))
        """How many may be in flight now."""
        self._most, self._timeout = most, timeout
        self._doubles, self._kept = True, 0
        self._before: tuple[int, float] | None = None
        """The number that was tried before this one, and its tokens a second."""
        self._changed_at = float("-inf")
        self._begin_round()

    def _begin_round(self) -> None:
        self._answers, self._tokens, self._seconds, self._full = 0, 0, 0.0, True

    def _change(self, limit: int, now: float) -> None:
        self.limit, self._changed_at = limit, now
        self._begin_round()

    def answered(self, now: float, sent_at: float, tokens: int, *, full: bool) -> None:
        """An answer of so many tokens came; `full`: as many requests were in flight as may be.

        `now` and `sent_at` are seconds on one clock.
        """
        if sent_at < self._changed_at:
            return  # it tells of the number before
        self._answers, self._tokens = self._answers + 1, self._tokens + max(1, tokens)
        self._seconds += now - sent_at
        self._full = self._full and full
        if self._answers < max(8, 2 * self.limit):
            return
        # A round in which there was too little to send says nothing about the server.
        if self._full and self._seconds > 0:
            self._end_round(now, self.limit * self._tokens / self._seconds, self._seconds / self._answers)
        self._begin_round()

    def _end_round(self, now: float, rate: float, latency: float) -> None:
        """Go on up, or back to the number before, or stay; `rate` is tokens a second, `latency` an answer's seconds."""
        if self._kept > 0:
            self._kept -= 1
            return
        if self._before is not None and rate < GAIN * self._before[1]:
            before, self._before, self._doubles, self._kept = self._before[0], None, False, KEPT
            self._change(before, now)
        # An answer that takes half of the time it may take would be late with twice as many beside it.
        elif latency <= self._timeout / 2 and self.limit < self._most:
            self._before = (self.limit, rate)
            more = self.limit if self._doubles else max(1, self.limit // 8)
            self._change(min(self._most, self.limit + more), now)

    def refused(self, now: float, sent_at: float) -> None:
        """The server had no room, or did not answer in time: half as many. What was sent before the last cut is old."""
        if sent_at < self._changed_at:
            return
        self._doubles, self._kept, self._before = False, 1, None
        self._change(max(1, self.limit // 2), now)
