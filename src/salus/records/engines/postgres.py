"""PostgreSQL: a schema of a database. Driver: psycopg 3. https://www.psycopg.org/psycopg3/docs/

A store is one schema, so that several (a ward's, a tenant's, a test's) may share a database without seeing each other.
Writers of several processes take turns by an advisory lock that belongs to the writing transaction: it is let go when
that ends, however it ends, and who waits is woken. https://www.postgresql.org/docs/current/explicit-locking.html
"""

import re
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg

from salus.base.errors import Busy, Conflict, Damaged, Full, Invalid, Missing, SalusError, Unsupported
from salus.records import faults
from salus.records.engines.conversation import Connection

SCHEMA = "salus"
OURS = ("schema", "folder")
LAWFUL = re.compile(r"[a-z_][a-z0-9_]{0,62}").fullmatch
TABLES = "SELECT tablename::text FROM pg_tables WHERE schemaname=?"


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
        if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):  # where no read could be audited
            connection.close()
            kind, text = TOLD["25006"]
            raise kind(text)
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
    "25006": (
        Busy,
        "This database takes no writes now (a replica, or being switched over): name the first, or try again",
    ),
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
