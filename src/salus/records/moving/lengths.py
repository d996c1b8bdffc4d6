"""Texts that were too long for an index of PostgreSQL, whole again for an engine that holds any.

There a long text stands as its beginning and a hash (`short`); the whole text is in the resources, which say it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from salus import fhir
from salus.base.errors import SalusError
from salus.records import drafts
from salus.records.bodies import Press
from salus.records.engines import Connection
from salus.records.ids import unpacked
from salus.records.interning import Kinds, told

HASHED = re.compile(r"#[0-9a-f]{64}$").search
CODES = "SELECT code, text FROM code WHERE length(text)=?"
TARGETS = "SELECT row, id FROM resource WHERE type=0 AND length(id)>=?"
BUNCHES = """
SELECT b.codes, c.path, c.code FROM bunch b JOIN bunched c ON c.bunch=b.bunch WHERE length(b.codes)=?
ORDER BY b.bunch, c.path, c.code
"""
NAMING = """
SELECT r.type, r.form, r.body FROM resource r WHERE r.alive AND (
    r.row IN (SELECT t.row FROM token t WHERE t.code IN (SELECT c.code FROM code c WHERE {codes}))
    OR r.row IN (SELECT q.row FROM quantity q WHERE q.code IN (SELECT c.code FROM code c WHERE {codes}))
    OR r.row IN (SELECT f.row FROM ref f WHERE f.target IN ({targets})))
"""


def whole(connection: Connection, short: Any, longest: int) -> dict[str, str]:
    """What was shortened by `short` to `longest` characters -> the whole. What no current resource says any more stays
    as it is: nobody looks for it."""
    codes = [code for code, text in connection.execute(CODES, (longest,)).fetchall() if HASHED(text)]
    targets = [row for row, id in connection.execute(TARGETS, (longest,)).fetchall() if HASHED(unpacked(id))]
    found = {short(text): text for text in bunches(connection, longest)}
    if codes or targets:
        named = f"c.code IN ({listed(codes)}) OR c.system IN ({listed(codes)})"
        sql = NAMING.format(codes=named, targets=listed(targets))
        found |= {short(text): str(text) for text in texts(connection, sql) if len(text) > longest}
    return found


def listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers)) or "-1"


def texts(connection: Connection, sql: str) -> Iterator[str]:
    """Everything by which these resources are found."""
    kinds, press = Kinds(connection), Press()
    for kind, form, body in connection.execute(sql).fetchall():
        try:
            indexed = drafts.again(kinds.names[kind], press.expanded(connection, form, body))
        except SalusError:  # it cannot be read any more, and is moved as it is
            continue
        yield from said(indexed)


def said(indexed: fhir.Indexed) -> Iterator[str]:
    for _, system, code in indexed.tokens:
        yield from (system or "", code)
    for _, _, system, unit in indexed.quantities:
        yield from (system or "", unit or "")
    yield from (uri for _, uri in indexed.uris)
    yield from (f"{kind}/{id}" if kind else id for _, kind, id in indexed.references)


def bunches(connection: Connection, longest: int) -> Iterator[str]:
    found: dict[str, list[tuple[int, int]]] = {}
    for codes, path, code in connection.execute(BUNCHES, (longest,)).fetchall():
        if HASHED(codes):
            found.setdefault(codes, []).append((path, code))
    yield from (told(tuple(codes)) for codes in found.values())
