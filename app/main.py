"""The app's frame: navigation by the method, the active run below it, then the chosen page.

The pages lie in `views`: Streamlit takes a folder named `pages` beside this file for its own navigation, and opens a
link into it without this frame when it is the first one after the server's start.
"""

from pathlib import Path

import streamlit as st

from app import state
from app.components.notice import problem, show_notice
from app.components.run_progress import sidebar_progress
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
        ],
        "Supervise": [st.Page("views/chains.py", title="Chains", icon=":material/account_tree:")],
        "Compare": [st.Page("views/comparisons.py", title="Comparisons", icon=":material/compare_arrows:")],
        "Train": [
            st.Page("views/launch.py", title="Launch", icon=":material/rocket_launch:"),
            st.Page("views/runs.py", title="Runs", icon=":material/list_alt:"),
            st.Page("views/models.py", title="Models", icon=":material/deployed_code:"),
        ],
        "Evaluate": [st.Page("views/ratings.py", title="Ratings", icon=":material/scatter_plot:")],
    }
)

try:
    workspace()
except CAIError as error:
    problem(str(error))
    st.stop()

if go_to := st.session_state.pop(state.GO_TO, None):
    st.switch_page(go_to[0], query_params=go_to[1])
sidebar_progress()
show_notice()
page.run()
