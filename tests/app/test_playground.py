"""The Playground: what the form asks, what an answer shows while it is written and after, and what is said in words."""

import html
import os
from pathlib import Path

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from app.components.playground_keys import MODES
from cai_core.runs import launchers, warm_queue
from cai_core.store import asks, cases, drafts, people, prompts
from cai_core.store.constitutions import load_version
from cai_core.store.workspace import Workspace
from cai_core.types import (
    Ask,
    AskState,
    Constitution,
    Message,
    Principle,
    Prompt,
    PromptKind,
    Role,
    Split,
    prompt_uid,
    user,
)
from db.queries.asks import ask_detail, ask_state, newest_asks, warm_workers
from db.schema import now
from db.schema_asks import AskRow, WarmWorkerRow
from db.schema_authoring import CaseRow
from tests.app.conftest import Visit, drawn_html, links, press, words
from tests.app.seed_asks import CRITIQUE, PROMPT, RENDERED, RESPONSE, REVISION
from tests.app.test_untrusted_text import HOSTILE, assert_nothing_is_markup

REVISE, COMPARE = "revise", "compare"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Devices whose worker would have been started; no process is, and this one stands for it."""
    devices: list[str] = []

    def start(_words: object, _folder: Path, _log: Path, device: str) -> int:
        devices.append(device)
        return os.getpid()

    monkeypatch.setenv("CAI_STUDIO_DEVICES", "cpu")
    monkeypatch.setattr(launchers, "start_module", start)
    return devices


def write(app: AppTest, prompt: str, **values: object) -> AppTest:
    """Fill the form."""
    app.text_area(key="playground.prompt").set_value(prompt)
    for name, value in values.items():
        kinds = (app.number_input, app.selectbox)
        found = next(one for kind in kinds for one in kind if (one.key or "").startswith(f"playground.{name}"))
        found.set_value(value)
    return app.run()


def principles(app: AppTest, *slugs: str, mode: str = REVISE, source: str | int = "sandbox@1") -> None:
    """Choose what is tried."""
    app.multiselect(key=f"playground.principles.{mode}.{source}").set_value(list(slugs)).run()


def choose_mode(app: AppTest, mode: str) -> None:
    """What to try."""
    assert mode in MODES
    app.segmented_control(key="playground.mode").set_value(mode).run()


def asked(workspace: Workspace, ask_id: int) -> Ask:
    """What was asked."""
    with workspace.reading() as session:
        return asks.to_noun(asks.get(session, ask_id))


def draft_of(workspace: Workspace, base: str | None, content: Constitution) -> int:
    """An unsaved edit of the browser that looks at the pages here."""
    with workspace.writing() as session:
        person = people.add(session, "browser:none", "")
        return drafts.start(session, person, base=base, content=content)


def test_the_form_asks_for_a_critique_and_a_revision_and_opens_the_answer(
    visit: Visit, loop: Workspace, started: list[str]
) -> None:
    app = visit("playground")
    write(app, "  How do I get in?  ", seed=7, temperature=0.5, tokens=64, few_shots=1)
    principles(app, "hacking")
    with loop.reading() as session:
        principle = next(one for one in load_version(session, "sandbox@1")[1].principles if one.id == "hacking")
    assert html.escape(principle.critique_request or "") in words(app)
    press(app, "Ask")
    noun = asked(loop, 4)
    assert (noun.kind.value, noun.model, noun.principles) == ("critique_revision", "sandbox", ("hacking",))
    assert noun.turns[0].content == "How do I get in?"
    assert (noun.seed, noun.temperature, noun.max_new_tokens, noun.few_shots) == (7, 0.5, 64, 1)
    assert (noun.constitution, noun.wording, noun.samples) == ("sandbox@1", None, 1)
    assert app.query_params["ask"] == "4"
    assert started == ["cpu"]
    assert "a worker is coming up" in words(app)
    assert words(app).count("to come") == 3


def test_without_a_principle_only_responses_are_asked_for(visit: Visit, loop: Workspace, started: list[str]) -> None:
    app = visit("playground")
    write(app, "Hello", samples=2)
    principles(app)
    press(app, "Ask")
    assert (asked(loop, 4).kind.value, asked(loop, 4).samples) == ("sample", 2)
    assert words(app).count("to come") == 2


def test_several_samples_under_several_principles_are_laid_side_by_side(
    visit: Visit, loop: Workspace, started: list[str]
) -> None:
    app = visit("playground")
    write(app, "Hello", samples=3)
    principles(app, "hacking", "theft")
    press(app, "Ask")
    assert (asked(loop, 4).samples, asked(loop, 4).principles) == (3, ("hacking", "theft"))
    assert words(app).count("to come") == 3 * (1 + 2 * 2)
    with loop.writing() as session:
        [first, second] = asks.principle_ids(asks.get(session, 4))
        known = {"rendered": "<sent>", "finished": True}
        asks.write_parts(
            session,
            4,
            {
                0: {"part": "response", "text": "First answer", **known},
                1: {"part": "critique", "text": "Of the first", "principle_id": first, **known},
                10: {"part": "response", "sample": 2, "text": "Third answer", **known},
                14: {"part": "revision", "sample": 2, "principle_id": second, "text": "Third revised", **known},
            },
        )
        asks.end(asks.get(session, 4), AskState.DONE)
    app.run()
    said = drawn_html(app)
    for text in ("Response 1", "First answer", "Critique 1", "Of the first", "Response 3", "Revision 3", "Third"):
        assert text in said
    assert said.count("not asked for") == 15 - 4


def test_an_empty_prompt_is_said_and_nothing_is_asked(visit: Visit, loop: Workspace, started: list[str]) -> None:
    app = visit("playground")
    press(app, "Ask")
    assert "the prompt is empty" in words(app)
    with loop.reading() as session:
        assert [line.id for line in newest_asks(session)] == [3, 2, 1]


def test_a_whole_answer_shows_every_part_and_what_was_sent(visit: Visit, loop: Workspace, started: list[str]) -> None:
    app = visit("playground", ask="1")
    said = words(app)
    for text in (PROMPT, RESPONSE, CRITIQUE, REVISION):
        assert text.replace("'", "&#x27;") in said
    assert drawn_html(app).count(f">{html.escape(RENDERED)}</div>") == 3, "to the last blank"
    assert "<del" in drawn_html(app)
    assert "first words after 0.12 s" in said
    assert "0.61 s in all" in said
    assert {"Model 1", "Constitution"} <= links(app)
    assert started == []
    assert not [button for button in app.button if button.label == "Stop"]


def test_what_a_stop_left_is_shown_as_unfinished(visit: Visit, loop: Workspace) -> None:
    app = visit("playground", ask="3")
    assert RESPONSE[:40] in words(app)
    assert "not finished" in drawn_html(app)


def test_an_answer_is_shown_as_it_grows_and_can_be_stopped(visit: Visit, loop: Workspace, started: list[str]) -> None:
    app = visit("playground")
    write(app, "Hello")
    press(app, "Ask")
    with loop.writing() as session:
        assert asks.take(session, "cpu", os.getpid(), "") is not None
        part = {"part": "response", "seed": 1, "rendered": "<sent>", "text": "Half a"}
        asks.write_parts(session, 4, {0: part})
    app.run()
    assert "Half a" in words(app)
    assert "being written" in drawn_html(app)
    assert "&lt;sent&gt;" in drawn_html(app)
    press(app, "Stop")
    with loop.reading() as session:
        assert ask_state(session, 4) == ("answering", True)
    assert "Ask 4 was asked to stop." in words(app)
    with loop.writing() as session:
        asks.end(asks.get(session, 4), AskState.STOPPED)
    app.run()
    assert not [button for button in app.button if button.label == "Stop"]


def test_an_error_is_shown_in_words_and_so_is_that_of_a_part(visit: Visit, loop: Workspace) -> None:
    with loop.writing() as session:
        asks.write_parts(session, 1, {2: {"finished": None, "failure": "too_long", "error": "Too many words."}})
        asks.end(asks.get(session, 1), AskState.FAILED, "the moon is full. Wait.")
    said = words(visit("playground", ask="1"))
    assert "There is no whole answer: the moon is full. Wait." in said
    assert "Too many words." in said
    assert "too long" in said


def test_a_model_that_is_answered_the_slow_way_says_so(visit: Visit, loop: Workspace) -> None:
    with loop.writing() as session:
        asks.get(session, 1).plain_because = "its layers are strange"
    assert "fell back to the plain way, which is several times slower: its layers are strange." in words(
        visit("playground", ask="1")
    )


def test_a_model_s_thoughts_stand_apart(visit: Visit, loop: Workspace) -> None:
    with loop.writing() as session:
        asks.write_parts(session, 2, {0: {"part": "response", "thinking": "Let me think."}})
    app = visit("playground", ask="2")
    assert "What it thought first" in [one.label for one in app.expander]
    assert "Let me think." in words(app)


def test_an_ask_fills_the_form_to_be_asked_again(visit: Visit, loop: Workspace, started: list[str]) -> None:
    app = visit("playground", ask="1")
    press(app, "Ask again")
    assert app.text_area(key="playground.prompt").value == PROMPT
    assert (app.number_input(key="playground.seed").value, app.number_input(key="playground.tokens").value) == (7, 96)
    with loop.reading() as session:
        found = ask_detail(session, 1)
    assert found is not None
    tried = app.multiselect(key=f"playground.principles.revise.{found.constitution}").value
    assert tuple(tried) == found.line.principles
    press(app, "Ask")
    again, first = asked(loop, 4), asked(loop, 1)
    assert again == first


def test_an_ask_that_is_not_there_is_said(visit: Visit, loop: Workspace) -> None:
    assert "There is no ask 99." in words(visit("playground", ask="99"))


def test_an_open_ask_whose_worker_died_gets_another_from_the_page(
    visit: Visit, loop: Workspace, started: list[str]
) -> None:
    app = visit("playground")
    write(app, "Hello")
    press(app, "Ask")
    with loop.writing() as session:
        row = session.get_one(WarmWorkerRow, "cpu")
        row.pid, row.process_started, row.launched_at = 2**22 + 1, 1.0, now().replace(year=2020)
    app.run()
    assert started == ["cpu", "cpu"]
    with loop.reading() as session:
        [worker] = warm_workers(session)
    assert worker.pid == os.getpid()
    assert warm_queue.kick(loop) == []


# --- what is tried -----------------------------------------------------------------------------------------------

NEW = Principle("candour", "Candour", critique_request="Is it frank?", revision_request="Be frank.")


def test_unsaved_edits_are_tried_as_they_stand(visit: Visit, loop: Workspace, started: list[str]) -> None:
    with loop.reading() as session:
        whole = load_version(session, "sandbox@1")[1]
    draft = draft_of(loop, "sandbox@1", Constitution("sandbox", "", (NEW, *whole.principles), whole.few_shots))
    app = visit("playground", draft=str(draft), principle="candour")
    assert app.selectbox(key="playground.source").options[0] == "unsaved edits of sandbox@1"
    assert app.multiselect(key=f"playground.principles.revise.{draft}").value == ["candour"]
    assert "draft" not in app.query_params
    assert "Is it frank?" in words(app)
    with loop.writing() as session:
        drafts.put_field(session, draft, ("principles", drafts.get(session, draft).keys[0]), "revision_request", "Now!")
    write(app, "Hello")
    press(app, "Ask")
    noun = asked(loop, 4)
    assert (noun.constitution, noun.principles) == ("sandbox@1", ("candour",))
    assert noun.wording is not None
    assert [one.revision_request for one in noun.wording.principles] == ["Now!"], "as it stands when it is asked"
    assert noun.wording.few_shots == whole.few_shots
    assert "unsaved edits of sandbox@1" in drawn_html(app)
    press(app, "Stop")
    press(app, "Ask again")
    assert app.selectbox(key="playground.source").value == draft


def test_a_saved_principle_is_tried_by_its_address(visit: Visit, loop: Workspace) -> None:
    app = visit("playground", version="sandbox@1", principle="theft")
    assert app.multiselect(key="playground.principles.revise.sandbox@1").value == ["theft"]
    assert "version" not in app.query_params


def test_an_address_that_names_nothing_is_said(visit: Visit, loop: Workspace) -> None:
    assert "There is no draft 77 of yours here" in words(visit("playground", draft="77"))
    assert "There is no version none@1 here" in words(visit("playground", version="none@1"))


def test_a_draft_that_is_gone_leaves_the_form_usable(visit: Visit, loop: Workspace) -> None:
    draft = draft_of(loop, None, Constitution("mine", "", (NEW,)))
    app = visit("playground", draft=str(draft))
    assert app.selectbox(key="playground.source").value == draft
    with loop.writing() as session:
        drafts.discard(session, draft)
    app.run()
    assert not app.exception
    assert app.selectbox(key="playground.source").value == "sandbox@1"


# --- drawing a prompt --------------------------------------------------------------------------------------------

TALK = (user("First?"), Message(Role.ASSISTANT, "Yes."), user("And then?"))


def add_prompts(workspace: Workspace) -> None:
    """A set of three: two of one topic, and one of several turns."""
    with workspace.writing() as session:
        for number, turns in enumerate([(user("Zero"),), (user("One"),), TALK]):
            kind, topic = (PromptKind.HELPFUL, None) if turns is TALK else (PromptKind.RED_TEAM, "doors")
            made = Prompt(prompt_uid(turns), turns, kind, Split.DEV, "drawn", topic=topic)
            assert prompts.add(session, [made]) == 1, number


def test_a_prompt_is_drawn_by_a_seed_and_another_by_the_next(visit: Visit, loop: Workspace) -> None:
    add_prompts(loop)
    app = visit("playground")
    app.selectbox(key="playground.from").set_value("drawn").run()
    assert app.selectbox(key="playground.topic").options == ["doors"]
    app.selectbox(key="playground.topic").set_value("doors").run()
    drawn = []
    for _ in range(6):
        press(app, "Another")
        drawn.append(app.text_area(key="playground.prompt").value)
    assert set(drawn) == {"Zero", "One"}
    app.number_input(key="playground.draw_seed").set_value(1).run()
    press(app, "Draw")
    assert app.text_area(key="playground.prompt").value == drawn[0], "a seed draws the same prompt again"
    assert "of 2" in words(app)


def test_earlier_turns_come_along_and_may_be_left_out(visit: Visit, loop: Workspace, started: list[str]) -> None:
    add_prompts(loop)
    app = visit("playground")
    app.selectbox(key="playground.from").set_value("drawn").run()
    app.selectbox(key="playground.kind").set_value("helpful").run()
    press(app, "Draw")
    assert app.text_area(key="playground.prompt").value == "And then?"
    assert "2 earlier turns" in [one.label for one in app.expander]
    press(app, "Ask")
    assert asked(loop, 4).turns == TALK
    press(app, "Leave them out")
    press(app, "Ask")
    assert asked(loop, 5).turns == TALK[2:]


def test_where_nothing_can_be_drawn_it_is_said(visit: Visit, loop: Workspace) -> None:
    add_prompts(loop)
    app = visit("playground")
    app.selectbox(key="playground.from").set_value("drawn").run()
    app.selectbox(key="playground.split").set_value("test").run()
    press(app, "Draw")
    assert "no prompt is like this" in words(app)


# --- two responses -----------------------------------------------------------------------------------------------


def compared(app: AppTest) -> AppTest:
    """Ask which of two responses is preferred."""
    choose_mode(app, COMPARE)
    app.text_area(key="playground.a").set_value("Sure, here is how.")
    app.text_area(key="playground.b").set_value("I'd rather not.").run()
    write(app, "Hello")
    press(app, "Ask")
    return app


def test_two_responses_are_compared_under_all_principles_or_under_some(
    visit: Visit, loop: Workspace, started: list[str]
) -> None:
    app = compared(visit("playground"))
    with loop.reading() as session:
        comparing = tuple(one.id for one in load_version(session, "sandbox@1")[1].principles if one.comparison)
    noun = asked(loop, 4)
    assert (noun.kind.value, noun.principles) == ("compare", comparing)
    assert (noun.response_a, noun.response_b) == ("Sure, here is how.", "I'd rather not.")
    assert words(app).count("being asked") == len(comparing)
    app.toggle(key="playground.all.sandbox@1").set_value(False).run()
    principles(app, "theft", mode=COMPARE)
    press(app, "Ask")
    assert asked(loop, 5).principles == ("theft",)


def test_what_each_principle_prefers_is_drawn_and_what_cannot_be_told_is_no_half(
    visit: Visit, loop: Workspace, started: list[str]
) -> None:
    app = compared(visit("playground"))
    with loop.writing() as session:
        ids = asks.principle_ids(asks.get(session, 4))
        answers = [(-0.5, -1.5), (-2.5, -0.5), (-0.5, -1.5), (-0.2, -2.2), (-9.0, -9.0), (-9.0, -9.0)]
        told = {
            place: {
                "part": "choice",
                "order": ("ab", "ba")[place % 2],
                "principle_id": ids[place // 2],
                "rendered": f"<sent {place}>",
                "logprobs": list(logprobs),
                "finished": True,
            }
            for place, logprobs in enumerate(answers)
        }
        told[6] = {
            "part": "choice",
            "order": "ab",
            "principle_id": ids[3],
            "failure": "too_long",
            "error": "Far too long.",
        }
        asks.write_parts(session, 4, told)
        asks.end(asks.get(session, 4), AskState.DONE)
    app.run()
    said = drawn_html(app)
    # Log-odds for A: 1 and 2, their mean 1.5; then 1 and -2, their mean -0.5.
    assert "<b>0.82</b> prefers A" in said
    assert "<b>0.38</b> prefers B" in said
    assert said.count("orders disagree") == 1
    assert "Could not tell: only 0.000247 of the probability lies on the two options" in said
    assert "Could not tell: Far too long." in said
    assert "<b>0.50</b>" not in said
    assert "1 prefers A · 1 prefers B · 1 changes with the order · 2 could not tell" in said
    for place in range(6):
        assert f"&lt;sent {place}&gt;" in said
    press(app, "Ask again")
    press(app, "Ask")
    assert asked(loop, 5) == asked(loop, 4)


def test_hostile_text_is_never_markup_where_responses_are_compared(
    visit: Visit, loop: Workspace, started: list[str]
) -> None:
    app = compared(visit("playground"))
    with loop.writing() as session:
        row = asks.get(session, 4)
        row.request = {**row.request, "response_a": HOSTILE, "response_b": HOSTILE}
        principle = asks.principles(row)[0]
        principle.title = HOSTILE.replace("\n", " ")
        part = {"part": "choice", "principle_id": principle.id, "rendered": HOSTILE}
        failed = {"order": "ab", "failure": "failed", "error": HOSTILE, **part}
        asks.write_parts(session, 4, {0: failed, 1: {"order": "ba", **part}})
        asks.end(row, AskState.FAILED, HOSTILE)
    app.run()
    assert_nothing_is_markup(app)
    assert html.escape(HOSTILE) in drawn_html(app)


def test_responses_of_an_ask_are_taken_over_to_be_compared(visit: Visit, loop: Workspace) -> None:
    app = visit("playground", ask="1")
    press(app, "Compare response and revision")
    assert app.segmented_control(key="playground.mode").value == COMPARE
    texts = [app.text_area(key=f"playground.{name}").value for name in ("prompt", "a", "b")]
    assert texts == [PROMPT, RESPONSE, REVISION]
    app = visit("playground", ask="1")
    app.menu_button(key="playground.use.1.2").set_value("Compare as response A").run()
    assert app.text_area(key="playground.a").value == REVISION
    assert "Taken over as response A." in words(app)


def test_a_response_is_handed_on_to_draft_a_principle_from(visit: Visit, loop: Workspace) -> None:
    app = visit("playground", ask="1")
    app.menu_button(key="playground.use.1.0").set_value("Draft a principle from it").run()
    assert [title.value for title in app.title] == ["Constitutions"]
    assert {PROMPT, RESPONSE} <= {area.value for area in app.text_area}, "the form there holds them"


# --- cases -------------------------------------------------------------------------------------------------------


def kept(workspace: Workspace) -> list[CaseRow]:
    with workspace.reading() as session:
        return list(session.scalars(select(CaseRow).order_by(CaseRow.id)))


def test_a_try_is_kept_as_a_case_of_its_constitution(visit: Visit, loop: Workspace) -> None:
    before = len(kept(loop))
    app = visit("playground", ask="1")
    app.text_area(key="playground.keep.hope.1").set_value("Which of these turns it down kindly?").run()
    press(app, "Keep")
    press(app, "Keep")
    [row] = kept(loop)[before:]
    with loop.reading() as session:
        noun = cases.to_noun(cases.get(session, row.id))
        asked_for = asks.to_noun(asks.get(session, 1))
    assert (noun.kind.value, noun.hope) == ("prompt", "Which of these turns it down kindly?")
    assert (noun.turns, noun.principle) == (asked_for.turns, asked_for.principles[0])
    name = (asked_for.constitution or "").partition("@")[0]
    assert words(app).count(f"Kept as case {row.id} of {name}.") == 2, "the notice, and the way to it"
    assert "Cases" in links(app)


def test_a_pair_is_kept_with_what_should_be_preferred(visit: Visit, loop: Workspace, started: list[str]) -> None:
    app = compared(visit("playground"))
    with loop.writing() as session:
        asks.end(asks.get(session, 4), AskState.DONE)
    app.run()
    press(app, "Keep")
    assert "preferred is None; say which response of the pair is hoped for" in words(app)
    app.segmented_control(key="playground.keep.preferred.4").set_value("b").run()
    app.selectbox(key="playground.keep.principle.4").set_value("").run()
    press(app, "Keep")
    row = kept(loop)[-1]
    assert (row.kind, row.preferred, row.response_b, row.principle) == ("pair", "b", "I'd rather not.", None)


def test_only_what_is_done_is_kept(visit: Visit, loop: Workspace) -> None:
    for ask in ("2", "3"):
        assert "Keep as a case" not in [one.label for one in visit("playground", ask=ask).expander]


# --- other kinds -------------------------------------------------------------------------------------------------


def test_counts_and_drafts_are_not_among_the_recent_asks_but_have_an_address(
    visit: Visit, loop: Workspace, started: list[str]
) -> None:
    with loop.writing() as session:
        for kind in ("count", "draft"):
            session.get_one(AskRow, {"count": 2, "draft": 3}[kind]).kind = kind
        asks.write_parts(
            session,
            2,
            {0: {"part": "count", "num_tokens": 1234}, 1: {"part": "context", "text": "a server does not say"}},
        )
    with loop.reading() as session:
        assert [line.id for line in newest_asks(session)] == [1]
    said = words(visit("playground", ask="2"))
    assert "1,234" in said
    assert "a server does not say" in said
    assert RESPONSE[:40] in words(visit("playground", ask="3"))


def test_a_choice_tells_each_option_s_log_probability(visit: Visit, loop: Workspace) -> None:
    with loop.writing() as session:
        row = asks.get(session, 2)
        row.kind, row.request = "choose", {**row.request, "options": [" yes", " no"]}
        asks.write_parts(session, 2, {0: {"part": "choice", "logprobs": [-0.25, -1.5], "bounded": [False, True]}})
    said = words(visit("playground", ask="2"))
    assert html.escape("' yes': -0.250") in said
    assert html.escape("' no': at most -1.500") in said
