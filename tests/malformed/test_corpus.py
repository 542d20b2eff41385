"""Every malformed file meets its outcome: refused whole in words, or read with the right rows set aside."""

from collections import Counter
from pathlib import Path

import pytest

from cai_core.errors import DataFileError
from cai_core.interchange.rows import Refused, read_rows
from tests.malformed.case import Case
from tests.malformed.corpus import CASES


def test_the_corpus_is_large_and_every_name_is_its_own() -> None:
    assert len(CASES) >= 60
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_malformed_file(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "rows.dat"
    if isinstance(case.make, bytes):
        path.write_bytes(case.make)
    else:
        case.make(path)
    if case.whole:
        with pytest.raises(DataFileError) as refused:
            list(read_rows(path, format=case.format))
        assert case.whole in str(refused.value)
        assert str(path) in str(refused.value) or "there is no format" in str(refused.value)
        return
    items = list(read_rows(path, format=case.format))
    aside = [item for item in items if isinstance(item, Refused)]
    assert [item.row for item in aside] == [row for row, _ in case.aside]
    for item, (_, words) in zip(aside, case.aside, strict=True):
        assert words in item.reason
    assert len(items) - len(aside) == case.usable
