"""What every session shares: the workspace, opened once."""

import streamlit as st

from cai_core.store.workspace import Workspace, open_workspace


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    """The workspace of `CAI_STUDIO_HOME`, else the default folder."""
    return open_workspace(None)
