"""A connection to PostgreSQL with the words of `engines.shapes`. Driver: psycopg 3.

https://www.psycopg.org/psycopg3/docs/
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.bool import BoolDumper
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper

from salus.records import dialect, faults
from salus.records.engines import guards
from salus.records.engines.arrays import WAYS
from salus.records.engines.pouring import poured
from salus.records.engines.shapes import Statement
from salus.records.engines.translation import Batch, batch, translated
from salus.records.ids import packed_bytes, text_bytes

LONGEST = 600  # characters of a text that an index has: at most 2,400 bytes of the 2,704 that fit
NARROW = 300  # rows that a walk through a large answer fetches at a time
SETTINGS = {
    "lock_timeout": f"{faults.PATIENCE * 1000:.0f}",
    "jit": "off",  # its 50 ms are for statements that take seconds
    "random_page_cost": "1.1",
    "client_min_messages": "warning",
}
PREPARED = 1000  # statements that are kept prepared on a connection


class Connection:
    """A connection of psycopg's, with the words of `engines.shapes`."""

    local = False
    longest = LONGEST
    packed = staticmethod(packed_bytes)

    def __init__(self, conninfo: str, schema: str, folder: Path, read_only: bool) -> None:
        named = {"search_path": schema, "application_name": f"salus/{schema}"[:63]}
        settings = {**SETTINGS, **named, "default_transaction_read_only": "on" if read_only else "off"}
        self._connection = psycopg.connect(
            conninfo, autocommit=True, cursor_factory=psycopg.RawCursor, prepare_threshold=2
        )
        # not as `options` of the connection, which a pool between (pgbouncer) refuses
        self._connection.execute("; ".join(f"SET {name} = '{value}'" for name, value in settings.items()).encode())
        self._connection.prepared_max = PREPARED
        for dumper in (Int8Dumper, Int8BinaryDumper):  # one type for all numbers: one plan, however large they are
            self._connection.adapters.register_dumper(int, dumper)
        self._connection.adapters.register_dumper(bool, BoolDumper)
        self._lock = int.from_bytes(hashlib.sha256(schema.encode()).digest()[:8], "big", signed=True)
        self._types: dict[str, dict[str, str]] = {}
        self._walks = count()
        self.folder = folder
        self.dialect = POSTGRES

    @staticmethod
    def plain(text: str) -> bytes:
        return text_bytes(short(text))

    @property
    def in_transaction(self) -> bool:
        return self._connection.info.transaction_status != TransactionStatus.IDLE

    @property
    def broken(self) -> bool:
        return self._connection.broken or self._connection.closed

    def execute(self, sql: str, arguments: Sequence[Any] = (), /) -> "psycopg.Cursor[Any]":
        if not arguments:
            return self._connection.execute(translated(sql), binary=not sql.startswith(PLAIN))
        return self._connection.execute(translated(sql), bound(sql, arguments), binary=True)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> None:
        found, made = batch(sql), list(rows)
        if not made:
            return
        if found is None:
            self._connection.cursor().executemany(translated(sql), [bound(sql, row) for row in made])
            return
        self._at_once(found, sql, made)

    def pour(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """https://www.postgresql.org/docs/current/sql-copy.html"""
        found = self._types_of(Batch(table, tuple(columns), "", ""))
        with self._connection.cursor().copy(f"COPY {table}({', '.join(columns)}) FROM STDIN") as copy:
            copy.write(poured(found, rows))

    def fitting(self, table: str) -> Callable[[Any], Any]:
        cut = short if table in CUT else str
        return lambda value: cut(value.replace("\0", "\ufffd")) if isinstance(value, str) else value

    def write(self, statements: Sequence[Statement], breathe: Callable[[], None], /) -> None:
        """All in one statement. To ask of each row whether it is there already costs as much again as to insert it, and
        hardly ever one is: so that is only asked when it was so."""
        wanted = [(found, sql, rows) for sql, rows in statements if rows and (found := batch(sql))]
        if not wanted:
            return
        for found, _, _ in wanted:
            self._types_of(found)
        try:
            with self._connection.pipeline():
                self._connection.execute("SAVEPOINT new")
                self._put_new(wanted)
                self._connection.execute("RELEASE new")
        except psycopg.errors.UniqueViolation:
            self._connection.execute("ROLLBACK TO new")
            for found, sql, rows in wanted:
                self._at_once(found, sql, rows)
            self._connection.execute("RELEASE new")

    def _put_new(self, wanted: Iterable[tuple[Batch, str, list[Any]]]) -> None:
        parts: list[str] = []
        arrays: list[object] = []
        for found, sql, rows in wanted:
            if found.after.endswith(UNLESS):
                found, rows = replace(found, after=found.after.removesuffix(UNLESS)), list(dict.fromkeys(rows))
            part, given = self._unnested(found, sql, rows, len(arrays) + 1)
            parts.append(part)
            arrays += given
        *before, last = parts
        together = ", ".join([f"w{n} AS ({part})" for n, part in enumerate(before)])
        self._connection.execute(f"WITH {together} {last}" if before else last, arrays, prepare=True, binary=True)

    def each(self, sql: str, rows: Sequence[Sequence[Any]], /) -> list[Any]:
        found, lines = batch(sql), [None] * len(rows)
        assert found, sql
        if rows:
            for place, *line in self._at_once(found, sql, rows):
                lines[place - 1] = line
        return lines

    def _at_once(self, found: Batch, sql: str, rows: Sequence[Sequence[Any]]) -> "psycopg.Cursor[Any]":
        statement, arrays = self._unnested(found, sql, rows, 1)
        return self._connection.execute(statement, arrays, prepare=True, binary=True)

    def _unnested(self, found: Batch, sql: str, rows: Sequence[Sequence[Any]], first: int) -> tuple[str, list[object]]:
        """A statement for many rows, its arguments numbered from `first` on, and these."""
        types = self._types_of(found)
        marks = ", ".join([f"${n}::{type}[]" for n, type in enumerate(types, first)])
        columns = zip(*(bound(sql, row) for row in rows), strict=True)
        arrays = [WAYS[type](column) for type, column in zip(types, columns, strict=True)]
        return f"{found.before}unnest({marks}){found.after}", arrays

    def _types_of(self, found: Batch) -> list[str]:
        known = self._types.get(found.table)
        if known is None:
            known = self._types[found.table] = dict(self._connection.execute(COLUMNS, (found.table,)).fetchall())
        return [known[name] for name in found.columns or known]

    def stream(self, sql: str, arguments: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of an answer that may be large, some at a time. Most are small: those come in one piece."""
        first = self.execute(f"SELECT * FROM ({sql}) walked LIMIT {NARROW}", arguments).fetchall()
        if len(first) < NARROW:
            yield from first
            return
        if not self.in_transaction:
            yield from self.execute(sql, arguments)
            return
        name = f"walk{next(self._walks)}"
        self.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}", arguments)
        try:
            while rows := self._connection.execute(f"FETCH {NARROW} FROM {name}", binary=True).fetchall():
                yield from rows
                if len(rows) < NARROW:
                    return
        finally:
            if self._connection.info.transaction_status == TransactionStatus.INTRANS:
                self._connection.execute(f"CLOSE {name}")

    def begin_writing(self) -> None:
        self._connection.execute(f"BEGIN; SELECT pg_advisory_xact_lock({self._lock})")

    def begin_reading(self) -> None:
        self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def hurry(self, seconds: float | None) -> None:
        """It is not local."""

    def has_table(self, name: str) -> bool:
        return self.execute("SELECT to_regclass(?)", (name,)).fetchone() != (None,)

    def flaws(self) -> Iterable[str]:
        """PostgreSQL has tools of its own for that (pg_amcheck, pg_checksums)."""
        return ()

    def close(self) -> None:
        self._connection.close()


UNLESS = " ON CONFLICT DO NOTHING"
PLAIN = ("COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "CREATE", "ALTER", "BEGIN", "VACUUM")
CUT = ("code", "bunch", "string", "resource")
INDEXED = re.compile(r"\b(?:FROM|INTO|JOIN) (?:code|bunch|string)\b")  # by a text that may be of any length
COLUMNS = (
    "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute "
    "WHERE attrelid=$1::regclass AND attnum>0 AND NOT attisdropped ORDER BY attnum"
)


def bound(sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
    """The arguments as the columns have them: no NUL in texts, and no text longer than an index can hold."""
    if any(isinstance(one, str) and (len(one) > LONGEST or "\0" in one) for one in arguments):
        cut = short if INDEXED.search(sql) else str
        return [cut(one.replace("\0", "\ufffd")) if isinstance(one, str) else one for one in arguments]
    return arguments


def short(text: str) -> str:
    """A text that an index can hold: of a longer one its beginning, and its hash in the place of the rest."""
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - 65]}#{hashlib.sha256(text.encode()).hexdigest()}"


def streamed(connection: Any, sql: str, arguments: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    found: Iterator[tuple[Any, ...]] = connection.stream(sql, arguments)
    return found


def folder_of(connection: Any) -> Path | None:
    found: Path = connection.folder
    return found


POSTGRES = dialect.Dialect(
    unindexed="({}+0)",
    hexed="encode({}, 'hex')",
    contains="strpos({}, ?)>0",
    along="JOIN",
    by_row={"dates": " ", "quantity": " "},  # it finds the index by itself
    folder=folder_of,
    stream=streamed,
    guards=guards.POSTGRES,
)
