"""Where the names stand beside the plane's points: each in the corner where the least runs through it.

All in pixels of a plane as wide as a laptop shows it; on another screen the corners are the same and fit nearly so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cai_core.types import Rating

Point = tuple[float, float]
Line = tuple[Point, Point]
Place = tuple[Rating, Rating]
"""A point of the plane: what lies along x, and what along y."""

WIDTH, MARGINS = 900.0, 80.0
LETTER, HEIGHT = 7.6, 18.0
"""Of a label's letter and line."""
SHIFT = (9.0, 6.0)
"""From the point to the label, along x and y."""
CORNERS = ((1, 1), (-1, 1), (1, -1), (-1, -1))
"""Right above, left above, right below, left below: the first of equals is taken."""
PATH, LABEL, EDGE, BAR = 8, 8, 4, 1
"""How bad it is to be crossed by a path, by another label, by the plane's edge, by an interval's bar."""


@dataclass(frozen=True, slots=True)
class Box:
    """A label's place."""

    left: float
    low: float
    right: float
    high: float


def corners(
    places: Sequence[Place], names: Sequence[str], paths: Iterable[Sequence[int]], height: float
) -> list[Point]:
    """For each place the side of its label, as (±1, ±1): right or left, above or below.

    `paths` are the places that a line joins, by their numbers; `height` is the figure's, in pixels.
    """
    points, bars = _drawn(places, height)
    ways = [(points[a], points[b]) for path in paths for a, b in pairwise(path)]
    taken: list[Box] = []
    found: list[Point] = []
    for point, name in zip(points, names, strict=True):
        boxes = [_box(point, side, name) for side in CORNERS]
        costs = [_cost(box, ways, bars, taken, height) for box in boxes]
        best = costs.index(min(costs))
        taken.append(boxes[best])
        found.append(CORNERS[best])
    return found


def _drawn(places: Sequence[Place], height: float) -> tuple[list[Point], list[Line]]:
    """The points in pixels, and the bars of their intervals."""
    to_x = _scale([x for x, _ in places], WIDTH - MARGINS)
    to_y = _scale([y for _, y in places], height - MARGINS)
    points = [(to_x(x.mid), to_y(y.mid)) for x, y in places]
    bars = [((to_x(x.low), to_y(y.mid)), (to_x(x.high), to_y(y.mid))) for x, y in places]
    bars += [((to_x(x.mid), to_y(y.low)), (to_x(x.mid), to_y(y.high))) for x, y in places]
    return points, bars


def _scale(ratings: Sequence[Rating], pixels: float) -> Callable[[float], float]:
    """From Elo points to pixels, the intervals filling the plane but for a twentieth on each side."""
    low, high = min(r.low for r in ratings), max(r.high for r in ratings)
    room = (high - low) or 1.0
    return lambda value: (value - low + room / 20) * pixels / (room * 1.1)


def _box(point: Point, side: Point, name: str) -> Box:
    x = sorted(point[0] + side[0] * d for d in (SHIFT[0], SHIFT[0] + LETTER * len(name)))
    y = sorted(point[1] + side[1] * d for d in (SHIFT[1], SHIFT[1] + HEIGHT))
    return Box(x[0], y[0], x[1], y[1])


def _cost(box: Box, ways: Sequence[Line], bars: Sequence[Line], taken: Sequence[Box], height: float) -> int:
    inside = box.left >= 0 and box.right <= WIDTH - MARGINS / 2 and box.low >= 0 and box.high <= height - MARGINS
    return (
        PATH * sum(crosses(line, box) for line in ways)
        + BAR * sum(crosses(line, box) for line in bars)
        + LABEL * sum(any(crosses(line, box) for line in _edges(other)) for other in taken)
        + EDGE * (not inside)
    )


def _edges(box: Box) -> Iterator[Line]:
    """A label's two long sides and its middle: what another label would run into."""
    for y in (box.low, (box.low + box.high) / 2, box.high):
        yield (box.left, y), (box.right, y)


def crosses(line: Line, box: Box) -> bool:
    """Whether a line runs through a box (Liang and Barsky 1984); touching its edge is not crossing."""
    (x, y), (to_x, to_y) = line
    begin, end = 0.0, 1.0
    for start, way, low, high in ((x, to_x - x, box.left, box.right), (y, to_y - y, box.low, box.high)):
        if way == 0:
            if not low < start < high:
                return False
            continue
        enters, leaves = sorted(((low - start) / way, (high - start) / way))
        begin, end = max(begin, enters), min(end, leaves)
    return begin < end
