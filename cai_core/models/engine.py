"""The engine: answers many rows with one local model, and computes what they have in common once.

Rows come and go while others are at work. What many rows begin with (few-shots) is one `Beginning`; what a row shares
with one at work, or with one just finished (a critique's context with its revision's, one order of a label with the
other, two samples of a prompt), is copied from that row's slot. What a row says depends on none of this.
"""

import math
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cai_core.models.adapters import Weights
from cai_core.models.at_work import NOT_A_NUMBER, OnToken, Pull, Row, advance
from cai_core.models.attention import Beginning, Groups
from cai_core.models.passes import Passes, Stretch
from cai_core.models.rows import Tokens, common_length, lay_out, shared_groups, sum_tails
from cai_core.models.slots import Slots, rounded

_LEAST_COPIED = 8
"""Shorter beginnings are computed again: to look for them costs more, in tokens."""


class Engine:
    """Keeps up to `width` samples at work on one model, within `budget` bytes of keys and values."""

    def __init__(self, weights: Weights, *, width: int, budget: int, token_bytes: int) -> None:
        self.passes, self.width = Passes(weights), width
        self._budget, self._token_bytes = budget, token_bytes
        self._beginnings: list[Beginning] = []  # the one used last is last
        self._at_work: list[Row] = []  # row i is in slot i
        self._kept: OrderedDict[int, Row] = OrderedDict()  # finished rows by slot, the oldest first
        self._limit, self._slots = width, Slots(2 * width, 0)
        self._groups: Groups | None = None
        self.unfinished: list[Row] = []

    def forget(self) -> None:
        """Drop all states, as the model's weights have changed."""
        self._beginnings.clear()
        self._at_work, self._groups = [], None
        self._kept.clear()
        self._limit, self._slots = self.width, Slots(2 * self.width, 0)

    def answer(self, pull: Pull, on_token: OnToken) -> Iterator[Row]:
        """Yield each row as it is done. What goes wrong is raised; `unfinished` has the rows that were at work."""
        self._at_work, self._groups = [], None
        waiting: list[Row] = []
        while True:
            free = self.width - len(self._at_work) - len(waiting)
            if free >= max(1, self.width // 8) or not self._at_work:
                self._fill(waiting, pull, free)
            self.unfinished = [*self._at_work, *waiting]
            joining = self._room_for(waiting)
            if joining:
                waiting = waiting[len(joining) :]
                logits = self._join(joining)
            elif self._at_work:
                logits = self._step()
            else:
                return
            done = self._draw(logits, on_token)
            self.unfinished = [*self._at_work, *waiting]
            yield from done

    def _fill(self, waiting: list[Row], pull: Pull, free: int) -> None:
        """Take rows while there is room; of those that only want a pass, not more than fill a few."""
        tokens = sum(len(row.ids) for row in waiting)
        while free > 0 and tokens < 64 * self.passes.pass_tokens:
            row = pull()
            if row is None:
                return
            waiting.append(row)
            tokens += len(row.ids)
            free -= 1

    # --- memory -------------------------------------------------------------------------------------------------

    def _room_for(self, waiting: list[Row]) -> list[Row]:
        """The waiting rows that join now: all, or as many as memory allows; their beginnings are found here."""
        if not waiting:
            return []
        if len(self._at_work) >= self._limit:
            return []
        fresh = [row for row in waiting if not row.placed]
        for row in fresh:
            row.beginning, row.placed = self._known(row), True
        self._share([row for row in fresh if row.beginning is None])
        room = rounded(max(row.room for row in [*waiting, *self._at_work]))
        # A quarter of the budget is the beginnings'.
        most = max(2, self._budget * 3 // 4 // max(1, room * self._token_bytes))
        limit = min(self.width, max(most // 2, min(self.width, most - 4)))
        kept = min(self.width, most - limit)
        joining = _first(waiting, samples=limit - len(self._at_work), options=kept)
        if not joining:
            return []
        if room > self._slots.room or (room < self._slots.room // 2 and not self._at_work) or limit != self._limit:
            self._kept.clear()
            self._limit = limit
            self._slots.resize(limit + kept, room)
        return joining

    def _known(self, row: Row) -> Beginning | None:
        """The longest beginning there is of this row that leaves it a token of its own."""
        limit = min(len(row.ids), row.options.first if row.options else len(row.ids)) - 1
        fitting = [one for one in self._beginnings if one.length <= limit and row.ids[: one.length] == one.tokens]
        best = max(fitting, key=lambda one: one.length, default=None)
        wanted = min(row.shared, limit)
        if wanted >= _LEAST_COPIED and (best is None or best.length < wanted - _LEAST_COPIED):
            return self._begin(row.ids[:wanted])
        if best is not None:
            self._beginnings.remove(best)
            self._beginnings.append(best)
        return best

    def _share(self, rows: Sequence[Row]) -> None:
        """Find what several rows begin with though nobody said so."""
        ordered = sorted(rows, key=lambda row: row.ids)
        limits = [row.ids[: row.options.first] if row.options else row.ids for row in ordered]
        for begin, end, length in shared_groups(limits):
            beginning = self._begin(ordered[begin].ids[:length])
            for row in ordered[begin:end]:
                row.beginning = beginning

    def _begin(self, tokens: Tokens) -> Beginning:
        made = self.passes.begin(tokens)
        self._beginnings.append(made)
        used = {id(row.beginning) for row in self._at_work}
        total = sum(one.length for one in self._beginnings)
        for one in list(self._beginnings[:-1]):
            if total * self._token_bytes <= self._budget // 4:
                break
            if id(one) not in used:
                self._beginnings.remove(one)
                total -= one.length
        return made

    # --- joining ------------------------------------------------------------------------------------------------

    def _join(self, rows: list[Row]) -> list[tuple[Row, Tensor]]:
        """Compute the contexts of new rows, and score options; logits after the samples' contexts."""
        rows.sort(key=lambda row: row.ids)
        logits: list[tuple[Row, Tensor]] = []
        for wave in self._waves(self._placed(rows)):
            copied = [place for place in wave if place.source not in (None, place.slot)]
            self._slots.copy(
                [place.source for place in copied if place.source is not None],
                [place.slot for place in copied],
                max((place.start for place in copied), default=0),
            )
            for part in _parts(wave, self.passes.pass_tokens):
                logits += self._contexts(part)
        self._at_work += [row for row in rows if row.sample]
        self._groups = None
        return logits

    def _placed(self, rows: Sequence[Row]) -> list["_Place"]:
        """A slot for each row, and the slot to copy from: of a row that is there already."""
        donors = {slot: (row, row.own[: self._written(row)]) for slot, row in self._rows()}
        by_start: dict[tuple[int, ...], list[int]] = {}
        for slot, (row, _) in donors.items():
            by_start.setdefault(_start(row), []).append(slot)
        taken, at = set[int](), len(self._at_work)
        places: list[_Place] = []
        for row in rows:
            own, limit = row.ids[row.skip :], self._copyable(row)
            source, start = None, 0
            for slot in by_start.get(_start(row), ()):
                alike = min(common_length(donors[slot][1], own), limit)
                if alike > start:
                    source, start = slot, alike
            if row.sample:
                slot, at = at, at + 1
            elif source is not None and source in self._kept and source not in taken:
                slot = source  # goes on where that row stands
            else:
                slot = self._spare({*taken, *(place.source for place in places if place.source is not None)})
            taken.add(slot)
            places.append(_Place(row, slot, source, start))
        for slot in taken:
            self._kept.pop(slot, None)
        return places

    def _rows(self) -> Iterator[tuple[int, Row]]:
        """Every row whose states are there, with its slot."""
        yield from enumerate(self._at_work)
        yield from self._kept.items()

    def _spare(self, taken: Collection[int]) -> int:
        """A slot to keep a row in: a free one, else that of the row which finished first."""
        kept = range(self._limit, self._slots.count)
        free = (slot for slot in kept if slot not in self._kept and slot not in taken)
        oldest = (slot for slot in (*self._kept, *kept) if slot not in taken)
        return next(free, None) or next(oldest)

    def _waves(self, places: Sequence["_Place"]) -> list[list["_Place"]]:
        """The places in order: a row that has much in common with another new one comes after it, and copies."""
        waves: list[list[_Place]] = [[]]
        leaders: dict[tuple[int, ...], list[tuple[_Place, int]]] = {}
        for place in places:
            own, limit, wave = place.row.ids[place.row.skip :], self._copyable(place.row), 0
            for leader, its_wave in leaders.get(_start(place.row), ()):
                alike = min(common_length(leader.row.ids[leader.row.skip :], own), limit)
                # To wait costs a pass more, so much has to be saved.
                if alike - place.start > len(own) // 2:
                    place, wave = replace(place, source=leader.slot, start=alike), its_wave + 1
            leaders.setdefault(_start(place.row), []).append((place, wave))
            while len(waves) <= wave:
                waves.append([])
            waves[wave].append(place)
        return waves

    def _copyable(self, row: Row) -> int:
        """Most own tokens that may be copied: at least the last has to be computed, and of options all that count."""
        last = row.options.first if row.options else len(row.ids)
        return max(0, last - 1 - row.skip)

    def _written(self, row: Row) -> int:
        """How many own tokens a row's slot holds: the last drawn is not computed yet."""
        return len(row.ids) - row.skip + max(0, len(row.tokens) - 1)

    def _contexts(self, part: Sequence["_Place"]) -> list[tuple[Row, Tensor]]:
        """One pass over what is new of some rows."""
        stretches = [self._stretch(place) for place in part]
        logits, at, found = self.passes.run(self._slots, stretches), 0, []
        for place, one in zip(part, stretches, strict=True):
            told, at = logits[at : at + one.keep], at + one.keep
            if place.row.options:
                self._score(place, told)
            found.append((place.row, told[-1]))
        return found

    def _score(self, place: "_Place", logits: Tensor) -> None:
        row = place.row
        assert row.options
        row.scores = sum_tails(row.options, torch.log_softmax(logits.float(), dim=-1))
        if all(map(math.isfinite, row.scores)):
            self._kept[place.slot] = row
        else:
            row.error = NOT_A_NUMBER
            self._slots.clear(place.slot)

    def _stretch(self, place: "_Place") -> Stretch:
        row, begun = place.row, place.row.skip + place.start
        if row.options is None:
            return Stretch(place.slot, row.beginning, place.start, row.ids[begun:])
        tokens, branches, positions = lay_out(row.options, begun)
        keep = len(tokens) - (row.options.first - 1 - begun)
        return Stretch(place.slot, row.beginning, place.start, tokens, keep, branches, positions)

    # --- going on -----------------------------------------------------------------------------------------------

    def _step(self) -> list[tuple[Row, Tensor]]:
        """One token more for all rows at work."""
        rows = self._at_work
        if self._groups is None:
            self._groups = self.passes.groups([row.beginning for row in rows])
        positions = [len(row.ids) + len(row.tokens) - 1 for row in rows]
        lengths = [at - row.skip for at, row in zip(positions, rows, strict=True)]
        logits = self.passes.step(self._slots, self._groups, lengths, positions, [row.tokens[-1] for row in rows])
        return list(zip(rows, logits, strict=True))

    def _draw(self, logits: Sequence[tuple[Row, Tensor]], on_token: OnToken) -> list[Row]:
        """A token more for each sample; returns the rows that are done, which leave."""
        samples = [(row, told) for row, told in logits if row.sample]
        if samples:
            advance([row for row, _ in samples], torch.stack([told for _, told in samples]), on_token)
        done = [row for row, _ in logits if row.done or row.error]
        for row in done:
            if row.sample:
                self._leave(row)
        return done

    def _leave(self, row: Row) -> None:
        """Keep a finished row's states in a slot of their own, and close the gap among those at work."""
        at, last = self._at_work.index(row), len(self._at_work) - 1
        if row.error:
            self._slots.clear(at)
        elif self._slots.count > self._limit:
            spare = self._spare(())
            self._slots.copy([at], [spare], self._written(row))
            self._kept[spare] = row
        if at != last:
            moved = self._at_work[last]
            self._slots.copy([last], [at], self._written(moved))
            self._at_work[at] = moved
        self._at_work.pop()
        self._groups = None


@dataclass(frozen=True)
class _Place:
    """Where a new row goes."""

    row: Row
    slot: int
    source: int | None
    """The slot to copy from, if any; its own if the row goes on there."""
    start: int
    """How many own tokens are copied."""


def _first(rows: Sequence[Row], *, samples: int, options: int) -> list[Row]:
    """As many of the first rows as there are places for each kind."""
    for count, row in enumerate(rows):
        samples, options = samples - (row.sample is not None), options - (row.options is not None)
        if samples < 0 or options < 0:
            return list(rows[:count])
    return list(rows)


def _start(row: Row) -> tuple[int, ...]:
    """What two rows must have alike to share more: the beginning and the first own tokens."""
    return (id(row.beginning), *row.ids[row.skip : row.skip + _LEAST_COPIED])


def _parts(wave: Sequence[_Place], most: int) -> Iterator[list[_Place]]:
    """Cut a wave into passes of at most so many tokens."""
    part: list[_Place] = []
    tokens = 0
    for place in wave:
        new = len(place.row.ids) - place.row.skip - place.start
        if part and tokens + new > most:
            yield part
            part, tokens = [], 0
        part.append(place)
        tokens += new
    if part:
        yield part
