"""Rows on their way into the tables: put there together, each table in the order of its keys, which is several times
faster than one by one.
"""

from salus.records import shelves
from salus.records.engines import Connection
from salus.records.interning import Interning, Known

STORE = """
INSERT INTO resource(row, type, id, version, t, born, alive, date, form, body, subject)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(row) DO UPDATE SET version=excluded.version, t=excluded.t, born=excluded.born, alive=excluded.alive,
    date=excluded.date, form=excluded.form, body=excluded.body, subject=excluded.subject
"""
LOGS = {
    "txn": "INSERT INTO txn VALUES(?, ?, ?, ?, ?, ?)",
    "outbox": "INSERT INTO outbox VALUES(?, ?, ?, ?, ?)",
    "audit": "INSERT INTO audit VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
}


class Pending:
    """What one request writes; or what several do that read nothing, so that it can wait until the commit.

    `rows`: those of the addresses that came up among several; `led`: of patients among them who were replaced, to whom.
    """

    def __init__(self, connection: Connection, names: Interning, breathe: shelves.Breathe) -> None:
        self._connection = connection
        self._names = names
        self._breathe = breathe
        self.shelves = shelves.Shelves(connection)
        self.targets: list[shelves.Row] = []  # of references, that are not here (yet)
        self.resources: list[shelves.Row] = []
        self.logs: dict[str, list[shelves.Row]] = {table: [] for table in LOGS}
        self.rows: Known | None = None
        self.led: dict[int, int] = {}

    def flush(self) -> None:
        """Put all into the tables, so that reads on this connection see it."""
        stored = {row[0]: row for row in (*self.targets, *self.resources)}  # what was a target may have come since
        logged = [(LOGS[table], rows) for table, rows in self.logs.items()]
        all = [(STORE, [*stored.values()]), *self._names.waiting(), *self.shelves.waiting(), *logged]
        if not (filled := [(sql, rows) for sql, rows in all if rows]):
            return
        self._connection.write(filled, self._breathe)
        for rows in (self.targets, self.resources, *self.logs.values()):
            rows.clear()
        self._names.written()
        self.shelves.written()
