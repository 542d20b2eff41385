"""A comparison that somebody asks for: two given responses under each of some principles, labelled as a run would.

Seeds, few-shots and words are the labels stage's: the same pair under the same principle gets the same `p_a`.
"""

from collections.abc import Iterable

from cai_core.chains.asks import Asking, Place, narrowed, prompt_of, said
from cai_core.chains.critique_revision import chain_key
from cai_core.chains.few_shots import draw_prefixes
from cai_core.config import LabelsConfig
from cai_core.errors import ConstitutionError
from cai_core.preferences.labels import Labelling, label, label_of
from cai_core.types import (
    Ask,
    AskPart,
    Choice,
    Comparison,
    Constitution,
    Failed,
    Label,
    LabelState,
    Order,
    Principle,
)


def labels_of(ask: Ask, constitution: Constitution) -> list[Asking]:
    """What is asked of the feedback model: the pair under each principle, in both orders."""
    config = LabelsConfig(constitution=ask.constitution or "", model=ask.model, few_shots=ask.few_shots)
    prefixes = draw_prefixes(
        constitution.few_shots.comparison, count=config.few_shot_prefixes, size=config.few_shots, seed=ask.seed
    )
    prompt = prompt_of(ask)
    pair = Comparison(prompt, ask.response_a or "", ask.response_b or "")
    return [
        _placed(
            label(
                pair,
                key=chain_key(prompt, 0),
                principle=_principle(constitution, one),
                config=config,
                prefixes=prefixes,
                seed=ask.seed,
            ),
            2 * number,
            one,
        )
        for number, one in enumerate(ask.principles)
    ]


def told(principle: Principle, parts: Iterable[AskPart]) -> Label | None:
    """What the answers so far make of a principle: its label, or None while an order has no answer yet."""
    answers: dict[Order, Choice | Failed] = {}
    for part in parts:
        if part.principle == principle.id and part.order is not None:
            if part.failure is not None:
                answers[part.order] = Failed(part.failure, part.error or "")
            elif part.logprobs is not None:
                answers[part.order] = Choice(part.logprobs, part.sent or "", part.bounded)
    first = answers.get(Order.AB)
    # After an order that failed the other is not asked for.
    if first is None or (isinstance(first, Choice) and Order.BA not in answers):
        return None
    return label_of(principle, answers, min_mass=LabelsConfig(constitution="").min_mass)


def _placed(labelling: Labelling, first: int, principle: str) -> Asking:
    """A label, each of its orders at its place."""
    try:
        _, request = next(labelling)
        for number, order in enumerate(Order):
            answer = yield Place(first + number, "choice", 0, principle, order), request
            _, request = labelling.send(answer)
    except StopIteration as returned:
        made: Label = returned.value
    else:
        raise ValueError("a label asked for more than its two orders")
    finally:
        labelling.close()
    return said(made.error, made.state) if made.state in (LabelState.TOO_LONG, LabelState.FAILED) else None


def _principle(constitution: Constitution, wanted: str) -> Principle:
    found = narrowed(constitution, wanted).principles
    if not found:
        raise ConstitutionError(f"constitution {constitution.name!r} has no principle {wanted!r}. Choose one it has.")
    return found[0]
