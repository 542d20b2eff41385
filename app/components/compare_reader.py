"""One prompt, or one pair, under both versions side by side."""

from itertools import zip_longest

import streamlit as st

from app.components.compare_examples import pair_filter
from app.components.comparison_pair import p_a_bar, pair
from app.components.links import run_link, version_link
from app.components.notice import empty, problem
from app.components.pager import reader_buttons
from app.components.prompt_kinds import KIND_TINTS, KINDS
from app.components.text import caption, chips, conversation, verbatim
from app.components.word_diff import show_diff
from app.resources import workspace
from db.queries.chains import ChainDetail, RoundDetail, chain_detail
from db.queries.comparisons import ComparisonDetail, LabelDetail, comparison_detail
from db.queries.version_compare import VersionRun
from db.queries.version_pairs import chain_pair_beside, chain_under_a, comparison_under, label_pair_beside

DREW_OTHER, SAME = ("drew another", "orange"), ("the same", "grey")


def read_chains(run: VersionRun, chain_id: int) -> None:
    """The chains of one prompt; `chain_id` is the one under B."""
    wanted = pair_filter(run)
    with workspace().reading() as session:
        former = chain_under_a(session, wanted, chain_id)
        before = chain_detail(session, former) if former else None
        after = chain_detail(session, chain_id) if former else None
        beside = chain_pair_beside(session, wanted, chain_id)
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title(f"Chain {chain_id:,d}")
    with right:
        reader_buttons("chain", beside, "compare.chain")
    if before is None or after is None:
        empty(f"There is no chain {chain_id} in this comparison.", "Press 'All' for those that are.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        for side, chain, ref in (("A", before, run.before), ("B", after, run.after)):
            chips([(side, "grey")], width="content")
            version_link(ref)
            _chain_link(chain.id)
    show_chains(run, before, after)


def _chain_link(chain: int) -> None:
    query = {"chain": f"{chain:d}"}
    st.page_link("views/chains.py", label=f"Chain {chain:d}", icon=":material/account_tree:", query_params=query)


def read_labels(run: VersionRun, label_id: int) -> None:
    """The labels of one pair; `label_id` is the one under B."""
    wanted = pair_filter(run)
    with workspace().reading() as session:
        comparison = comparison_under(session, wanted, label_id)
        found = comparison_detail(session, comparison) if comparison else None
        beside = label_pair_beside(session, wanted, label_id)
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title(f"Pair {comparison or label_id:,d}")
    with right:
        reader_buttons("label", beside, "compare.label")
    if found is None:
        empty(f"There is no label {label_id} in this comparison.", "Press 'All' for those that are.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        for side, ref in (("A", run.before), ("B", run.after)):
            chips([(side, "grey")], width="content")
            version_link(ref)
        query = {"comparison": f"{found.id:d}"}
        st.page_link(
            "views/comparisons.py", label=f"Pair {found.id:d}", icon=":material/compare_arrows:", query_params=query
        )
    show_labels(run, found)


def show_chains(run: VersionRun, before: ChainDetail, after: ChainDetail) -> None:
    """Prompt, response, each round on both sides, and what the last texts differ in."""
    _prompt(after)
    with st.container(border=True):
        chips([], title="Response", note="the same under both: no principle has touched it yet")
        verbatim(after.response)
        if before.response != after.response:
            st.caption("Under A it was another")
            verbatim(before.response)
    for number, (one, other) in enumerate(zip_longest(before.rounds, after.rounds), start=1):
        _round(number, run, one, other)
    with st.container(border=True):
        chips([], title="Last text", note=f"word diff from {run.before} to {run.after}")
        show_diff(_last(before), _last(after) or "")
    for side, chain in (("A", before), ("B", after)):
        if chain.error:
            problem(f"Under {side} this chain ended early ({chain.state}): {chain.error}")


def _prompt(shown: ChainDetail | ComparisonDetail) -> None:
    with st.container(border=True):
        where = " · ".join(filter(None, (shown.source, shown.topic)))
        chips([(KINDS[shown.kind], KIND_TINTS[shown.kind])], title="Prompt", note=where)
        conversation(shown.turns)


def _last(chain: ChainDetail) -> str | None:
    return chain.rounds[-1].revision if chain.rounds else chain.response


def _round(number: int, run: VersionRun, before: RoundDetail | None, after: RoundDetail | None) -> None:
    same = before is not None and after is not None and _texts(before) == _texts(after)
    with st.container(border=True):
        drew = before and after and before.principle_slug != after.principle_slug
        chips([SAME] if same else [DREW_OTHER] if drew else [], title=f"Round {number}")
        if same and after is not None:
            _side(after, run.after)
            return
        for column, shown, ref in zip(
            st.columns(2, gap="medium"), (before, after), (run.before, run.after), strict=True
        ):
            with column:
                if shown is None:
                    caption(f"No such round under {ref}.")
                else:
                    _side(shown, ref)


def _texts(one: RoundDetail) -> tuple[str | None, ...]:
    return one.principle_slug, one.critique, one.revision


def _side(one: RoundDetail, ref: str) -> None:
    chips([(one.principle, "violet")], note=ref)
    if one.critique is not None:
        st.caption("Critique")
        verbatim(one.critique)
    st.caption("Revision")
    verbatim(one.revision)


def show_labels(run: VersionRun, comparison: ComparisonDetail) -> None:
    """Prompt, both responses, and what either version's label says."""
    _prompt(comparison)
    pair("Response A", comparison.response_a, "Response B", comparison.response_b)
    for column, (ref, run_id) in zip(st.columns(2), ((run.before, run.former), (run.after, run.id)), strict=True):
        with column, st.container(border=True, height="stretch"):
            for label in [one for one in comparison.labels if one.run == run_id]:
                _label(ref, label)


def _label(ref: str, label: LabelDetail) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        chips([(label.principle, "violet")], title="Label under", width="content")
        version_link(ref, label.principle_slug)
        run_link(label.run)
    if label.p_a is not None:
        p_a_bar(label.p_a, "Response A", "Response B")
    else:
        chips([(label.state.replace("_", " "), "orange")], note=label.error or "")
    st.caption("Principle, as the feedback model read it")
    verbatim(label.comparison)
    shown = {"ab": "A shown first", "ba": "B shown first"}
    st.caption("Log-odds for response A, natural logarithm")
    caption(" · ".join(f"{shown[one.order]}: {one.log_odds:+.2f}" for one in label.orders))
