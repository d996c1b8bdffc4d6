"""How the time of many actors at once is taken, as mere seconds: what a search for a free time asks, and asks often.

A seat's holds never overlap (`holds`), so that only the last one before a moment can reach into what follows it.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from salus.records.reading import BATCH, Reader
from salus.records.search.setting import filled

Window = tuple[int, int]  # seconds since 1970, half-open
STANDS = "AND (h.until IS NULL OR h.until>?) {but}"
HELD = f"""
SELECT h.actor, sum(h.high-h.low) FROM hold h
WHERE h.actor IN ({{actors}}) AND h.seat=0 AND h.low>=? AND h.low<? AND h.high<=? {STANDS} GROUP BY h.actor
"""
BUSY = f"""
SELECT h.actor, h.low, h.high FROM resource a JOIN hold h ON h.actor=a.row AND h.seat=0
    AND h.low=(SELECT max(p.low) FROM hold p WHERE p.actor=a.row AND p.seat=0 AND p.low<?)
WHERE a.row IN ({{actors}}) AND h.high>? {STANDS}
UNION ALL
SELECT h.actor, h.low, h.high FROM hold h
WHERE h.actor IN ({{actors}}) AND h.seat=0 AND h.low>=? AND h.low<? {STANDS} ORDER BY 1, 2
"""
ROWS = "SELECT row, id FROM resource WHERE type=? AND id IN ({})"


class Diaries:
    """The diaries of some actors, as one reader sees them at a moment. What the bookings `but` hold counts as free."""

    def __init__(self, reader: Reader, actors: Iterable[str], at: datetime, but: Collection[str] = ()) -> None:
        self._reader, self._now, self._but = reader, int(at.timestamp()), tuple(but)
        self._rows = rows_of(reader, actors)
        self._actors = {row: actor for actor, row in self._rows.items()}

    def held(self, actors: Iterable[str], low: int, high: int) -> dict[str, int]:
        """How many seconds of each are held by what lies wholly within a window; nothing of who holds none."""
        made: dict[str, int] = {}
        for rows in self._some(actors):
            given = (*rows, low, high, high, self._now, *self._but)
            made |= {self._actors[row]: held for row, held in self._asked(HELD, rows, given)}
        return made

    def busy(self, actors: Collection[str], low: int, high: int) -> dict[str, list[Window]]:
        """What of each is held between two moments, in order."""
        made: dict[str, list[Window]] = {actor: [] for actor in actors}
        for rows in self._some(actors):
            stands = (self._now, *self._but)
            given = (low, *rows, low, *stands, *rows, low, high, *stands)
            for row, start, stop in self._asked(BUSY, rows, given):
                made[self._actors[row]].append((start, stop))
        return made

    def _some(self, actors: Iterable[str]) -> Iterable[list[int]]:
        rows = [self._rows[actor] for actor in actors if actor in self._rows]
        return (filled(rows[begin : begin + BATCH])[1] for begin in range(0, len(rows), BATCH))

    def _asked(self, sql: str, rows: Sequence[int], given: Sequence[object]) -> list[tuple[int, ...]]:
        marks = ",".join("?" * len(rows))
        but = f"AND h.booking NOT IN ({','.join('?' * len(self._but))})" if self._but else ""
        asked = self._reader.connection.execute(sql.format(actors=marks, but=but), given)
        found: list[tuple[int, ...]] = asked.fetchall()
        return found


def rows_of(reader: Reader, actors: Iterable[str]) -> dict[str, int]:
    """The row of each actor; none of those that nobody ever named."""
    keys = {reader.kinds.target(*parts(actor)): actor for actor in actors}
    made: dict[str, int] = {}
    for type in {type for type, _ in keys}:
        ids = [id for of, id in keys if of == type]
        for begin in range(0, len(ids), BATCH):
            some = ids[begin : begin + BATCH]
            found = reader.connection.execute(ROWS.format(",".join("?" * len(some))), (type, *some)).fetchall()
            made |= {keys[type, id]: row for row, id in found}
    return made


def parts(actor: str) -> tuple[str, str]:
    type, _, id = actor.partition("/")
    return type, id
