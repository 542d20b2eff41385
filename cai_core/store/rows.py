"""Many rows in a fixed order, read some at a time: a run over ten thousand prompts holds a few hundred of them."""

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from cai_core.store.workspace import Workspace

T = TypeVar("T")
CHUNK = 200
"""Rows read at a time."""
Read = Callable[[Session, list[int]], Iterable[T]]
"""The nouns of these row ids, in their order."""


class Rows(Generic[T]):
    """Rows by their ids, as often as they are asked for; each time they are read anew, in sessions of their own."""

    def __init__(self, workspace: Workspace, ids: Iterable[int], read: Read[T]) -> None:
        self._workspace, self._ids, self._read = workspace, array("q", ids), read

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[T]:
        for start in range(0, len(self._ids), CHUNK):
            with self._workspace.reading() as session:
                found = list(self._read(session, self._ids[start : start + CHUNK].tolist()))
            yield from found

    def without(self, ids: Collection[int]) -> "Rows[T]":
        """All but those with these ids."""
        return Rows(self._workspace, (one for one in self._ids if one not in ids), self._read)
