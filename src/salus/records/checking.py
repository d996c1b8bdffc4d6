"""Is a store whole? Everything in it is read once, and what is wrong is named, all of it, not only the first.

Nothing is written: the file is opened to read, whoever else writes to it meanwhile.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from salus.base.errors import Conflict, Damaged
from salus.records import chain, faults, upgrades
from salus.records.bodies import Press
from salus.records.engines import Connection, Engine, engine_of
from salus.records.findings import Fault, Findings, OnProgress
from salus.records.ids import unpacked
from salus.records.inspecting import Indexes
from salus.records.interning import Kinds

EVERY = 500  # between two calls of `on_progress`

# kind of fault -> SQL for the references or transactions it concerns
VERSIONS = "SELECT row, version, t FROM resource WHERE version>0 UNION ALL SELECT row, version, t FROM past"
NAMED = "SELECT k.name, r.id, f.version FROM ({}) f JOIN resource r ON r.row=f.row JOIN kind k ON k.type=r.type"
# what an account says against what its entries say; what pends counts until another posting is about it
ADDED = (
    "(SELECT coalesce(sum(e.amount), 0) FROM entry e JOIN posting p ON p.posting=e.posting WHERE e.{}=a.account AND {})"
)
PENDS = "p.act=1 AND p.posting NOT IN (SELECT about FROM posting WHERE about NOTNULL)"
UNEQUAL = [
    f"a.{side}s{held} <> {ADDED.format(side, which)}"
    for side in ("debit", "credit")
    for held, which in (("", "p.act<>1"), ("_held", PENDS))
]
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
    "overlapping": "SELECT h.booking FROM hold h JOIN hold o "
    "ON o.actor=h.actor AND o.seat=h.seat AND o.low>h.low AND o.low<h.high",
    "unbalanced": f"SELECT name FROM account a WHERE {' OR '.join(UNEQUAL)}",
}

__all__ = ["Fault", "Findings", "OnProgress", "check", "look_through", "opened", "silent"]


def silent(step: str, done: int, total: int) -> None:
    """Nobody watches."""


def check(place: Path | str, on_progress: OnProgress = silent) -> Findings:
    """Look at everything in a store. Raises Missing, or Damaged when it cannot even be opened."""
    with closing(opened(engine_of(place))) as connection:
        return look_through(connection, on_progress)


def look_through(connection: Connection, on_progress: OnProgress = silent) -> Findings:
    """As `check`, what this connection sees."""
    findings = Findings()
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


def opened(engine: Engine) -> Connection:
    """A store as it stands at this moment, to read. Raises Missing, Damaged when it is none, Conflict for another
    layout."""
    with faults.in_our_words():
        connection = engine.looker()
        try:
            connection.begin_reading()
            found = connection.execute("SELECT value FROM meta WHERE name='schema'").fetchone()
        except tuple(faults.WORDS) as fault:
            connection.close()
            raise Damaged(f"{engine} is not a store, or no longer one ({fault}): restore a backup") from None
    if not found:
        connection.close()
        raise Damaged(f"{engine} is not a store, or no longer one: restore a backup")
    try:
        if upgrades.needed(connection, engine.name):
            raise Conflict(
                f"{engine} has layout {found[0]}: `salus migrate` upgrades it, `salus restore` a backup; then look"
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
