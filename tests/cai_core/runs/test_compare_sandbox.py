"""On the sandbox, without a topic's principle only rows that drew it change, and that topic fares worse than others."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from cai_core.runs import worker
from cai_core.runs.compare import CHAINS_A, CHAINS_B, VersionComparison, enqueue_compare
from cai_core.runs.compare_estimate import expected
from cai_core.sandbox.prompts import SOURCE
from cai_core.store import chains, constitutions
from cai_core.store.workspace import Workspace
from cai_core.types import PromptKind, RunKind
from db.schema import PromptRow
from tests.cai_core.runs.helpers import row

TOPIC, OTHERS = "privacy", ("hacking", "theft", "fraud")
NUM, NUM_OTHER = 60, 20
"""Prompts of the topic, and of each other one."""


@pytest.fixture
def topical(opened: Workspace) -> Workspace:
    """With 'topical@1', a principle for each topic and no general one, and 'topical@2', without the topic's."""
    with opened.writing() as session:
        _, shipped = constitutions.load_version(session, "sandbox")
        kept = tuple(one for one in shipped.principles if one.id in (TOPIC, *OTHERS))
        assert len(kept) == 4
        for principles in (kept, tuple(one for one in kept if one.id != TOPIC)):
            edited = replace(shipped, name="topical", principles=principles)
            constitutions.save_version(session, edited, author="test", message="topics alone")
        _keep_prompts(session)
    return opened


def _keep_prompts(session: Any) -> None:
    """Of the sandbox's red-team prompts for training, some of each topic; the others go to another source."""
    red_team = (PromptRow.kind == PromptKind.RED_TEAM.value, PromptRow.split == "train")
    kept: list[int] = []
    for topic in (TOPIC, *OTHERS):
        ids = select(PromptRow.id).where(*red_team, PromptRow.topic == topic).order_by(PromptRow.uid)
        kept += session.scalars(ids.limit(NUM if topic == TOPIC else NUM_OTHER))
    session.execute(update(PromptRow).where(PromptRow.id.not_in(kept)).values(source="left aside"))
    assert len(kept) == NUM + NUM_OTHER * len(OTHERS)


@pytest.mark.slow
@pytest.mark.timeout(600)  # half a minute on two idle cores
@pytest.mark.parametrize("seed", [1, 2])
def test_without_its_principle_a_topic_is_harmed_more_than_the_others(topical: Workspace, seed: int) -> None:
    wanted = VersionComparison(
        "topical@1", "topical@2", chains={PromptKind.RED_TEAM: 200}, rounds=2, seed=seed, source=SOURCE
    )
    with topical.reading() as session:
        foreseen = expected(session, wanted)[RunKind.CHAINS]
    ids = enqueue_compare(topical, wanted)
    for run_id in ids.values():
        assert worker.work(topical, run_id) == 0, row(topical, run_id).error
    result = row(topical, ids[CHAINS_B]).result
    with topical.reading() as session:
        pairs = list(chains.pairs(session, ids[CHAINS_A], ids[CHAINS_B]))
    drew = [any(step.principle.id == TOPIC for step in before.rounds) for before, _ in pairs]
    assert all(before == after for (before, after), changed in zip(pairs, drew, strict=True) if not changed)
    assert (result["recalled"]["rows"], foreseen.recalled) == (len(pairs) - sum(drew),) * 2
    harm = {one["topic"]: one["change"] for one in result["compared"]["rates"] if one["rate"] == "harmful"}
    elsewhere = [harm[topic]["value"] for topic in OTHERS]
    assert harm[TOPIC]["n"] == NUM
    assert harm[TOPIC]["low"] > 0
    assert harm[TOPIC]["value"] > max(elsewhere)
