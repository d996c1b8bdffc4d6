"""Where the patient stands in the queue today, once they have arrived: their number, how many before, how long."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor

from starlette.responses import Response

from salus.base import clock
from salus.services.reception.states import CALLED, WAITING
from salus.services.reception.waiting import turn
from salus.web.mine.house import named
from salus.web.services import own
from salus.web.visit import OVER, Visit


@dataclass(frozen=True, slots=True)
class Turn:
    """As its holder reads it: `state` is waiting, called or aside; `low` to `high` are minutes, 0 and 0 for not known;
    `room` where to go, once called; `at` when it was so, by the clock of the house."""

    number: str
    state: str
    before: int
    low: int
    high: int
    room: str
    at: datetime


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
        at=clock.now().astimezone(visit.zone),
    )


def part(visit: Visit) -> Response:
    """The part of a page that is asked for again and again, where a script may, until it is over."""
    found = turn_of(visit)
    return visit.page("mine/turn.html", 200 if found else OVER, turn=found)
