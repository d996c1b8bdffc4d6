"""Which address leads to which of the front desk's pages."""

from collections.abc import Callable

from starlette.responses import Response

from salus.web.reception import (
    booking,
    doubles,
    guardians,
    hall,
    joinings,
    line,
    ontop,
    people,
    registering,
    screen,
    waiting,
    waitlisting,
)
from salus.web.visit import Visit

Handler = Callable[[Visit], Response]
ROOM = "reception"

PAGES: tuple[tuple[str, str, Handler, str | None], ...] = (
    ("GET", "/reception", hall.page, ROOM),
    ("POST", "/reception/bookings/{id}/check-in", hall.arrive, ROOM),
    ("POST", "/reception/call", line.call, ROOM),
    ("POST", "/reception/numbers/{id}/triage", line.triage, ROOM),
    ("POST", "/reception/numbers/{id}/{verb}", line.deed, ROOM),
    ("GET", "/reception/numbers/{id}", line.slip, ROOM),
    ("GET", "/reception/register", registering.form, ROOM),
    ("POST", "/reception/register", registering.save, ROOM),
    ("GET", "/reception/people", people.find, ROOM),
    ("GET", "/reception/people/{id}", people.one, ROOM),
    ("POST", "/reception/people/{id}/walk-in", people.take_in, ROOM),
    ("GET", "/reception/people/{id}/guardians", guardians.page, ROOM),
    ("POST", "/reception/people/{id}/guardians", guardians.save, ROOM),
    ("POST", "/reception/people/{id}/guardians/{relation}/end", guardians.stop, ROOM),
    ("POST", "/reception/people/{id}/guardians/{relation}/again", guardians.resume, ROOM),
    ("GET", "/reception/people/{id}/book", booking.times, ROOM),
    ("POST", "/reception/people/{id}/book", booking.book, ROOM),
    ("GET", "/reception/people/{id}/on-top", ontop.page, ROOM),
    ("POST", "/reception/people/{id}/on-top", ontop.give, ROOM),
    ("GET", "/reception/bookings/{id}/move", booking.instead, ROOM),
    ("POST", "/reception/bookings/{id}/move", booking.move, ROOM),
    ("POST", "/reception/bookings/{id}/take-back", booking.take_back, ROOM),
    ("POST", "/reception/bookings/{id}/cancel", booking.cancel, ROOM),
    ("GET", "/reception/waiting", waiting.page, ROOM),
    ("POST", "/reception/waiting/{id}/urgency", waiting.rate, ROOM),
    ("POST", "/reception/waiting/{id}/{verb}", waiting.deed, ROOM),
    ("GET", "/reception/people/{id}/wait", waitlisting.form, ROOM),
    ("POST", "/reception/people/{id}/wait", waitlisting.join, ROOM),
    ("GET", "/reception/doubles", doubles.page, ROOM),
    ("GET", "/reception/doubles/look", doubles.two, ROOM),
    ("POST", "/reception/doubles/join", doubles.confirm, ROOM),
    ("POST", "/reception/doubles/apart", doubles.apart, ROOM),
    ("GET", "/reception/joinings", joinings.page, ROOM),
    ("GET", "/reception/joinings/{id}", joinings.one, ROOM),
    ("POST", "/reception/joinings/{id}", joinings.undo, ROOM),
    ("GET", "/reception/screen", screen.page, ROOM),
)
