"""One principle's record: what it says, and each figure with the way to the rows behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from app.components.shares import mean_span, mean_words, share_span, share_words
from app.components.text import caption, chips, verbatim
from db.queries.principles import Labels, PlacedPrinciple, Record, Rounds

EXAMPLES = "principles.examples"
"""The principle, and which of its rows are listed."""
WORDS = {
    "rounds": "All rounds",
    "found": "Something",
    "clear": "Nothing",
    "untold": "Could not tell",
    "unchanged": "Unchanged",
    "rewritten": "Half or more",
    "longer": "Longer",
    "shorter": "Shorter",
    "labels": "All labels",
    "prefers_a": "Prefers A",
    "prefers_b": "Prefers B",
    "disagree": "Orders disagree",
    "no_label": "Without a label",
}
"""What the rows behind a figure are called."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its interval, and what lists of rows are behind it."""

    name: str
    value: str
    span: str
    """'95 %: 58 to 66 %'; empty: a count."""
    of: str
    behind: tuple[str, ...]


def show_principle(one: PlacedPrinciple, version: str) -> None:
    """Title, kind, tags, and every text it has in this version."""
    labels = [(one.kind, "green" if one.kind == "helpfulness" else "violet"), *((tag, "grey") for tag in one.tags)]
    if not one.enabled:
        labels.append(("off: never drawn", "orange"))
    count = len(one.wordings)
    notes = [f"{one.slug} in {version}"]
    notes += [f"weight {one.weight:g}"] if one.weight != 1 else []
    notes += [f"{count} wordings in this constitution"] if count > 1 else []
    chips(labels, title=one.title, note=" · ".join(notes))
    texts = [
        ("Critique request", one.critique_request),
        ("Revision request", one.revision_request),
        ("Comparison", one.comparison),
    ]
    present = [(name, text) for name, text in texts if text]
    for column, (name, text) in zip(st.columns(max(1, len(present)), gap="medium"), present, strict=False):
        with column:
            caption(name)
            verbatim(text)


def of_count(count: int, what: str) -> str:
    """'of 1 round', 'of 2 rounds'."""
    return f"of {count:,} {what}" if count == 1 else f"of {count:,} {what}s"


def round_figures(rounds: Rounds) -> list[Figure]:
    """What its critiques and revisions came to."""
    told, n = rounds.found + rounds.clear, rounds.measured
    other = n - told
    found_of = of_count(told, "critique") + (f", {other:,} could not be told" if other else "")
    changed = mean_span(rounds.changed, rounds.changed_squares, n, as_percent=True)
    longer = mean_span(rounds.longer, rounds.longer_squares, n)
    kept = f"{share_words(rounds.unchanged, n)} left as they were" if n else "none measured"
    return [
        Figure("Drawn for critiques", f"{rounds.drawn:,}", "", "round" if rounds.drawn == 1 else "rounds", ("rounds",)),
        Figure(
            "Critique found something",
            share_words(rounds.found, told),
            share_span(rounds.found, told),
            found_of,
            ("found", "clear", "untold"),
        ),
        Figure(
            "Words that revisions changed",
            mean_words(rounds.changed, n, as_percent=True),
            changed,
            kept,
            ("unchanged", "rewritten"),
        ),
        Figure("Longer, in words", mean_words(rounds.longer, n), longer, of_count(n, "round"), ("longer", "shorter")),
    ]


def label_figures(labels: Labels) -> list[Figure]:
    """How its labels split."""
    decided, untold = labels.prefers_a + labels.prefers_b, labels.seen - labels.labelled
    mean = f", mean p(A) {labels.p_a / labels.labelled:.2f}" if labels.labelled else ""
    return [
        Figure(
            "Labels",
            f"{labels.drawn:,}",
            "",
            f"{'comparison' if labels.drawn == 1 else 'comparisons'} labelled under it",
            ("labels",),
        ),
        Figure(
            "Prefers response A",
            share_words(labels.prefers_a, decided),
            share_span(labels.prefers_a, decided),
            of_count(decided, "label") + mean,
            ("prefers_a", "prefers_b"),
        ),
        Figure(
            "Its two orders disagree",
            share_words(labels.disagree, labels.labelled),
            share_span(labels.disagree, labels.labelled),
            of_count(labels.labelled, "label"),
            ("disagree",),
        ),
        Figure(
            "Could not tell",
            share_words(untold, labels.seen),
            share_span(untold, labels.seen),
            of_count(labels.seen, "label"),
            ("no_label",),
        ),
    ]


def show_figures(slug: str, figures: Sequence[Figure]) -> None:
    """A card each, of one height, with buttons to the rows behind it."""
    for column, one in zip(st.columns(len(figures)), figures, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.html(_card(one))
            with st.container(horizontal=True, gap="small"):
                for which in one.behind:
                    st.button(
                        f":blue[{WORDS[which]}]",
                        type="tertiary",
                        key=f"principles.show.{which}",
                        on_click=list_examples,
                        args=(slug, which),
                    )


def _card(one: Figure) -> str:
    faint = "font-size:.875rem;line-height:1.5;opacity:.68"
    span = f"95 %: {one.span}" if one.span and one.span != "–" else ""
    return (
        f'<div style="{faint}">{escape(one.name)}</div>'
        f'<div style="font-size:1.7rem;font-weight:600;line-height:1.4">{escape(one.value)}</div>'
        f'<div style="{faint};min-height:1.3rem">{escape(span)}</div>'
        f'<div style="{faint}">{escape(one.of)}</div>'
    )


def list_examples(slug: str, which: str) -> None:
    """List these rows of this principle from now on, from the newest."""
    st.session_state[EXAMPLES] = (slug, which)


def listed(slug: str, record: Record) -> str:
    """Which rows are listed: those that were asked for, else what its critiques found, else its labels."""
    asked_of, which = st.session_state.get(EXAMPLES, ("", ""))
    if asked_of == slug:
        return str(which)
    return "found" if record.rounds.found else "rounds" if record.rounds.drawn else "labels"


def caps(records: Sequence[Record]) -> None:
    """Say what the figures leave out: older rows, and rounds that were never measured."""
    older = sum(one.rounds.drawn - one.rounds.seen + one.labels.drawn - one.labels.seen for one in records)
    if older:
        rounds, labels = sum(one.rounds.seen for one in records), sum(one.labels.seen for one in records)
        caption(f"Counts are of all rows. Shares and means are of the newest {rounds:,} rounds and {labels:,} labels.")
    unmeasured = sum(one.rounds.seen - one.rounds.measured for one in records)
    if unmeasured:
        caption(
            f"{unmeasured:,} rounds were saved before rounds were measured and count as drawn only. "
            "The command cai-studio db measure measures them."
        )
