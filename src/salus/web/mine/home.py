"""What comes next, on one page."""

from starlette.responses import Response

from salus.web.mine.appointments import own_ones
from salus.web.services import known
from salus.web.telling.bookings import in_order
from salus.web.visit import Visit


def home(visit: Visit) -> Response:
    """Somebody without a record here is told so."""
    ahead, _ = in_order(own_ones(visit))
    return visit.page("mine/home.html", **known(visit), ahead=ahead)
