"""A new dataset: which chains, which of their texts, and what that comes to before it is frozen."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import streamlit as st
from sqlalchemy.orm import Session

from app import state
from app.components.launch_form import LARGEST
from app.components.notice import act, problem
from app.components.prompt_kinds import KINDS
from app.components.row_filter import offered_runs
from app.components.run_badge import in_select
from app.components.text import caption, labelled
from app.components.who import ask_name, keep_author
from app.resources import workspace
from cai_core.config.datasets import Recipe, load_recipe
from cai_core.errors import CAIError
from cai_core.store import dataset_rows
from cai_core.store import datasets as store
from db.queries.chain_filter import LISTED, ChainFilter
from db.queries.models import prompt_sources

NAME, RUN, SOURCE, KIND, MORE = "dataset.name", "dataset.run", "dataset.source", "dataset.kind", "dataset.more"
TAKE, ROUNDS, VERDICTS = "dataset.take", "dataset.rounds", "dataset.verdicts"
SHARE, HELDOUT, SEED = "dataset.share", "dataset.heldout", "dataset.seed"
TAKES = {"all": "All rounds", "last": "The last only"}
SAID = {"all": "Everything", "not_rejected": "All but rejected", "accepted": "Accepted only"}
FIELDS = tuple(ChainFilter.__dataclass_fields__)
FROM = "dataset.from"
"""The conditions of the address that the fields were filled from."""


def dataset_form(session: Session) -> None:
    """The fields, the live counts and the button."""
    take_from_address()
    with st.container(border=True):
        st.caption("Which chains")
        _which(session)
        st.caption("Which of their texts")
        _what()
        _counted(session)
        ask_name()
        left, right = st.columns([3, 2], vertical_alignment="bottom")
        left.text_input("Name", key=NAME, max_chars=store.LONGEST_NAME, placeholder="As runs will call it")
        right.button("Freeze", type="primary", icon=":material/ac_unit:", width="stretch", on_click=act, args=(freeze,))


def take_from_address() -> None:
    """Let the conditions in the page's address, as the Chains page writes them, fill the fields once."""
    given = {name: value for name, value in st.query_params.items() if name in FIELDS}
    if not given or st.session_state.get(FROM) == given:
        return
    st.session_state[FROM] = given
    rest = dict(given)
    run = rest.pop("run", "")
    st.session_state[RUN] = int(run) if run.isascii() and run.isdigit() and len(run) < 16 else None
    st.session_state[SOURCE] = rest.pop("source", None)
    kind = rest.pop("kind", None)
    st.session_state[KIND] = kind if kind in LISTED["kind"] else None
    st.session_state[MORE] = in_address(rest)


def _which(session: Session) -> None:
    runs = offered_runs(session, "chains")
    if st.session_state.get(RUN) not in runs:
        st.session_state[RUN] = None
    sources = prompt_sources(session)
    if st.session_state.get(SOURCE) not in sources:
        st.session_state[SOURCE] = None
    one, two, three = st.columns([4, 3, 2])
    one.selectbox("Run", list(runs), None, format_func=lambda i: in_select(runs[i]), placeholder="All runs", key=RUN)
    two.selectbox("Prompt set", sources, None, placeholder="All sets", key=SOURCE)
    three.selectbox("Prompts", list(KINDS), None, format_func=KINDS.__getitem__, placeholder="All kinds", key=KIND)
    st.text_input(
        "More conditions",
        key=MORE,
        placeholder="constitution=sandbox@3&gate=cut, or an address of the Chains page",
        help="Any condition of the Chains page, as its address writes it.",
    )


def _what() -> None:
    one, two, three = st.columns([3, 2, 4])
    one.segmented_control(
        "Revisions",
        list(TAKES),
        default="all",
        format_func=TAKES.__getitem__,
        required=True,
        key=TAKE,
        help="The paper trains on the revisions of all rounds. The initial response never trains.",
    )
    two.number_input("Up to round", 0, 16, 0, key=ROUNDS, help="0 takes every round.")
    three.segmented_control(
        "Verdicts",
        list(SAID),
        default="all",
        format_func=SAID.__getitem__,
        required=True,
        key=VERDICTS,
        help="A chain that anybody rejects is rejected, whoever else accepts it. A flag says nothing.",
    )
    four, five, six = st.columns(3)
    four.number_input(
        "Share of helpful samples",
        0.0,
        1.0,
        None,
        0.05,
        "%g",
        key=SHARE,
        placeholder="All there are",
        help="Of the examples. What is left over of either side is left out, by a draw.",
    )
    five.number_input(
        "Share of prompts held out",
        0.0,
        0.9,
        0.1,
        0.05,
        "%g",
        key=HELDOUT,
        help="Measured while training, never trained on.",
    )
    six.number_input("Seed", 0, LARGEST, 0, key=SEED, help="Of what is drawn.")


def read_recipe() -> Recipe:
    """The recipe that the form says; `DatasetError` where a condition is wrong."""
    get = st.session_state.get
    plain: dict[str, Any] = {"run": get(RUN), "source": get(SOURCE), "kind": get(KIND)}
    found = conditions(str(get(MORE) or ""))
    found |= {name: str(value) for name, value in plain.items() if value is not None}
    return load_recipe(
        {
            "filter": found,
            "rounds": int(get(ROUNDS) or 0),
            "last_only": get(TAKE) == "last",
            "verdicts": get(VERDICTS) or "all",
            "helpful_share": get(SHARE),
            "heldout": get(HELDOUT) or 0.0,
            "seed": int(get(SEED) or 0),
        }
    )


def conditions(text: str) -> dict[str, str]:
    """Conditions from an address, or from the part of one behind the question mark."""
    return dict(parse_qsl(text.strip().rpartition("?")[2], keep_blank_values=True))


def in_address(given: Mapping[str, str]) -> str:
    """Conditions as an address writes them: `conditions` of it gives the same."""
    return urlencode(given, quote_via=quote, safe="@")


def _counted(session: Session) -> None:
    """What the recipe comes to now."""
    try:
        recipe = read_recipe()
        counts = dataset_rows.count(session, recipe)
    except CAIError as error:
        problem(str(error))
        return
    caption(in_words(counts, recipe))
    left_out(counts)


def in_words(counts: dict[str, Any], recipe: Recipe) -> str:
    """'300 examples: 240 revisions and 60 plain samples ...'."""
    held = f"; those of {recipe.heldout:.0%} of the prompts are held out" if recipe.heldout else ""
    edited = f", {counts['edited']:,} of branches that somebody edited" if counts["edited"] else ""
    return (
        f"{counts['examples']:,} examples: {counts['revisions']:,} revisions and {counts['samples']:,} plain samples"
        f"{edited}{held}."
    )


def left_out(counts: dict[str, Any]) -> None:
    """What is left out, by reason."""
    labelled(
        (f"{number:,} left out", "orange", dataset_rows.LEFT_OUT[reason])
        for reason, number in counts["left_out"].items()
    )


def freeze() -> str:
    """Freeze what the form says, and open it."""
    name = str(st.session_state.get(NAME) or "").strip()
    made = store.freeze(workspace(), name, read_recipe(), author=keep_author())
    st.session_state[state.GO_TO] = ("views/datasets.py", {"dataset": str(made.id)})
    st.session_state.pop(FROM, None)
    return f"{made.name} is frozen: {made.counts['train']:,} examples to train on, {made.counts['heldout']:,} held out."
