"""Compare versions: on the same prompts and the same pairs, what another version of a constitution changes."""

import streamlit as st

from app.components.compare_examples import examples
from app.components.compare_form import compare_form
from app.components.compare_head import compare_head, still_at_work
from app.components.compare_list import compare_list
from app.components.compare_reader import read_chains, read_labels
from app.components.compare_result import chains_found, labels_found
from app.components.notice import empty
from app.components.pager import opened
from app.resources import workspace
from db.queries.version_compare import VersionRun, comparison_of, past_comparisons, version_refs


def overview() -> None:
    """The form, and what was compared before."""
    st.title("Compare versions")
    with workspace().reading() as session:
        refs = version_refs(session)
        past = past_comparisons(session)
        if len(refs) < 2:
            empty(
                "There is but one version",
                "Save another version of a constitution, or another constitution, to compare it with.",
                "views/constitutions.py",
                "Constitutions",
            )
            return
        compare_form(session, refs)
    st.subheader("Past comparisons")
    if past:
        compare_list(past)
    else:
        empty(
            "Nothing was compared so far",
            "On the sandbox a few hundred prompts take minutes under A, and seconds under B.",
        )


def read(run_id: int) -> None:
    """What a comparison found, or one row of it under both versions."""
    with workspace().reading() as session:
        found = comparison_of(session, run_id)
    if found is None:
        empty(f"Run {run_id} compares nothing.", "It may belong to another workspace.", "views/compare.py", "All")
        return
    own = found.labels if found.labels and found.labels.id == run_id else found.first
    if (chain_id := opened("chain")) is not None and found.chains:
        read_chains(found.chains, chain_id)
    elif (label_id := opened("label")) is not None and found.labels:
        read_labels(found.labels, label_id)
    else:
        show(compare_head(found, own))


def show(run: VersionRun) -> None:
    """Figures, plot and examples of its chains or its labels."""
    if run.found is None:
        still_at_work(run)
        return
    (chains_found if run.kind == "chains" else labels_found)(run, run.found)
    examples(run)


if (run_id := opened("run")) is not None:
    read(run_id)
else:
    overview()
