"""PostgreSQL: a schema of a database. Driver: psycopg 3. https://www.psycopg.org/psycopg3/docs/

A store is one schema, so that several (a ward's, a tenant's, a test's) may share a database without seeing each other.
Writers of several processes take turns by an advisory lock that belongs to the writing transaction: it is let go when
that ends, however it ends, and who waits is woken. https://www.postgresql.org/docs/current/explicit-locking.html
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.types.bool import BoolDumper
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper

from salus.base.errors import Busy, Conflict, Damaged, Full, Invalid, Missing, SalusError, Unsupported
from salus.records import dialect, faults
from salus.records.engines.arrays import WAYS
from salus.records.engines.pouring import poured
from salus.records.engines.shapes import Statement
from salus.records.engines.translation import Batch, batch, translated
from salus.records.ids import packed_bytes, text_bytes

SCHEMA = "salus"
OURS = ("schema", "folder")
LAWFUL = re.compile(r"[a-z_][a-z0-9_]{0,62}").fullmatch
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
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._connection = psycopg.connect(
            conninfo, autocommit=True, options=options, cursor_factory=psycopg.RawCursor, prepare_threshold=2
        )
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
        """All in one journey. To ask of each row whether it is there already costs as much again as to insert it, and
        hardly ever one is: so that is only asked when it was so."""
        wanted = [(found, sql, rows) for sql, rows in statements if rows and (found := batch(sql))]
        for found, _, _ in wanted:
            self._types_of(found)
        try:
            with self._connection.pipeline():
                self._connection.execute("SAVEPOINT new")
                for found, sql, rows in wanted:
                    self._put_new(found, sql, rows)
                self._connection.execute("RELEASE new")
        except psycopg.errors.UniqueViolation:
            self._connection.execute("ROLLBACK TO new")
            for found, sql, rows in wanted:
                self._at_once(found, sql, rows)
            self._connection.execute("RELEASE new")

    def _put_new(self, found: Batch, sql: str, rows: list[Any]) -> None:
        if found.after.endswith(UNLESS):
            found, rows = replace(found, after=found.after.removesuffix(UNLESS)), list(dict.fromkeys(rows))
        self._at_once(found, sql, rows)

    def each(self, sql: str, rows: Sequence[Sequence[Any]], /) -> list[Any]:
        found, lines = batch(sql), [None] * len(rows)
        assert found, sql
        if rows:
            for place, *line in self._at_once(found, sql, rows):
                lines[place - 1] = line
        return lines

    def _at_once(self, found: Batch, sql: str, rows: Sequence[Sequence[Any]]) -> "psycopg.Cursor[Any]":
        types = self._types_of(found)
        marks = ", ".join(f"${n}::{type}[]" for n, type in enumerate(types, 1))
        columns = zip(*(bound(sql, row) for row in rows), strict=True)
        arrays = [WAYS[type](column) for type, column in zip(types, columns, strict=True)]
        return self._connection.execute(
            f"{found.before}unnest({marks}){found.after}", arrays, prepare=True, binary=True
        )

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
TABLES = "SELECT tablename::text FROM pg_tables WHERE schemaname=?"
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
)


class OpenGate:
    """Nobody is kept out here: the lock comes with the writing transaction."""

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        """Nothing is held."""


class Postgres:
    """A store in a schema of a database: `postgresql://user@host/database?schema=salus&folder=var`.

    `schema` and `folder` (where its companions in files of their own stand) are ours, the rest of the URL is libpq's:
    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query)
        self.schema = dict(pairs).get("schema", SCHEMA)
        if not LAWFUL(self.schema):
            raise Invalid(f"schema={self.schema[:80]}: use a-z, 0-9 and _, at most 63", path="store")
        query = urlencode([(name, value) for name, value in pairs if name not in OURS])
        self._conninfo = urlunsplit(("postgresql", parts.netloc, parts.path, query, ""))
        self.name = f"{parts.path.strip('/') or 'database'}-{self.schema}"
        self._place = urlunsplit((*("postgresql", parts.netloc.rpartition("@")[2], parts.path), "", ""))
        self.folder = Path(dict(pairs).get("folder", "var"))

    def __str__(self) -> str:
        return f"{self._place}?schema={self.schema}"

    @property
    def path(self) -> Path:
        raise Unsupported(
            "A store in PostgreSQL lies in no file: back it up by pg_dump or pg_basebackup, see docs/how-to/scale.md"
        )

    def beside(self, ending: str) -> Path:
        return self.folder / f"{self.name}{ending}"

    def check_whole(self) -> None:
        """PostgreSQL looks after that itself."""

    def founder(self) -> Connection:
        self.folder.mkdir(parents=True, exist_ok=True)
        connection = self.writer()
        if not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname=?", (self.schema,)).fetchone():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {self.schema}")
        return connection

    def writer(self) -> Connection:
        return Connection(self._conninfo, self.schema, self.folder, read_only=False)

    def reader(self) -> Connection:
        return Connection(self._conninfo, self.schema, self.folder, read_only=True)

    def looker(self) -> Connection:
        connection = self.reader()
        if not connection.has_table("meta"):
            connection.close()
            raise Missing(f"There is no store at {self}: say where it is with --store")
        return connection

    def scrub(self) -> None:
        """https://www.postgresql.org/docs/current/sql-vacuum.html: each table of the store into new files. What the
        database's own log has (WAL, its archive) goes when that is recycled."""
        with faults.in_our_words(), closing(self.writer()) as connection:
            for (table,) in connection.execute(TABLES, (self.schema,)).fetchall():
                connection.execute(f"VACUUM (FULL) {table}")

    def gate(self) -> OpenGate:
        return OpenGate()

    def gives_up(self, fault: Exception) -> bool:
        return isinstance(fault, psycopg.OperationalError | psycopg.InternalError)


# The first characters of SQLSTATE, longer ones first. https://www.postgresql.org/docs/current/errcodes-appendix.html
TOLD: dict[str, tuple[type[SalusError], str]] = {
    "25006": (Busy, "This database takes no writes now (a replica, or being switched over): try again"),
    "55P03": (Busy, f"Another program has been writing to this store for {faults.PATIENCE:g} s: try again"),
    "53300": (Busy, "The database has no connection left: try again, or allow it more (max_connections)"),
    "58": (Full, "The store could not be written: look at the disk of the database; nothing of this request stands"),
    "57": (Busy, "The database was stopped or is starting: try again"),
    "53": (Full, "The database has no room left: make room on its disk; nothing of this request stands"),
    "40": (Busy, "Two programs stood in each other's way: try again"),
    "XX": (Damaged, f"The database finds its files damaged: {faults.CURE}"),
    "28": (Conflict, "The database does not let this user in: look at user and password in the address of the store"),
    "3D": (Conflict, "There is no such database: make it with createdb"),
    "3F": (Conflict, "There is no such schema, or this user may not do that in it (docs/how-to/scale.md)"),
    "42501": (Conflict, "This user may not do that in the database: give it the schema (docs/how-to/scale.md)"),
}


def told(fault: Exception) -> SalusError:
    """The error of the house for an error of PostgreSQL."""
    code = getattr(fault, "sqlstate", None) or ""
    for length in (5, 2):
        if code[:length] in TOLD:
            kind, text = TOLD[code[:length]]
            return kind(text)
    if not code and isinstance(fault, psycopg.OperationalError):
        reason = str(fault).partition("FATAL:")[2].strip().partition("\n")[0] or "no answer"
        return Busy(f"The database cannot be reached ({reason}): is it running, and is the address of the store right?")
    why = getattr(getattr(fault, "diag", None), "message_primary", None) if code[:2] == "42" else type(fault).__name__
    return Conflict(f"The store refused: {why} {code}".strip())


faults.WORDS[psycopg.Error] = told
