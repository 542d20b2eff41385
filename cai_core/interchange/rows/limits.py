"""How much a file may ask of this machine. What asks for more is refused in words, and never attempted."""

HEAD = 256 * 1024
"""Bytes that are looked at to tell what a file is."""
SAMPLE = 100
"""Rows that are looked at to tell what they hold."""
MAX_LINE = 16 * 2**20
"""Bytes of one line, of one CSV record, of one value of a JSON list."""
MAX_WHOLE = 64 * 2**20
"""Bytes of a file that can only be read in one piece: one JSON object."""
MAX_DEPTH = 64
"""Lists and objects within each other."""
MAX_FIELDS = 1_000
"""Columns of a file, keys of a row."""
MAX_ROWS = 100_000_000
"""Rows that a Parquet file may claim."""
MAX_UNPACKED = 32 * 2**30
"""Bytes that a compressed file may unpack to."""
MAX_RATIO = 250
"""How many times its size a compressed file may unpack to, once it is past `RATIO_FROM`; gzip can reach 1,030."""
RATIO_FROM = 64 * 2**20


def in_words(size: int) -> str:
    """A number of bytes for people: '16 MiB'."""
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if size >= unit:
            return f"{size / unit:.0f} {name}"
    return f"{size} bytes"
