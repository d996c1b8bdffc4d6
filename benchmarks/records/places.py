"""Where the measured stores lie: in a file, or in a schema of PostgreSQL on the same machine, whose CPU seconds are
counted too."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from load import cpu_of, family

SIZE = """
SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c
WHERE relkind='r' AND relnamespace=$1::text::regnamespace
"""


class Place(Protocol):
    """`where`: what `Store` is given."""

    where: str

    def bytes(self) -> int:
        """On disk."""

    def cpu(self) -> float:
        """CPU seconds that the database's own processes have used so far."""


class InFile:
    def __init__(self, path: Path) -> None:
        self.where = str(path)

    def bytes(self) -> int:
        return Path(self.where).stat().st_size

    def cpu(self) -> float:
        return 0.0


class InSchema:
    def __init__(self, server: str, schema: str) -> None:
        import psycopg

        self.where = f"{server}{'&' if '?' in server else '?'}schema={schema}"
        self._schema = schema
        self._connection = psycopg.connect(server, autocommit=True, cursor_factory=psycopg.RawCursor)
        backend = self._connection.info.backend_pid
        self._server = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])

    def bytes(self) -> int:
        found = self._connection.execute(SIZE, (self._schema,)).fetchone()
        return int(found[0] or 0) if found else 0

    def cpu(self) -> float:
        return sum(map(cpu_of, family(self._server)))

    def drop(self) -> None:
        self._connection.execute(f"DROP SCHEMA IF EXISTS {self._schema} CASCADE".encode())


@contextmanager
def new_place(folder: Path, name: str, server: str = "") -> Iterator[Place]:
    """A place without a store: the file `name` in a folder, or a schema of a server, which is dropped afterwards."""
    if not server:
        yield InFile(folder / f"{name}.db")
        return
    place = InSchema(server, f"bench_{name}")
    place.drop()
    try:
        yield place
    finally:
        place.drop()
