"""A place in the waiting list as people read it: where it stands, what is offered and how long that is held."""

from dataclasses import dataclass
from datetime import datetime, time

from salus.base import clock
from salus.services.appointments.brochure import USUAL, Clinic
from salus.services.appointments.waiting.terms import Place, Terms

ENDS = time(23, 59, 59)  # of the day, as terms have it
# part of the day -> from, until on the clock of the place
HALVES = {"": (time(0), ENDS), "morning": (time(0), time(12)), "afternoon": (time(12), ENDS)}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A place as its holder reads it. `before`: how many stand ahead; `start`, `until`: of the offered time, and until
    when it is to be answered, by the clock of the place."""

    place: Place
    clinic: Clinic | None
    before: int
    start: datetime | None
    until: datetime | None
    now: datetime

    @property
    def id(self) -> str:
        return self.place.id

    @property
    def minutes(self) -> int:
        """Whole minutes that are left to answer."""
        return int((self.until - self.now).total_seconds() // 60) if self.until else 0

    @property
    def is_open(self) -> bool:
        """Whether there is an offer to answer."""
        return self.until is not None and self.until > self.now

    @property
    def half(self) -> str:
        return half_of(self.place.terms)

    @property
    def hours(self) -> str:
        return hours_of(self.place.terms)


def waiting(place: Place, clinic: Clinic | None, before: int) -> Waiting:
    zone = clinic.zone if clinic else USUAL
    start = place.offer.start.astimezone(zone) if place.offer else None
    until = place.until.astimezone(zone) if place.until else None
    return Waiting(place, clinic, before, start, until, clock.now())


def half_of(terms: Terms) -> str:
    """The part of the day that is waited for; empty for the whole day, and for other hours."""
    return next((name for name, times in HALVES.items() if times == (terms.opens, terms.closes)), "")


def hours_of(terms: Terms) -> str:
    """Between which hours, where it is no part of the day that has a name.

    >>> [hours_of(Terms("HealthcareService/x", opens=time(9), closes=one)) for one in (time(10, 30), ENDS)]
    ['09:00–10:30', '09:00–24:00']
    >>> hours_of(Terms("HealthcareService/x"))
    ''
    """
    if (terms.opens, terms.closes) in HALVES.values():
        return ""
    return f"{terms.opens:%H:%M}–{'24:00' if terms.closes == ENDS else f'{terms.closes:%H:%M}'}"
