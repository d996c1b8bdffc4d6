"""Find a time: a department or a doctor, then the next days that have room, a doctor's times beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.responses import Response

from salus.base import clock
from salus.base.ids import uuid7
from salus.services.appointments.brochure import Clinic, Doctor
from salus.services.appointments.days import Day, next_days
from salus.services.appointments.finding import Offer
from salus.services.appointments.groups import Session, sessions
from salus.services.billing.quoting import Quote, quote
from salus.web.booking import FIRST, near_days
from salus.web.days import day_of
from salus.web.mine.appointments import coming_of
from salus.web.mine.insurance import kinds
from salus.web.mine.seeking import looked_for
from salus.web.telling.bookings import Coming
from salus.web.visit import Visit

SOME = 4  # doctors on a day that show at once
LONGEST = 60  # letters that are looked for
GROUPS_AHEAD = timedelta(days=28)
NARROWING = ("department", "service", "doctor", "place")


@dataclass(frozen=True, slots=True)
class Row:
    """A doctor's free times on a day; `insured` whether the patient's insurance is taken, None for not known."""

    clinic: Clinic
    doctor: Doctor
    times: tuple[Offer, ...]
    insured: bool | None
    price: Quote | None

    def local(self, offer: Offer) -> datetime:
        return offer.start.astimezone(self.clinic.zone)


def page(visit: Visit) -> Response:
    """Where to begin, or the times, once it is known of whom."""
    if any(visit.query.get(name) for name in NARROWING):
        return times(visit, {name: visit.query.get(name, "") for name in NARROWING})
    words = visit.query.get("name", "").strip()[:LONGEST]
    clinics = tuple(visit.brochure.clinics().values())
    return visit.page("mine/find.html", words=words, **looked_for(clinics, words))


def times(
    visit: Visit,
    asked: dict[str, str],
    moving: Coming | None = None,
    fault: str = "",
    status: int = 200,
    near: Sequence[Day] = (),
) -> Response:
    """The next days on which any of those asked for has room; those of `near` where there are any."""
    clinics, doctor = wanted(visit, asked)
    begin = day_of(visit.query.get("from", ""))
    shown = [one for one in clinics if not asked["place"] or one.place.en == asked["place"]]
    days = [*near] or (days_of(visit, shown, clinics[0].zone, begin, doctor, moving) if shown else [])
    return visit.page(
        "mine/times.html",
        status,
        clinics=clinics,
        doctor=doctor,
        asked=asked,
        begin=begin,
        days=told(visit, days),
        groups=[] if moving or doctor else groups(visit, shown),
        later=days[-1].day + timedelta(days=1) if days else None,
        first=FIRST,
        some=SOME,
        key=uuid7(),
        moving=moving,
        fault=fault,
    )


def days_of(
    visit: Visit,
    clinics: Sequence[Clinic],
    zone: ZoneInfo,
    begin: date | None,
    doctor: Doctor | None,
    moving: Coming | None,
) -> list[Day]:
    """The next days on which these have room."""
    return next_days(
        visit.desk.store,
        [one.id for one in clinics],
        zone,
        begin or date.min,
        doctor.reference if doctor else None,
        moving=f"Appointment/{moving.id}" if moving else "",
    )


def groups(visit: Visit, clinics: Sequence[Clinic]) -> list[tuple[Clinic, Session, datetime]]:
    """The group visits to come with a place, the soonest first, each with its time by the clock of the place."""
    now = clock.now()
    found = [(one, each) for one in clinics for each in sessions(visit.desk.store, one.id, now, now + GROUPS_AHEAD)]
    told = [(one, each, each.start.astimezone(one.zone)) for one, each in found if each.free]
    return sorted(told, key=lambda row: (row[2], row[1].id))


def wanted(visit: Visit, asked: dict[str, str]) -> tuple[list[Clinic], Doctor | None]:
    """The clinics in question and, if it matters who, the doctor. Raises Missing for none."""
    brochure = visit.brochure
    every = list(brochure.clinics().values())
    if asked["doctor"]:
        reference = f"PractitionerRole/{asked['doctor']}"
        found = [one for one in every if one.doctor(reference) and asked["service"] in ("", one.id)]
        return found or [brochure.clinic(asked["doctor"])], found[0].doctor(reference) if found else None
    if asked["service"]:
        return [brochure.clinic(asked["service"])], None
    found = [one for one in every if one.code == asked["department"]]
    return found or [brochure.clinic(asked["department"])], None


def told(visit: Visit, days: Sequence[Day]) -> list[tuple[date, list[Row]]]:
    """Each day with its rows."""
    clinics, had = visit.brochure.clinics(), kinds(visit)
    prices = {id: quote(visit.desk.store, id) for id in {column.service for day in days for column in day.columns}}
    made = []
    for day in days:
        rows = []
        for column in day.columns:
            clinic = clinics[column.service]
            if doctor := clinic.doctor(column.actor):
                insured = bool(had & clinic.insurance) if had and clinic.insurance else None
                rows.append(Row(clinic, doctor, column.offers, insured, prices[column.service]))
        made.append((day.day, rows))
    return made


def taken(visit: Visit, service: str, moving: str = "") -> Response:
    """The times again, for somebody who came a moment too late."""
    asked = dict.fromkeys(NARROWING, "") | {"service": service}
    return times(visit, asked, coming_of(visit) if moving else None, visit.say("mine.taken"), 409)


def gone(visit: Visit, moving: Coming) -> Response:
    """The times nearest to the one that a move cannot be taken back to."""
    asked = dict.fromkeys(NARROWING, "") | {"service": moving.service}
    return times(visit, asked, moving, visit.say("mine.back.taken"), 409, near_days(visit, moving))


def instead(visit: Visit) -> Response:
    """The times for an appointment that is to be moved: of the same clinic, first of the same doctor."""
    found = coming_of(visit)
    if not found.can_move:
        return visit.go(f"/mine/appointments/{found.id}")
    same = found.doctor_id if found.clinic and found.clinic.doctor(f"PractitionerRole/{found.doctor_id}") else ""
    asked = dict.fromkeys(NARROWING, "") | {"service": found.service, "doctor": visit.query.get("doctor", same)}
    return times(visit, asked, found)
