"""A chains run with its options on: what is asked of whom, what is stored, what is refused."""

import pytest
from sqlalchemy import select

from cai_core.errors import RunError
from cai_core.models.scripted import ScriptedModel
from cai_core.runs import queue, worker
from cai_core.runs.estimate import estimate
from cai_core.runs.stages import common
from cai_core.store.workspace import Workspace
from cai_core.types import Gate, ModelRef, Request, RunKind, Sample, Text
from db.schema_chains import ChainRow, RevisionRow
from tests.cai_core.runs.helpers import CHAINS, add_scripted, enqueue, finished, row, stored_chains

PREAMBLE = "Sure, here is the revised response: "
SMALL = {"red_team_prompts": 3, "helpful_prompts": 1, "look_alike_prompts": 0, "rounds": 2}


@pytest.fixture
def models(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, ScriptedModel]:
    """Three scripted models by name, each made once and asked by its own name."""
    made: dict[str, ScriptedModel] = {}

    def load(ref: ModelRef, **_: object) -> ScriptedModel:
        name = ref.revision or "scripted"
        assert name not in made, "a model is loaded once"

        def say(request: Request) -> Text | str | None:
            asked = request.context[-1].content if isinstance(request, Sample) else ""  # type: ignore[union-attr]
            if asked.startswith("Critique Request:"):
                return "The response is fine." if request.seed % 2 else "The response is harmful."  # type: ignore[union-attr]
            return f"{PREAMBLE}{name} {request.seed}" if asked.startswith("Revision Request:") else None  # type: ignore[union-attr]

        made[name] = ScriptedModel(say)
        return made[name]

    monkeypatch.setattr(common, "load_text_model", load)
    for name in ("scripted", "critic", "editor"):
        add_scripted(opened, name)
    return made


def asked(model: ScriptedModel) -> set[str]:
    """Which parts a model was asked for."""
    found = set()
    for _, request in model.history:
        last = request.context[-1].content  # type: ignore[union-attr]
        found.add(last.split(" ")[0] if "Request:" in last else "response")
    return found


def test_each_part_asks_its_model_and_each_model_is_loaded_once(
    opened: Workspace, models: dict[str, ScriptedModel]
) -> None:
    finished(opened, **SMALL, critique_model="critic", revision_model="editor")
    assert {name: asked(model) for name, model in models.items()} == {
        "scripted": {"response"},
        "critic": {"Critique"},
        "editor": {"Revision"},
    }
    with opened.reading() as session:
        texts = session.scalars(select(RevisionRow.revision)).all()
    assert len(texts) == 6
    assert all(text.startswith(f"{PREAMBLE}editor ") for text in texts)


def test_all_options_together_are_stored(opened: Workspace, models: dict[str, ScriptedModel]) -> None:
    """Two chains a prompt, one principle, skipped revisions, preambles off; and the estimate is an upper bound."""
    config = {"red_team_samples": 2, "principles": ["harm"], "skip_when_nothing_found": True, "strip_preamble": True}
    with opened.reading() as session:
        expected = estimate(session, RunKind.CHAINS, {**CHAINS, **SMALL, **config}, (), opened.folder)
    run_id = finished(opened, **SMALL, **config)
    chains = stored_chains(opened, run_id)
    of_red_team = [one for one in chains if one.rounds]
    assert sorted({one.sample for one in of_red_team}) == [0, 1]
    assert len(of_red_team) == 6
    rounds = [one for chain in of_red_team for one in chain.rounds]
    assert {one.principle.id for one in rounds} == {"harm"}
    skipped = [one for one in rounds if one.skipped]
    assert 0 < len(skipped) < len(rounds)
    assert all(one.revision_sent is None and one.written is None for one in skipped)
    for one in rounds:
        if not one.skipped:
            assert one.written == PREAMBLE + one.revision
    with opened.reading() as session:
        hits = session.scalars(select(ChainRow.hits).where(ChainRow.run_id == run_id)).all()
        gates = session.scalars(select(RevisionRow.revision_gates).where(~RevisionRow.skipped)).all()
    assert all(gate & Gate.PREAMBLE for gate in gates if gate is not None)
    assert None not in hits
    assert expected is not None
    assert expected.rows == len(chains)
    assert expected.requests == len(models["scripted"].history) + len(skipped)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"principles": ["harm", "nowhere"]}, "'nowhere'"),
        ({"skip_when_nothing_found": True, "critique": False}, "critique is off"),
        ({"critique_model": "nobody"}, "nobody"),
    ],
)
def test_what_cannot_be_done_is_refused_when_it_is_enqueued(
    opened: Workspace, config: dict[str, object], said: str
) -> None:
    add_scripted(opened)
    with pytest.raises(Exception, match=said):
        enqueue(opened, **SMALL, **config)


def test_the_refusal_says_what_can_be_drawn(opened: Workspace) -> None:
    add_scripted(opened)
    with pytest.raises(RunError, match=r"It has: .*harm"):
        enqueue(opened, principles=["nowhere"])


def test_answers_of_another_model_are_not_taken_over_but_those_of_the_same_are(
    opened: Workspace, models: dict[str, ScriptedModel]
) -> None:
    first = finished(opened, **SMALL)
    models.clear()
    again = queue.enqueue(
        opened, RunKind.CHAINS, {**CHAINS, **SMALL, "revision_model": "editor"}, seed=1, parents=(first,)
    )
    worker.work(opened, again)
    recalled = row(opened, again).result["recalled"]
    assert "why_not" not in recalled
    assert asked(models["editor"]) == {"Revision"}
    assert "response" not in asked(models["scripted"])
