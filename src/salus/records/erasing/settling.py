"""What belongs to an erasure besides the records: the audit, and what is still to be done elsewhere (finishing.py)."""

from dataclasses import dataclass, field

import orjson

from salus.records.desk import Desk
from salus.records.erasing import grams
from salus.records.erasing.carrying import Done, lay_down, strike_all
from salus.records.erasing.shapes import Doom, Report


@dataclass(frozen=True, slots=True)
class Ready:
    """What was looked up before the writer was asked, so that nobody waits for it: of these references the `lines` of
    the audit up to line `last`; of these bodies the `grams` that the dictionary knows."""

    references: frozenset[str] = frozenset()
    lines: list[int] = field(default_factory=list)
    last: int = 0
    bodies: frozenset[bytes] = frozenset()
    grams: list[str] = field(default_factory=list)


def settled(desk: Desk, done: Done, doom: Doom, ready: Ready) -> Report:
    """What belongs to an erasure besides the records: the audit, and what is still to be done elsewhere."""
    known = not set(done.names.references) - ready.references  # else more came meanwhile
    audited, last = strike_all(desk, done.names, ready.lines if known else [], ready.last if known else 0)
    more = grams.shared(desk.connection, set(done.traces.bodies) - ready.bodies)
    todo = {
        "references": done.names.references,
        "words": sorted(done.names.words),
        "subjects": sorted(doom.subjects),
        "grams": sorted({*ready.grams, *more}),
        "audited": last,
    }
    lay_down(desk, orjson.dumps(todo).decode())
    return Report(desk.t, dict(sorted(done.resources.items())), done.versions, done.rewritten, audited)
