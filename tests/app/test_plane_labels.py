"""Labels on the plane: nothing that is drawn runs through a name, where there is a corner without it."""

from itertools import pairwise

import pytest

from app.components.plane_labels import CORNERS, Box, Place, Point, _box, _drawn, corners, crosses
from app.components.rated import rated_models
from app.components.rating_plane import plane
from cai_core.store.workspace import Workspace
from cai_core.types import Rating
from tests.app.test_ratings import rated

HEIGHT = 520
BOX = Box(0, 0, 10, 10)


def at(x: float, y: float, half: float = 0.0) -> Place:
    """A place with intervals of this half width, on a plane that reaches from -100 to 100."""
    return Rating("x", x, x - half, x + half, 1), Rating("y", y, y - half, y + half, 1)


FRAME = [at(-100, -100), at(100, 100)]


def sides(places: list[Place], *path: int) -> list[Point]:
    """The labels' corners, the frame's left out."""
    found = corners([*places, *FRAME], ["name"] * (len(places) + 2), [path], HEIGHT)
    return found[: len(places)]


@pytest.mark.parametrize(
    ("line", "through"),
    [
        (((-5, 5), (15, 5)), True),
        (((5, 5), (6, 6)), True),
        (((-5, -5), (15, 15)), True),
        (((-5, 8), (8, 21)), False),
        (((-5, 12), (15, 12)), False),
        (((-5, 0), (15, 0)), False),
        (((5, -9), (5, -1)), False),
        (((5, -9), (5, 1)), True),
    ],
)
def test_a_line_through_a_box_by_hand(line: tuple[Point, Point], through: bool) -> None:
    """Inside, past a corner, along an edge, short of it."""
    assert crosses(line, BOX) == through
    assert crosses((line[1], line[0]), BOX) == through


def test_a_label_makes_room_for_the_path() -> None:
    """Right above by habit; else where the dotted line does not go."""
    assert sides([at(0, 0)]) == [(1, 1)]
    assert sides([at(0, 0), at(80, 40)], 0, 1)[0] == (-1, 1)
    assert sides([at(-80, 40), at(0, 0), at(80, 40)], 0, 1, 2)[1] == (1, -1)
    assert sides([at(-80, 40), at(0, 0), at(80, 40), at(0, 0), at(80, -40)], 0, 1, 2, 3, 4)[1] == (-1, -1)


def test_two_models_at_one_place_have_two_labels() -> None:
    """None lies on the other."""
    assert len(set(sides([at(0, 0)] * 4))) == 4


def test_a_label_stays_on_the_plane() -> None:
    """In the upper right corner it stands on the left and below."""
    assert corners([at(-100, -50), at(100, 50)], ["a long name of a model"] * 2, [], HEIGHT) == [(1, 1), (-1, -1)]


def test_no_model_at_all() -> None:
    """An empty plane is drawn."""
    assert not plane([]).layout.annotations


def test_no_path_runs_through_a_name_of_the_loop(loop: Workspace) -> None:
    """On both heights that pages draw it in; labels stand beside their points as the figure says."""
    models = rated_models(*rated(loop))
    places = [(model.helpfulness, model.harmlessness) for model in models]
    for height in (380, HEIGHT):
        points, _ = _drawn(places, height)
        way = [point for point, model in zip(points, models, strict=True) if model.family == "rl-cai"]
        shown = plane(models, height).layout.annotations
        for point, model, label in zip(points, models, shown, strict=True):
            side = (1 if label.xanchor == "left" else -1, 1 if label.yanchor == "bottom" else -1)
            assert side in CORNERS
            box = _box(point, side, model.name)
            assert not any(crosses(line, box) for line in pairwise(way))
