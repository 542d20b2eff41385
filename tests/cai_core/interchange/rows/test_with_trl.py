"""The files that go out, as `datasets` loads them and TRL's own functions see them."""

from pathlib import Path
from typing import Any

import pytest

from cai_core.interchange.rows import Item, ReadExample, ReadPair, ReadPrompt, Style, write_rows
from cai_core.types import assistant, user

pytestmark = pytest.mark.slow
ASKED = (user("a"), assistant("b"), user("c"))
PAIR = ReadPair(1, ASKED, (assistant("d"),), (assistant("e"),))
EXAMPLE = ReadExample(1, (*ASKED, assistant("d")))


def loaded(path: Path, items: list[Item], format: str, style: Style) -> list[dict[str, Any]]:
    from datasets import load_dataset

    write_rows(path, items, format=format, style=style)
    kind = {".jsonl": "json", ".gz": "json", ".parquet": "parquet"}[path.suffix]
    rows: list[dict[str, Any]] = load_dataset(
        kind, data_files=str(path), split="train", cache_dir=str(path.parent)
    ).to_list()
    return rows


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.parquet"])
@pytest.mark.parametrize("style", list(Style))
def test_datasets_loads_them_and_trl_knows_their_type(name: str, style: Style, tmp_path: Path) -> None:
    from trl.data_utils import is_conversational, maybe_extract_prompt

    (pair, _) = loaded(tmp_path / name, [PAIR, PAIR], "preference", style)
    assert is_conversational(pair) == (style is Style.CONVERSATIONAL)
    assert maybe_extract_prompt(pair) == pair
    (example,) = loaded(tmp_path / f"e{name}", [EXAMPLE], "prompt-completion", style)
    assert is_conversational(example) == (style is Style.CONVERSATIONAL)
    (prompt,) = loaded(tmp_path / f"p{name}", [ReadPrompt(1, ASKED)], "prompt-only", style)
    assert is_conversational(prompt) == (style is Style.CONVERSATIONAL)


def test_trl_finds_the_prompt_that_hh_rlhf_implies(tmp_path: Path) -> None:
    from trl.data_utils import maybe_extract_prompt

    (row,) = loaded(tmp_path / "a.jsonl", [PAIR], "hh-rlhf", Style.STANDARD)
    parted = maybe_extract_prompt(row)
    assert parted["prompt"].rstrip() == "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant:"
    assert (parted["chosen"].strip(), parted["rejected"].strip()) == ("d", "e")
