"""Rows of a Parquet file, a small batch in memory at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from math import isinf, isnan
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cai_core.errors import DataFileError
from cai_core.interchange.rows.limits import MAX_DEPTH, MAX_FIELDS, MAX_LINE, MAX_ROWS, MAX_UNPACKED, in_words
from cai_core.interchange.rows.nouns import Refused, Row, RowError
from cai_core.interchange.rows.sources import Source, as_it_lies, check_bomb
from cai_core.interchange.rows.values import shown, text_problem

_BATCH = 16 * 2**20
"""Bytes of a batch, by what the file says of its rows."""


def parquet_columns(source: Source) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that are read, and those that are not ('image (binary)'). `DataFileError` if it is no Parquet."""
    with _opened(source) as file:
        return _columns(file)


def parquet_rows(source: Source) -> Iterator[Row | Refused]:
    """A row a row, numbered from 1."""
    with _opened(source) as file:
        columns, _ = _columns(file)
        size = source.size
        number = out = 0
        for batch in file.iter_batches(_batch_size(file), columns=list(columns), use_threads=False):
            for place in range(batch.num_rows):
                number += 1
                try:
                    fields = {name: _plain(_python(batch.column(name)[place], name)) for name in columns}
                except RowError as error:
                    yield Refused(number, str(error))
                    continue
                out += sum(len(value) for value in fields.values() if isinstance(value, str))
                check_bomb(out, size, source.name)
                yield Row(number, fields)


@contextmanager
def _opened(source: Source) -> Iterator[pq.ParquetFile]:
    try:
        with as_it_lies(source) as stream:
            schema = pq.read_schema(stream)
            stream.seek(0)
            # Repeated texts stay one text in memory: a batch cannot be blown up by a small dictionary.
            texts = [field.name for field in schema if _is_text(field.type)]
            file = pq.ParquetFile(stream, read_dictionary=texts)
            _check(file, source.name)
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        why = (str(error) or type(error).__name__).strip().splitlines()[0].rstrip(".")
        raise DataFileError(f"{source.name} cannot be read as Parquet: {why}. Fetch or write it again.") from None


def _check(file: pq.ParquetFile, name: str) -> None:
    facts = file.metadata
    if facts.num_rows > MAX_ROWS:
        raise DataFileError(f"{name} claims {facts.num_rows:,} rows; at most {MAX_ROWS:,} are read. Split it.")
    size = sum(facts.row_group(group).total_byte_size for group in range(facts.num_row_groups))
    if size > MAX_UNPACKED:
        raise DataFileError(f"{name} unpacks to more than {in_words(MAX_UNPACKED)}. Split it.")
    if len(file.schema_arrow) > MAX_FIELDS:
        raise DataFileError(f"{name} has {len(file.schema_arrow):,} columns; at most {MAX_FIELDS:,} are read.")


def _batch_size(file: pq.ParquetFile) -> int:
    facts = file.metadata
    size = sum(facts.row_group(group).total_byte_size for group in range(facts.num_row_groups))
    rows: int = _BATCH * max(facts.num_rows, 1) // max(size, 1)
    return max(1, min(1_024, rows))


def _columns(file: pq.ParquetFile) -> tuple[tuple[str, ...], tuple[str, ...]]:
    schema = file.schema_arrow
    names = schema.names
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise pa.ArrowInvalid(f"it has two columns named {shown(twice)}")
    read = tuple(field.name for field in schema if _is_plain(field.type))
    return read, tuple(f"{field.name} ({field.type})" for field in schema if field.name not in read)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_plain(kind: pa.DataType, depth: int = 0) -> bool:
    """Whether JSON can say values of this type."""
    if depth > MAX_DEPTH:
        return False
    if pa.types.is_dictionary(kind):
        return _is_plain(kind.value_type, depth + 1)
    if pa.types.is_struct(kind):
        return all(_is_plain(kind.field(place).type, depth + 1) for place in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _is_plain(kind.value_type, depth + 1)
    simple = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_null, pa.types.is_decimal)
    return _is_text(kind) or any(fits(kind) for fits in (*simple, pa.types.is_date, pa.types.is_timestamp))


def _python(cell: pa.Scalar, column: str) -> Any:
    try:
        return cell.as_py()
    except (ValueError, OverflowError):
        raise RowError(f"{column} cannot be read") from None


def _plain(value: Any) -> Any:
    """The value as JSON says it; NaN, which tables use for 'missing', is null."""
    if isinstance(value, str):
        if len(value) > MAX_LINE:
            raise RowError(f"a text longer than {in_words(MAX_LINE)}")
        if problem := "\x00" in value and text_problem(value):
            raise RowError(f"a text {problem}")
        return value
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, float):
        if isinf(value):
            raise RowError("a number is infinite")
        return None if isnan(value) else value
    return str(value) if isinstance(value, Decimal | datetime | date | time) else value
