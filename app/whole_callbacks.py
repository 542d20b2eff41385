"""Callbacks run to their end, whatever is clicked or typed meanwhile.

A script is given up for a newer event wherever it touches `st.session_state` or sends something to the browser. That is
right for drawing and wrong for a callback: Streamlit 1.67 ends it there too (its pull request 7373, issue 10578),
before what was typed is kept, and does not call it again, for by then the widget's value is no longer new. So
one who types into two fields in a row, on a busy machine, would lose the first text without a word.
"""

from collections.abc import Callable
from functools import wraps

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_run_context import RunLocation, ThreadState

LOOK = "_maybe_handle_execution_control_request"
"""What a script runner calls wherever it may be interrupted; it has no public name."""


def keep_callbacks_whole() -> None:
    """Let newer events wait until a callback is done; called once, before the first page is drawn.

    Raises `RuntimeError` where Streamlit has no such place any more: better no page than one that loses edits.
    """
    look: Callable[[ScriptRunner], None] | None = getattr(ScriptRunner, LOOK, None)
    if look is None:
        raise RuntimeError(f"this Streamlit has no ScriptRunner.{LOOK}: install the version that constraints.txt names")

    @wraps(look)
    def look_between_callbacks(runner: ScriptRunner) -> None:
        if not _in_callback():
            look(runner)

    setattr(ScriptRunner, LOOK, look_between_callbacks)


def _in_callback() -> bool:
    try:
        return ThreadState.get().run_location is RunLocation.CALLBACK
    except RuntimeError:  # a thread that runs no script
        return False
