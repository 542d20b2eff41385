"""The advice beside what is written, and the tokens that few-shots take."""

import os
from collections.abc import Sequence
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from app.components.few_shot_tokens import in_words, longest_prefixes
from cai_core.chains.templates import shot_turns
from cai_core.runs import launchers
from cai_core.store import asks, drafts, people
from cai_core.store.constitutions import load_version
from cai_core.store.workspace import Workspace
from cai_core.types import AskKind, AskState, Constitution, FewShots, Principle
from db.schema_asks import AskPartRow, AskRow
from tests.app.conftest import Visit, press, words
from tests.app.test_untrusted_text import HOSTILE, assert_nothing_is_markup

TOKENS = "advice.tokens.principles"


@pytest.fixture
def unstarted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is started; this process stands for it."""
    monkeypatch.setenv("CAI_STUDIO_DEVICES", "cpu")
    monkeypatch.setattr(launchers, "start_module", lambda *_: os.getpid())


def drafted(loop: Workspace, **changes: object) -> int:
    """A draft of sandbox@1 whose first principle says something else."""
    with loop.writing() as session:
        person = people.add(session, "browser:none", "")
        base = load_version(session, "sandbox@1")[1]
        first = replace(base.principles[0], **changes)  # type: ignore[arg-type]
        content = replace(base, principles=(first, *base.principles[1:]))
        return drafts.start(session, person, base="sandbox@1", content=content)


def advice(visit: Visit, draft: int, principle: str) -> AppTest:
    return visit("constitutions", draft=str(draft), principle=principle)


def test_nothing_to_say(visit: Visit, loop: Workspace) -> None:
    assert "Nothing to say." in words(visit("constitutions", version="sandbox@1"))


def test_what_blocks_and_what_may_be_looked_at_stand_beside_the_form(visit: Visit, loop: Workspace) -> None:
    with loop.reading() as session:
        first = load_version(session, "sandbox@1")[1].principles[0].id
    text = "Judge it by {principle}."
    app = advice(visit, drafted(loop, title=" ", critique_request=text), first)
    said = words(app)
    assert "1 to mend" in said
    assert "it is blank; write it" in said
    assert "&#x27;{principle}&#x27; will not be filled in" in said
    assert "asks for nothing" not in said
    # Another principle's advice is not shown here, what blocks is.
    with loop.reading() as session:
        other = load_version(session, "sandbox@1")[1].principles[1].id
    elsewhere = words(visit("constitutions", principle=other))
    assert "1 to mend" in elsewhere
    assert "will not be filled in" not in elsewhere


def test_hostile_text_in_advice_is_never_markup(visit: Visit, loop: Workspace) -> None:
    with loop.reading() as session:
        first = load_version(session, "sandbox@1")[1].principles[0].id
    draft = drafted(loop, title=HOSTILE, critique_request=HOSTILE, comparison=f"{HOSTILE} {{principle}} <topic>")
    app = advice(visit, draft, first)
    assert "will not be filled in" in words(app)
    assert_nothing_is_markup(app)


def counts(loop: Workspace) -> Sequence[AskRow]:
    with loop.reading() as session:
        return [row for row in session.query(AskRow).order_by(AskRow.id) if row.kind == AskKind.COUNT]


def answer(loop: Workspace, row_id: int, tokens: int, context: int | None) -> None:
    """As the worker would."""
    with loop.writing() as session:
        row = asks.get(session, row_id)
        row.parts = [
            AskPartRow(position=0, part="count", num_tokens=tokens, finished=True),
            AskPartRow(position=1, part="context", num_tokens=context, finished=True),
        ]
        asks.end(row, AskState.DONE)


def test_tokens_are_counted_for_each_kind_that_has_few_shots(visit: Visit, loop: Workspace, unstarted: None) -> None:
    app = visit("constitutions", version="sandbox@1")
    app.session_state[TOKENS] = True
    app.run()
    press(app, "Count tokens")
    press(app, "Count tokens")
    asked = counts(loop)
    assert len(asked) == 3, "what is under way is not asked for again"
    with loop.reading() as session:
        shots = load_version(session, "sandbox@1")[1].few_shots
        turns = [asks.to_noun(asks.get(session, row.id)).turns for row in asked]
    assert turns == [prefix.turns for prefix in longest_prefixes(shots, 4)]
    assert "counting" in words(app)
    for row, tokens in zip(asked, (637, 2100, 10), strict=True):
        answer(loop, row.id, tokens, 2048)
    app.run()
    said = words(app)
    assert "637 tokens of 2,048; leaves 1,411 for conversation and answers" in said
    assert "2,100 tokens of 2,048: nothing is left" in said
    # Another number of few-shots was not counted yet, and says nothing of the old one.
    app.number_input(key="tokens.size").set_value(1).run()
    assert "637 tokens" not in words(app)


def test_a_server_s_model_is_counted_as_far_as_it_goes() -> None:
    assert in_words(10, 2048) == (True, "10 tokens of 2,048; leaves 2,038 for conversation and answers")
    assert in_words(2048, 2048)[0] is False
    assert in_words(1234, None, estimated=True) == (
        None,
        "about 1,234 tokens; how long the model's context is, its server does not say",
    )


def test_a_prefix_holds_the_longest_few_shots_as_they_are_sent(loop: Workspace) -> None:
    with loop.reading() as session:
        shots = load_version(session, "sandbox@1")[1].few_shots
    [one] = longest_prefixes(FewShots(shots.critique_revision[:1]), 4)
    assert (one.list, one.drawn, one.there) == ("critique_revision", 1, 1)
    assert one.turns == shot_turns(shots.critique_revision[0])
    [two] = longest_prefixes(FewShots(shots.critique_revision), 2)
    lengths = sorted(sum(len(turn.content) for turn in shot_turns(shot)) for shot in shots.critique_revision)
    assert sum(len(turn.content) for turn in two.turns) == sum(lengths[-2:])
    assert longest_prefixes(FewShots(), 4) == []


def test_a_constitution_without_few_shots_has_nothing_to_count(visit: Visit, loop: Workspace) -> None:
    with loop.writing() as session:
        person = people.add(session, "browser:none", "")
        content = Constitution("bare", "", (Principle("kind", "Kind", comparison="Which is kinder to the person?"),))
        draft = drafts.start(session, person, base=None, content=content)
    app = visit("constitutions", draft=str(draft))
    app.session_state[TOKENS] = True
    app.run()
    assert "requests are sent bare" in words(app)
    assert app.button(key="tokens.count.principles").disabled
