"""Who else names an erased patient: in old versions of what stands outside of the compartment, in extensions, in
addresses, in documents. No index knows of these, so every body that is left is looked at once (some 100,000 a second).

A reference `Patient/id` is found anywhere, an id by itself only where it is a UUID: others may be mere numbers.
"""

import re
from collections.abc import Iterable, Iterator

import orjson

from salus.records import chain
from salus.records.desk import Desk
from salus.records.engines import Connection
from salus.records.erasing.carrying import PAGES, carry_out, lay_down
from salus.records.erasing.looking import Look
from salus.records.erasing.rewriting import only_about
from salus.records.erasing.shapes import Doom
from salus.records.ids import UUID
from salus.records.reading import Reader

SOME = 2000  # bodies read at once
FIRST = (-1, -1)
TABLES = ("resource", "past")
NEXT = """
SELECT row, version, form, body FROM {table} WHERE (row, version)>(?, ?) AND body NOTNULL ORDER BY row, version LIMIT ?
"""


def sought(references: Iterable[str]) -> set[str]:
    """
    >>> sorted(sought(["Patient/li", "Observation/1", "Patient/0199a5f4-5b2c-7def-8123-456789abcdef"]))
    ['0199a5f4-5b2c-7def-8123-456789abcdef', 'Patient/0199a5f4-5b2c-7def-8123-456789abcdef', 'Patient/li']
    """
    named = {reference for reference in references if chain.own(reference)}
    ids = {reference.partition("/")[2] for reference in named}
    return named | {id for id in ids if UUID(id)}


def naming(reader: Reader, names: list[str]) -> dict[int, set[int]]:
    """By row the versions that name any of these references, in whatever way. A damaged body is passed over."""
    wanted = re.compile(
        rb"(?<![A-Za-z])(?:" + b"|".join(re.escape(name.encode()) for name in names) + rb")(?!\.?[A-Za-z0-9\-])"
    )
    look = Look(reader.connection, reader.kinds, reader.press)
    found = ((row, version, look.opened(form, body)) for row, version, form, body in bodies(reader.connection))
    places: dict[int, set[int]] = {}
    for row, version, body in found:
        if wanted.search(body):
            places.setdefault(row, set()).add(version)
    return places


def bodies(connection: Connection) -> Iterator[tuple[int, int, int, bytes]]:
    """(row, version, form, pressed body) of everything."""
    for table in TABLES:
        last, sql = FIRST, NEXT.format(table=table)
        while lines := connection.execute(sql, (*last, SOME)).fetchall():
            yield from lines
            last = lines[-1][:2]


def erase_named(desk: Desk, names: set[str], row: int, versions: set[int]) -> None:
    """An erasure of its own, of the versions of a row that name them; a current one is rewritten first.

    Raises Conflict where it cannot be rewritten.
    """
    look, doom = Look(desk.connection, desk.kinds, desk.press), Doom()
    there = versions & {kept.version for kept in look.versions(row)}
    if there:  # nobody else has erased it meanwhile
        doom.versions[row] = there
        version, alive = look.current(row)
        if alive and version in there and not about_them(look, row, names):
            doom.rewritten.add(row)
        carry_out(desk, doom, names)
        lay_down(desk, PAGES)


def about_them(look: Look, row: int, names: set[str]) -> bool:
    """Whether it is a document or a message about nobody but them: that has the records themselves in it."""
    body = look.versions(row)[-1].body
    return look.address(row)[0] == "Bundle" and only_about(orjson.loads(body), names)
