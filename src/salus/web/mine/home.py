"""What comes next, on one page; and all appointments, those to come and those that were."""

from starlette.responses import Response

from salus.web.mine.appointments import own_ones
from salus.web.mine.waiting import waiting_ones
from salus.web.services import known
from salus.web.telling.bookings import in_order
from salus.web.visit import Visit

PAST = 20  # of those that were, on a page


def home(visit: Visit) -> Response:
    """Somebody without a record here is told so."""
    ahead, _ = in_order(own_ones(visit))
    return visit.page("mine/home.html", **known(visit), ahead=ahead, waits=waiting_ones(visit))


def appointments(visit: Visit) -> Response:
    ahead, behind = in_order(own_ones(visit))
    shown = len(behind) if "all" in visit.query else PAST
    return visit.page(
        "mine/appointments.html",
        ahead=ahead,
        waits=waiting_ones(visit),
        behind=behind[:shown],
        more=len(behind) - shown,
    )
