"""Playground: a prompt, a model, principles, and the answer as it is written."""

import streamlit as st

from app.components.notice import empty
from app.components.pager import opened
from app.components.playground_answer import show_answer
from app.components.playground_form import ask_form
from app.components.playground_list import ask_list
from app.resources import workspace
from db.queries.asks import ask_detail, newest_asks

ask_id = opened("ask")

st.title("Playground")
st.caption(
    "One round of what a chains run does: response, critique under a principle, revision. "
    "Or two responses, and which of them each principle prefers."
)
left, right = st.columns([3, 7], gap="large")
with workspace().reading() as session:
    with left:
        ask_form(session)
        if lines := newest_asks(session):
            st.subheader("Recent asks", anchor=False)
            ask_list(lines)
    found = None if ask_id is None else ask_detail(session, ask_id)

with right:
    if found is not None:
        show_answer(found)
    elif ask_id is not None:
        empty(f"There is no ask {ask_id}.", "It may belong to another workspace. Ask something on the left.")
    elif lines:
        empty("No ask is open", "Ask something on the left, or press a row of the recent asks.")
    else:
        empty(
            "Nothing asked yet",
            "Write a prompt, or draw one from a prompt set, and press Ask. The first answer takes some seconds, while "
            "the model is loaded; then it stays warm. Choose principles to see the model criticise and revise itself.",
        )
