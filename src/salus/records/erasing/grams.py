"""Has the dictionary of the bodies (bodies.py) learnt something of what was erased?

It holds pieces of the resources that it was trained on. A piece of 8 bytes that the erased bodies and the dictionary
have in common is harmless when bodies that stay have it too; if one is in none of them, a new dictionary is trained on
what stays, all bodies are pressed again with it, and the old one goes.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from salus.base.errors import Damaged
from salus.records import bodies
from salus.records.desk import Desk
from salus.records.engines import Connection

WIDE = 8  # bytes
SOME = 2000  # bodies pressed again in one commit
OLD = """
SELECT row, version, form, body FROM {table} WHERE (row, version)>(?, ?) AND form<? ORDER BY row, version LIMIT ?
"""
CHANGE = "UPDATE {table} SET form=?, body=? WHERE row=? AND version=?"
TABLES = ("resource", "past")
FIRST = (-1, -1)
Place = tuple[int, int]


def grams(data: bytes) -> Iterator[bytes]:
    """
    >>> list(grams(b"123456789"))
    [b'12345678', b'23456789']
    """
    return (data[n : n + WIDE] for n in range(len(data) - WIDE + 1))


def shared(connection: Connection, erased: Iterable[bytes]) -> list[str]:
    """Pieces, as hexadecimal digits, that erased bodies have in common with the dictionaries of the store."""
    mine = {gram for body in erased for gram in grams(body)}
    found: set[bytes] = set()
    for (data,) in connection.execute("SELECT bytes FROM dictionary") if mine else ():
        found.update(gram for gram in grams(bytes(data)) if gram in mine)
    return sorted(gram.hex() for gram in found)


def sample(connection: Connection) -> Iterator[tuple[int, bytes]]:
    """(form, pressed body) of what a dictionary is trained on."""
    rows = connection.execute("SELECT coalesce(max(row), 0) FROM resource").fetchone()[0]
    return ((form, body) for _, form, body in bodies.bodies_in(connection, bodies.evenly(rows, bodies.SAMPLED)))


def private(connection: Connection, press: bodies.Press, pieces: Iterable[str]) -> bool:
    """Whether one of these pieces is in none of the bodies that a new dictionary would be trained on."""
    left = {bytes.fromhex(piece) for piece in pieces}
    for form, body in sample(connection):
        if not left:
            return False
        with suppress(Damaged):
            left.difference_update(grams(press.expanded(connection, form, body)))
    return bool(left)


def learn_anew(desk: Desk) -> None:
    """A new dictionary from what stays, or none where there is too little; what is written from now on uses it."""
    form = desk.connection.execute("SELECT coalesce(max(form), 0) FROM dictionary").fetchone()[0] + 1
    samples = []
    for old, body in sample(desk.connection):
        with suppress(Damaged):
            samples.append(desk.press.expanded(desk.connection, old, body))
    data = bodies.trained(samples)
    desk.connection.execute("INSERT INTO dictionary(form, bytes) VALUES(?, ?)", (form, data))
    desk.press.learn(form, data)


def press_some(desk: Desk, table: str, after: Place) -> Place | None:
    """Press some bodies of a table again, with the newest dictionary; the place of the last. None: there were none."""
    newest = desk.press.form
    found = desk.connection.execute(OLD.format(table=table), (*after, newest, SOME)).fetchall()
    rows = []
    for row, version, form, body in found:
        with suppress(Damaged):  # `verify` tells of it
            data = desk.press.expanded(desk.connection, form, body)
            rows.append((newest, desk.press.pressed(data), row, version))
    desk.connection.executemany(CHANGE.format(table=table), rows)
    return found[-1][:2] if found else None


def drop_old(desk: Desk) -> None:
    """Take the old dictionaries away, unless some body still needs them."""
    newest = desk.press.form
    sql = "SELECT 1 FROM {table} WHERE form<? LIMIT 1"
    if not any(desk.connection.execute(sql.format(table=table), (newest,)).fetchone() for table in TABLES):
        desk.connection.execute("DELETE FROM dictionary WHERE form<?", (newest,))
