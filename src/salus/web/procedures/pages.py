"""Which address leads to which page of procedures."""

from collections.abc import Callable

from starlette.responses import Response

from salus.web.procedures import room, ward
from salus.web.visit import Visit

Handler = Callable[[Visit], Response]

PAGES: tuple[tuple[str, str, Handler, str | None], ...] = (
    ("GET", "/patients/{id}/procedures", ward.ask, "patients"),
    ("POST", "/patients/{id}/procedures", ward.sign, "patients"),
    ("POST", "/patients/{id}/procedures/{order}/cancel", ward.cancel, "patients"),
    ("POST", "/patients/{id}/procedures/{order}/again", ward.restore, "patients"),
    ("GET", "/procedures", room.listing, "procedures"),
    ("POST", "/procedures/{order}/done", room.carry_out, "procedures"),
    ("POST", "/procedures/{order}/not-done", room.leave, "procedures"),
    ("POST", "/procedures/{order}/take-back", room.take_back, "procedures"),
)
