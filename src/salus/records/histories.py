"""History of a resource, of a type, of everything: which versions there were. https://hl7.org/fhir/R4/http.html#history

Newest first, by transaction; then by row and version, so that the order is total. Pages go on below a version, and
nothing is ever written below one: what comes while a client turns pages does not disturb it.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from salus import fhir
from salus.base.errors import Invalid, Malformed, Unsupported
from salus.records.engines import Connection
from salus.records.interning import Kinds
from salus.records.reading import Reader, seen_now, seen_then
from salus.records.shapes import Page, Version

DEFAULT_COUNT = 50
MOST = 1000
FEW = 20_000  # resources of a type: with more, the log is walked; with fewer, their versions are gathered
SHOWN = ("_format", "_pretty")  # the HTTP door's matter
Span = tuple[int, int]


@dataclass(slots=True)
class Asked:
    """`since`: from when, `at`: during which half-open span, both in microseconds UTC. `below`: (t, row, version)."""

    pairs: list[tuple[str, str]]
    count: int = DEFAULT_COUNT
    since: int | None = None
    at: Span | None = None
    below: tuple[int, int, int] | None = None

    def after(self, last: tuple[int, int, int]) -> str:
        """The query string of the page below `last`."""
        token = base64.urlsafe_b64encode(orjson.dumps(last)).decode().rstrip("=")
        return urlencode([*((name, value) for name, value in self.pairs if name != "_cursor"), ("_cursor", token)])


def parse(params: str) -> Asked:
    """Raises Unsupported for a parameter that a history does not have, Malformed for a value that cannot be read."""
    asked = Asked(parse_qsl(params, keep_blank_values=True))
    for name, value in asked.pairs:
        if name in READ:
            READ[name](asked, value)
        elif name not in SHOWN:
            raise Unsupported(f"'{name[:80]}' is not a parameter of a history: use {', '.join(READ)}", path=name[:80])
    return asked


def _count(asked: Asked, value: str) -> None:
    if not (value.isascii() and value.isdigit()) or not int(value[:18]):
        raise Malformed(f"_count={value[:40]}: give a whole number from 1 to {MOST}", path="_count")
    asked.count = min(int(value[:18]), MOST)


def _since(asked: Asked, value: str) -> None:
    asked.since = span("_since", value)[0]


def _at(asked: Asked, value: str) -> None:
    asked.at = span("_at", value)


def span(name: str, value: str) -> Span:
    try:
        return fhir.dates.bounds(value)
    except Invalid:
        raise Malformed(f"{name}={value[:60]} is not a moment: write 2026-03-01T08:00:00Z", path=name) from None


def _cursor(asked: Asked, value: str) -> None:
    try:
        found = orjson.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (binascii.Error, ValueError):
        found = None
    if not isinstance(found, list) or len(found) != 3 or not all(type(part) is int for part in found):
        raise Malformed(f"_cursor={value[:40]} is not one of ours: begin again at the first page", path="_cursor")
    asked.below = (found[0], found[1], found[2])


READ = {"_count": _count, "_since": _since, "_at": _at, "_cursor": _cursor}


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose history. `kinds`: numbers of the types that may be seen (None: all); `id` only with one kind; `patient`:
    the row of the only patient that may be seen."""

    kinds: tuple[int, ...] | None
    id: str | None
    patient: int | None


def page(reader: Reader, asked: Asked, scope: Scope) -> Page:
    """One page of versions, with the query string of the next."""
    walk = scope.id is None and scope.patient is None and not few(reader.connection, scope.kinds)
    within = limits(reader.connection, asked)
    sql, arguments = walked(scope, within) if walk else gathered(scope, within, reader.kinds)
    found = reader.connection.execute(sql, [*arguments, asked.count + 1]).fetchall()
    shown = found[: asked.count]
    versions: list[Version] = [reader.version(line[1:]) for line in shown]
    more = len(found) > asked.count and shown
    return Page(versions, next=asked.after((shown[-1][0], shown[-1][1], shown[-1][4])) if more else None)


def few(connection: Connection, kinds: Iterable[int] | None) -> bool:
    """Whether so few resources are of these types that their versions are quickly gathered."""
    if kinds is None:
        return False
    sql = f"SELECT count(*) FROM (SELECT 1 FROM resource WHERE type IN ({listed(kinds)}) LIMIT {FEW}) found"
    found: int = connection.execute(sql).fetchone()[0]
    return found < FEW


def listed(found: Iterable[int]) -> str:
    return ",".join(str(int(number)) for number in found)


def first_from(connection: Connection, moment: int) -> int:
    """The first transaction at or after a moment (microseconds); one more than the last when there is none.

    Time never runs backwards in the log, so it is found by halving.
    """
    low, high = 1, connection.execute("SELECT coalesce(max(t), 0) + 1 FROM txn").fetchone()[0]
    while low < high:
        middle = (low + high) // 2
        t, ts = connection.execute("SELECT t, ts FROM txn WHERE t>=? ORDER BY t LIMIT 1", (middle,)).fetchone()
        low, high = (t + 1, high) if ts * 1000 < moment else (low, middle)
    return int(low)


@dataclass(frozen=True, slots=True)
class Limits:
    """Transaction numbers: from where, and for `_at` (first of the span, first after its beginning, first after it)."""

    since: int
    at: tuple[int, int, int] | None
    below: tuple[int, int, int] | None

    def of(self, t: str, row: str, version: str, body: str, next_t: str) -> str:
        """The condition on one version; `next_t` is the transaction that replaced it, NULL for the current one."""
        parts = [f"{t}>={self.since}"] if self.since > 1 else []
        if self.below:
            parts += [f"{t}<={self.below[0]}", f"({t}, {row}, {version})<({listed(self.below)})"]
        if self.at:
            begin, later, end = self.at
            parts += [f"{t}<{end}", f"coalesce({next_t}, {NEVER})>={later}", f"({body} NOTNULL OR {t}>={begin})"]
        return " AND ".join(parts) or "TRUE"


def limits(connection: Connection, asked: Asked) -> Limits:
    since = 1 if asked.since is None else first_from(connection, asked.since)
    if asked.at is None:
        return Limits(since, None, asked.below)
    low, high = asked.at
    begin, later, end = (first_from(connection, moment) for moment in (low, low + 1, high))
    return Limits(since, (begin, later, end), asked.below)


NEVER = 2**62
# The version after it that is there: those between may have been erased.
NEXT = (
    "CASE WHEN r.version={v} THEN NULL WHEN r.version={v}+1 THEN r.t ELSE "
    "coalesce((SELECT min(n.t) FROM past n WHERE n.row=r.row AND n.version>{v}), r.t) END"
)


def gathered(scope: Scope, limits: Limits, kinds: Kinds) -> tuple[str, list[Any]]:
    """From the resources in question to their versions."""
    which, arguments = ["r.version>0"], list[Any]()
    if scope.kinds is not None:
        which.append(f"r.type IN ({listed(scope.kinds)})")
    if scope.id is not None:
        which.append("r.id=?")
        arguments.append(kinds.packed(scope.id))
    if scope.patient is not None:
        which.append(OWN.format(patient=int(scope.patient)))
    now = limits.of("r.t", "r.row", "r.version", "r.body", "NULL")
    then = limits.of("p.t", "p.row", "p.version", "p.body", NEXT.format(v="p.version"))
    where = " AND ".join(which)
    sql = (
        "SELECT r.t, r.row, r.type, r.id, r.version, x.ts, r.form, r.body FROM resource r JOIN txn x ON x.t=r.t "
        f"WHERE {where} AND {seen_now(scope.patient)} AND {now} "
        "UNION ALL SELECT p.t, r.row, r.type, r.id, p.version, x.ts, p.form, p.body "
        "FROM resource r JOIN past p ON p.row=r.row JOIN txn x ON x.t=p.t "
        f"WHERE {where} AND {seen_then(scope.patient)} AND {then} "
        "ORDER BY 1 DESC, 2 DESC, 5 DESC LIMIT ?"
    )
    return sql, [*arguments, *arguments]


# What stands in a patient's compartment, or ever stood there: where to look. What may be seen is asked of each version.
OWN = "r.row IN (SELECT row FROM line WHERE subject={patient} UNION SELECT row FROM was WHERE subject={patient})"


def walked(scope: Scope, limits: Limits) -> tuple[str, list[Any]]:
    """Down the log of all that was written. Not for a patient's account: it has no condition on the compartment."""
    assert scope.patient is None and scope.id is None
    kinds = "TRUE" if scope.kinds is None else f"r.type IN ({listed(scope.kinds)})"
    body = "CASE WHEN r.version=o.version THEN r.body ELSE p.body END"
    next_t = NEXT.format(v="o.version")
    sql = (
        "SELECT o.t, o.row, r.type, r.id, o.version, x.ts, CASE WHEN r.version=o.version THEN r.form ELSE p.form END, "
        f"{body} FROM outbox o CROSS JOIN resource r CROSS JOIN txn x "
        "LEFT JOIN past p ON p.row=o.row AND p.version=o.version "
        f"WHERE r.row=o.row AND x.t=o.t AND {kinds} AND (r.version=o.version OR p.row NOTNULL) "
        f"AND {limits.of('o.t', 'o.row', 'o.version', body, next_t)} "
        "ORDER BY o.t DESC, o.row DESC, o.version DESC LIMIT ?"
    )
    return sql, []
