"""Which address of the clinic leads where."""

from collections.abc import Callable

from starlette.responses import Response

from salus.web.clinic import note, queue, room
from salus.web.visit import Visit

Handler = Callable[[Visit], Response]
VISIT = "/clinic/visits/{id}/{encounter}"

PAGES: tuple[tuple[str, str, Handler, str | None], ...] = (
    ("GET", "/clinic", queue.listing, "clinic"),
    ("POST", "/clinic/call", queue.call, "clinic"),
    ("POST", "/clinic/tickets/{ticket}/{verb}", queue.deed, "clinic"),
    ("GET", VISIT, room.page, "clinic"),
    ("POST", f"{VISIT}/draft", room.keep, "clinic"),
    ("POST", f"{VISIT}/template", room.choose, "clinic"),
    ("GET", f"{VISIT}/diagnoses", room.found, "clinic"),
    ("POST", f"{VISIT}/diagnoses", room.diagnose, "clinic"),
    ("POST", f"{VISIT}/diagnoses/change", room.rediagnose, "clinic"),
    ("POST", f"{VISIT}/tests", room.test, "clinic"),
    ("POST", f"{VISIT}/orders", room.prescribe, "clinic"),
    ("POST", f"{VISIT}/orders/renew", room.renew, "clinic"),
    ("POST", f"{VISIT}/orders/decide", room.decide, "clinic"),
    ("POST", f"{VISIT}/orders/drop", room.drop, "clinic"),
    ("POST", f"{VISIT}/sign", room.sign, "clinic"),
    ("GET", "/clinic/notes/{note}", note.read, "clinic"),
    ("POST", "/clinic/notes/{note}/addenda", note.add, "clinic"),
    ("POST", "/clinic/notes/{note}/signatures", note.cosign, "clinic"),
)
