"""Links to what a number came from; names stand beside them, as text, for a link's label reads Markdown."""

import streamlit as st

from app.components.text import inline


def run_link(run: int) -> None:
    """To a run."""
    st.page_link("views/runs.py", label=f"Run {run:d}", icon=":material/list_alt:", query_params={"run": f"{run:d}"})


def model_link(model: int, name: str) -> None:
    """To a model."""
    query = {"model": f"{model:d}"}
    st.page_link("views/models.py", label=f"Model {model:d}", icon=":material/deployed_code:", query_params=query)
    inline(name)


def version_link(version: str, principle: str = "") -> None:
    """To a version of a constitution, 'name@3', perhaps to one of its principles."""
    query = {"version": version, **({"principle": principle} if principle else {})}
    st.page_link("views/constitutions.py", label="Constitution", icon=":material/gavel:", query_params=query)
    inline(version)


def chain_link(chain: int) -> None:
    """To a chain."""
    query = {"chain": f"{chain:d}"}
    st.page_link("views/chains.py", label=f"Chain {chain:d}", icon=":material/account_tree:", query_params=query)


def comparison_link(comparison: int) -> None:
    """To a comparison."""
    query = {"comparison": f"{comparison:d}"}
    st.page_link(
        "views/comparisons.py",
        label=f"Comparison {comparison:d}",
        icon=":material/compare_arrows:",
        query_params=query,
    )
