"""Locks between processes on files of a workspace; the system lets go of them when a process dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cai_core.errors import WorkspaceError


class SharedLock:
    """Says 'in use' for as long as it lives."""

    def __init__(self, path: Path) -> None:
        self._fd: int | None = None
        self._fd = _open(path)
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def close(self) -> None:
        """Let go; again does nothing."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __del__(self) -> None:
        self.close()


@contextmanager
def exclusive(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock alone; yields False at once if `wait` is off and somebody else holds it."""
    fd = _open(path)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(fd)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise WorkspaceError(
            f"{path} cannot be opened: {error.strerror}. A workspace is a folder whose files you may write; name "
            "another with --workspace, or change its owner."
        ) from None
