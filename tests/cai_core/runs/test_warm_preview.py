"""A preview that is asked for: through the table, without any weights."""

import json

import pytest

from cai_core.config.datasets import Recipe
from cai_core.errors import DatasetError
from cai_core.runs import warm
from cai_core.store import asks, datasets
from cai_core.store.workspace import Workspace
from cai_core.types import Ask, AskKind, user
from tests.cai_core.runs.warming import ask_row
from tests.made_chains import chain, store

PREVIEW = Ask(AskKind.PREVIEW, "sandbox", (user("dataset d"),), seed=1, samples=2, dataset="d", max_length=64)


def test_the_worker_answers_with_examples_and_lengths(opened: Workspace) -> None:
    store(opened, [chain(number, ["short", "word " * 100]) for number in range(3)])
    datasets.freeze(opened, "d", Recipe())
    with opened.writing() as session:
        ask_id = asks.add(session, PREVIEW, device="cpu").id
    assert warm.claim(opened, "cpu")
    worker = warm.WarmWorker(opened, "cpu")
    taken = worker._take()
    assert taken is not None
    worker._answer(*taken)
    row = ask_row(opened, ask_id)
    assert (row.state, row.error) == ("done", None)
    assert [part.part for part in row.parts] == ["lengths", "example", "example"]
    lengths, first = json.loads(row.parts[0].text or ""), json.loads(row.parts[1].text or "")
    assert (lengths["looked_at"], lengths["too_long"], lengths["limit"]) == (6, 3, 64)
    assert first["segments"][-1][1] is True
    assert worker._models is None


def test_a_dataset_that_is_not_there_is_refused(opened: Workspace) -> None:
    with pytest.raises(DatasetError, match="there is no dataset 'd'"), opened.writing() as session:
        asks.add(session, PREVIEW, device="cpu")
