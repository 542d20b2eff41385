"""The paper's published files: labels off and on again, words untouched, and what is drawn is said."""

import json
from dataclasses import replace
from typing import Any

import pytest

from cai_core.errors import ConstitutionError
from cai_core.interchange import formats
from cai_core.interchange.paper import GENERAL
from cai_core.interchange.report import ImportReport, ReadOptions, accepted
from cai_core.types import Constitution, assistant, user

CRITIQUES = {
    "harmful0": {
        "prompt": ["\n\nCritiqueRequest: Say what the precedings answer does wrong.\n\nCritique:"],
        "edit_request": "\n\nRevisionRequest: Write it  anew.\n\nRevision:",
    },
    "harmful1": {
        "prompt": ["\n\nCritiqueRequest: Is it controversal?\n\nCritique:"],
        "edit_request": "\n\nRevisionRequest: Make it less so.\n\nRevision:",
    },
}
COMPARISONS = ["\nChoose the milder one. Options:", "\nWhich is kinder? Options:", "\nChoose the fairer. Options:"]
TWO_TURNS = (
    "\n\nHuman: One?\n\nAssistant: Two.\n\nHuman: Three?\n\nAssistant: Four.\n\nCritiqueRequest: What is wrong?"
    "\n\nCritique: Nothing.\n\nIt is fine.\n\nRevisionRequest: Mend it.\n\nRevision: Four."
)
CRITIQUE_SHOTS = [f"{TWO_TURNS}\n\nHuman:", TWO_TURNS]
PLAIN_SHOTS = [
    {"prompt": f"\n\nHuman: Question {n}?\n\nAssistant:", "corrects": [f"good {n}"], "incorrects": [f"bad {n}"]}
    for n in range(6)
]
REASONED = (
    "Human: Consider the following conversation between a human (H) and an assistant (A):\n\nH: Hello.\n\nA:  Hi.\n\n"
    "H: What now?\n\n{}\n (A) [[[Wait.]]]\n (B) [[[Go {x}.]]]\n\nAssistant: Let's think step by step:\n(B) moves on."
    "\n\nHuman:\nSo the answer is: (B)"
)
REASONED_SHOTS = [{"prompt": f"{opening}{REASONED}"} for opening in ("\n\n", "\n", "")]
ALL: dict[str, Any] = {
    "a.json": CRITIQUES,
    "b.json": COMPARISONS,
    "c.json": CRITIQUE_SHOTS,
    "d.json": PLAIN_SHOTS,
    "e.json": REASONED_SHOTS,
}


def read(files: dict[str, Any], seed: int = 0) -> ImportReport:
    texts = {name: json.dumps(data) for name, data in files.items()}
    assert formats.detect(texts) == "paper"
    return formats.read(texts, options=ReadOptions(seed=seed))


def whole(files: dict[str, Any], seed: int = 0) -> Constitution:
    return accepted(read(files, seed))


def test_several_files_become_one_constitution() -> None:
    report = read(dict(reversed(ALL.items())))
    constitution = accepted(report)
    assert report.format == "paper"
    assert report.accepted == 2 + 3 + 2 + 6 + 3
    assert constitution.name == "paper"
    ids = [one.id for one in constitution.principles]
    assert ids == ["harmful0", "harmful1", "comparison0", "comparison1", "comparison2"]
    first, *_, last = constitution.principles
    assert first.critique_request == "Say what the precedings answer does wrong."
    assert first.revision_request == "Write it  anew."
    assert last.comparison == "Choose the fairer."
    assert any("titles" in lost for lost in report.lost)


def test_a_dangling_human_label_is_no_turn() -> None:
    one, other = whole(ALL).few_shots.critique_revision
    assert one == other
    assert one.conversation == (user("One?"), assistant("Two."), user("Three?"), assistant("Four."))
    assert (one.critique_request, one.critique) == ("What is wrong?", "Nothing.\n\nIt is fine.")
    assert (one.revision_request, one.revision) == ("Mend it.", "Four.")


def test_openings_may_lack_line_breaks_and_letters_of_reasoned_answers_stay() -> None:
    shots = whole(ALL).few_shots.comparison_with_reasoning
    assert len(shots) == 3
    for shot in shots:
        assert shot.conversation == (user("Hello."), assistant("Hi."), user("What now?"))
        assert (shot.response_a, shot.response_b, shot.answer) == ("Wait.", "Go {x}.", "B")
        assert shot.reasoning == "(B) moves on."
        assert shot.comparison in ("Choose the milder one.", "Which is kinder?", "Choose the fairer.")


def test_sides_are_balanced_and_drawn_with_the_principles_by_the_seed() -> None:
    shots = whole(ALL, seed=1).few_shots.comparison
    assert sorted(shot.answer for shot in shots) == list("AAABBB")
    for number, shot in enumerate(shots):
        good, bad = (shot.response_a, shot.response_b) if shot.answer == "A" else (shot.response_b, shot.response_a)
        assert (good, bad) == (f"good {number}", f"bad {number}")
    assert whole(ALL, seed=1) == whole(ALL, seed=1)
    draws = {tuple((one.answer, one.comparison) for one in whole(ALL, seed).few_shots.comparison) for seed in range(9)}
    assert len(draws) == 9
    report = read(ALL, seed=7)
    assert any("A was drawn by seed 7" in lost for lost in report.lost)
    assert any("each one's was drawn by seed 7" in lost for lost in report.lost)
    notes = {entry.name: entry.note for entry in report.entries}
    drawn = accepted(report).few_shots.comparison[0]
    (place,) = [n for n, text in enumerate(COMPARISONS) if drawn.comparison in text]
    assert notes["comparison few-shot 1"] == f"under comparison{place}, answered {drawn.answer}"


def test_it_goes_out_as_it_came_in() -> None:
    made = formats.write(whole(ALL), "paper")
    written = {name: json.loads(text) for name, text in made.files.items()}
    assert written["CritiqueRevisionInstructions.json"] == CRITIQUES
    assert written["RLMadisonInstructions.json"] == COMPARISONS
    assert written["RLMadisonFewShotPrompts.json"] == PLAIN_SHOTS
    assert written["CritiqueRevisionFewShotPrompts.json"] == [CRITIQUE_SHOTS[0]] * 2
    regular = f"\n\n{REASONED}".replace("A:  Hi", "A: Hi").replace("step:\n(B)", "step: (B)")
    assert written["RLMadisonPrecogFewShotPrompts.json"] == [{"prompt": regular}] * 3
    # Byte for byte, for those who read the published files by other means.
    assert made.files["CritiqueRevisionInstructions.json"] == json.dumps(CRITIQUES)


@pytest.mark.parametrize("name", ALL)
def test_each_file_alone_becomes_a_constitution(name: str) -> None:
    constitution = whole({name: ALL[name]})
    ids = [one.id for one in constitution.principles]
    wanted = {
        "a.json": ["harmful0", "harmful1"],
        "b.json": ["comparison0", "comparison1", "comparison2"],
        "c.json": ["critique0"],
    }
    assert ids == wanted.get(name, ["general"])
    if name in ("d.json", "e.json"):
        shots = (*constitution.few_shots.comparison, *constitution.few_shots.comparison_with_reasoning)
        assert {shot.comparison for shot in shots} == {GENERAL}


def test_two_files_of_one_kind_are_refused() -> None:
    with pytest.raises(ConstitutionError, match=r"z\.json: a second file of critiques"):
        read({**ALL, "z.json": CRITIQUES})


BAD = {
    "no label at the start": ("c.json", "Hello.\n\nRevision: x", "begins without a label"),
    "labels in another order": ("c.json", f"{TWO_TURNS}\n\nCritique: again", "RevisionRequest, Revision are wanted"),
    "a conversation that does not alternate": ("c.json", "\n\nHuman: And?" + TWO_TURNS, "alternate"),
    "an empty turn": ("c.json", TWO_TURNS.replace("Two.", " "), "blank"),
    "no text": ("c.json", 4, "a text is wanted"),
    "no slot": ("e.json", {"prompt": REASONED.replace("{}", "")}, "not laid out"),
    "no answer": ("e.json", {"prompt": REASONED.removesuffix(" (B)")}, "(A) or (B) is wanted"),
    "two right answers": ("d.json", {**PLAIN_SHOTS[0], "corrects": ["a", "b"]}, '"corrects" must be a list of one'),
    "a prompt that ends with an answer": ("d.json", {**PLAIN_SHOTS[0], "prompt": "Human: a\n\nAssistant: b"}, "user"),
    "a number for a comparison": ("b.json", 3, "a text is wanted"),
    "half of a surrogate pair": ("b.json", "\nWhich \ud800? Options:", "U+D800"),
    "a NUL": ("b.json", "\nWhich \0? Options:", "U+0000"),
    "a blank one": ("b.json", "\n Options:", "blank"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_entry_that_does_not_fit_is_refused_by_name(case: str) -> None:
    name, entry, why = BAD[case]
    files = {**ALL, name: [*ALL[name], entry]}
    report = read(files)
    (refused,) = report.refused
    assert why in refused.reason, refused.reason
    assert refused.name.endswith(str(len(files[name]) - (name == "b.json")))
    with pytest.raises(ConstitutionError, match="1 of 17 entries cannot be used, so nothing came in"):
        accepted(report)
    rest, expected = accepted(report, skip_refused=True), whole(ALL)
    assert rest.principles == expected.principles
    assert rest.few_shots.critique_revision == expected.few_shots.critique_revision
    assert len(rest.few_shots.comparison) == len(PLAIN_SHOTS)  # the seed draws other sides for seven


def test_a_principle_without_its_labels_comes_in_and_is_said_to_have_changed() -> None:
    report = read({"b.json": [*COMPARISONS, "Which is calmer?"]})
    assert [entry.state.value for entry in report.entries] == ["ok", "ok", "ok", "changed"]
    assert accepted(report).principles[-1].comparison == "Which is calmer?"


def test_a_few_shot_whose_text_holds_the_labels_is_left_out_and_named() -> None:
    constitution = whole(ALL)
    shots = constitution.few_shots
    spoilt = replace(shots.critique_revision[1], critique="It says:\n\nHuman: hello")
    filled = replace(shots.comparison_with_reasoning[0], conversation=(user("What does {} mean?"),))
    few_shots = replace(
        shots,
        critique_revision=(shots.critique_revision[0], spoilt),
        comparison_with_reasoning=(filled, *shots.comparison_with_reasoning[1:]),
    )
    made = formats.write(replace(constitution, few_shots=few_shots), "paper")
    assert any(lost.startswith("critique_revision few-shot 2 left out") for lost in made.lost)
    assert any(lost.startswith("comparison_with_reasoning few-shot 1 left out") for lost in made.lost)
    assert len(json.loads(made.files["CritiqueRevisionFewShotPrompts.json"])) == 1
