"""Files whose bytes are the trouble: of another kind, broken gzip, other encodings."""

import gzip
import zlib
from pathlib import Path

from tests.malformed.case import GOOD, OK, Case, jsonl
from tests.malformed.tables import PLAIN_PARQUET


def only_a_hole(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


def bomb(unit: bytes, times: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(unit) for _ in range(times)) + packer.flush()


PACKED = gzip.compress(jsonl(*[{"prompt": f"Number {n}?"} for n in range(2_000)]), mtime=0)
WRONG_SUM = PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:]

BYTES = [
    Case("empty", b"", "is empty"),
    Case("only white space", b" \n\t\r\n \n", "is empty"),
    Case("only a mark", b"\xef\xbb\xbf", "is empty"),
    Case("a hole of a gigabyte", only_a_hole, "no text (a NUL at byte 1)"),
    Case("white space without end", b"\n" * 300_000 + jsonl(OK), "begins with 256 KiB of nothing"),
    Case("old Mac line ends", b"one\rtwo\rthree\r", "CR alone"),
    Case("noise", bytes(range(256)) * 40, "is not UTF-8"),
    Case("zip", b"PK\x03\x04" + b"\0" * 60, "a zip archive"),
    Case("xz", b"\xfd7zXZ\x00" + b"\0" * 60, "compressed with xz"),
    Case("zstd", b"\x28\xb5\x2f\xfd" + b"\1" * 60, "compressed with zstd"),
    Case("bzip2", b"BZh9" + b"1" * 60, "compressed with bzip2"),
    Case("SQLite", b"SQLite format 3\x00" + b"\0" * 60, "an SQLite database"),
    Case("PDF", b"%PDF-1.7\n", "a PDF"),
    Case("pickle", b"\x80\x04\x95" + b"\0" * 60, "a Python pickle"),
    Case("tar", b"a" * 257 + b"ustar" + b"0" * 250, "a tar archive"),
]
GZIPS = [
    Case("gzip of nothing", gzip.compress(b""), "is empty"),
    Case("gzip cut in its head", PACKED[:6], "ends before its gzip does"),
    Case("gzip cut in the middle", PACKED[: len(PACKED) // 2], "ends before its gzip does"),
    Case("gzip cut in its tail", PACKED[:-3], "ends before its gzip does"),
    Case("gzip with a wrong sum", WRONG_SUM, "damaged within its gzip"),
    Case("gzip with a flipped byte", PACKED[:200] + bytes([PACKED[200] ^ 255]) + PACKED[201:], "gzip"),
    Case("gzip with something after it", PACKED + b"more", "damaged within its gzip"),
    Case("gzip of two members", gzip.compress(jsonl(OK)) + gzip.compress(jsonl(OK)), usable=2),
    Case("gzip within gzip", gzip.compress(PACKED), "gzip within gzip"),
    Case("gzip of Parquet", gzip.compress(PLAIN_PARQUET), "Parquet within gzip"),
    Case("gzip bomb of rows", bomb(jsonl({"prompt": "a" * (1 << 20)}), 90), "more than 250 times its size"),
    Case("gzip bomb of one line", bomb(b'{"prompt": "' + b"a" * (1 << 20), 90), "more than 250 times its size"),
    Case(
        "gzip bomb of blank lines",
        gzip.compress(jsonl(OK)) + bomb((b" " * 1_023 + b"\n") * 1_024, 90),
        "more than 250 times",
    ),
]
ENCODINGS = [
    Case("UTF-16 with its mark", "\ufeff".encode("utf-16-le") + GOOD.encode("utf-16-le"), "UTF-16"),
    Case("UTF-16 without", (GOOD + "\n").encode("utf-16-le"), "looks like UTF-16"),
    Case("UTF-16, big end first", b"\xfe\xff" + GOOD.encode("utf-16-be"), "UTF-16"),
    Case("UTF-32", b"\xff\xfe\0\0" + GOOD.encode("utf-32-le"), "UTF-32"),
    Case(
        "Windows-1252",
        '{"prompt": "Caf\xe9?"}\n'.encode("cp1252"),
        "0xE9 (as in Windows-1252 or Latin-1) at byte 16 (line 1)",
    ),
    Case("two encodings", jsonl(OK, OK) + '{"prompt": "\xfcber"}\n'.encode("latin-1"), "at byte 55 (line 3)"),
    Case("two encodings, far on", jsonl(*[OK] * 20_000) + b"\xe9\n", "at byte 420,001 (line 20001)"),
    Case("two encodings in a JSON list", f"[{GOOD},\n{GOOD},\n".encode() + b'{"prompt": "\xe9"}]', "(line 3)"),
    Case("two encodings in a list, far on", f"[{f'{GOOD},' * 20_000}\n".encode() + b'"\xe9"]', "(line 2)"),
    Case("two encodings in a CSV", b"prompt,topic\na,b\nc,\xe9\n", "at byte 20 (line 3)"),
    Case("a character cut at the end", jsonl(OK) + "é".encode()[:1], "is not UTF-8"),
    Case("UTF-8 with its mark", b"\xef\xbb\xbf" + jsonl(OK), usable=1),
    Case("CSV with its mark", b"\xef\xbb\xbfprompt,topic\na,b\n", usable=1),
    Case("a JSON list with its mark", b"\xef\xbb\xbf[" + GOOD.encode() + b"]", usable=1),
    Case("two marks", b"\xef\xbb\xbf" * 2 + jsonl(OK, OK), usable=2),
    Case("a mark in the middle", jsonl(OK) + b"\xef\xbb\xbf" + jsonl(OK), usable=1, aside=((2, "not JSON"),)),
    Case("a surrogate as UTF-8", jsonl(OK) + b'{"prompt": "\xed\xa0\x80"}\n', "is not UTF-8"),
    Case("overlong UTF-8", jsonl(OK) + b'{"prompt": "\xc0\xaf"}\n', "0xC0"),
]
