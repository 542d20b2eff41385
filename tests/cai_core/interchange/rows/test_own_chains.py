"""cai-chain: what is written is read as it was, and what does not fit is refused in words."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from cai_core.errors import DataFileError
from cai_core.interchange.rows import ReadRecord, Refused, prompt_of, read_rows, write_rows
from cai_core.interchange.rows.own_chains import COLUMNS, own_chain_fields
from tests.chain_files import as_lines, branch_of, full, records, with_inputs

DOCS = Path(__file__).parents[4] / "docs" / "cai-chain.md"


def read(content: bytes) -> list[Any]:
    return list(read_rows(content))


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(records())
def test_any_chain_comes_back_as_it_was(record: ReadRecord) -> None:
    assert read(as_lines([record])) == [record]


def test_a_file_is_known_by_its_columns_and_holds_prompts_too() -> None:
    reading = read_rows(as_lines([full(), branch_of(full())]))
    assert reading.format == "cai-chain"
    assert [prompt_of(item) for item in reading if not isinstance(item, Refused)] == [full().turns] * 2


def test_unknown_columns_are_kept() -> None:
    line = own_chain_fields(full()) | {"mood": {"good": True}}
    (found,) = read(json.dumps(line).encode())
    assert found.extra == {"colour": ["red"], "mood": {"good": True}}


def test_what_may_be_left_out_is_made_up_for() -> None:
    least = {
        "format": "cai-chain/1",
        "run": {"uid": "0" * 32},
        "prompt": {"turns": [{"role": "user", "content": "Hi"}], "kind": "helpful"},
        "response": "Hello",
        "rounds": [{"principle": {"id": "kind"}, "revision": "Hello!"}],
    }
    (found,) = read(json.dumps(least).encode())
    assert (found.chain.rounds[0].number, found.gates, found.created_at) == (1, None, None)
    assert own_chain_fields(found).keys() == set(COLUMNS) - {"gates", "created_at", "input"}


def test_an_exact_input_comes_with_the_hash_of_it_or_not_at_all() -> None:
    record = with_inputs(full())
    line = own_chain_fields(record)
    assert (line["input"], line["rounds"][1].get("revision_input")) == ("asks of s0 …", None)
    assert line["sent"] == "c922bfd3ca6d6fea"  # printf 'asks of s0 …' | sha256sum | cut -c 1-16
    assert read(json.dumps(line).encode()) == [record]
    for changed, words in (
        ({"input": "asks of s9 …"}, "sent is 'c922bfd3ca6d6fea', and the hash of its input is"),
        ({"sent": None}, "sent is null, and the hash of its input is c922bfd3ca6d6fea"),
        ({"input": 3}, "input is a number"),
    ):
        _, refused = read("\n".join(json.dumps(one) for one in (line, line | changed)).encode())
        assert isinstance(refused, Refused)
        assert words in refused.reason
    assert "input" not in own_chain_fields(full())


def test_only_json_can_hold_it(tmp_path: Path) -> None:
    for name in ("x.csv", "x.parquet"):
        with pytest.raises(DataFileError, match=r"written as \.jsonl or \.json"):
            write_rows(tmp_path / name, [full()], format="cai-chain")
    assert list(tmp_path.iterdir()) == []
    for name in ("x.json", "x.jsonl.gz"):
        assert write_rows(tmp_path / name, [full(), full()], format="cai-chain").rows == 2
        assert [item.number for item in read_rows(tmp_path / name)] == [1, 2]


def test_the_worked_example_of_the_documentation_is_a_chain() -> None:
    """It reads, it would be written as it stands, and every key of the format is explained."""
    text = DOCS.read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(\{.*?\n\})\n```", text, re.DOTALL)
    line = json.loads(example)
    (record,) = read(json.dumps(line).encode())
    assert own_chain_fields(record) == line
    assert list(line) == list(COLUMNS)
    assert all(f"`{name}`" in text for name in COLUMNS)
    (uid,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    told: dict[str, Any] = {"chain": line}
    exec(uid, told)
    assert told["uids"] == [
        line["prompt"]["uid"],
        line["rounds"][0]["principle"]["uid"],
        line["uid"],
    ]
