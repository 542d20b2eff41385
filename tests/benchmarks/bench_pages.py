"""First pages of long lists: what the server takes to draw them, queries and script together.

The page's own script is run as a browser's visit runs it, without the browser.
"""

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from tests.benchmarks.large import RARE, filled
from tests.benchmarks.measure import Case, seconds

MAIN = Path(__file__).parents[2] / "app" / "main.py"
ROWS = 100_000
BARE = "streamlit.runtime.scriptrunner_utils.script_run_context"
"""The logger that says at each visit that no browser is there."""
LIMIT = 0.5
"""Seconds."""
FILTERS: dict[str, dict[str, dict[str, Any]]] = {
    "chains": {
        "": {},
        "of a run": {"run": 1},
        "of a kind": {"kind": "look_alike"},
        "of a principle": {"principle": "privacy"},
        "with a common word": {"text": "wifi"},
        "with a rare word": {"text": RARE},
        "with a word that none has": {"text": "no such text"},
    },
    "comparisons": {
        "": {},
        "of a run": {"run": 2},
        "of a kind": {"kind": "look_alike"},
        "unparseable": {"state": "unparseable"},
        "unlabelled, of which there are none": {"state": "unlabelled"},
        "whose orders disagree": {"disagree": True},
        "with a common word": {"text": "wifi"},
        "with a rare word": {"text": RARE},
        "with a word that none has": {"text": "no such text"},
    },
}


def cases() -> Iterator[Case]:
    """Each list as it opens and under each filter, then the home page with all its counts."""
    logging.getLogger(BARE).disabled = True
    with tempfile.TemporaryDirectory() as folder:
        filled(Path(folder), ROWS, ROWS).close()
        os.environ["CAI_STUDIO_HOME"] = folder
        for view, filters in FILTERS.items():
            for words, values in filters.items():
                name = " ".join(filter(None, [f"first page of {ROWS:,} {view}", words]))
                yield _case(name, view, {f"{view}.{field}": value for field, value in values.items()})
        yield _case(f"principles, over {ROWS:,} rows of each stage", "principles", {})
        yield _case(f"home, over {ROWS:,} rows of each stage", "home", {})


def _case(name: str, view: str, values: Mapping[str, Any]) -> Case:
    return Case(name, "s", 1, partial(visit, view, values, "none" not in name), LIMIT, larger_is_better=False)


def visit(view: str, values: Mapping[str, Any], rows: bool) -> float:
    """Seconds from the press on a view's link to its last element, in a session that has just begun.

    `rows`: whether the list has any.
    """
    app = AppTest.from_file(MAIN, default_timeout=60).run()
    for name, value in values.items():
        app.session_state[name] = value
    app.switch_page(f"views/{view}.py")
    took = seconds(app.run)
    assert not app.exception, app.exception
    assert view == "home" or bool(app.dataframe) == rows, f"{view} under {values} draws what it is to draw"
    return took
