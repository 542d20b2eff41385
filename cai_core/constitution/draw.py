"""Which principle a row gets: weighted rendezvous hashing.

Each principle gets an exponential arrival time -ln(u)/weight, with u drawn by hashing (seed, row, round, principle id);
the first to arrive is drawn. So principle i is drawn with probability weight_i / sum of weights, rows are independent,
and taking one out changes only the rows that had drawn it: two constitutions can be compared on the same data. The id
is hashed, not the text, so an edited principle keeps its rows. Of several principles for a row, those that arrive first
are drawn: weighted, without replacement.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import Literal

from cai_core.errors import ConstitutionError
from cai_core.types import Constitution, Principle, PrincipleKind, derive_seed

Half = Literal["critique", "comparison"]


def candidates(constitution: Constitution, *, kind: PrincipleKind | None, half: Half) -> tuple[Principle, ...]:
    """The enabled principles that have this half, of one kind or of any."""
    return tuple(
        principle
        for principle in constitution.principles
        if principle.enabled and kind in (None, principle.kind) and _has(principle, half)
    )


def restricted(constitution: Constitution, ids: Sequence[str]) -> Constitution:
    """The constitution with the principles of these ids alone, or all where none is named; the draw is as weighted."""
    if not ids:
        return constitution
    return replace(constitution, principles=tuple(one for one in constitution.principles if one.id in ids))


def draw_principle(
    constitution: Constitution, *, kind: PrincipleKind | None, half: Half, seed: int, row: str, round: int
) -> Principle:
    """The principle that this row of this run draws in this round."""
    return draw_principles(constitution, kind=kind, half=half, seed=seed, row=row, round=round, count=1)[0]


def draw_principles(
    constitution: Constitution, *, kind: PrincipleKind | None, half: Half, seed: int, row: str, round: int, count: int
) -> tuple[Principle, ...]:
    """The `count` principles that arrive first, or all where there are fewer; the first is the one drawn alone."""
    drawn = candidates(constitution, kind=kind, half=half)
    if not drawn:
        wanted = "critique_request and revision_request" if half == "critique" else "comparison"
        of_kind = f" of kind {kind}" if kind else ""
        raise ConstitutionError(
            f"constitution '{constitution.name}' has no enabled principle{of_kind} with {wanted}; add or enable one"
        )
    order = sorted(drawn, key=lambda principle: (_arrival(principle, seed, row, round), principle.id))
    return tuple(order[:count])


def _has(principle: Principle, half: Half) -> bool:
    if half == "comparison":
        return principle.comparison is not None
    return principle.critique_request is not None and principle.revision_request is not None


def _arrival(principle: Principle, seed: int, row: str, round: int) -> float:
    uniform = (derive_seed(seed, "principle", row, round, principle.id) + 0.5) / 2**63
    return -log(uniform) / principle.weight
