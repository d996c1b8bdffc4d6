"""Which address leads to which of the patient's pages."""

from collections.abc import Callable

from starlette.responses import Response

from salus.web.mine import appointments, booking, find, home
from salus.web.visit import Visit

Handler = Callable[[Visit], Response]

PAGES: tuple[tuple[str, str, Handler, str | None], ...] = (
    ("GET", "/mine", home.home, "mine"),
    ("GET", "/mine/find", find.page, "mine"),
    ("POST", "/mine/hold", booking.hold, "mine"),
    ("GET", "/mine/appointments", appointments.listing, "mine"),
    ("GET", "/mine/appointments/{id}", appointments.one, "mine"),
    ("GET", "/mine/appointments/{id}/left", appointments.left, "mine"),
    ("GET", "/mine/appointments/{id}/move", find.instead, "mine"),
    ("POST", "/mine/appointments/{id}/move", booking.move, "mine"),
    ("POST", "/mine/appointments/{id}/confirm", booking.confirm, "mine"),
    ("POST", "/mine/appointments/{id}/cancel", booking.cancel, "mine"),
    ("POST", "/mine/appointments/{id}/restore", booking.restore, "mine"),
)
