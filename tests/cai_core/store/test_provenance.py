"""Where human judgement entered, by hand."""

from typing import Any

from sqlalchemy.orm import Session

from cai_core.config.datasets import Recipe
from cai_core.store import datasets, models, provenance, runs
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from tests.made_chains import chain, run_id, say, store


def add(session: Session, kind: RunKind, *parents: int, **config: Any) -> int:
    return runs.add(session, kind=kind, config=config, seed=0, parents=parents, constitution_version_id=None).id


def told(workspace: Workspace, run: int | None) -> dict[str, str]:
    with workspace.reading() as session:
        return dict(provenance.human_judgement(session, run))


def test_a_model_of_all_chains_owes_nothing_to_people(opened: Workspace) -> None:
    store(opened, [chain(0, ["r"])])
    with opened.writing() as session:
        sft = add(session, RunKind.SFT, run_id(opened))
    assert told(opened, sft) == {
        "Human harm labels used": "0: every preference is a model's",
        "Chains chosen by people's verdicts": "none",
        "Texts edited by hand": "0",
        "Chosen or stopped by gold": "nothing: gold only measures",
    }


def test_verdicts_edits_imports_and_early_stops_are_told_down_the_line(opened: Workspace) -> None:
    made = [chain(0, ["r"]), chain(1, ["r"]), chain(1, ["by hand"], branch=1), chain(2, ["r"])]
    ids = store(opened, made)
    say(opened, ids["2/0/0"], "reject")
    datasets.freeze(opened, "d", Recipe(filter={"text": ""}, verdicts="not_rejected"))
    with opened.writing() as session:
        runs.get(session, run_id(opened)).origin = "x.jsonl"
        sft = add(session, RunKind.SFT, early_stop_after=2)
        datasets.use(session, sft, "d")
        rl = add(session, RunKind.RL, sft, add(session, RunKind.PM))
        models.add(session, name="rl", base="b", adapter="a", run_id=rl)
        found = dict(provenance.of_model(session, models.get(session, "rl")))
    chains = run_id(opened)
    assert found == {
        "Human harm labels used": f"0: every preference is a model's; run {chains} came from x.jsonl, where who judged "
        "is not known",
        "Chains chosen by people's verdicts": "dataset 'd': all but the rejected; 1 texts left out for their verdicts",
        "Texts edited by hand": "1 of 2 examples of dataset 'd' are of branches that somebody edited",
        "Chosen or stopped by gold": f"nothing: gold only measures; run {sft} keeps its best by held-out loss",
    }


def test_of_what_no_run_made_nothing_is_known(opened: Workspace) -> None:
    assert "not known" in told(opened, None)["Human judgement"]
