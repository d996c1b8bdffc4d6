"""From an older layout of the tables to today's, without loss.

Each row of `STEPS` leads towards layout `to`; several may make up one. All that a store needs are done in the order of
this table, in one transaction under the writer's lock: killed in the middle, the store has its old layout, whole. A new
store is laid as `schema.TABLES` says and needs none of them, so **whoever changes `TABLES` adds a step here that makes
the same of an older store**; a test holds the two against each other. Words as in `TABLES`: they run on every engine.

A function gets the connection inside that transaction, for what words of SQL cannot say.
"""

from collections.abc import Callable
from dataclasses import dataclass

from salus.base.errors import Conflict
from salus.records import schema
from salus.records.engines import Connection

Work = Callable[[Connection], None]
FOUND = "SELECT value FROM meta WHERE name='schema'"


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the tables: towards layout `to`, its name (what it is for: words `upgrade.<name>` of `salus.cli`),
    and how: statements between semicolons, or a function."""

    to: int
    name: str
    work: str | Work


STEPS: tuple[Step, ...] = (
    Step(
        2,
        "was",
        "CREATE INDEX was_subject ON was(subject, row)",
    ),
    Step(
        2,
        "bunches",
        """
        ALTER TABLE resource ADD COLUMN subject INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE line ADD COLUMN bunch INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE bunch(bunch INTEGER PRIMARY KEY, codes TEXT NOT NULL);
        CREATE UNIQUE INDEX bunch_codes ON bunch(codes);
        CREATE TABLE bunched(path INTEGER, code INTEGER, bunch INTEGER, PRIMARY KEY(path, code, bunch)) WITHOUT ROWID
        """,
    ),
    Step(
        2,
        "salts",
        """
        ALTER TABLE txn ADD COLUMN salt BLOB;
        ALTER TABLE audit ADD COLUMN salt BLOB;
        CREATE TABLE erasure(t INTEGER PRIMARY KEY, todo TEXT NOT NULL);
        CREATE TABLE erased(t INTEGER, n INTEGER, gone INTEGER NOT NULL, digest BLOB NOT NULL,
            PRIMARY KEY(t, n)) WITHOUT ROWID;
        CREATE INDEX erased_gone ON erased(gone);
        CREATE TABLE spared(t INTEGER, n INTEGER, salt BLOB NOT NULL, PRIMARY KEY(t, n)) WITHOUT ROWID;
        CREATE TABLE resealed(t INTEGER PRIMARY KEY, gone INTEGER NOT NULL, hash BLOB NOT NULL);
        CREATE TABLE struck(n INTEGER PRIMARY KEY, gone INTEGER NOT NULL, digest BLOB NOT NULL, hash BLOB);
        """,
    ),
    Step(
        2,
        "subscribers",
        """
CREATE TABLE subscriber(id TEXT PRIMARY KEY, who TEXT NOT NULL, role TEXT NOT NULL, patient TEXT,
    purpose TEXT NOT NULL, secrets TEXT NOT NULL, version INTEGER NOT NULL, numbered INTEGER NOT NULL,
    sent INTEGER NOT NULL, failures INTEGER NOT NULL, tried INTEGER, told INTEGER, fault TEXT) WITHOUT ROWID;
CREATE TABLE notice(subscriber TEXT, n INTEGER, t INTEGER NOT NULL, row INTEGER NOT NULL, version INTEGER NOT NULL,
    act INTEGER NOT NULL, PRIMARY KEY(subscriber, n)) WITHOUT ROWID
""",
    ),
    Step(
        3,
        "holds",
        """
CREATE TABLE hold(actor INTEGER, seat INTEGER, low INTEGER, high INTEGER NOT NULL CHECK(low < high),
    booking TEXT NOT NULL, until INTEGER, PRIMARY KEY(actor, seat, low)) WITHOUT ROWID;
CREATE INDEX hold_booking ON hold(booking);
CREATE INDEX hold_until ON hold(until)
""",
    ),
    Step(
        3,
        "books",
        """
CREATE TABLE account(account INTEGER PRIMARY KEY, name TEXT NOT NULL, currency TEXT NOT NULL,
    least INTEGER, most INTEGER, debits INTEGER NOT NULL DEFAULT 0, credits INTEGER NOT NULL DEFAULT 0,
    debits_held INTEGER NOT NULL DEFAULT 0, credits_held INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX account_name ON account(name, currency);
CREATE TABLE posting(posting INTEGER PRIMARY KEY, key TEXT NOT NULL, digest BLOB NOT NULL, act INTEGER NOT NULL,
    about INTEGER, ts INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL);
CREATE UNIQUE INDEX posting_key ON posting(key);
CREATE UNIQUE INDEX posting_about ON posting(about);
CREATE TABLE entry(posting INTEGER, n INTEGER, debit INTEGER NOT NULL CHECK(debit <> credit), credit INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK(amount > 0), PRIMARY KEY(posting, n)) WITHOUT ROWID;
CREATE INDEX entry_debit ON entry(debit, posting);
CREATE INDEX entry_credit ON entry(credit, posting)
""",
    ),
    Step(3, "guards", schema.guard),
    Step(
        4,
        "withheld",
        """
        ALTER TABLE line ADD COLUMN withheld INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE was ADD COLUMN withheld INTEGER NOT NULL DEFAULT 0
        """,
    ),
)


def check(found: int, name: str) -> None:
    """Raises Conflict for a layout that a newer program has made, or that no step leads on from."""
    if found > schema.VERSION:
        raise Conflict(
            f"{name} has layout {found}, this program knows {schema.VERSION}: a newer Salus has opened it, use that one"
        )
    missing = set(range(found + 1, schema.VERSION + 1)) - {step.to for step in STEPS}
    if missing:
        raise Conflict(f"{name} has layout {found}, and no step leads to {min(missing)}: export with its old program")


def needed(connection: Connection, name: str) -> bool:
    """Whether the store has an older layout. Raises Conflict for a newer one."""
    found = int(connection.execute(FOUND).fetchone()[0])
    check(found, name)
    return found < schema.VERSION


def upgrade(connection: Connection, name: str) -> list[Step]:
    """Do what is needed, all or nothing; what was done. The caller holds the writer's gate; `connection` is in no
    transaction. Raises Conflict for a layout that cannot be upgraded."""
    connection.begin_writing()
    try:
        found = int(connection.execute(FOUND).fetchone()[0])  # another process may have been faster
        check(found, name)
        steps = [step for step in STEPS if step.to > found]
        for step in steps:
            do(step, connection)
        connection.execute("UPDATE meta SET value=? WHERE name='schema'", (str(schema.VERSION),))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return steps


def do(step: Step, connection: Connection) -> None:
    if not isinstance(step.work, str):
        step.work(connection)
        return
    for statement in step.work.split(";"):
        if statement.strip():
            connection.execute(statement)
