"""Freezing: what trains, what does not and why, against counts by hand and a second implementation."""

import hashlib
import json
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from cai_core.chains.critique_revision import CUT
from cai_core.config.datasets import Recipe, dump_recipe, load_recipe
from cai_core.errors import DatasetError
from cai_core.store import dataset_rows, datasets
from cai_core.store.dataset_rows import shares
from cai_core.store.workspace import Workspace
from cai_core.types import Chain, PromptKind, RowState
from db.schema_chains import DatasetExampleRow, DatasetRow
from tests.made_chains import chain, run_id, say, store
from tests.workspaces import fresh

HELPFUL = PromptKind.HELPFUL


def frozen(workspace: Workspace, name: str = "d", **recipe: Any) -> tuple[list[str], dict[str, Any]]:
    """The answers of a dataset made by a recipe, and its counts."""
    row = datasets.freeze(workspace, name, Recipe(**recipe))
    with workspace.reading() as session:
        return [one.turns[-1].content for one in datasets.examples(session, row)], row.counts


def by_hand(made: list[Chain], rounds: int) -> tuple[list[str], Counter[str]]:
    """The rule of the paper's section 3.1, said again over nouns: no branches, no verdicts."""
    texts, fates = [], Counter[str]()
    for one in sorted(made, key=lambda one: (one.prompt.uid, one.sample)):
        red = one.prompt.kind is PromptKind.RED_TEAM
        fates["left_out_failed"] += one.state is not RowState.DONE
        found = [(step.revision, step.finished, step.number) for step in one.rounds]
        if not found and one.response is not None and not (red and one.state is not RowState.DONE):
            found = [(one.response, one.error != CUT, 0)]
        for text, whole, number in found:
            if rounds and number > rounds:
                fates["left_out_later_round"] += 1
            elif red and not number:
                fates["left_out_unrevised"] += 1
            elif not whole:
                fates["left_out_cut"] += 1
            elif not text.strip():
                fates["left_out_empty"] += 1
            else:
                texts.append(text)
    return texts, +fates


def test_all_rounds_train_and_the_initial_response_never(opened: Workspace) -> None:
    store(opened, [chain(0, ["r1", "r2", "r3"]), chain(1, kind=HELPFUL, response="plain")])
    texts, counts = frozen(opened)
    assert sorted(texts) == ["plain", "r1", "r2", "r3"]
    assert (counts["revisions"], counts["samples"], counts["examples"], counts["left_out"]) == (3, 1, 4, {})
    assert counts["runs"] == [run_id(opened)]
    assert frozen(opened, "two", rounds=2)[1]["left_out"] == {"left_out_later_round": 1}
    last, told = frozen(opened, "last", last_only=True)
    assert sorted(last) == ["plain", "r3"]
    assert told["left_out"] == {"left_out_earlier_round": 2}
    assert sorted(frozen(opened, "last of two", last_only=True, rounds=2)[0]) == ["plain", "r2"]


def test_an_example_is_the_conversation_with_its_answer(opened: Workspace) -> None:
    made = chain(0, ["r1"])
    store(opened, [made])
    row = datasets.freeze(opened, "d", Recipe())
    with opened.reading() as session:
        (one,) = datasets.examples(session, row)
    assert one.turns[:-1] == made.prompt.turns
    assert (one.kind, one.key, one.heldout) == (PromptKind.RED_TEAM, f"chain {made.prompt.uid}/0 round 1", False)


def test_what_is_cut_empty_skipped_or_failed_is_left_out_by_reason(opened: Workspace) -> None:
    failed = {"state": RowState.FAILED}
    made = [
        chain(0, ["cut off…", " \n\u2003", "good"]),
        chain(1, ["same", "same"], skipped=[2]),
        chain(2, ["before it failed"], state=RowState.TOO_LONG),
        chain(3, response=None, **failed),
        chain(4, **failed),
        chain(5, response=None, kind=HELPFUL, **failed),
        chain(6, kind=HELPFUL, response=""),
        chain(7, kind=HELPFUL, error=CUT),
        chain(8),
    ]
    store(opened, made)
    texts, counts = frozen(opened)
    assert sorted(texts) == ["before it failed", "good", "same"]
    assert counts["left_out"] == {
        "left_out_skipped": 1,
        "left_out_unrevised": 1,
        "left_out_cut": 2,
        "left_out_empty": 2,
        "left_out_failed": 4,
    }
    assert set(dataset_rows.LEFT_OUT) > set(counts["left_out"])


def test_verdicts_choose_and_anybody_s_rejection_counts(opened: Workspace) -> None:
    ids = store(opened, [chain(number, [f"r{number}"]) for number in range(5)])
    say(opened, ids["0/0/0"], "accept")
    say(opened, ids["1/0/0"], "accept")
    say(opened, ids["1/0/0"], "reject", "ben")
    say(opened, ids["2/0/0"], "reject")
    say(opened, ids["2/0/0"], "none")
    say(opened, ids["3/0/0"], "flag")
    assert len(frozen(opened)[0]) == 5
    texts, counts = frozen(opened, "b", verdicts="not_rejected")
    assert sorted(texts) == ["r0", "r2", "r3", "r4"]
    assert counts["left_out"] == {"left_out_rejected": 1}
    texts, counts = frozen(opened, "c", verdicts="accepted")
    assert texts == ["r0"]
    assert counts["left_out"] == {"left_out_rejected": 1, "left_out_not_accepted": 3}


def test_the_newest_hand_edit_stands_for_its_chain(opened: Workspace) -> None:
    made = [
        chain(0, ["r1", "r2"]),
        chain(0, ["r1", "by hand"], branch=1),
        chain(0, ["by another hand"], branch=2),
        chain(0, ["lost"], branch=3, state=RowState.FAILED),
        chain(1, ["kept"]),
    ]
    store(opened, made)
    texts, counts = frozen(opened)
    assert sorted(texts) == ["by another hand", "kept"]
    assert counts["edited"] == 1
    assert counts["left_out"] == {"left_out_replaced": 4, "left_out_failed": 1}
    assert sorted(frozen(opened, "b", filter={"branches": "without"})[0]) == ["kept", "r1", "r2"]


def test_the_share_of_helpful_samples_holds_and_what_is_over_is_counted(opened: Workspace) -> None:
    made = [chain(n, [f"r{n}"]) for n in range(12)] + [chain(n, kind=HELPFUL, response=f"h{n}") for n in range(12)]
    store(opened, made)
    texts, counts = frozen(opened, helpful_share=0.25)
    assert (counts["revisions"], counts["samples"], counts["left_out"]) == (12, 4, {"left_out_ratio": 8})
    assert sum(text.startswith("h") for text in texts) == 4
    assert frozen(opened, "again", helpful_share=0.25)[0] == texts
    assert frozen(opened, "other", helpful_share=0.25, seed=1)[0] != texts
    assert frozen(opened, "most", helpful_share=0.75)[1]["left_out"] == {"left_out_ratio": 8}


@given(revisions=st.integers(0, 500), samples=st.integers(0, 500), share=st.floats(0, 1))
def test_the_share_is_met_as_nearly_as_whole_examples_allow(revisions: int, samples: int, share: float) -> None:
    kept, plain = shares(revisions, samples, share)
    assert 0 <= kept <= revisions
    assert 0 <= plain <= samples
    # One side is whole, and no more than half an example away from the share.
    assert kept == revisions or plain == samples
    assert abs(plain - share * (kept + plain)) <= 0.5 + 1e-6


def test_a_prompt_is_never_on_both_sides(opened: Workspace) -> None:
    store(opened, [chain(n, ["r1", "r2"], sample=s) for n in range(10) for s in range(2)])
    row = datasets.freeze(opened, "d", Recipe(heldout=0.3))
    assert (row.counts["train"], row.counts["heldout"]) == (28, 12)
    assert (row.counts["prompts"], row.counts["heldout_prompts"]) == (10, 3)
    with opened.reading() as session:
        found = list(datasets.examples(session, row))
    held = {one.turns[:-1] for one in found if one.heldout}
    assert len(held) == 3
    assert held.isdisjoint(one.turns[:-1] for one in found if not one.heldout)


def test_the_hash_is_of_the_content_and_the_same_in_any_workspace(opened: Workspace, tmp_path: Path) -> None:
    made = [chain(n, [f"r{n}", f"s{n}"]) for n in range(6)]
    store(opened, [chain(99, ["of another run"])], run_uid="before")
    store(opened, made)
    row = datasets.freeze(opened, "d", Recipe(filter={"run": str(run_id(opened))}, heldout=0.5))
    with opened.reading() as session:
        found = list(datasets.examples(session, row))
    lines = [
        json.dumps(
            ["heldout" if one.heldout else "train", [[turn.role.value, turn.content] for turn in one.turns]],
            separators=(",", ":"),
        )
        for one in found
    ]
    assert row.hash == hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()
    elsewhere = fresh(tmp_path / "elsewhere")
    store(elsewhere, reversed(made))
    assert datasets.freeze(elsewhere, "other name", Recipe(heldout=0.5)).hash == row.hash
    assert datasets.freeze(elsewhere, "less", Recipe(rounds=1, heldout=0.5)).hash != row.hash
    elsewhere.close()


def test_a_dataset_never_changes_and_its_name_is_its_own(opened: Workspace) -> None:
    ids = store(opened, [chain(0, ["r0"]), chain(1, ["r1"])])
    row = datasets.freeze(opened, "d", Recipe(verdicts="not_rejected"), author="ann")
    say(opened, ids["0/0/0"], "reject")
    with opened.reading() as session:
        assert datasets.content_hash(datasets.examples(session, row)) == row.hash
        assert load_recipe(datasets.summary(session, row)["recipe"]) == Recipe(verdicts="not_rejected")
    for name in ("d", "", " d", "a\nb", "x" * 81):
        with pytest.raises(DatasetError):
            datasets.freeze(opened, name, Recipe())
    with pytest.raises(DatasetError, match="Datasets here: d"), opened.reading() as session:
        datasets.get(session, "e")


def test_nothing_to_train_on_is_refused_and_leaves_nothing(opened: Workspace) -> None:
    store(opened, [chain(0, ["cut…"])])
    with pytest.raises(DatasetError, match="1 cut at the token limit"):
        datasets.freeze(opened, "d", Recipe())
    with pytest.raises(DatasetError, match="filter cannot be used: kind = 'rude' is none of"):
        datasets.freeze(opened, "d", Recipe(filter={"kind": "rude"}))
    with opened.reading() as session:
        assert session.scalar(select(func.count()).select_from(DatasetRow)) == 0


def test_killed_while_it_is_written_nothing_is_there(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    store(opened, [chain(n, ["r"]) for n in range(5)])
    monkeypatch.setattr(dataset_rows, "BATCH", 2)
    written = []

    def dies(rows: Any) -> Any:
        written.append(rows)
        if len(written) == 2:
            raise KeyboardInterrupt
        return real(rows)

    real = datasets.insert
    monkeypatch.setattr(datasets, "insert", dies)
    with pytest.raises(KeyboardInterrupt):
        datasets.freeze(opened, "d", Recipe())
    with opened.reading() as session:
        assert session.scalar(select(func.count()).select_from(DatasetRow)) == 0
        assert session.scalar(select(func.count()).select_from(DatasetExampleRow)) == 0


def test_a_recipe_is_the_same_after_json_and_a_wrong_one_is_named() -> None:
    recipe = Recipe(filter={"run": "3"}, last_only=True, helpful_share=0.5, heldout=0.1, seed=4)
    assert load_recipe(json.loads(json.dumps(dump_recipe(recipe)))) == recipe
    for values, words in (
        ({"verdicts": "some"}, "verdicts"),
        ({"heldout": 0.95}, "heldout"),
        ({"colour": 1}, "colour"),
        ({"filter": {"text": "\ud800"}}, "no text"),
    ):
        with pytest.raises(DatasetError, match=words):
            load_recipe(values)


TEXTS = st.sampled_from(["a", "b ", "", " \t\u00a0", "half…"])
CHAINS = st.builds(
    lambda kind, revisions, state, response, error: (
        kind,
        revisions if kind == "red_team" else [],
        state,
        response,
        error,
    ),
    st.sampled_from(["red_team", "helpful", "look_alike"]),
    st.lists(TEXTS, max_size=3),
    st.sampled_from(RowState),
    st.one_of(st.none(), TEXTS),
    st.sampled_from([None, CUT]),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_chains=st.lists(CHAINS, max_size=6), rounds=st.integers(0, 3))
def test_sql_and_a_second_implementation_agree(opened: Workspace, given_chains: list[Any], rounds: int) -> None:
    made = []
    for place, (kind, revisions, state, response, error) in enumerate(given_chains):
        if state is RowState.DONE and response is None:
            response = "said"
        made.append(chain(place, revisions, kind=PromptKind(kind), state=state, response=response, error=error))
    uid = uuid.uuid4().hex  # the workspace is that of the examples before
    store(opened, made, run_uid=uid)
    recipe = Recipe(filter={"run": str(run_id(opened, uid))}, rounds=rounds)
    with opened.reading() as session:
        chosen = dataset_rows.choose(session, recipe)
        texts = [one.turns[-1].content for one in datasets.of_rows(session, chosen)]
        counted = dataset_rows.count(session, recipe)
    expected, left_out = by_hand(made, rounds)
    assert texts == expected
    assert chosen.counts["left_out"] == dict(left_out) == counted["left_out"]
    assert {name: chosen.counts[name] for name in ("examples", "revisions", "samples", "edited")} == {
        name: counted[name] for name in ("examples", "revisions", "samples", "edited")
    }
