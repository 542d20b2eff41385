"""Importing rows like hh-rlhf's against what a notebook would do: `datasets` to read, `pandas.to_sql` to write.

Ours parses every transcript into turns, sets aside what cannot be used, finds duplicates, and makes the prompts
searchable; the other way copies two columns of text. Hence the target: at most five times as long.
"""

import gzip
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import create_engine

from cai_core.interchange.rows import read_rows
from cai_core.store.prompt_files import Wishes, import_prompts
from cai_core.store.workspace import open_workspace
from cai_core.types import PromptKind
from tests.benchmarks.large import text
from tests.benchmarks.measure import Case, seconds

ROWS = 160_000
"""About as many as hh-rlhf has in all."""
TURNS, WORDS = (1, 1, 2, 2, 3, 3, 4), 35


def cases() -> Iterator[Case]:
    """Both in one run, from one file."""
    with tempfile.TemporaryDirectory() as folder:
        file = written(Path(folder) / "rows.jsonl.gz", ROWS)
        name = f"import of {ROWS:,} rows like hh-rlhf's: datasets and pandas.to_sql"
        yield Case(
            name,
            "s",
            0.2,
            lambda: ours(file),
            lambda: theirs(file),
            larger_is_better=False,
            rounds=3,
            warm_up=0,
        )


def written(file: Path, rows: int) -> Path:
    """Pairs of transcripts that part at their last reply."""
    rng = random.Random(0)
    with gzip.open(file, "wt", encoding="utf-8", compresslevel=1) as out:
        for number in range(rows):
            turns = [f"\n\nHuman: {text(rng, WORDS)} {number}\n\nAssistant:" for _ in range(rng.choice(TURNS))]
            asked = f" {text(rng, WORDS)}".join(turns)
            row = {"chosen": f"{asked} {text(rng, WORDS)}", "rejected": f"{asked} {text(rng, WORDS)}"}
            out.write(json.dumps(row) + "\n")
    return file


def ours(file: Path) -> float:
    """Seconds into a fresh workspace."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder))
        took = seconds(lambda: import_prompts(workspace, read_rows(file), Wishes("hh", PromptKind.RED_TEAM)))
        workspace.close()
    return took


def theirs(file: Path) -> float:
    """Seconds into a fresh database."""
    with tempfile.TemporaryDirectory() as folder:
        return seconds(lambda: _by_pandas(file, Path(folder)))


def _by_pandas(file: Path, folder: Path) -> None:
    from datasets import load_dataset

    rows = load_dataset("json", data_files=str(file), split="train", cache_dir=str(folder))
    engine = create_engine(f"sqlite:///{folder / 'rows.db'}")
    rows.to_pandas().to_sql("rows", engine, index=False)
    engine.dispose()
