"""The ends of the two chains, transactions and audit, as a transaction finds them when it begins."""

from typing import Any

from salus.base import clock
from salus.records import chain
from salus.records.engines import Connection

LAST_TRANSACTION = "SELECT t, ts, hash FROM txn ORDER BY t DESC LIMIT 1"
LAST_AUDITED = "SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1"
# all that a group needs to know before it begins, in one question: each is a journey where the database is elsewhere
BEGINNING = f"""
SELECT l.t, l.ts, l.hash, a.n, a.hash, (SELECT max(row) FROM resource), (SELECT value FROM meta WHERE name='erased'),
(SELECT max(code) FROM code), (SELECT max(bunch) FROM bunch), (SELECT max(form) FROM dictionary)
FROM (SELECT 1 AS one) o LEFT JOIN ({LAST_TRANSACTION}) l ON o.one=1 LEFT JOIN ({LAST_AUDITED}) a ON o.one=1
"""


class Ledger:
    """The ends of the two chains and the last numbers that were given, read afresh in each transaction: another process
    may have written since. `erased` changes where one has erased some, `form` is the newest dictionary."""

    def read(self, connection: Connection) -> None:
        self.t: int
        self.last: int  # the time of the last transaction
        self.hash: bytes
        self.n: int
        self.seal: bytes
        found = connection.execute(BEGINNING).fetchone()
        self.t, self.last, self.hash = found[:3] if found[0] else (0, 0, chain.START)
        self.n, self.seal = found[3:5] if found[3] else (0, chain.START)
        self.row: int = found[5] or 0
        self.erased: object = found[6]
        self.code, self.bunch, self.form = (number or 0 for number in found[7:])
        self.ts = max(self.last, int(clock.now().timestamp() * 1000))  # time never runs backwards in the log

    def keep(self, lines: list[tuple[Any, ...]]) -> None:
        """The audit ends with these rows now."""
        if lines:
            self.n, self.seal = lines[-1][0], lines[-1][-2]

    def next_row(self) -> int:
        self.row += 1
        return self.row
