"""Cases: what a constitution is held to, run against any of its versions."""

import streamlit as st

from app.components.case_choice import choose, shown
from app.components.case_form import add_form, change_form
from app.components.case_reader import history, show_case, show_result, to_show
from app.components.case_run import run_form, show_counts
from app.components.case_table import case_table, filter_cases
from app.components.notice import content_notice, empty
from app.components.pager import open_row, opened, page_start, pager, reader_buttons
from app.resources import workspace
from db.queries.case_detail import case_detail, case_result, case_results
from db.queries.cases import case_beside, case_counts, case_page, count_cases, names_with_cases


def read(case_id: int) -> None:
    """One case in full."""
    with workspace().reading() as session:
        case = case_detail(session, case_id)
        if case is None:
            empty(f"There is no case {case_id}.", "It may belong to another workspace.", "views/cases.py", "All cases")
            return
        chosen = shown(session, case.constitution)
        beside = case_beside(session, chosen.wanted, case_id)
        results = case_results(session, case_id)
        if opened("result") not in [line.id for line in results]:
            open_row("result", None)  # of the case that was read before
        number = to_show(results, opened("result"), chosen)
        result = case_result(session, case_id, number) if number else None
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title(f"Case {case.id:d}")
    with right:
        reader_buttons("case", beside, "cases")
    show_case(case)
    if result:
        show_result(case, result)
    else:
        st.caption("Not run yet. Run all cases from their list.")
    history(case, results)
    st.subheader("Change it")
    change_form(case)


def overview() -> None:
    """The choice, the run, what the cases came to, and a page of them."""
    st.title("Cases")
    with workspace().reading() as session:
        names = names_with_cases(session)
        if not names:
            empty("No constitution yet", "Write one first.", "views/constitutions.py", "Constitutions")
            return
        chosen = choose(session, names)
        living, retired = count_cases(session, chosen.name)
        if not living + retired:
            empty(
                "No cases yet",
                "A case is a prompt, or two responses, with what you hope for: a regression test of your principles. "
                "Add one below, or keep one from the Playground, and run them all against any version.",
            )
            add_form(session, chosen, expanded=True)
            return
        run_form(session, chosen)
        wanted = chosen.wanted
        counts = case_counts(session, wanted)
        found = case_page(session, wanted, page_start("cases", wanted))
        show_counts(chosen, counts)
        content_notice()
        filter_cases()
        if found.rows:
            case_table(found.rows, chosen)
            pager("cases", found.rows[-1].id, found.more)
        else:
            empty("No case passes this filter", "Show all cases, or run those that are here.")
        add_form(session, chosen, expanded=False)


if (case_id := opened("case")) is not None:
    read(case_id)
else:
    overview()
