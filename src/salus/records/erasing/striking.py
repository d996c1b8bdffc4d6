"""The audit after an erasure: that somebody did something stays; the names of what is no more are struck out.

`Patient/li` becomes `Patient/<the id that the erased row has now>`, everywhere the same: one still sees that the lines
belong together. A word in a search that found nobody else becomes `erased`.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_plus

from salus.records import chain
from salus.records.desk import Desk
from salus.records.engines import Connection

NAMED = re.compile(
    r"(?<![A-Za-z])([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{0,63}[A-Za-z0-9\-])"
)  # a dot at the end is none of it
VALUE = re.compile(r"(?<==)[^&]+")  # of a parameter in a query
PIECE = re.compile(r"[^,|$]+")  # of a value
GONE = "erased"
LINE = "SELECT n, t, ts, who, purpose, act, what, hash, salt FROM audit WHERE n=?"
SOME = 5000  # lines read at once


@dataclass(frozen=True, slots=True)
class Names:
    """`references`: old to new. `words`: what nobody else has, in lower case; ids of what goes among them."""

    references: dict[str, str]
    words: frozenset[str]

    def without(self, text: str) -> str:
        """
        >>> names = Names({"Patient/li": "Patient/x"}, frozenset({"13900001111"}))
        >>> names.without("Patient?phone=13900001111,5"), names.without("Patient/li/_history/2")
        ('Patient?phone=erased,5', 'Patient/x/_history/2')
        """
        made = NAMED.sub(lambda found: self.references.get(found[0], found[0]), text)
        return VALUE.sub(lambda value: PIECE.sub(self._piece, value[0]), made)

    def _piece(self, piece: re.Match[str]) -> str:
        return GONE if unquote_plus(piece[0]).strip().casefold() in self.words else piece[0]


def suspects(connection: Connection, names: Names, after: int) -> tuple[list[int], int]:
    """Lines after line `after` that name what goes, and the last line that was looked at."""
    found, last = list[int](), after
    sql = "SELECT n, who, what FROM audit WHERE n>? ORDER BY n LIMIT ?"
    while lines := connection.execute(sql, (last, SOME)).fetchall():
        found += [n for n, who, what in lines if names.without(what) != what or names.without(who) != who]
        last = lines[-1][0]
    return found, last


def strike(desk: Desk, names: Names, n: int) -> bool:
    """Take the names out of one line; False when there are none."""
    connection = desk.connection
    *fields, hash, salt = connection.execute(LINE, (n,)).fetchone()
    who, what = fields[3], fields[6]
    after = (names.without(who), names.without(what))
    if after == (who, what):
        return False
    if salt != chain.ERASED:
        digest, resealed = _left(connection, tuple(fields), hash, salt)
        row = (n, desk.t, digest, resealed)
        connection.execute("INSERT INTO struck(n, gone, digest, hash) VALUES(?, ?, ?, ?)", row)
    connection.execute("UPDATE audit SET who=?, what=?, salt=? WHERE n=?", (*after, chain.ERASED, n))
    return True


def _left(
    connection: Connection, line: tuple[object, ...], hash: bytes, salt: bytes | None
) -> tuple[bytes, bytes | None]:
    """The digest that stays of a line; and of one of layout 1 its link, made anew."""
    n, t, ts, who, purpose, act, what = line
    named, private = chain.split(str(who), str(what))
    if salt is not None:
        return chain.digest(salt, "", private), None
    last = connection.execute("SELECT hash FROM audit WHERE n<? ORDER BY n DESC LIMIT 1", (n,)).fetchone()
    before = last[0] if last else chain.START
    digest = chain.digest(chain.salt(), "", private)
    held = hash == chain.plain_link(before, line)
    return digest, chain.link(before, (n, t, ts, named, purpose, act), [digest]) if held else chain.UNKNOWN
