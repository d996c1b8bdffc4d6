"""The tables of a store.

Everything that repeats is an integer: types, codes (system and code together), reference targets (row numbers).
Index tables are WITHOUT ROWID, so that the key is the table. Instants are milliseconds since 1970 UTC in `txn`,
microseconds in `dates` (half-open: low <= t < high).

    kind      type number <-> name; 0 is "a resource somewhere else", whose id is its URL
    resource  one row a resource, with its current version; version 0 is a mere target of references; `subject` is the
              patient in whose compartment it stands, 0 for none, -1 for several
    past      the versions before the current one; `was` says in whose compartments each of them stood
    txn       one row a write transaction, hash-chained (chain.py); `salt` is that of its digests
    outbox    which versions a transaction made, in order
    audit     who did or saw what, when, for what purpose; hash-chained
    line      a patient's timeline: the compartment, by type and clinical date, with the bunch of each resource; what
              is `withheld` (1) the patient's own account does not see (privacy/release.py), of `was` neither
    bunch     a set of codes that resources have in common (a final laboratory observation of glucose), so that the
              timeline can be asked for them; `bunched` has the bunches of a code. 0 is a set that nobody counted
    hold      an actor's time range for a booking; in seconds since 1970; two of one actor and seat never
              overlap (holds.py)
    account, posting, entry   the books: double entry in minor units, never changed (books.py)
    subscriber, notice   who is to be told of changes, which those were, and how far they were told (notices.py)

Of what was erased (erasing.py), `gone` is the transaction that did it:
    erasure   one row an erasure; `todo` says what is still to be done for it elsewhere
    erased    the digest of a version, by its place in the outbox; `spared` has the keys of its neighbours
    resealed  the link of a transaction of layout 1, made anew; `struck` the digest of what a line of the audit named

What the database itself refuses (overlaps, changes of the books) stands in `engines.guards`.
A change here is a step in `upgrades`, for the stores that are there already.
"""

from salus.records import dialect
from salus.records.engines import Connection

VERSION = 4

TABLES = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE kind(type INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE code(code INTEGER PRIMARY KEY, text TEXT NOT NULL, system INTEGER NOT NULL);
CREATE UNIQUE INDEX code_text ON code(text, system);
CREATE TABLE dictionary(form INTEGER PRIMARY KEY, bytes BLOB NOT NULL);

CREATE TABLE resource(
    row INTEGER PRIMARY KEY,
    type INTEGER NOT NULL,
    id NOT NULL,
    version INTEGER NOT NULL,
    t INTEGER NOT NULL,
    born INTEGER NOT NULL,
    alive INTEGER NOT NULL,
    date INTEGER NOT NULL,
    form INTEGER,
    body BLOB,
    subject INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX resource_id ON resource(type, id);
CREATE INDEX resource_type ON resource(type) WHERE alive;
CREATE TABLE past(
    row INTEGER NOT NULL,
    version INTEGER NOT NULL,
    t INTEGER NOT NULL,
    form INTEGER,
    body BLOB
);
CREATE UNIQUE INDEX past_version ON past(row, version);
CREATE TABLE was(subject INTEGER, row INTEGER, version INTEGER, withheld INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY(row, version, subject)) WITHOUT ROWID;
CREATE INDEX was_subject ON was(subject, row);

CREATE TABLE txn(t INTEGER PRIMARY KEY, ts INTEGER NOT NULL, who TEXT NOT NULL, purpose TEXT NOT NULL,
    hash BLOB NOT NULL, salt BLOB);
CREATE TABLE outbox(t INTEGER, n INTEGER, row INTEGER, version INTEGER, act INTEGER, PRIMARY KEY(t, n)) WITHOUT ROWID;
CREATE TABLE cursor(name TEXT PRIMARY KEY, t INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE audit(n INTEGER PRIMARY KEY, t INTEGER, ts INTEGER NOT NULL, who TEXT NOT NULL, purpose TEXT NOT NULL,
    act TEXT NOT NULL, what TEXT NOT NULL, hash BLOB NOT NULL, salt BLOB);

CREATE TABLE erasure(t INTEGER PRIMARY KEY, todo TEXT NOT NULL);
CREATE TABLE erased(t INTEGER, n INTEGER, gone INTEGER NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY(t, n)) WITHOUT ROWID;
CREATE INDEX erased_gone ON erased(gone);
CREATE TABLE spared(t INTEGER, n INTEGER, salt BLOB NOT NULL, PRIMARY KEY(t, n)) WITHOUT ROWID;
CREATE TABLE resealed(t INTEGER PRIMARY KEY, gone INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE struck(n INTEGER PRIMARY KEY, gone INTEGER NOT NULL, digest BLOB NOT NULL, hash BLOB);

CREATE TABLE line(subject INTEGER, type INTEGER, date INTEGER, row INTEGER,
    bunch INTEGER NOT NULL DEFAULT 0, withheld INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY(subject, type, date, row)) WITHOUT ROWID;
CREATE TABLE bunch(bunch INTEGER PRIMARY KEY, codes TEXT NOT NULL);
CREATE UNIQUE INDEX bunch_codes ON bunch(codes);
CREATE TABLE bunched(path INTEGER, code INTEGER, bunch INTEGER, PRIMARY KEY(path, code, bunch)) WITHOUT ROWID;
CREATE TABLE token(path INTEGER, code INTEGER, row INTEGER, PRIMARY KEY(path, code, row)) WITHOUT ROWID;
CREATE TABLE ref(path INTEGER, target INTEGER, row INTEGER, PRIMARY KEY(path, target, row)) WITHOUT ROWID;
CREATE TABLE dates(path INTEGER, low INTEGER, high INTEGER, row INTEGER,
    PRIMARY KEY(path, low, high, row)) WITHOUT ROWID;
CREATE INDEX dates_row ON dates(row);
CREATE TABLE quantity(path INTEGER, value REAL, code INTEGER, row INTEGER,
    PRIMARY KEY(path, value, code, row)) WITHOUT ROWID;
CREATE INDEX quantity_row ON quantity(row);
CREATE TABLE number(path INTEGER, value REAL, row INTEGER, PRIMARY KEY(path, value, row)) WITHOUT ROWID;
CREATE TABLE string(path INTEGER, text TEXT, row INTEGER, exact TEXT,
    PRIMARY KEY(path, text, row, exact)) WITHOUT ROWID;

CREATE TABLE subscriber(id TEXT PRIMARY KEY, who TEXT NOT NULL, role TEXT NOT NULL, patient TEXT,
    purpose TEXT NOT NULL, secrets TEXT NOT NULL, version INTEGER NOT NULL, numbered INTEGER NOT NULL,
    sent INTEGER NOT NULL, failures INTEGER NOT NULL, tried INTEGER, told INTEGER, fault TEXT) WITHOUT ROWID;
CREATE TABLE notice(subscriber TEXT, n INTEGER, t INTEGER NOT NULL, row INTEGER NOT NULL, version INTEGER NOT NULL,
    act INTEGER NOT NULL, PRIMARY KEY(subscriber, n)) WITHOUT ROWID;

CREATE TABLE hold(actor INTEGER, seat INTEGER, low INTEGER, high INTEGER NOT NULL CHECK(low < high),
    booking TEXT NOT NULL, until INTEGER, PRIMARY KEY(actor, seat, low)) WITHOUT ROWID;
CREATE INDEX hold_booking ON hold(booking);
CREATE INDEX hold_until ON hold(until);
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
CREATE INDEX entry_credit ON entry(credit, posting);
"""


def lay(connection: Connection, kinds: list[str], index: str) -> None:
    """Create the tables in an empty database and number the types; `index` says how it is indexed.

    Safe when two processes begin at once.
    """
    connection.begin_writing()
    if not connection.has_table("meta"):
        for statement in TABLES.split(";"):
            connection.execute(statement)
        guard(connection)
        connection.execute("INSERT INTO meta VALUES('schema', ?)", (str(VERSION),))
        connection.execute("INSERT INTO meta VALUES('index', ?)", (index,))
        connection.execute("INSERT INTO meta VALUES('holds', '1')")
        connection.executemany("INSERT INTO kind VALUES(?, ?)", enumerate(["", *sorted(kinds)]))
    connection.execute("COMMIT")


def guard(connection: Connection) -> None:
    """Let the database refuse what must never be, in its own words: after the tables are laid, and filled."""
    for statement in dialect.of(connection).guards:
        connection.execute(statement)
