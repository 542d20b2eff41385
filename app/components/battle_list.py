"""The battles behind a rating, each with both responses."""

from collections.abc import Sequence

import streamlit as st

from app.components.comparison_pair import pair
from app.components.text import chips, conversation
from db.queries.battles import BattleLine, Side

TINTS = {"a": "green", "b": "green", "tie": "grey"}


def battle_list(battles: Sequence[BattleLine]) -> None:
    """One card a battle."""
    for battle in battles:
        with st.container(border=True):
            tags = [(battle.axis, "violet"), (_outcome(battle), TINTS.get(battle.outcome, "orange"))]
            parts = [f"judged by {battle.judge}", battle.topic, battle.principle]
            if battle.p_a is not None:
                parts.append(f"p(A) {battle.p_a:.2f}")
            chips(tags, title=f"Battle {battle.id}", note=" · ".join(filter(None, parts)))
            conversation(battle.turns)
            better = battle.outcome if battle.outcome in ("a", "b") else None
            pair(_name("A", battle.a), battle.a.text, _name("B", battle.b), battle.b.text, better)


def _outcome(battle: BattleLine) -> str:
    words = {"a": f"{battle.a.model} wins", "b": f"{battle.b.model} wins", "tie": "tie"}
    return words.get(battle.outcome, f"not rated: {battle.outcome.replace('_', ' ')}")


def _name(letter: str, side: Side) -> str:
    parts = [f"{letter} · {side.model}", side.verdict]
    if side.helpfulness is not None:
        parts.append(f"helpfulness {side.helpfulness:.2f}")
    return " · ".join(filter(None, parts))
