"""Rows as JSON, NDJSON, CSV or Parquet, piece by piece, so that memory does not grow with the table."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from salus.analytics.views.columns import as_text
from salus.analytics.views.view import View

Row = tuple[Any, ...]
Batches = Iterable[list[Row]]
GROUP = 50_000  # rows of a row group in Parquet


class Format(NamedTuple):
    """`media`: its media type; `write` makes bytes of rows."""

    media: str
    write: Callable[[View, Batches], Iterator[bytes]]


def as_ndjson(view: View, batches: Batches) -> Iterator[bytes]:
    for batch in batches:
        if batch:
            yield b"\n".join(objects(view, batch)) + b"\n"


def as_json(view: View, batches: Batches) -> Iterator[bytes]:
    before = b"["
    for batch in batches:
        if batch:
            yield before + b",".join(objects(view, batch))
            before = b","
    yield b"]" if before == b"," else b"[]"


def objects(view: View, batch: list[Row]) -> Iterator[bytes]:
    names = view.names
    return (orjson.dumps(dict(zip(names, row, strict=True))) for row in batch)


def as_csv(view: View, batches: Batches) -> Iterator[bytes]:
    """RFC 4180 in UTF-8 with a header; what has no value is empty, a list is JSON. https://www.rfc-editor.org/rfc/rfc4180"""
    yield lines([view.names])
    for batch in batches:
        if batch:
            yield lines([as_text(value) for value in row] for row in batch)


def lines(rows: Iterable[Iterable[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def as_parquet(view: View, batches: Batches) -> Iterator[bytes]:
    """Typed as the columns are, compressed with zstd. https://parquet.apache.org/docs/file-format/"""
    pipe = Pipe()
    with pq.ParquetWriter(pa.PythonFile(pipe, mode="w"), view.schema, compression="zstd") as writer:
        for group in grouped(batches):
            writer.write_table(view.table(group))
            yield pipe.taken()
    yield pipe.taken()


def of_table(table: pa.Table, format: str) -> bytes:
    """A table of any making, whole, as one of `FORMATS`."""
    if format == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        return bytes(sink.getvalue())
    rows = table.to_pylist()
    if format == "csv":
        told = ([cell(value) for value in row.values()] for row in rows)
        return lines([table.column_names]) + lines(told)
    if format == "json":
        return orjson.dumps(rows, default=str)
    return b"".join(orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def cell(value: Any) -> str | None:
    """
    >>> cell(None), cell(True), cell([1, "a"]), cell(2.50)
    (None, 'true', '[1,"a"]', '2.5')
    """
    is_plain = isinstance(value, bool | int | float | list | dict)
    return value if value is None else as_text(value) if is_plain else str(value)


def grouped(batches: Batches) -> Iterator[list[Row]]:
    """Batches of `GROUP` rows or more, the last of what is left."""
    waiting: list[Row] = []
    for batch in batches:
        waiting += batch
        if len(waiting) >= GROUP:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


class Pipe(io.RawIOBase):
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._count = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        self._count += len(data)
        return len(data)

    def tell(self) -> int:
        return self._count

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


FORMATS: dict[str, Format] = {
    "json": Format("application/json", as_json),
    "ndjson": Format("application/x-ndjson", as_ndjson),
    "csv": Format("text/csv; charset=utf-8", as_csv),
    "parquet": Format("application/vnd.apache.parquet", as_parquet),
}
