"""What belongs to an erasure besides the records: the audit, and what is still to be done elsewhere (finishing.py)."""

import orjson

from salus.records.desk import Desk
from salus.records.erasing import grams
from salus.records.erasing.carrying import Done, lay_down, strike_all
from salus.records.erasing.shapes import Doom, Report

Ready = tuple[frozenset[str], list[int], int]  # references that were looked for in the audit, lines, the last looked at


def settled(desk: Desk, done: Done, doom: Doom, ready: Ready) -> Report:
    """What belongs to an erasure besides the records: the audit, and what is still to be done elsewhere."""
    known, lines, after = ready
    if set(done.names.references) - known:  # more came meanwhile
        lines, after = [], 0
    audited, last = strike_all(desk, done.names, lines, after)
    todo = {
        "references": done.names.references,
        "words": sorted(done.names.words),
        "subjects": sorted(doom.subjects),
        "grams": grams.shared(desk.connection, done.traces.bodies),
        "audited": last,
    }
    lay_down(desk, orjson.dumps(todo).decode())
    return Report(desk.t, dict(sorted(done.resources.items())), done.versions, done.rewritten, audited)
