"""Prompts: the sets, a filtered list, one in full, and what is done with many at once."""

import streamlit as st

from app.components.notice import content_notice, empty
from app.components.pager import opened, page_start, pager, reader_buttons
from app.components.prompt_filter import filter_prompts, prompts_filter
from app.components.prompt_reader import show_prompt
from app.components.prompt_table import prompt_table, set_table
from app.components.prompt_upload import upload_prompts
from app.components.prompt_verbs import verbs
from app.components.text import figure
from app.resources import workspace
from db.queries.prompt_filter import PromptFilter
from db.queries.prompts import count_prompts, prompt_beside, prompt_detail, prompt_page, prompt_sets


def read(prompt_id: int) -> None:
    """One prompt in full."""
    with workspace().reading() as session:
        prompt = prompt_detail(session, prompt_id)
        beside = prompt_beside(session, prompts_filter(), prompt_id)
    if prompt is None:
        missing = f"There is no prompt {prompt_id}."
        empty(missing, "It was removed, or belongs to another workspace.", "views/prompts.py", "All prompts")
        return
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title(f"Prompt {prompt.id:,d}")
    with right:
        reader_buttons("prompt", beside, "prompts")
    content_notice()
    show_prompt(prompt)


def overview() -> None:
    """The sets, the filter, a page of prompts, and what can be done with all that pass."""
    st.title("Prompts")
    with workspace().reading() as session:
        sets = prompt_sets(session)
        if not sets:
            empty("No prompts yet", "A run draws what it asks from here. Bring in a file of yours.")
        else:
            set_table(sets)
            content_notice()
            wanted = prompts_filter()
            filter_prompts(session, wanted, sets)
            count = count_prompts(session, wanted)
            found = prompt_page(session, wanted, page_start("prompts", wanted))
    if sets:
        if found.rows:
            figure(count, "prompts" if wanted == PromptFilter() else "prompts pass the filter")
            prompt_table(found.rows, all_sets=wanted.source is None)
            pager("prompts", found.rows[-1].id, found.more)
            verbs(wanted, count)
        else:
            empty("No prompt passes this filter", "Take a condition away.", "views/prompts.py", "All prompts")
    st.subheader("More prompts")
    upload_prompts()
    st.page_link(
        "views/launch.py",
        label="Let a model write more, after ten of these",
        icon=":material/auto_awesome:",
        query_params={"stage": "prompts"},
    )


if (prompt_id := opened("prompt")) is not None:
    read(prompt_id)
else:
    overview()
