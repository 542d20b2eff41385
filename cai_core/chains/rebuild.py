"""What a chain's models were sent, built again from what is stored.

The rounds run as ever, fed with the stored answers, so that there is one implementation of what is sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cai_core.chains.critique_revision import Part, Setting, one_round
from cai_core.types import Chain, Edit, Principle, Request, Round, Sample, Text


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One request of a chain."""

    number: int
    """The round; 0: the initial response."""
    part: Part
    request: Request
    sent: str | None
    """The hash that the chain bears of what was sent; None: it bears none."""
    principle: Principle | None = None

    @property
    def position(self) -> int:
        """Which of the chain's requests it is, whichever were left out: 0, then critique and revision of each round."""
        return max(0, 2 * self.number - (self.part == "critique"))


def requests_of(chain: Chain, setting: Setting) -> Iterator[Rebuilt]:
    """Every request that was sent for the chain, in order; what somebody wrote by hand was asked of no model."""
    if chain.response is None:
        return
    config = setting.config
    first = Sample(chain.prompt.turns, chain.seed, config.max_new_tokens, config.temperature)
    yield Rebuilt(0, "response", first, chain.sent)
    before = chain.response
    for one in chain.rounds:
        # As it was, whatever a rule on words would say of it today.
        as_it_was = replace(
            config, critique=one.critique is not None, skip_when_nothing_found=False, strip_preamble=False
        )
        yield from _of_round(one, before, replace(setting, config=as_it_was))
        before = one.revision


def _of_round(one: Round, before: str, setting: Setting) -> Iterator[Rebuilt]:
    given = Text(one.critique or "", True, 0, "") if one.edited is Edit.CRITIQUE else None
    asking = one_round(one.number, before, one.principle, setting, given)
    answers = {"critique": one.critique, "revision": one.revision if one.written is None else one.written}
    sent = {"critique": one.critique_sent, "revision": one.revision_sent}
    part, request = next(asking)
    if part == "critique":
        yield Rebuilt(one.number, "critique", request, sent[part], one.principle)
        part, request = asking.send(Text(answers[part] or "", True, 0, ""))
    if not one.skipped and one.edited is not Edit.REVISION:
        yield Rebuilt(one.number, "revision", request, sent["revision"], one.principle)
    asking.close()
