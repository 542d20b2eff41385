"""One chain, read from the prompt to the last revision."""

from collections.abc import Iterator

import streamlit as st

from app.components.chain_branch import branch_form
from app.components.chain_round import VIEWS, score_chips, show_round, words_of
from app.components.chain_sent import chain_sent
from app.components.gates import gate_chips
from app.components.links import chain_link, model_link, run_link
from app.components.notice import problem
from app.components.prompt_kinds import KIND_TINTS, KINDS
from app.components.text import chips, conversation, inline, verbatim
from app.components.veil import veiled
from db.queries.chains import ChainDetail, RoundDetail, ScoreDetail

__all__ = ["VIEWS", "provenance", "show_chain"]


def provenance(chain: ChainDetail) -> None:
    """Where a chain came from, in one line."""
    with st.container(horizontal=True, vertical_alignment="center"):
        run_link(chain.run)
        if chain.model_id is None:
            inline(f"model {chain.model}")
        else:
            model_link(chain.model_id, chain.model)
        parts = [f"seed {chain.seed}", f"{len(chain.rounds)} revisions", f"{chain.created_at:%Y-%m-%d %H:%M} UTC"]
        parts += [f"temperature {chain.temperature:g}"] if chain.temperature is not None else []
        inline(" · ".join([*parts, *([f"from {chain.origin}"] if chain.origin else [])]))
        if chain.parent is not None:
            inline(f"Branch {chain.branch}, changed by {chain.author or 'somebody'}, of")
            chain_link(chain.parent)


def show_chain(chain: ChainDetail, view: str, author: str) -> None:
    """Draw the prompt, the initial response and every round."""
    with veiled(chain.kind, chain.id):
        with st.container(border=True):
            where = " · ".join(filter(None, (chain.source, chain.split, chain.topic)))
            chips([(KINDS[chain.kind], KIND_TINTS[chain.kind])], title="Prompt", note=where)
            conversation(chain.turns)
        with st.container(border=True):
            labels = [*gate_chips(chain.gates), *score_chips(_of(chain, 0))]
            note = " · ".join(filter(None, (words_of(chain.words), _role(chain))))
            chips(labels, title="Initial response" if chain.rounds else "Response", note=note)
            verbatim(chain.response)
        for earlier, current in _pairs(chain):
            with st.container(border=True):
                show_round(earlier, current, view, chain.constitution, _of(chain, current.number))
                _continue(chain, current, author)
        if chain.error:
            problem(f"This chain ended early ({chain.state}): {chain.error}")
    _branches(chain)
    with st.expander("What the models were sent", icon=":material/code:"):
        chain_sent(chain)


def _continue(chain: ChainDetail, current: RoundDetail, author: str) -> None:
    """The way to change a round and go on from there; drawn when it is opened."""
    part = st.expander(
        "Change this round and continue",
        icon=":material/fork_right:",
        on_change="rerun",
        key=f"branch.open.{chain.id}.{current.number}",
    )
    if part.open:
        with part:
            branch_form(chain, current, author)


def _branches(chain: ChainDetail) -> None:
    for one in chain.branches:
        with st.container(horizontal=True, vertical_alignment="center"):
            chain_link(one.id)
            inline(f"goes on otherwise from round {one.round}, its {one.edited} changed by {one.author or 'somebody'}")


def _of(chain: ChainDetail, number: int) -> list[ScoreDetail]:
    return [score for score in chain.scores if score.round == number]


def _role(chain: ChainDetail) -> str:
    return "never trained on" if chain.rounds else "a plain sample: no critique, trained on as it is"


def _pairs(chain: ChainDetail) -> Iterator[tuple[str | None, RoundDetail]]:
    earlier = chain.response
    for current in chain.rounds:
        yield earlier, current
        earlier = current.revision
