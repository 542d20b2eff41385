"""How runs differ from the first one, on the prompts that both have."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.components.compare_plot import Change, change_plot
from app.components.rounds_read import Shown
from app.components.text import caption, heading
from cai_core.runs.rounds import Point, differences


def show_differences(session: Session, found: Sequence[Shown]) -> None:
    """One plot a run, of the measures that are a single number."""
    first = found[0]
    if any(point.name not in ("", "refusal") for point in first.points):
        return
    for other in found[1:]:
        points = differences(session, first.asked, other.asked)
        heading(f"{other.name}, less {first.name}")
        if not points:
            caption("They share no prompt of which both could be told, so nothing says whether they differ.")
            continue
        caption("On the prompts of both. Told apart where the interval leaves zero out.")
        change_plot([_change(point) for point in points], f"Difference, {first.unit}", f"rounds.less.{other.asked.run}")


def _change(point: Point) -> Change:
    span = "" if point.low is None or point.high is None else f" [{point.low:+.3f}, {point.high:+.3f}]"
    words = f"{point.value or 0.0:+.3f}{span}, {point.prompts:,} prompts"
    return Change(f"round {point.round}", point.value or 0.0, point.low, point.high, words)
