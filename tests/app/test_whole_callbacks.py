"""What is typed is kept, whatever else is clicked while it is being kept."""

from inspect import unwrap
from typing import Any

import pytest
from sqlalchemy import select
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequest,
    ScriptRequests,
    ScriptRequestType,
)
from streamlit.runtime.scriptrunner_utils.script_run_context import RunLocation, ThreadState
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import SessionState

from app.whole_callbacks import LOOK, MERGE, TAKE, keep_callbacks_whole
from cai_core.store.workspace import Workspace
from db.schema_authoring import DraftRow
from tests.app.conftest import Visit

PLACES = ((ScriptRunner, LOOK), (SafeSessionState, TAKE), (script_requests, MERGE))


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's own, for the server may have been imported before; put back afterwards."""
    for owner, name in PLACES:
        monkeypatch.setattr(owner, name, unwrap(getattr(owner, name)))


class Newer:
    """An event that comes while a run takes what was typed; `here` says whether a look is taken at that place."""

    def __init__(self, place: str) -> None:
        self.place, self.came, self.taking = place, False, False
        self.waiting = [ScriptRequest(ScriptRequestType.RERUN, RerunData())]

    def here(self) -> bool:
        if self.place == "in a callback":
            return ThreadState.get().run_location is RunLocation.CALLBACK
        return not self.taking


@pytest.fixture(params=["in a callback", "before the values are taken"])
def newer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Newer:
    """Such an event, which waits once it `came`; taken: none is waiting."""
    event = Newer(request.param)
    asked, takes = ScriptRequests.on_scriptrunner_yield, SessionState.on_script_will_rerun

    def look(requests: ScriptRequests) -> ScriptRequest | None:
        return event.waiting.pop() if event.came and event.waiting and event.here() else asked(requests)

    def take(state: SessionState, *args: Any, **more: Any) -> None:
        event.taking = True
        takes(state, *args, **more)

    monkeypatch.setattr(ScriptRequests, "on_scriptrunner_yield", look)
    monkeypatch.setattr(SessionState, "on_script_will_rerun", take)
    return event


@pytest.mark.parametrize("whole", [False, True])
def test_a_newer_event_waits_until_an_edit_is_kept(visit: Visit, loop: Workspace, newer: Newer, whole: bool) -> None:
    """Streamlit by itself drops the edit: that it does is what this repair is for, and when it stops doing so."""
    app = visit("constitutions", version="sandbox@1")
    if whole:
        keep_callbacks_whole()
    newer.came, newer.taking = True, False
    (title,) = (one for one in app.text_input if one.label == "Title")
    title.set_value("Kept.").run()
    assert bool(newer.waiting) == whole
    with loop.reading() as session:
        drafts = session.scalars(select(DraftRow.content)).all()
    assert [draft["principles"][0]["title"] for draft in drafts] == (["Kept."] if whole else [])


def states(**values: str | bool) -> WidgetStates:
    """What a browser says of its widgets: texts, and presses."""
    return WidgetStates(
        widgets=[
            WidgetState(id=name, trigger_value=one) if isinstance(one, bool) else WidgetState(id=name, string_value=one)
            for name, one in values.items()
        ]
    )


@pytest.mark.parametrize("whole", [False, True])
def test_of_two_events_that_wait_neither_loses_what_the_other_does_not_know(whole: bool) -> None:
    """One wrote into two fields; the next, on another page by now, knows one of them, and a press."""
    if whole:
        keep_callbacks_whole()
    requests = ScriptRequests()
    requests.request_rerun(RerunData(widget_states=states(title="new", comparison="typed", pressed=True)))
    requests.request_rerun(RerunData(widget_states=states(title="newer"), page_script_hash="elsewhere"))
    data = requests.on_scriptrunner_ready().rerun_data
    assert data.page_script_hash == "elsewhere"
    found = {one.id: one.string_value or one.trigger_value for one in data.widget_states.widgets}
    kept = {"comparison": "typed"} if whole else {}
    assert found == {"title": "newer", "pressed": True, **kept}


@pytest.mark.parametrize(("owner", "name"), PLACES)
def test_a_streamlit_without_that_place_is_refused(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    monkeypatch.delattr(owner, name)
    with pytest.raises(RuntimeError, match="install the version"):
        keep_callbacks_whole()
