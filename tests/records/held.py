"""What the table of holds says, whole: the house asks it narrower questions."""

from datetime import datetime
from typing import NamedTuple

from salus.base import clock
from salus.records import Store
from salus.records.holds import moment
from salus.records.ids import unpacked

HELD = """
SELECT k.name, r.id, h.seat, h.low, h.high, h.booking FROM hold h JOIN resource r ON r.row=h.actor
JOIN kind k ON k.type=r.type WHERE h.until IS NULL OR h.until>? ORDER BY h.low, h.seat
"""


class Held(NamedTuple):
    """One actor (`Practitioner/7`) from `start` until before `end`, for a booking (`Appointment/3`)."""

    actor: str
    seat: int
    start: datetime
    end: datetime
    booking: str


def held_in(store: Store, *actors: str) -> list[Held]:
    """All that has not expired, of these actors or of everybody, in order."""
    with store.readers.one() as reader:
        lines = reader.connection.execute(HELD, (int(clock.now().timestamp()),)).fetchall()
    all = (
        Held(f"{kind}/{unpacked(id)}", seat, moment(low), moment(high), booking)
        for kind, id, seat, low, high, booking in lines
    )
    return [one for one in all if not actors or one.actor in actors]
