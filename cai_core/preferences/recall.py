"""What a label was told in both orders, to be told again where the very same would be asked (`chains.recall`)."""

from cai_core.chains.recall import Known
from cai_core.types import Choice, Label, Order, Text


def answers_of_label(label: Label) -> Known:
    """The readings of both orders; none that rests on a bound, for whose bound it was is not kept."""
    known: dict[tuple[str, int], Text | Choice] = {}
    for number, order in enumerate(Order, start=1):
        for one in label.orders:
            if one.order is order and not one.bounded:
                pair = (one.logprob_a, one.logprob_b)
                known["feedback", number] = Choice(pair if order is Order.AB else pair[::-1], one.sent)
    return known
