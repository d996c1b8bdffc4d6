"""Which address leads to which of the pharmacy's pages."""

from collections.abc import Callable

from starlette.responses import Response

from salus.web.pharmacy import counter, prescription, worklist
from salus.web.visit import Visit

Handler = Callable[[Visit], Response]
DISPENSING = "/pharmacy/{id}/dispensings/{dispensing}"

PAGES: tuple[tuple[str, str, Handler, str | None], ...] = (
    ("GET", "/pharmacy", worklist.listing, "pharmacy"),
    ("GET", "/pharmacy/{id}", prescription.one, "pharmacy"),
    ("POST", "/pharmacy/{id}", prescription.judge, "pharmacy"),
    ("POST", "/pharmacy/{id}/dispensings", counter.prepare, "pharmacy"),
    *(("POST", f"{DISPENSING}/{verb}", counter.goes_on(verb), "pharmacy") for verb in counter.VERBS),
    ("GET", f"{DISPENSING}/label", counter.label, "pharmacy"),
)
