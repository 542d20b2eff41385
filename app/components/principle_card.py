"""A principle, to be read."""

import streamlit as st

from app.components.text import caption, chips, verbatim
from cai_core.types import Principle, PrincipleKind


def principle_card(principle: Principle) -> None:
    """Title, kind, tags and weight, then every text it has."""
    tint = "green" if principle.kind is PrincipleKind.HELPFULNESS else "violet"
    labels = [(principle.kind.value, tint), *((tag, "grey") for tag in principle.tags)]
    if not principle.enabled:
        labels.append(("off: never drawn", "orange"))
    note = principle.id if principle.weight == 1 else f"{principle.id} · weight {principle.weight:g}"
    chips(labels, title=principle.title, note=note)
    texts = [
        ("Critique request", principle.critique_request),
        ("Revision request", principle.revision_request),
        ("Comparison", principle.comparison),
    ]
    present = [(name, text) for name, text in texts if text]
    for column, (name, text) in zip(st.columns(max(1, len(present)), gap="medium"), present, strict=False):
        with column:
            caption(name)
            verbatim(text)
