"""Rows read some at a time: in order, again and again, and never more than asked for."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.store import prompts
from cai_core.store.rows import CHUNK, Rows
from cai_core.store.workspace import Workspace
from db.schema import PromptRow


def test_all_rows_come_in_order_as_often_as_asked(opened: Workspace) -> None:
    with opened.reading() as session:
        ids = list(session.scalars(select(PromptRow.id).order_by(PromptRow.uid).limit(2 * CHUNK + 7)))
    assert len(ids) == 2 * CHUNK + 7
    rows = Rows(opened, ids, prompts.read)
    assert len(rows) == len(ids)
    for _ in range(2):
        assert [row_id for row_id, _ in rows] == ids
    assert [prompt.uid for _, prompt in rows] == sorted(prompt.uid for _, prompt in rows)
    left = rows.without(set(ids[::2]))
    assert [row_id for row_id, _ in left] == ids[1::2]
    assert not Rows(opened, [], prompts.read)


def test_no_more_is_read_than_is_taken(opened: Workspace) -> None:
    read: list[int] = []

    def note(_session: Session, ids: list[int]) -> list[int]:
        read.extend(ids)
        return ids

    ahead = iter(Rows(opened, range(10 * CHUNK), note))
    assert next(ahead) == 0
    assert read == list(range(CHUNK))
    assert [next(ahead) for _ in range(CHUNK)] == list(range(1, CHUNK + 1))
    assert len(read) == 2 * CHUNK
