"""What is typed is kept, whatever else is clicked while it is being kept."""

from inspect import unwrap

import pytest
from sqlalchemy import select
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequest,
    ScriptRequests,
    ScriptRequestType,
)
from streamlit.runtime.scriptrunner_utils.script_run_context import RunLocation, ThreadState

from app.whole_callbacks import LOOK, keep_callbacks_whole
from cai_core.store.workspace import Workspace
from db.schema_authoring import DraftRow
from tests.app.conftest import Visit


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> list[ScriptRequest]:
    """A newer event, which waits from the first look that a callback takes; taken: the list is empty."""
    waiting = [ScriptRequest(ScriptRequestType.RERUN, RerunData())]
    asked = ScriptRequests.on_scriptrunner_yield

    def look(requests: ScriptRequests) -> ScriptRequest | None:
        in_callback = ThreadState.get().run_location is RunLocation.CALLBACK
        return waiting.pop() if waiting and in_callback else asked(requests)

    monkeypatch.setattr(ScriptRequests, "on_scriptrunner_yield", look)
    # Streamlit's own, for the server may have been imported before; put back afterwards.
    monkeypatch.setattr(ScriptRunner, LOOK, unwrap(getattr(ScriptRunner, LOOK)))
    return waiting


@pytest.mark.parametrize("whole", [False, True])
def test_a_newer_event_waits_until_an_edit_is_kept(
    visit: Visit, loop: Workspace, newer: list[ScriptRequest], whole: bool
) -> None:
    """Streamlit by itself drops the edit: that it does is what this repair is for, and when it stops doing so."""
    app = visit("constitutions", version="sandbox@1")
    waiting = newer.copy()
    if whole:
        keep_callbacks_whole()
    (title,) = (one for one in app.text_input if one.label == "Title")
    title.set_value("Kept.").run()
    assert newer == (waiting if whole else [])
    with loop.reading() as session:
        drafts = session.scalars(select(DraftRow.content)).all()
    assert [draft["principles"][0]["title"] for draft in drafts] == (["Kept."] if whole else [])


def test_a_streamlit_without_that_place_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ScriptRunner, LOOK)
    with pytest.raises(RuntimeError, match="install the version"):
        keep_callbacks_whole()
