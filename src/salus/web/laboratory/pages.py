"""Which address leads to which of the laboratory's pages."""

from collections.abc import Callable

from starlette.responses import Response

from salus.web.laboratory import bench, calls, specimen, worklist
from salus.web.visit import Visit

Handler = Callable[[Visit], Response]

PAGES: tuple[tuple[str, str, Handler, str | None], ...] = (
    ("GET", "/laboratory", worklist.listing, "laboratory"),
    ("GET", "/laboratory/specimens", worklist.seek, "laboratory"),
    ("POST", "/laboratory/specimens", specimen.draw, "laboratory"),
    ("GET", "/laboratory/specimens/{accession}", specimen.one, "laboratory"),
    ("POST", "/laboratory/specimens/{accession}/receive", specimen.come, "laboratory"),
    ("POST", "/laboratory/specimens/{accession}/reject", specimen.turn_down, "laboratory"),
    ("GET", "/laboratory/orders/{id}", bench.one, "laboratory"),
    ("POST", "/laboratory/orders/{id}/results", bench.keep, "laboratory"),
    ("POST", "/laboratory/orders/{id}/verify", bench.approve, "laboratory"),
    ("POST", "/laboratory/orders/{id}/correct", bench.mend, "laboratory"),
    ("GET", "/laboratory/critical", calls.listing, "laboratory"),
    ("POST", "/laboratory/critical/{task}/call", calls.note, "laboratory"),
)
