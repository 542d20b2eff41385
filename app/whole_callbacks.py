"""Callbacks run to their end, whatever is clicked or typed meanwhile, and no edit is passed over for a newer event.

A script is given up for a newer event wherever it touches `st.session_state` or sends something to the browser. That is
right for drawing and wrong for what comes before it: Streamlit 1.67 gives up a run there too before it has taken the
widgets' values, or in the middle of a callback (its pull request 7373, issue 10578), and does not call the callbacks
again. And of two events that wait, the values of the older are dropped if the newer leads to another page. So one who
types and goes on at once, on a busy machine, would lose the text without a word.
"""

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.state.safe_session_state import SafeSessionState

LOOK, TAKE, MERGE = "_maybe_handle_execution_control_request", "on_script_will_rerun", "_coalesce_widget_states"
"""What a script runner calls wherever it may be interrupted; what takes the values of widgets and calls their
callbacks; what makes one of two events that wait. None has a public name."""
_taking = threading.local()

Merge = Callable[[WidgetStates | None, WidgetStates | None], WidgetStates | None]


def keep_callbacks_whole() -> None:
    """Let newer events wait until a run's callbacks are done; called once, before the first page is drawn.

    Raises `RuntimeError` where Streamlit has no such places any more: better no page than one that loses edits.
    """
    look: Callable[[ScriptRunner], None] = _place(ScriptRunner, LOOK)
    take: Callable[..., None] = _place(SafeSessionState, TAKE)
    merge: Merge = _place(script_requests, MERGE)

    @wraps(look)
    def look_between_callbacks(runner: ScriptRunner) -> None:
        if not getattr(_taking, "place", False):
            look(runner)

    @wraps(take)
    def take_whole(state: SafeSessionState, *args: Any, **more: Any) -> None:
        _taking.place = True
        try:
            take(state, *args, **more)
        finally:
            _taking.place = False

    @wraps(merge)
    def merge_whole(older: WidgetStates | None, newer: WidgetStates | None) -> WidgetStates | None:
        merged = merge(older, newer)
        if older is None or merged is None or merged is older:
            return merged
        known = {one.id for one in merged.widgets}
        merged.widgets.extend(one for one in older.widgets if one.id not in known)
        return merged

    setattr(ScriptRunner, LOOK, look_between_callbacks)
    setattr(SafeSessionState, TAKE, take_whole)
    setattr(script_requests, MERGE, merge_whole)


def _place(owner: Any, name: str) -> Any:
    if (found := getattr(owner, name, None)) is None:
        where = f"{owner.__name__}.{name}"
        raise RuntimeError(f"this Streamlit has no {where}: install the version that constraints.txt names")
    return found
