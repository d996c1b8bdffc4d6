"""What a form of a page says that books: a day to look from, a time as its button says it, and the key that lets it be
sent twice and be done once. For patients and the desk alike; knows none of their pages.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from salus.base import clock
from salus.base.errors import Invalid
from salus.services.appointments.booking import Booking
from salus.services.appointments.catalogue import used_slots
from salus.services.appointments.choosing import offered
from salus.services.appointments.courses import Courses
from salus.services.appointments.days import Day, by_day
from salus.services.appointments.finding import Offer
from salus.services.appointments.taking_back import TakingBack, nearest
from salus.services.appointments.waiting.places import WaitingList
from salus.web.telling.bookings import Coming
from salus.web.visit import Visit

FIRST = 6  # times of a doctor that show at once
LONGEST_KEY = 64


@dataclass(frozen=True, slots=True)
class Choice:
    """A time as a button of the page says it: `service|PractitionerRole/x|2026-11-23T01:00:00Z`."""

    service: str
    actor: str
    start: datetime


def choice_of(text: str) -> Choice:
    """Raises Invalid for what no button of ours says.

    >>> choice_of("eyes|PractitionerRole/3|2026-11-23T01:00:00Z").start.hour
    1
    """
    parts = text.split("|")
    try:
        service, actor, start = parts
        at = datetime.fromisoformat(start)
    except ValueError:
        raise Invalid(f"'{text[:80]}' is no time of the page: choose one of those on it", path="at") from None
    if at.tzinfo is None or not clock.is_near(at):
        raise Invalid(f"{start[:40]} has no zone, or is far away: choose a time on the page", path="at")
    return Choice(service, actor, at.astimezone(UTC))


def key_of(visit: Visit) -> str:
    """The key that the page gave its form. Raises Invalid for a form that has lost it."""
    key = visit.form.get("key", "")
    if not 0 < len(key) <= LONGEST_KEY:
        raise Invalid("The form has lost its key: load the page again", path="key")
    return key


def desk_of(visit: Visit) -> Booking:
    return Booking(visit.desk.store, visit.who.actor, visit.who.purpose)


def courses_of(visit: Visit) -> Courses:
    return Courses(visit.desk.store, visit.who.actor, visit.who.purpose)


def undoing_of(visit: Visit) -> TakingBack:
    return TakingBack(visit.desk.store, visit.who.actor, visit.who.purpose)


def near_days(visit: Visit, moving: Coming) -> list[Day]:
    """The free times nearest to where a booking was before it was moved; none where that is not known."""
    told = visit.records.read("Appointment", moving.id).json()
    if moving.moved is None or moving.clinic is None:
        return []
    return by_day(moving.clinic.id, nearest(visit.desk.store, told, moving.moved), moving.clinic.zone)


def line_of(visit: Visit) -> WaitingList:
    return WaitingList(visit.desk.store, visit.who.actor, visit.who.purpose)


def offer_of(visit: Visit, chosen: Choice, moving: str = "") -> tuple[Offer, tuple[str, ...]]:
    """The offer that was chosen, and the Slots it uses up. Raises Conflict where it is not free any more."""
    service, offer = offered(visit.desk.store, chosen.service, chosen.start, chosen.actor, moving)
    return offer, used_slots(service, offer.actors[0], offer.start, offer.end)
