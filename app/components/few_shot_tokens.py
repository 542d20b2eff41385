"""How many tokens a run's few-shots take in front of each request, and whether they fit a model's context."""

import hashlib
from dataclasses import dataclass

import streamlit as st

from app.components.notice import act
from app.components.text import caption, chips
from app.resources import workspace
from cai_core.chains import templates as critique
from cai_core.config import ChainsConfig
from cai_core.errors import ConstitutionError
from cai_core.preferences import templates as comparison
from cai_core.runs import warm_queue
from cai_core.types import Ask, AskKind, Conversation, CritiqueRevisionShot, FewShots
from db.queries.asks import AskDetail, ask_detail
from db.queries.models import model_names

COUNTED = {
    "critique_revision": "Critique and revision",
    "comparison": "Comparison",
    "comparison_with_reasoning": "Comparison with reasoning",
}
MODEL, SIZE, ASKED = "tokens.model", "tokens.size", "tokens.asked"
FIRST = "sandbox"
USUAL = ChainsConfig(constitution="any").few_shots
"""What a run takes if nobody says otherwise."""
EVERY = 0.5
"""Seconds between two looks at a count that is under way."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The longest few-shots that a run could draw of one kind, as it would send them."""

    list: str
    drawn: int
    there: int
    turns: Conversation

    @property
    def key(self) -> str:
        """Equal exactly where the same is counted."""
        return hashlib.sha256(repr((self.list, self.turns)).encode()).hexdigest()[:16]


def longest_prefixes(shots: FewShots, size: int) -> list[Prefix]:
    """For each kind that has any: its `size` longest few-shots; a run draws as many, and no longer ones."""
    found = []
    for name in COUNTED:
        each = [_turns(shot) for shot in getattr(shots, name)]
        longest = sorted(each, key=lambda turns: -sum(len(turn.content) for turn in turns))[:size]
        if longest:
            found.append(Prefix(name, len(longest), len(each), tuple(turn for one in longest for turn in one)))
    return found


def _turns(shot: object) -> Conversation:
    return critique.shot_turns(shot) if isinstance(shot, CritiqueRevisionShot) else comparison.shot_turns(shot)  # type: ignore[arg-type]


def few_shot_tokens(shots: FewShots, key: str) -> None:
    """A model, how many few-shots, and the button that counts; below, what was counted."""
    with workspace().reading() as session:
        models = model_names(session)
    left, middle, right = st.columns([5, 3, 3], vertical_alignment="bottom")
    start = models.index(FIRST) if FIRST in models and MODEL not in st.session_state else 0
    left.selectbox("Model", models, start if models else None, key=MODEL, persist_state="session")
    st.session_state.setdefault(SIZE, USUAL)
    middle.number_input(
        "Few-shots", 1, 64, key=SIZE, persist_state="session", help="How many a run puts in front of each request."
    )
    prefixes = longest_prefixes(shots, int(st.session_state[SIZE]))
    right.button(
        "Count tokens",
        icon=":material/calculate:",
        key=f"tokens.count.{key}",
        width="stretch",
        disabled=not prefixes or not models,
        on_click=act,
        args=(_count, prefixes),
    )
    if not prefixes:
        caption("There are no few-shots: requests are sent bare.")
    _counted(prefixes)


def _asked() -> dict[str, int]:
    """Ids of the asks, by what was counted with which model."""
    found: dict[str, int] = st.session_state.setdefault(ASKED, {})
    return found


def _key(prefix: Prefix) -> str:
    return f"{prefix.key} {st.session_state.get(MODEL)}"


def _count(prefixes: list[Prefix]) -> None:
    """Ask for each kind once; what is counted or under way is not asked for again."""
    model = st.session_state.get(MODEL)
    if not model:
        raise ConstitutionError("tokens are counted for a model; choose one.")
    for prefix in prefixes:
        before = _detail(_asked().get(_key(prefix)))
        if before is None or not (before.line.open or before.line.state == "done"):
            _asked()[_key(prefix)] = warm_queue.ask(workspace(), Ask(AskKind.COUNT, str(model), prefix.turns))


def _detail(ask_id: int | None) -> AskDetail | None:
    if ask_id is None:
        return None
    with workspace().reading() as session:
        return ask_detail(session, ask_id)


def _counted(prefixes: list[Prefix]) -> None:
    """What is known of each kind; looked at again while a count is under way."""
    known = [(prefix, _asked().get(_key(prefix))) for prefix in prefixes]
    open_ = any(found is not None and found.line.open for _, ask_id in known if (found := _detail(ask_id)))

    def look() -> None:
        still = False
        for prefix, ask_id in known:
            found = _detail(ask_id)
            if found is not None:
                still = still or found.line.open
                _line(prefix, found)
        if open_:
            warm_queue.kick(workspace())
            if not still:
                st.rerun()

    st.fragment(look, run_every=EVERY if open_ else None)()


def _line(prefix: Prefix, found: AskDetail) -> None:
    title = COUNTED[prefix.list]
    if found.line.open:
        with workspace().reading() as session:
            waits = warm_queue.waits_for(session, found.line.id)
        chips([("counting", "blue")], title=title, note=waits)
        return
    count, context = found.find("count"), found.find("context")
    if found.error or count is None or count.num_tokens is None:
        chips([("not counted", "orange")], title=title, note=found.error or "the count was stopped")
        return
    of = f"{prefix.drawn} of {prefix.there}"
    fits, said = in_words(count.num_tokens, context.num_tokens if context else None, estimated=bool(count.text))
    chips(
        [("fits", "green") if fits else ("does not fit", "red")] if fits is not None else [],
        title=title,
        note=f"{of}: {said}",
    )


def in_words(tokens: int, context: int | None, *, estimated: bool = False) -> tuple[bool | None, str]:
    """Whether a prefix fits a context, and how far; None where nobody knows the context."""
    about = "about " if estimated else ""
    if context is None:
        return None, f"{about}{tokens:,} tokens; how long the model's context is, its server does not say"
    left = context - tokens
    if left <= 0:
        return False, f"{about}{tokens:,} tokens of {context:,}: nothing is left, so every request would be too long"
    return True, f"{about}{tokens:,} tokens of {context:,}; leaves {left:,} for conversation and answers"
