"""The battles behind a rating, each with both responses."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.components.comparison_pair import pair
from app.components.text import chips, conversation
from db.queries.battles import BattleLine, Side

TINTS = {"a": "green", "b": "green", "tie": "grey"}


def battle_list(battles: Sequence[BattleLine], names: Mapping[str, str]) -> None:
    """One card a battle; `names` says how models are shown."""
    for battle in battles:
        with st.container(border=True):
            tags = [(battle.axis, "violet"), (_outcome(battle, names), TINTS.get(battle.outcome, "orange"))]
            parts = [f"judged by {battle.judge}", battle.topic, battle.principle]
            if battle.p_a is not None:
                parts.append(f"p(A) {battle.p_a:.2f}")
            chips(tags, title=f"Battle {battle.id}", note=" · ".join(filter(None, parts)))
            conversation(battle.turns)
            better = battle.outcome if battle.outcome in ("a", "b") else None
            pair(_name("A", battle.a, names), battle.a.text, _name("B", battle.b, names), battle.b.text, better)


def _outcome(battle: BattleLine, names: Mapping[str, str]) -> str:
    a, b = (names.get(side.model, side.model) for side in (battle.a, battle.b))
    words = {"a": f"{a} wins", "b": f"{b} wins", "tie": "tie"}
    return words.get(battle.outcome, f"not rated: {battle.outcome.replace('_', ' ')}")


def _name(letter: str, side: Side, names: Mapping[str, str]) -> str:
    parts = [f"{letter} · {names.get(side.model, side.model)}", side.verdict]
    if side.helpfulness is not None:
        parts.append(f"helpfulness {side.helpfulness:.2f}")
    return " · ".join(filter(None, parts))
