"""Is a store whole? Everything in it is read once, and what is wrong is named, all of it, not only the first.

Nothing is written: the file is opened to read, whoever else writes to it meanwhile.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from salus.base.errors import Conflict, Damaged, SalusError
from salus.records import chain, compartments, drafts, faults, reindexing, shelves, upgrades
from salus.records.bodies import Press
from salus.records.desk import subject_of
from salus.records.engines import Connection, engine_of
from salus.records.ids import unpacked
from salus.records.interning import Kinds, told

OnProgress = Callable[[str, int, int], None]  # step, done, in all
MOST = 1000  # faults that are told
EVERY = 500  # between two calls of `on_progress`

# kind of fault -> SQL for the references or transactions it concerns
VERSIONS = "SELECT row, version, t FROM resource WHERE version>0 UNION ALL SELECT row, version, t FROM past"
NAMED = "SELECT k.name, r.id, f.version FROM ({}) f JOIN resource r ON r.row=f.row JOIN kind k ON k.type=r.type"
AGREEMENTS = {
    "unlogged": NAMED.format(f"SELECT * FROM ({VERSIONS}) v EXCEPT SELECT row, version, t FROM outbox"),
    "lost": NAMED.format(
        "SELECT o.row, o.version, o.t FROM outbox o LEFT JOIN erased e ON e.t=o.t AND e.n=o.n WHERE e.t IS NULL "
        f"EXCEPT SELECT * FROM ({VERSIONS}) v"
    ),
    "nameless": "SELECT t FROM outbox WHERE row NOT IN (SELECT row FROM resource)",
    "empty": "SELECT t FROM txn EXCEPT SELECT t FROM outbox EXCEPT SELECT t FROM erasure",
    "unnumbered": "SELECT t FROM outbox EXCEPT SELECT t FROM txn",
    "unaudited": "SELECT t FROM txn EXCEPT SELECT t FROM audit",
    "invented": "SELECT t FROM audit WHERE t NOTNULL EXCEPT SELECT t FROM txn",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with what: `kind` has its words in `salus.cli` under `verify.<kind>`."""

    kind: str
    what: str


@dataclass(slots=True)
class Findings:
    """What was looked at, and what was wrong with it (the first 1,000; `count` has all).

    `erased`: versions that were erased, by so many `erasures`, of which some may be `unfinished`.
    """

    transactions: int = 0
    resources: int = 0
    audited: int = 0
    erased: int = 0
    erasures: int = 0
    unfinished: int = 0
    count: int = 0
    faults: list[Fault] = field(default_factory=list)

    def add(self, kind: str, what: str) -> None:
        self.count += 1
        if len(self.faults) < MOST:
            self.faults.append(Fault(kind, what))


def silent(step: str, done: int, total: int) -> None:
    """Nobody watches."""


def check(place: Path | str, on_progress: OnProgress = silent) -> Findings:
    """Look at everything in a store. Raises Missing, or Damaged when it cannot even be opened."""
    findings = Findings()
    with closing(opened(place)) as connection:
        with faults.in_our_words():
            kinds = Kinds(connection)
        looking = Looking(connection, kinds, Press(), findings, on_progress)
        for step, look in STEPS.items():
            on_progress(step, 0, 1)
            try:
                look(looking)
            except tuple(faults.WORDS) as fault:  # pages that cannot be read: what lies on them cannot be looked at
                told = faults.as_salus(fault)
                if not isinstance(told, Damaged):
                    raise told from fault
                findings.add("unread", f"{step}: {fault}")
    return findings


def opened(place: Path | str) -> Connection:
    """A store as it stands at this moment, to read. Raises Missing, Damaged when it is none, Conflict for another
    layout."""
    with faults.in_our_words():
        connection = engine_of(place).looker()
        try:
            connection.begin_reading()
            found = connection.execute("SELECT value FROM meta WHERE name='schema'").fetchone()
        except tuple(faults.WORDS) as fault:
            connection.close()
            raise Damaged(f"{place} is not a store, or no longer one ({fault}): restore a backup") from None
    if not found:
        connection.close()
        raise Damaged(f"{place} is not a store, or no longer one: restore a backup")
    try:
        if upgrades.needed(connection, engine_of(place).name):
            raise Conflict(
                f"{place} has layout {found[0]}: the server upgrades it, `salus restore` a backup; then look"
            )
    except Conflict:
        connection.close()
        raise
    return connection


@dataclass(slots=True)
class Looking:
    """Who looks, at what, and where it is noted."""

    connection: Connection
    kinds: Kinds
    press: Press
    findings: Findings
    on_progress: OnProgress


def _file(at: Looking) -> None:
    for flaw in at.connection.flaws():
        at.findings.add("file", flaw)


def _chain(at: Looking) -> None:
    total = at.connection.execute("SELECT count(*) FROM txn").fetchone()[0]
    for t, holds in chain.transactions(at.connection, at.press.expanded):
        at.findings.transactions += 1
        if isinstance(holds, Damaged):
            for what in _damaged(at.connection, at.kinds, at.press, t):
                at.findings.add("body", what)
        elif not holds:
            at.findings.add("chain", str(t))
        if at.findings.transactions % EVERY == 0:
            at.on_progress("chain", at.findings.transactions, total)


def _audit(at: Looking) -> None:
    for n, holds in chain.audited(at.connection):
        at.findings.audited += 1
        if not holds:
            at.findings.add("audit", str(n))


ERASED = "SELECT (SELECT count(*) FROM erased WHERE n>=0), count(*), count(CASE WHEN todo<>'' THEN 1 END) FROM erasure"


def _agreement(at: Looking) -> None:
    found = at.findings
    found.erased, found.erasures, found.unfinished = at.connection.execute(ERASED).fetchone()
    for kind, sql in AGREEMENTS.items():
        for row in at.connection.execute(sql):
            at.findings.add(kind, str(row[0]) if len(row) == 1 else f"{row[0]}/{unpacked(row[1])} version {row[2]}")


def _index(at: Looking) -> None:
    Indexes(at.connection, at.kinds, at.press).check(at.findings, at.on_progress)


STEPS: dict[str, Callable[[Looking], None]] = {
    "file": _file,
    "chain": _chain,
    "audit": _audit,
    "agreement": _agreement,
    "index": _index,
}


def _damaged(connection: Connection, kinds: Kinds, press: Press, t: int) -> Iterator[str]:
    """The names of the bodies of a transaction that cannot be read."""
    for _, kind, id, version, form, body, _ in chain.contents(connection, t):
        try:
            if body is not None:
                press.expanded(connection, form, body)
        except Damaged:
            yield f"{kinds.names[kind]}/{unpacked(id)} version {version}"


class Looked:
    """Numbers of names, looked up each time."""

    def __init__(self, look: Callable[[str | None, str], int]) -> None:
        self._look = look

    def __getitem__(self, name: tuple[str | None, str]) -> int:
        return self._look(*name)


class Indexes:
    """Compares the index tables with what the current versions say: each row there, and none besides."""

    def __init__(self, connection: Connection, kinds: Kinds, press: Press) -> None:
        self._connection, self._kinds, self._press = connection, kinds, press
        self._there = {
            table: f"SELECT 1 FROM {table} WHERE {' AND '.join(f'{name}=?' for name in names)}"
            for table, names in shelves.COLUMNS.items()
        } | {"line": LINE}
        self._codes, self._targets = Looked(self._code), Looked(self._aimed)

    def check(self, findings: Findings, on_progress: OnProgress) -> None:
        """An index laid by another version of the program is left alone: it is laid anew at the next opening."""
        found = self._connection.execute("SELECT value FROM meta WHERE name='index'").fetchone()
        if found[0] != reindexing.fingerprint():
            return
        total = self._connection.execute("SELECT count(*) FROM resource WHERE alive").fetchone()[0]
        counts, whole = Counter[str](), True
        for row, kind, id, date, form, body in self._connection.execute(ALIVE):
            findings.resources += 1
            try:
                made = self._rows(row, kind, date, self._press.expanded(self._connection, form, body))
            except SalusError:  # damaged, which is told already, or stored under laxer rules than today's
                whole = False
                continue
            self._compare(f"{self._kinds.names[kind]}/{unpacked(id)}", made, counts, findings)
            if findings.resources % EVERY == 0:
                on_progress("index", findings.resources, total)
        if whole:
            self._count(counts, findings)

    def _rows(self, row: int, kind: int, date: int, body: bytes) -> dict[str, set[shelves.Row]]:
        type = self._kinds.names[kind]
        indexed = drafts.again(type, body)
        made = {table: set(rows) for table, rows in shelves.rows(indexed, row, self._codes, self._targets)}
        subjects = {self._aimed("Patient", id) for id in compartments.patients(type, indexed)}
        subjects |= {row} if type == "Patient" else set()
        bunch = self._bunch(tuple(sorted(set(shelves.codes_of(type, made["token"])))))
        made["line"] = {(subject, kind, date, row, bunch, subject_of(subjects)) for subject in subjects}
        return made

    def _compare(self, name: str, made: dict[str, set[shelves.Row]], counts: Counter[str], findings: Findings) -> None:
        for table, rows in made.items():
            counts[table] += len(rows)
            if not all(self._connection.execute(self._there[table], row).fetchone() for row in rows):
                findings.add("unindexed", f"{name} ({table})")

    def _count(self, counts: Counter[str], findings: Findings) -> None:
        for table in shelves.COLUMNS:
            surplus = self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] - counts[table]
            if surplus > 0:
                findings.add("surplus", f"{table}: {surplus}")

    def _code(self, system: str | None, text: str) -> int:
        number = 0 if system is None else self._code(None, system)
        found = self._connection.execute("SELECT code FROM code WHERE text=? AND system=?", (text, number)).fetchone()
        return found[0] if found else -1

    def _aimed(self, type: str | None, id: str) -> int:
        key = self._kinds.target(type, id)
        found = self._connection.execute("SELECT row FROM resource WHERE type=? AND id=?", key).fetchone()
        return found[0] if found else -1

    def _bunch(self, codes: shelves.Codes) -> int:
        """The number of a set of codes; -1 where there is none, or where it is not found by each of them."""
        found = self._connection.execute("SELECT bunch FROM bunch WHERE codes=?", (told(codes),)).fetchone()
        sql = "SELECT 1 FROM bunched WHERE path=? AND code=? AND bunch=?"
        whole = found and all(self._connection.execute(sql, (*code, found[0])).fetchone() for code in codes)
        return found[0] if whole else -1


LINE = (
    "SELECT 1 FROM line l WHERE l.subject=? AND l.type=? AND l.date=? AND l.row=? AND l.bunch IN (0, ?) "
    "AND EXISTS(SELECT 1 FROM resource r WHERE r.row=l.row AND r.subject=?)"
)
ALIVE = "SELECT row, type, id, date, form, body FROM resource WHERE alive ORDER BY row"
