"""The screen on the wall: numbers, rooms, and names of which nobody is known by. Live by server-sent events, and loaded
anew by the browser itself where no script runs. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from salus.base import clock
from salus.base.errors import SalusError
from salus.records import Store
from salus.services.appointments.brochure import Clinic
from salus.services.reception import queue
from salus.services.reception.matching.names import HAN
from salus.services.reception.states import ASIDE, CALLED, WAITING
from salus.services.reception.tickets import Ticket
from salus.web.live import known
from salus.web.reception.hall import called_by, chosen
from salus.web.reception.rooms import rooms
from salus.web.telling.people import patients
from salus.web.visit import Desk, Visit

LOOK = 1.0  # seconds between two looks at the records
BREATH = 20  # looks without news after which a line keeps the connection open
MOST = 500  # changes that are looked at
NEXT = 6  # who wait, shown beside those who are called
AGAIN = 10  # seconds after which a browser without scripts loads the page again


@dataclass(frozen=True, slots=True)
class Line:
    """One who is called, by a name of which nobody is known; `calls` how often."""

    number: str
    name: str
    doctor: str
    room: str
    calls: int


@dataclass(frozen=True, slots=True)
class Board:
    """What the wall shows of a clinic: the called, the latest first; numbers of who is next, and of who was not there
    when called; `at` when that was so, by the clock of the clinic."""

    clinic: Clinic
    at: datetime
    called: tuple[Line, ...]
    next: tuple[str, ...]
    absent: tuple[str, ...]


def page(visit: Visit) -> Response:
    """The boards of the clinics asked for, between commas."""
    since = visit.desk.store.last_transaction()  # before the queues are read: what comes later is news
    asked = [one for one in visit.query.get("service", "").split(",") if one] or [""]
    wall = [board(visit, clinic) for one in asked[:4] if (clinic := chosen(visit, one))]
    return visit.page("reception/screen.html", wall=wall, services=",".join(asked), after=AGAIN, since=since)


def board(visit: Visit, clinic: Clinic) -> Board:
    tickets = queue.queue(visit.desk.store, visit.who.actor, visit.who.purpose, clinic.id)
    called = sorted((one for one in tickets if one.status == CALLED), key=lambda one: str(one.called), reverse=True)
    people = patients(visit.records, (one.patient.partition("/")[2] for one in called), visit.language, visit.today)
    places = rooms(visit.records, (one.room for one in called), visit.language)

    def line(one: Ticket) -> Line:
        person = people.get(one.patient.partition("/")[2])
        doctor = called_by(clinic, one, visit.language)
        return Line(one.said, masked(person.name) if person else "", doctor, places.get(one.room, ""), one.calls)

    return Board(
        clinic,
        clock.now().astimezone(clinic.zone),
        tuple(line(one) for one in called),
        tuple(one.said for one in tickets if one.status == WAITING)[:NEXT],
        tuple(one.said for one in tickets if one.status == ASIDE and one.why == "absent"),
    )


def masked(name: str) -> str:
    """
    >>> masked("王建国"), masked("王伟"), masked("欧阳娜娜"), masked("Li Meihua"), masked("Ann")
    ('王*国', '王*', '欧**娜', 'L* M*', 'A*')
    """
    if HAN.fullmatch(name):
        return name[0] + "*" * max(1, len(name) - 2) + (name[-1] if len(name) > 2 else "")
    return " ".join(f"{part[0]}*" for part in name.split())


# --- news ---


def stream(desk: Desk, enter: Callable[[Request], Visit | None]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint: an event `changed` whenever a number of any queue has changed. It says nothing else."""

    async def open_stream(request: Request) -> Response:
        visit = enter(request)
        if visit is None:
            return Response(status_code=403)
        return StreamingResponse(events(desk.store, request), media_type="text/event-stream")

    return open_stream


async def events(store: Store, request: Request) -> AsyncIterator[str]:
    yield "retry: 3000\n\n"
    seen, silent = known(request), 0
    if seen is None:
        seen = await asyncio.to_thread(store.last_transaction)
    while not await request.is_disconnected():
        latest, news = await asyncio.to_thread(looked, store, seen)
        seen, silent = latest, 0 if news else silent + 1
        if news:
            yield f"id: {seen}\nevent: changed\ndata: queue\n\n"
        elif silent % BREATH == 0:
            yield ": still here\n\n"
        await asyncio.sleep(LOOK)


def looked(store: Store, seen: int) -> tuple[int, bool]:
    """The latest transaction, and whether a Task has changed since; a store that is busy is looked at again."""
    try:
        latest = store.last_transaction()
        changes = store.outbox(max(seen, latest - MOST), MOST) if latest > seen else []
    except SalusError:
        return seen, False
    return latest, any(one.type == "Task" for one in changes)
