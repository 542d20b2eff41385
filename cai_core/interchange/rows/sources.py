"""A file's bytes: plain or gzip, from a disk or from memory, opened anew for each reading and never changed."""

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cai_core.errors import DataFileError
from cai_core.interchange.rows.limits import MAX_RATIO, MAX_UNPACKED, RATIO_FROM, in_words

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

GZIP = b"\x1f\x8b"
_FOREIGN = (
    (b"PK\x03\x04", "a zip archive (or .xlsx)"),
    (b"PK\x05\x06", "a zip archive"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"%PDF-", "a PDF"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"\x80\x05\x95", "a Python pickle"),
    (b"\x7fELF", "a program"),
)
_REMEDY = "Save the rows as JSON Lines, a JSON list, CSV, Parquet or plain lines, as they are or with gzip."


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from."""

    name: str
    """What errors call it."""
    content: Path | bytes

    @property
    def size(self) -> int:
        """In bytes, as it lies there."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


def source_of(content: str | Path | bytes, name: str = "") -> Source:
    """A file by its path, or its bytes; `DataFileError` where there is no file, or something that is none."""
    if isinstance(content, bytes):
        return Source(name or "the file", content)
    path = Path(content)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise DataFileError(f"{path} cannot be read: {_why(error)}. Name a file of rows.") from None
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no ordinary file"
        raise DataFileError(f"{path} is {what}. Name a file of rows.")
    return Source(name or str(path), path)


@contextmanager
def as_it_lies(source: Source) -> Iterator[BinaryIO]:
    """The bytes as they are, gzip left packed; what the disk has against it is a `DataFileError`."""
    if isinstance(source.content, bytes):
        yield io.BytesIO(source.content)
        return
    try:
        file = source.content.open("rb")
    except OSError as error:
        raise DataFileError(f"{source.name} cannot be read: {_why(error)}. Check its permissions.") from None
    with file:
        yield file


@contextmanager
def unpacked(source: Source) -> Iterator[io.BufferedReader]:
    """The bytes, out of gzip where they were in it; broken gzip and bombs are `DataFileError`s as they are met."""
    with as_it_lies(source) as file:
        packed = file.read(2) == GZIP
        file.seek(0)
        raw = _Unpacked(file, source.name) if packed else _Plain(file, source.name)
        yield io.BufferedReader(raw, 1 << 20)


def is_gzip(source: Source) -> bool:
    """Whether the bytes are packed with gzip."""
    with as_it_lies(source) as file:
        return file.read(2) == GZIP


def refuse_foreign(head: bytes, name: str) -> None:
    """`DataFileError` where the first bytes are those of a file that holds no rows of text."""
    if head.startswith(GZIP):
        raise DataFileError(f"{name} is gzip within gzip. Unpack it once and try again.")
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise DataFileError(f"{name} is {what}, not a file of rows. {_REMEDY}")
    if head[257:262] == b"ustar":
        raise DataFileError(f"{name} is a tar archive, not a file of rows. Unpack it and name a file in it.")


class _Plain(io.RawIOBase):
    """Bytes as they lie."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        data = self._read(len(view))
        view[: len(data)] = data
        return len(data)

    def _read(self, most: int) -> bytes:
        try:
            return self._file.read(most)
        except OSError as error:
            raise DataFileError(f"{self._name} cannot be read: {_why(error)}.") from None


class _Unpacked(_Plain):
    """Bytes out of gzip, counted."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        super().__init__(file, name)
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self._gzip = gzip.GzipFile(fileobj=file)
        self._out = 0

    def _read(self, most: int) -> bytes:
        try:
            data = self._gzip.read(most)
        except EOFError:
            raise DataFileError(f"{self._name} ends before its gzip does: it was cut off. Fetch it again.") from None
        except (zlib.error, gzip.BadGzipFile):
            raise DataFileError(f"{self._name} is damaged within its gzip. Fetch it again.") from None
        except OSError as error:
            raise DataFileError(f"{self._name} cannot be read: {_why(error)}.") from None
        self._out += len(data)
        check_bomb(self._out, min(self._file.tell(), self._size), self._name)
        return data


def check_bomb(out: int, read: int, name: str) -> None:
    """`DataFileError` where `out` bytes came from `read`, and that is more than a file of rows gives."""
    if out > MAX_UNPACKED:
        raise DataFileError(f"{name} unpacks to more than {in_words(MAX_UNPACKED)}. Split it.")
    if out > RATIO_FROM and out > MAX_RATIO * max(read, 1):
        raise DataFileError(
            f"{name} unpacks to more than {MAX_RATIO} times its size, as rows of text do not. Unpack it yourself if "
            "you trust it."
        )


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
