"""Branches: a chain goes on otherwise from a round in which somebody changed something.

The rounds before are the parent's. In the changed round no model is asked for what somebody wrote, and for all that
follows from it; the rounds after draw what the parent drew. Seeds hold the branch's number, so that two branches of a
chain are two samples.
"""

from collections.abc import Callable
from dataclasses import replace

from cai_core.chains.asks import Asking, Place, said
from cai_core.chains.critique_revision import STATES, Chaining, Setting, go_on, one_round
from cai_core.types import Branching, Chain, Edit, Failed, Principle, Round, RowState, Text

PrincipleOf = Callable[[int], Principle]
"""The principle of a round of this number."""


def continue_chain(parent: Chain, branching: Branching, setting: Setting, principle: PrincipleOf) -> Chaining:
    """The branch: the changed round, then the others up to as many as the setting's config says."""
    number = branching.round
    kept, old = parent.rounds[: number - 1], parent.rounds[number - 1]
    before = kept[-1].revision if kept else parent.response or ""
    if branching.edit is Edit.REVISION:
        own: Round | Failed = replace(
            old,
            revision=branching.text or "",
            revision_sent=None,
            written=None,
            skipped=False,
            finished=old.critique_finished,
            revision_finished=True,
        )
    else:
        given = Text(branching.text or "", True, 0, "") if branching.edit is Edit.CRITIQUE else None
        own = yield from one_round(number, before, principle(number), setting, given)
    if isinstance(own, Failed):
        return replace(parent, rounds=kept, state=STATES[own.failure], error=own.message)
    rounds = (*kept, replace(own, edited=branching.edit))
    branch = replace(parent, rounds=rounds, branch=branching.number, author=branching.author)
    return (yield from go_on(branch, setting, principle))


def placed(chaining: Chaining, branching: Branching, principle: PrincipleOf, keep: Callable[[Chain], object]) -> Asking:
    """A branch as an ask's task: each request at its place, the chain kept where its changed round is whole."""
    number, last = branching.round - (branching.edit is Edit.PRINCIPLE), "revision"
    if branching.edit is Edit.CRITIQUE:
        last = "critique"
    try:
        part, request = next(chaining)
        while True:
            # A round begins with its critique, or without critiques with its revision.
            number += part == "critique" or last == "revision"
            last = part
            place = Place(2 * number - (part == "critique"), part, number, principle(number).id)
            part, request = chaining.send((yield place, request))
    except StopIteration as returned:
        chain: Chain = returned.value
    finally:
        chaining.close()
    if len(chain.rounds) < branching.round:
        return said(chain.error, chain.state) if chain.state is not RowState.DONE else "nothing came of it"
    keep(chain)
    return None
