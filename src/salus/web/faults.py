"""Error pages, in the reader's language: what happened, what to do now, and what exactly was wrong."""

from http import HTTPStatus

from starlette.responses import Response

from salus.base.errors import SalusError
from salus.web.visit import Visit

OUR_FAULT = 500
KNOWN = (400, 401, 403, 404, 405, 409, 410, 412, 422, 500, 503)


def page(visit: Visit, error: SalusError) -> Response:
    """The page, or for htmx the part of one, for an error of our tree."""
    return told(visit, error.status, [visit.told(issue.text) for issue in error.issues])


def plain(visit: Visit, status: HTTPStatus) -> Response:
    return told(visit, int(status), [])


def told(visit: Visit, status: int, details: list[str]) -> Response:
    kind = status if status in KNOWN else OUR_FAULT if status >= OUR_FAULT else 400
    template = "fault_part.html" if visit.by_htmx else "fault.html"
    return visit.page(template, status, kind=kind, details=details)
