"""The authoring pages over more constitutions and versions than a group will write: what the server takes to draw them.

As in `bench_pages`, the page's own script is run as a browser's visit runs it, without the browser.
"""

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.benchmarks.bench_pages import BARE, LIMIT, MAIN
from tests.benchmarks.many_versions import CONSTITUTIONS, EDITED, PRINCIPLES, VERSIONS, written
from tests.benchmarks.measure import Case, seconds

NEWEST = f"{EDITED}@{VERSIONS}"
VIEWS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "Constitutions, principles": ("constitutions", {"version": NEWEST}, {}),
    "Constitutions, few-shots": ("constitutions", {"version": NEWEST}, {"constitutions.view": "Few-shots"}),
    "Constitutions, history": ("constitutions", {"version": NEWEST}, {"constitutions.view": "History"}),
    "Constitutions, files": ("constitutions", {"version": NEWEST}, {"constitutions.view": "Files"}),
    "Playground": ("playground", {"version": NEWEST}, {}),
    "Cases": ("cases", {"constitution": EDITED}, {}),
    "Compare versions": ("compare", {"a": f"{EDITED}@{VERSIONS - 1}", "b": NEWEST}, {}),
    "Principles": ("principles", {"version": NEWEST}, {}),
}
"""By what is measured: the page, the address it is opened with, and what the session holds already."""


def cases() -> Iterator[Case]:
    """Each page as it opens."""
    logging.getLogger(BARE).disabled = True
    with tempfile.TemporaryDirectory() as folder:
        written(Path(folder)).close()
        os.environ["CAI_STUDIO_HOME"] = folder
        among = f"{CONSTITUTIONS} constitutions of {PRINCIPLES} principles, {VERSIONS} versions of one"
        for name, (view, address, values) in VIEWS.items():
            measure = partial(visit, view, address, values)
            yield Case(f"{name}: {among}", "s", 1, measure, LIMIT, larger_is_better=False)


def visit(view: str, address: Mapping[str, str], values: Mapping[str, str]) -> float:
    """Seconds from the press on a view's link to its last element, in a session that has just begun."""
    app = AppTest.from_file(MAIN, default_timeout=60).run()
    for name, value in values.items():
        app.session_state[name] = value
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page(f"views/{view}.py")
    took = seconds(app.run)
    assert not app.exception, app.exception
    assert app.title, f"{view} draws its title"
    return took
