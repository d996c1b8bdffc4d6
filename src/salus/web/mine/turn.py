"""Where the patient stands in the queue today, once they have arrived: their number, how many before, how long."""

from dataclasses import dataclass
from math import ceil, floor

from starlette.responses import Response

from salus.services.reception.states import CALLED, WAITING
from salus.services.reception.waiting import turn
from salus.web.mine.house import named
from salus.web.services import own
from salus.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Turn:
    """As its holder reads it: `state` is waiting, called or aside; `low` to `high` are minutes, 0 and 0 for not known;
    `room` where to go, once called."""

    number: str
    state: str
    before: int
    low: int
    high: int
    room: str


def turn_of(visit: Visit) -> Turn | None:
    """None for who waits nowhere today."""
    found = turn(visit.desk.store, visit.who.actor, visit.who.purpose, f"Patient/{own(visit)}")
    if found is None:
        return None
    ticket, estimate = found.ticket, found.estimate
    return Turn(
        number=ticket.said,
        state={WAITING: "waiting", CALLED: "called"}.get(ticket.status, "aside"),
        before=found.before,
        low=floor(estimate.low) if estimate else 0,
        high=ceil(estimate.high) if estimate else 0,
        room=named(visit, ticket.room) if ticket.room else "",
    )


def part(visit: Visit) -> Response:
    """The part of a page that is asked for again and again, where a script may."""
    return visit.page("mine/turn.html", turn=turn_of(visit))
