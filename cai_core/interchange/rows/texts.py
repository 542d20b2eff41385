"""Lines of UTF-8 text, one at a time and bounded; any other encoding is named and refused."""

import codecs
import io
from collections.abc import Iterator

from cai_core.errors import DataFileError
from cai_core.interchange.rows.limits import MAX_LINE

_BOMS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_SAVE = "Save it as UTF-8 and try again."


def head_text(head: bytes, name: str) -> str:
    """The first bytes as text, without a byte order mark; a character that is cut at the end is left out."""
    _refuse_encoding(head, name)
    mark = marks(head)
    return decoded(head[mark:], name, 1, mark, final=False)[0]


def lines(stream: io.BufferedReader, name: str) -> Iterator[tuple[int, str | None]]:
    """Each line with its number from 1 and its end; None for one that is longer than `MAX_LINE`.

    Nothing else ends a line: JSON strings and quoted cells may hold the other separators. `DataFileError` for bytes
    that are not UTF-8.
    """
    number, at = 0, 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        length = len(line)
        if length > MAX_LINE and not line.endswith(b"\n"):
            yield number, None
            at += length + _skip(stream)
            continue
        if number == 1:
            line = line[marks(line) :]
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text, _ = decoded(line, name, number, at + length - len(line), final=True)
        yield number, text
        at += length


def marks(data: bytes) -> int:
    """Bytes of the byte order marks that a file begins with; one that was saved and saved again may have two."""
    at = 0
    while data.startswith(codecs.BOM_UTF8, at):
        at += len(codecs.BOM_UTF8)
    return at


def _skip(stream: io.BufferedReader) -> int:
    """Past the rest of a line; how many bytes that was."""
    count = 0
    while piece := stream.readline(1 << 20):
        count += len(piece)
        if piece.endswith(b"\n"):
            break
    return count


def decoded(data: bytes, name: str, line: int, at: int, *, final: bool) -> tuple[str, int]:
    """The text of `data`, which begins in `line` after `at` bytes, and how many bytes that was.

    All of them if `final`, else a character cut at the end is left. `DataFileError` for what is not UTF-8.
    """
    try:
        return codecs.utf_8_decode(data, "strict", final)
    except UnicodeDecodeError as error:
        line += data.count(b"\n", 0, error.start)
        place = f"at byte {at + error.start + 1:,} (line {line})"
        raise DataFileError(f"{name} is not UTF-8 text: {_byte(data[error.start])} {place}. {_SAVE}") from None


def _byte(byte: int) -> str:
    """A byte that is not UTF-8, and what it likely is."""
    is_letter = byte >= 0xC0 or byte in (0x85, 0x91, 0x92, 0x93, 0x94, 0x96, 0x97, 0xA0, 0xB0, 0xB4)
    return f"0x{byte:02X} (as in Windows-1252 or Latin-1)" if is_letter else f"0x{byte:02X}"


def _refuse_encoding(head: bytes, name: str) -> None:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            raise DataFileError(f"{name} is {encoding} text, not UTF-8 (byte 1, line 1). {_SAVE}")
    nuls = head.count(0)
    if nuls * 5 <= len(head):
        return
    even, odd = head[::2].count(0), head[1::2].count(0)
    if nuls < len(head) * 0.9 and max(even, odd) > 20 * min(even, odd):
        at = head.index(0)
        raise DataFileError(f"{name} looks like UTF-16 text, not UTF-8 (a NUL at byte {at + 1}, line 1). {_SAVE}")
    raise DataFileError(
        f"{name} holds bytes that are no text (a NUL at byte {head.index(0) + 1}). Name a file of rows: JSON Lines, a "
        "JSON list, CSV, Parquet or plain lines."
    )
