"""Asks as rows: what is refused, who takes what in which order, and what a dead worker leaves."""

from dataclasses import replace

import pytest

from cai_core.errors import CAIError, ConstitutionError, ModelError, PromptError, RunError
from cai_core.store import asks, models
from cai_core.store.workspace import Workspace
from cai_core.types import AskKind, AskPart, AskState, Constitution, Principle, user
from tests.cai_core.runs.warming import question

UNSAVED = Constitution(
    "sandbox",
    "being written",
    (Principle("new", "New", critique_request="What is wrong?", revision_request="Mend it."),),
)
COMPARED: dict[str, object] = {
    "kind": AskKind.COMPARE,
    "constitution": "sandbox",
    "response_a": "one",
    "response_b": "two",
}


def add(workspace: Workspace, device: str = "cpu", **more: object) -> int:
    with workspace.writing() as session:
        return asks.add(session, question("sandbox", **more), device=device).id


def take(workspace: Workspace, device: str = "cpu") -> int | None:
    with workspace.writing() as session:
        row = asks.take(session, device, 77, "abc")
        return None if row is None else row.id


def state(workspace: Workspace, ask_id: int) -> tuple[str, int, str | None]:
    with workspace.reading() as session:
        row = asks.get(session, ask_id)
        return row.state, row.attempt, row.error


def test_an_ask_comes_back_as_it_was_put(opened: Workspace) -> None:
    asked = question("sandbox", principle="hacking", seed=2**63 - 1, temperature=0.25)
    with opened.writing() as session:
        ask_id = asks.add(session, asked, device="cpu").id
    with opened.reading() as session:
        found = asks.to_noun(asks.get(session, ask_id))
    assert found.constitution == "sandbox@1", "a name is resolved to what it means now"
    assert found == replace(asked, constitution="sandbox@1")


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"turns": (user(" \n"),)}, PromptError, "the prompt is empty"),
        ({"turns": ()}, PromptError, "the prompt is empty"),
        ({"model": "gpt-7"}, ModelError, "there is no model 'gpt-7'"),
        ({"model": "scorer"}, ModelError, "'scorer' is a preference model, which writes no text"),
        ({"principle": "kindness"}, ConstitutionError, "has no principle 'kindness'.*privacy, hacking, theft"),
        ({"kind": AskKind.CRITIQUE_REVISION, "constitution": "sandbox"}, ConstitutionError, "needs a principle"),
        ({"principle": "hacking", "constitution": "none@9"}, ConstitutionError, "there is no constitution 'none@9'"),
        (
            {"principle": "kindness", "wording": UNSAVED},
            ConstitutionError,
            "'sandbox' has no principle 'kindness'.*: new",
        ),
        (COMPARED | {"principles": ("new",), "wording": UNSAVED}, ConstitutionError, "none: give one a comparison"),
        (COMPARED | {"principles": ("kindness",)}, ConstitutionError, "has no principle 'kindness' to compare under"),
        (COMPARED | {"principles": ()}, ConstitutionError, "needs a principle to compare under, and none was named"),
        (
            COMPARED | {"principles": ("privacy",), "response_b": " "},
            PromptError,
            "needs two responses, and one is empty",
        ),
        ({"kind": AskKind.CHOOSE, "options": ("one",)}, PromptError, "Give two options or more"),
        ({"kind": AskKind.CHOOSE, "options": ("one", "")}, PromptError, "none of them empty"),
    ],
)
def test_what_cannot_be_asked_is_said(
    opened: Workspace, more: dict[str, object], error: type[CAIError], words: str
) -> None:
    with opened.writing() as session:
        models.add(session, name="scorer", base="sandbox", kind="preference")
    with pytest.raises(error, match=words), opened.writing() as session:
        asks.add(session, question(**{"model": "sandbox", **more}), device="cpu")
    with opened.reading() as session:
        assert asks.devices_asked(session) == []


def test_an_ask_that_is_not_there_is_said(opened: Workspace) -> None:
    with pytest.raises(RunError, match="there is no ask 9"), opened.reading() as session:
        asks.get(session, 9)


def test_the_oldest_of_a_device_goes_first(opened: Workspace) -> None:
    first, other, second = add(opened), add(opened, "cuda:0"), add(opened)
    with opened.reading() as session:
        assert asks.ahead_of(session, asks.get(session, second)) == [first]
        assert sorted(asks.devices_asked(session)) == ["cpu", "cuda:0"]
    assert [take(opened), take(opened), take(opened), take(opened, "cuda:0")] == [first, second, None, other]
    with opened.reading() as session:
        assert asks.is_pending(session, "cpu")
        assert not asks.is_pending(session, "cuda:1")


def test_what_a_dead_worker_had_waits_again_until_it_has_killed_three(opened: Workspace) -> None:
    ask_id, other = add(opened), add(opened, "cuda:0")
    take(opened, "cuda:0")
    for attempt in (1, 2, 3):
        assert take(opened) == ask_id
        with opened.writing() as session:
            asks.put_back(session, "cpu", "out of memory?")
        assert state(opened, ask_id)[:2] == ("waiting" if attempt < 3 else "failed", attempt)
    assert state(opened, ask_id)[2] == "its worker ended 3 times in the middle of it, without a word: out of memory?"
    assert state(opened, other)[0] == "answering"


def test_a_stop_that_its_worker_did_not_live_to_hear_is_kept(opened: Workspace) -> None:
    ask_id = add(opened)
    take(opened)
    with opened.writing() as session:
        asks.get(session, ask_id).stop_requested = True
        asks.put_back(session, "cpu", "")
    assert state(opened, ask_id)[0] == "stopped"


def test_parts_grow_and_the_first_words_are_timed_once(opened: Workspace) -> None:
    ask_id = add(opened)
    with opened.writing() as session:
        asks.write_parts(session, ask_id, {0: {"part": "response", "seed": 3, "rendered": "<sent>"}})
        assert asks.get(session, ask_id).first_text_at is None
        asks.write_parts(session, ask_id, {0: {"text": "One"}})
    with opened.reading() as session:
        first = asks.get(session, ask_id).first_text_at
    with opened.writing() as session:
        whole = {"text": "One two", "finished": False, "num_tokens": 2, "sent": "hash"}
        asks.write_parts(session, ask_id, {0: whole, 4: {"part": "response", "sample": 1, "text": "Two"}})
    with opened.reading() as session:
        row = asks.get(session, ask_id)
        assert row.first_text_at == first is not None
        one = AskPart("response", "One two", "<sent>", "hash", False, 2, 3)
        two = AskPart("response", "Two", None, None, None, sample=1)
        assert asks.parts(row) == (one, two)
        assert asks.answered(row) == {0: one, 4: two}
        told = asks.summary(row)
    assert told["parts"][0]["text"] == "One two"
    assert told["prompt"][0]["role"] == "user"
    assert told["seconds_to_first_text"] >= 0


def test_what_ended_says_so(opened: Workspace) -> None:
    ask_id = add(opened)
    with opened.writing() as session:
        asks.end(asks.get(session, ask_id), AskState.FAILED, "in words")
    with opened.reading() as session:
        row = asks.get(session, ask_id)
    assert (row.state, row.error, row.ended_at is not None) == ("failed", "in words", True)


def test_what_is_saved_nowhere_is_kept_with_its_ask_and_has_rows_of_its_own(opened: Workspace) -> None:
    other = Principle("other", "Other", comparison="Which is kinder?")
    wording = replace(UNSAVED, principles=(other, *UNSAVED.principles))
    asked = question("sandbox", principle="new", wording=wording, constitution=None)
    with opened.writing() as session:
        ask_id = asks.add(session, asked, device="cpu").id
    with opened.reading() as session:
        row = asks.get(session, ask_id)
        found = asks.to_noun(row)
        assert row.constitution_version_id is None
        assert row.principle is not None
        assert row.principle.uid == UNSAVED.principles[0].uid
    narrow = replace(wording, description="", principles=UNSAVED.principles)
    assert found == replace(asked, wording=narrow), "what the answer does not depend on is not kept"


def test_several_principles_stay_in_the_order_they_were_named_each_once(opened: Workspace) -> None:
    asked = question("sandbox", principle="hacking", principles=("theft", "hacking", "theft"), samples=3)
    with opened.writing() as session:
        ask_id = asks.add(session, asked, device="cpu").id
    with opened.reading() as session:
        found = asks.to_noun(asks.get(session, ask_id))
    assert (found.principles, found.samples) == (("theft", "hacking"), 3)


def test_an_ask_of_before_is_read(opened: Workspace) -> None:
    """Its request knew of nothing but turns, options and few-shots."""
    ask_id = add(opened, principle="hacking")
    with opened.writing() as session:
        row = asks.get(session, ask_id)
        row.request = {name: row.request[name] for name in ("turns", "options", "few_shots")}
    with opened.reading() as session:
        found = asks.to_noun(asks.get(session, ask_id))
    assert found == question("sandbox", principle="hacking", constitution="sandbox@1")


def test_a_comparison_s_labels_are_read_off_its_answers(opened: Workspace) -> None:
    ask_id = add(opened, **COMPARED, principles=("privacy", "hacking", "theft", "fraud"))
    with opened.writing() as session:
        ids = asks.principle_ids(asks.get(session, ask_id))
        likely, rare = [-0.5, -1.5], [-9.0, -9.0]
        asks.write_parts(
            session,
            ask_id,
            {
                0: {"part": "choice", "principle_id": ids[0], "order": "ab", "logprobs": likely, "finished": True},
                1: {"part": "choice", "principle_id": ids[0], "order": "ba", "logprobs": [-2.5, -0.5]},
                2: {"part": "choice", "principle_id": ids[1], "order": "ab", "logprobs": likely},
                3: {"part": "choice", "principle_id": ids[1], "order": "ba", "logprobs": rare},
                4: {
                    "part": "choice",
                    "principle_id": ids[2],
                    "order": "ab",
                    "failure": "too_long",
                    "error": "Too long.",
                },
                6: {"part": "choice", "principle_id": ids[3], "order": "ab", "logprobs": likely},
            },
        )
    with opened.reading() as session:
        told = asks.summary(asks.get(session, ask_id))["labels"]
    # Log-odds for A: 1 shown first, -0.5 - -2.5 = 2 shown second; their mean 1.5.
    assert told[0]["p_a"] == pytest.approx(0.8175744761936437)
    assert told[0]["orders"] == pytest.approx({"ab": 0.7310585786300049, "ba": 0.8807970779778823})
    assert (told[0]["state"], told[0]["order_disagrees"]) == ("labelled", False)
    assert (told[1]["state"], told[1]["p_a"]) == ("unparseable", None), "never a half"
    assert (told[2]["state"], told[2]["p_a"], told[2]["error"]) == ("too_long", None, "Too long.")
    assert told[3] == {"principle": "fraud", "state": None}, "one order is still to come"
