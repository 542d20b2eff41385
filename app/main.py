"""The app's frame: navigation by the method, the active run below it, then the chosen page.

The pages lie in `views`: Streamlit takes a folder named `pages` beside this file for its own navigation, and opens a
link into it without this frame when it is the first one after the server's start.
"""

from pathlib import Path

import streamlit as st

from app import state
from app.components.notice import problem, show_notice
from app.components.run_progress import sidebar_progress
from app.components.who import log_in_first
from app.resources import workspace
from cai_core.errors import CAIError

ICON = Path(__file__).with_name("icon.png")
st.set_page_config(page_title="CAI Studio", page_icon=ICON, layout="wide")
st.logo(ICON, size="large")

page = st.navigation(
    {
        "": [st.Page("views/home.py", title="Home", icon=":material/home:", default=True)],
        "Author": [
            st.Page("views/constitutions.py", title="Constitutions", icon=":material/gavel:"),
            st.Page("views/playground.py", title="Playground", icon=":material/forum:"),
            st.Page("views/cases.py", title="Cases", icon=":material/rule:"),
            st.Page("views/compare.py", title="Compare versions", icon=":material/difference:", url_path="compare"),
            st.Page("views/principles.py", title="Principles", icon=":material/balance:"),
        ],
        "Supervise": [
            st.Page("views/prompts.py", title="Prompts", icon=":material/format_quote:"),
            st.Page("views/chains.py", title="Chains", icon=":material/account_tree:"),
            st.Page("views/rounds.py", title="Rounds", icon=":material/show_chart:"),
            st.Page("views/datasets.py", title="Datasets", icon=":material/dataset:"),
            st.Page("views/files.py", title="Files", icon=":material/folder_open:"),
        ],
        "Compare": [st.Page("views/comparisons.py", title="Comparisons", icon=":material/compare_arrows:")],
        "Train": [
            st.Page("views/launch.py", title="Launch", icon=":material/rocket_launch:"),
            st.Page("views/runs.py", title="Runs", icon=":material/list_alt:"),
            st.Page("views/models.py", title="Models", icon=":material/deployed_code:"),
            st.Page("views/storage.py", title="Storage", icon=":material/hard_drive:"),
        ],
        "Evaluate": [st.Page("views/ratings.py", title="Ratings", icon=":material/scatter_plot:")],
    }
)

log_in_first()
try:
    workspace()
except CAIError as error:
    problem(str(error))
    st.stop()

if go_to := st.session_state.pop(state.GO_TO, None):
    st.switch_page(go_to[0], query_params=go_to[1])
sidebar_progress()
# In a place of its own, used or not: else all below would be built anew in the browser, with what is being typed there.
with st.container():
    show_notice()
page.run()
