"""What comes next, on one page; and all appointments, those to come and those that were."""

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from salus.base import clock
from salus.services.appointments.courses import orders_of
from salus.services.billing.invoices import invoices_of
from salus.services.reminders.notices import unread
from salus.web.mine.appointments import own_ones
from salus.web.mine.forwhom import choices
from salus.web.mine.record import own_dossier, plain
from salus.web.mine.turn import turn_of
from salus.web.mine.waiting import waiting_ones
from salus.web.services import known, own
from salus.web.telling.bookings import gathered, held, in_order
from salus.web.telling.measures import Trend
from salus.web.visit import Visit

PAST = 20  # of those that were, on a page
NEW, FEW = timedelta(days=14), 5  # how long a result is new, and how many are named


def home(visit: Visit) -> Response:
    """Somebody without a record here is told so."""
    who = known(visit)
    return visit.page("mine/home.html", choices=choices(visit), **who, **(coming(visit) if who["somebody"] else {}))


def coming(visit: Visit) -> dict[str, Any]:
    """What waits for the patient, the most pressing in front."""
    ones = own_ones(visit)
    ahead, _ = in_order(ones)
    return {
        "turn": turn_of(visit),
        "held": held(ones),
        "ahead": ahead,
        "waits": waiting_ones(visit),
        "due": due(visit),
        "notices": unread(visit.records, f"Patient/{own(visit)}"),
        "news": news(visit),
        "plain": plain,
    }


def due(visit: Visit) -> dict[str, int]:
    """What is to be paid in all, by currency, in minor units."""
    made: dict[str, int] = {}
    for one in invoices_of(visit.records, own(visit)):
        if one.due > 0:
            made[one.currency] = made.get(one.currency, 0) + one.due
    return made


def news(visit: Visit) -> list[Trend]:
    """The results of the last days."""
    since = (clock.now() - NEW).date().isoformat()
    return [one for one in own_dossier(visit).results if one.latest.at[:10] >= since][:FEW]


def appointments(visit: Visit) -> Response:
    ones = own_ones(visit)
    ahead, behind = in_order(ones)
    clinics = visit.brochure.clinics()
    shown = len(behind) if "all" in visit.query else PAST
    return visit.page(
        "mine/appointments.html",
        held=held(ones),
        ahead=gathered(ahead),
        orders=[(one, clinics[one.service]) for one in orders_of(visit.records, own(visit)) if one.service in clinics],
        waits=waiting_ones(visit),
        behind=behind[:shown],
        more=len(behind) - shown,
    )
