"""Which address of the clinic leads where."""

from collections.abc import Callable

from starlette.responses import Response

from salus.web.clinic import diagnosing, note, ordering, queue, room
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
    ("GET", f"{VISIT}/diagnoses", diagnosing.found, "clinic"),
    ("POST", f"{VISIT}/diagnoses", diagnosing.diagnose, "clinic"),
    ("POST", f"{VISIT}/diagnoses/change", diagnosing.rediagnose, "clinic"),
    ("POST", f"{VISIT}/tests", ordering.test, "clinic"),
    ("GET", f"{VISIT}/procedures", ordering.ask, "clinic"),
    ("POST", f"{VISIT}/procedures", ordering.procedure, "clinic"),
    ("POST", f"{VISIT}/orders", ordering.prescribe, "clinic"),
    ("POST", f"{VISIT}/orders/renew", ordering.renew, "clinic"),
    ("POST", f"{VISIT}/orders/decide", ordering.decide, "clinic"),
    ("POST", f"{VISIT}/orders/drop", ordering.drop, "clinic"),
    ("POST", f"{VISIT}/sign", room.sign, "clinic"),
    ("GET", "/clinic/notes/{note}", note.read, "clinic"),
    ("POST", "/clinic/notes/{note}/addenda", note.add, "clinic"),
    ("POST", "/clinic/notes/{note}/signatures", note.cosign, "clinic"),
)
