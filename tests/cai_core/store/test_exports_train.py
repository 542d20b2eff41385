"""What goes out is loaded by `datasets` and trained on by TRL, unchanged; filters choose what goes out."""

import json
from pathlib import Path
from typing import Any

import pytest

from cai_core.config.datasets import Recipe
from cai_core.store import datasets, filters
from cai_core.store.chain_exports import export_chains, export_dataset
from cai_core.store.workspace import Workspace
from db.queries.chain_filter import ChainFilter
from tests.made_chains import chain, say, store
from tests.tiny_models import save, tiny


@pytest.fixture
def chained(opened: Workspace) -> Workspace:
    """Four chains of two revisions, the second of them rejected, and a dataset of those that are not."""
    ids = store(opened, [chain(n, [f"first {n}", f"second {n}"]) for n in range(4)], run_uid="0" * 32)
    say(opened, ids["1/0/0"], "reject")
    datasets.freeze(opened, "kept", Recipe(filter={"run": "1"}, verdicts="not_rejected", heldout=0.0))
    return opened


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_filter_chooses_what_goes_out_and_a_dataset_what_it_froze(chained: Workspace, tmp_path: Path) -> None:
    with chained.writing() as session:
        filters.save(session, "rejected", ChainFilter(verdict="reject"))
    with chained.reading() as session:
        wanted = filters.load(session, "rejected")
    assert export_chains(chained, tmp_path / "r.jsonl", wanted, format="preference").rows == 1
    (row,) = lines(tmp_path / "r.jsonl")
    assert (row["chosen"][-1]["content"], row["rejected"][-1]["content"]) == ("second 1", "initial")
    assert export_dataset(chained, "kept", tmp_path / "d.jsonl").rows == 6
    said = [row["completion"][0]["content"] for row in lines(tmp_path / "d.jsonl")]
    assert sorted(said) == sorted(f"{which} {n}" for n in (0, 2, 3) for which in ("first", "second"))


@pytest.mark.slow
def test_trl_trains_a_step_on_the_files_as_they_are(chained: Workspace, tmp_path: Path) -> None:
    from datasets import load_dataset
    from transformers import LlamaForSequenceClassification
    from trl import RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

    export_dataset(chained, "kept", tmp_path / "sft.jsonl")
    export_chains(chained, tmp_path / "pairs.parquet", ChainFilter(), format="preference")
    common: dict[str, Any] = {
        "max_steps": 1,
        "per_device_train_batch_size": 2,
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "gradient_checkpointing": False,
    }
    cache = {"split": "train", "cache_dir": str(tmp_path / "cache")}
    model, words = tiny()
    rows = load_dataset("json", data_files=str(tmp_path / "sft.jsonl"), **cache)
    sft = SFTTrainer(
        model=model,
        args=SFTConfig(output_dir=str(tmp_path / "a"), **common),
        train_dataset=rows,
        processing_class=words,
    )
    assert sft.train().training_loss > 0
    scorer = LlamaForSequenceClassification.from_pretrained(save(tmp_path / "model"), num_labels=1)
    scorer.config.pad_token_id = words.pad_token_id
    pairs = load_dataset("parquet", data_files=str(tmp_path / "pairs.parquet"), **cache)
    reward = RewardTrainer(
        model=scorer,
        args=RewardConfig(output_dir=str(tmp_path / "b"), **common),
        train_dataset=pairs,
        processing_class=words,
    )
    assert reward.train().training_loss > 0
