"""What two versions are compared on: versions, model, prompts, pairs; how much will be recalled; and go."""

from uuid import uuid4

import streamlit as st
from sqlalchemy.orm import Session

from app.components.compare_estimate import compare_estimate
from app.components.launch_form import LARGEST, read_seed
from app.components.notice import act
from app.components.pager import open_row
from app.components.run_badge import in_select
from app.resources import workspace
from cai_core.runs.compare import CHAINS_B, LABELS_B, VersionComparison, enqueue_compare, scaled
from cai_core.runs.queue import kick
from cai_core.types import PromptKind
from db.queries.models import model_names, prompt_sources
from db.queries.runs import runs_of

A, B, MODEL = "compare.a", "compare.b", "compare.model"
ROUNDS, SEED, SOURCE = "compare.rounds", "compare.seed", "compare.source"
PAIRS, NUM_PAIRS, PAIRS_FROM = "compare.pairs", "compare.num_pairs", "compare.pairs_from"
NUM = {kind: f"compare.{kind.value}" for kind in PromptKind}
FRESH, KEPT, NONE = "Fresh pairs", "Of a run", "None"
WAYS = (FRESH, KEPT, NONE)
TOKEN = "compare.token"
"""Of the next press of the button: a second press of the same one carries a token that is used up."""
MOST = 100_000
"""Most prompts of a kind that the form takes; the command line takes more."""


def compare_form(session: Session, refs: list[str]) -> None:
    """Draw it; the button enqueues the runs and opens what comes of them."""
    _from_address(refs)
    with st.container(border=True):
        _versions(session, refs)
        _prompts(session)
        _pairs(session)
        compare_estimate(wanted())
        st.button(
            "Compare",
            type="primary",
            icon=":material/difference:",
            on_click=act,
            args=(_compare, st.session_state.setdefault(TOKEN, uuid4().hex)),
        )


def _from_address(refs: list[str]) -> None:
    """`?a=name@1&b=name@2`, which other pages link to, chooses the versions once."""
    for key, name in ((A, "a"), (B, "b")):
        asked = st.query_params.get(name, "")
        if asked:
            st.query_params.pop(name, None)
        if asked in refs:
            st.session_state[key] = asked


def first_pair(refs: list[str]) -> tuple[str, str]:
    """The version before the newest, and the newest; of a name that has but one, another name's newest before it."""
    name = refs[0].rpartition("@")[0]
    return next((ref for ref in refs[1:] if ref.rpartition("@")[0] == name), refs[1]), refs[0]


def _versions(session: Session, refs: list[str]) -> None:
    before, after = first_pair(refs)
    models = model_names(session)
    left, middle, right = st.columns(3)
    left.selectbox("A", refs, _first(refs, A, before), key=A, persist_state="session", help="What B is compared with.")
    middle.selectbox(
        "B",
        refs,
        _first(refs, B, after),
        key=B,
        persist_state="session",
        help="Where nothing differs, its runs take A's answers over.",
    )
    right.selectbox(
        "Model",
        models,
        _first(models, MODEL, "sandbox"),
        key=MODEL,
        persist_state="session",
        help="It answers, criticises and revises, writes fresh pairs, and labels them.",
    )


def _first(options: list[str], key: str, wanted: str) -> int | None:
    """Where a select begins; an option that an address chose rules."""
    if not options:
        return None
    return options.index(wanted) if wanted in options and key not in st.session_state else 0


def _prompts(session: Session) -> None:
    red_team, helpful, look_alike, rounds, source, seed = st.columns([2, 2, 2, 2, 3, 2])
    red_team.number_input(
        "Red-team prompts",
        0,
        MOST,
        300,
        key=NUM[PromptKind.RED_TEAM],
        persist_state="session",
        help="Each gets a chain under A and under B.",
    )
    helpful.number_input(
        "Helpful prompts",
        0,
        MOST,
        0,
        key=NUM[PromptKind.HELPFUL],
        persist_state="session",
        help="Answered plainly, which no principle touches; they matter to fresh pairs.",
    )
    look_alike.number_input(
        "Look-alikes",
        0,
        MOST,
        0,
        key=NUM[PromptKind.LOOK_ALIKE],
        persist_state="session",
        help="Benign; treated as helpful ones.",
    )
    rounds.number_input("Rounds", 1, 16, 4, key=ROUNDS, persist_state="session", help="Critique and revision.")
    sources = ["", *prompt_sources(session)]
    source.selectbox(
        "Source",
        sources,
        format_func=lambda one: one or "All prompts",
        key=SOURCE,
        persist_state="session",
        help="Of the prompts, and of those that fresh pairs are written for.",
    )
    seed.number_input("Seed", 0, LARGEST, 0, key=SEED, persist_state="session", help="Of prompts, draws and texts.")


def _pairs(session: Session) -> None:
    way, rest = st.columns([4, 9], vertical_alignment="bottom")
    chosen = way.segmented_control(
        "Pairs to label",
        WAYS,
        default=FRESH,
        required=True,
        key=PAIRS,
        persist_state="session",
        help="Labelled under A and under B: which of two responses each version prefers.",
    )
    if chosen == FRESH:
        rest.number_input(
            "How many",
            0,
            MOST,
            300,
            key=NUM_PAIRS,
            persist_state="session",
            width=180,
            help="Of the kinds of prompt above, in the same proportion.",
        )
    elif chosen == KEPT:
        runs = {run.id: run for run in runs_of(session, ("comparisons",), [st.session_state.get(PAIRS_FROM)])}
        rest.selectbox(
            "Comparisons run",
            list(runs),
            0 if runs else None,
            format_func=lambda i: in_select(runs[i]),
            placeholder="There is none yet",
            key=PAIRS_FROM,
            persist_state="session",
        )


def wanted() -> VersionComparison:
    """What the widgets say."""
    state = st.session_state
    counts = {kind: int(state[key]) for kind, key in NUM.items()}
    return VersionComparison(
        str(state[A]),
        str(state[B]),
        model=str(state[MODEL] or ""),
        chains=counts,
        pairs=scaled(counts, int(state[NUM_PAIRS])) if state[PAIRS] == FRESH else None,
        pairs_from=state.get(PAIRS_FROM) if state[PAIRS] == KEPT else None,
        rounds=int(state[ROUNDS]),
        seed=read_seed(state[SEED]),
        source=str(state[SOURCE]),
    )


def _compare(token: str) -> str:
    """Enqueue what the form says, once a press, and open it."""
    if token != st.session_state.get(TOKEN):
        return ""
    ids = enqueue_compare(workspace(), wanted())
    st.session_state[TOKEN] = uuid4().hex
    open_row("run", ids.get(CHAINS_B, ids.get(LABELS_B)))
    kick(workspace())
    return ""
