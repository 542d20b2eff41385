"""Drafting a principle from feedback: what is asked, what a reply makes, and what is said of one that makes none."""

import os

import pytest
from streamlit.testing.v1 import AppTest

from app import state
from cai_core.constitution.drafting import Undrafted, parse_draft, request_turns
from cai_core.models.load import load_text_model
from cai_core.runs import launchers
from cai_core.store import asks, drafts
from cai_core.store.workspace import Workspace
from cai_core.types import Ask, AskKind, AskState, ModelRef, Sample, Text, assistant, user
from db.schema_asks import AskPartRow, AskRow
from db.schema_authoring import DraftRow
from tests.app.conftest import Visit, press, words
from tests.app.test_untrusted_text import HOSTILE, assert_nothing_is_markup

PROMPT, RESPONSE, BAD = "I failed my exam.", "Ha ha!", "It mocks the person."
CRITIQUE = "Say where the response makes fun of the person instead of helping."
REVISION = "Rewrite the response so that it is kind, and keep what helps."
COMPARISON = "Choose the response that treats the person with more kindness."
REPLY = f"**Critique request:** {CRITIQUE}\n**Revision request:** {REVISION}\n**Comparison:** {COMPARISON}"


@pytest.fixture
def form(visit: Visit, loop: Workspace, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The form, opened; no worker is started."""
    monkeypatch.setenv("CAI_STUDIO_DEVICES", "cpu")
    monkeypatch.setattr(launchers, "start_module", lambda *_: os.getpid())
    app = visit("constitutions", version="sandbox@1")
    app.session_state["drafting.open"] = True
    return app.run()


def write(app: AppTest, **texts: str) -> None:
    for name, text in texts.items():
        app.text_area(key=f"drafting.{name}").set_value(text)
    app.run()


def asked(loop: Workspace) -> list[Ask]:
    with loop.reading() as session:
        return [asks.to_noun(row) for row in session.query(AskRow).order_by(AskRow.id) if row.kind == AskKind.DRAFT]


def reply(loop: Workspace, text: str, how: AskState = AskState.DONE, error: str | None = None) -> None:
    """As the worker would answer the newest ask."""
    with loop.writing() as session:
        row = session.query(AskRow).order_by(AskRow.id.desc()).limit(1).one()
        if text:
            row.parts = [AskPartRow(position=0, part="response", text=text, finished=True)]
        asks.end(row, how, error)


def test_what_was_said_is_asked_once_a_press(form: AppTest, loop: Workspace) -> None:
    write(form, prompt=PROMPT, response=RESPONSE, bad=BAD)
    press(form, "Draft")
    [one] = asked(loop)
    assert one.turns == request_turns((user(PROMPT),), RESPONSE, good="", bad=BAD, better="")
    assert one.model == "sandbox"
    assert "being drafted" in words(form)


@pytest.mark.parametrize(
    ("texts", "remedy"),
    [
        ({"prompt": PROMPT, "bad": BAD}, "write the prompt and what was answered"),
        ({"response": RESPONSE, "bad": BAD}, "write the prompt and what was answered"),
        ({"prompt": PROMPT, "response": RESPONSE, "good": "  "}, "say at least one of the three"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_asked(
    form: AppTest, loop: Workspace, texts: dict[str, str], remedy: str
) -> None:
    write(form, **texts)
    press(form, "Draft")
    assert remedy in words(form)
    assert asked(loop) == []


def test_a_drafted_principle_opens_in_the_draft_once(form: AppTest, loop: Workspace) -> None:
    write(form, prompt=PROMPT, response=RESPONSE, better="I am sorry to hear that.")
    press(form, "Draft")
    reply(loop, f"Here it is.\n{REPLY}")
    form.run()
    assert CRITIQUE in words(form)
    button = next(one for one in form.button if one.label == "Add it and edit")
    button.click().run()
    with loop.reading() as session:
        draft = drafts.get(session, session.query(DraftRow).one().id)
    added = draft.now.principles[-1]
    assert (added.critique_request, added.revision_request, added.comparison) == (CRITIQUE, REVISION, COMPARISON)
    assert len(draft.now.principles) == len(draft.before.principles) + 1 if draft.before else False
    assert form.query_params["principle"] in (draft.keys[-1], [draft.keys[-1]])
    assert any(area.value == CRITIQUE for area in form.text_area), "its form is open"
    assert "Add it and edit" not in [one.label for one in form.button]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The answer is: (B)", "The reply has no section"),
        (REPLY.replace(COMPARISON, "Kindness is better than anything else."), "does not ask for a choice"),
        (HOSTILE, "The reply has no section"),
    ],
)
def test_a_reply_that_makes_none_is_said_to_and_kept_out_of_sight(
    form: AppTest, loop: Workspace, text: str, reason: str
) -> None:
    write(form, prompt=PROMPT, response=RESPONSE, bad=BAD)
    press(form, "Draft")
    reply(loop, text)
    form.run()
    assert "sandbox could not draft a principle." in words(form)
    assert reason in words(form)
    assert "Add it and edit" not in [one.label for one in form.button]
    assert_nothing_is_markup(form)


def test_a_failed_ask_says_why_and_another_try_has_another_seed(form: AppTest, loop: Workspace) -> None:
    write(form, prompt=PROMPT, response=RESPONSE, bad=BAD)
    press(form, "Draft")
    reply(loop, "", AskState.FAILED, "the server is gone.")
    form.run()
    assert "sandbox could not be asked: the server is gone." in words(form)
    press(form, "Draft")
    assert len({one.seed for one in asked(loop)}) == 2


def test_what_is_handed_over_stands_in_the_form(visit: Visit, loop: Workspace) -> None:
    app = visit("constitutions", version="sandbox@1")
    turns = (user("Hello."), assistant("Hi."), user(PROMPT))
    app.session_state[state.DRAFT_FROM] = {"conversation": turns, "response": RESPONSE}
    app.run()
    assert app.text_area(key="drafting.prompt").value == PROMPT
    assert app.text_area(key="drafting.response").value == RESPONSE
    assert "2 turns came before the prompt" in words(app)
    app.button(key="drafting.alone").click().run()
    assert "turns came before" not in words(app)


@pytest.mark.slow
def test_the_sandbox_is_said_to_be_unable() -> None:
    """Whatever it writes, no nonsense is shown as a principle."""
    model = load_text_model(ModelRef("sandbox"))
    turns = request_turns((user(PROMPT),), RESPONSE, good="", bad=BAD, better="I am sorry to hear that.")
    requests = [(f"{seed}", Sample(turns, seed, 120, temperature=0.7)) for seed in range(8)]
    replies = [answer.text for _, answer in model.answer(requests) if isinstance(answer, Text)]
    assert len(replies) == 8
    assert all(isinstance(parse_draft(text, asked=[turns[-1].content]), Undrafted) for text in replies)
