"""Files that come into being whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cai_core.errors import DataFileError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside its place, moved there when it is whole: killed half way, or failing, what stood there stands.

    `DataFileError` where the disk will not have it.
    """
    path = path.resolve()
    try:
        with _beside(path) as file:
            yield file
    except OSError as error:
        raise DataFileError(
            f"{path} cannot be written: {error.strerror or error}. Nothing was changed. Name a file in a folder that "
            "you may write to, on a disk with room."
        ) from None


@contextmanager
def _beside(path: Path) -> Iterator[BinaryIO]:
    if path.is_dir():
        raise IsADirectoryError(None, "it is a folder")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}.", suffix=".part")
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
