"""Appointments as iCalendar: one to take along, and all of a person's as a calendar that their phone follows.

Nothing of why somebody comes: no department, no reason, and in a doctor's calendar no patient, since calendars lie on
phones and with their makers. https://www.rfc-editor.org/rfc/rfc5545
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone

from salus.base.words import words_of
from salus.services.appointments.brochure import USUAL, Clinic
from salus.services.appointments.groups import places_of
from salus.services.appointments.series import series_of
from salus.services.appointments.video import link_of
from salus.services.appointments.waiting.terms import is_place

Resource = dict[str, Any]
PRODUCT = "-//Salus//Appointments//EN"
OFTEN = timedelta(hours=1)  # how often a calendar shall be fetched again
STATUS = {"pending": "TENTATIVE", "cancelled": "CANCELLED", "entered-in-error": "CANCELLED", "noshow": "CANCELLED"}
LEFT_OUT = frozenset({"proposed", "waitlist"})


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom it is written: `patient` or somebody who works here, in which language, at which address we are."""

    patient: bool
    language: str
    address: str
    clinics: Mapping[str, Clinic]


def calendar(told: Iterable[Resource], reader: Reader, feed: bool = True) -> bytes:
    """An iCalendar stream of Appointments, the same bytes for the same ones. `feed`: it is fetched again and again."""
    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    if feed:
        made.add("x-wr-calname", words_of(__package__)("calendar.mine", reader.language))
        made.add("refresh-interval", OFTEN, parameters={"VALUE": "DURATION"})
        made.add("x-published-ttl", "PT1H")
    shown = sorted((one for one in told if is_shown(one)), key=lambda one: (str(one["start"]), str(one["id"])))
    for zone in sorted({zone_of(one, reader).key for one in shown}):
        made.add_component(timezone(zone))
    for one in shown:
        made.add_component(event(one, reader))
    return bytes(made.to_ical())


def is_shown(told: Resource) -> bool:
    return told["status"] not in LEFT_OUT and "start" in told and "end" in told and not is_place(told)


@cache
def timezone(name: str) -> Timezone:
    """The VTIMEZONE of a zone."""
    return Timezone.from_tzid(name)


def event(told: Resource, reader: Reader) -> Event:
    """A VEVENT; each version of an Appointment has the number that follows (SEQUENCE)."""
    zone, status = zone_of(told, reader), STATUS.get(told["status"], "CONFIRMED")
    changed = datetime.fromisoformat(told["meta"]["lastUpdated"]).replace(microsecond=0)
    made = Event()
    made.add("uid", f"{told['id']}@salus")
    made.add("sequence", int(told["meta"]["versionId"]) - 1)
    made.add("dtstamp", changed)
    made.add("last-modified", changed)
    for name in ("start", "end"):
        made.add(f"dt{name}", local(datetime.fromisoformat(told[name]), zone))
    made.add("summary", summary(told, reader))
    made.add("status", status)
    made.add("transp", "TRANSPARENT" if status == "CANCELLED" else "OPAQUE")
    if series := series_of(told):
        made.add("related-to", f"{series}@salus")
    clinic = clinic_of(told, reader)
    link = link_of(told, reader.address)
    if link is None and clinic and clinic.place.in_(reader.language):
        made.add("location", clinic.place.in_(reader.language))
    if reader.address and (url := link or own_page(told, reader)):
        made.add("url", url)
    return made


def summary(told: Resource, reader: Reader) -> str:
    video = ".video" if link_of(told) else ""
    key = f"calendar.visit{video}" if reader.patient or video else "calendar.work"
    return words_of(__package__)("calendar.work.group" if places_of(told) else key, reader.language)


def own_page(told: Resource, reader: Reader) -> str:
    return f"{reader.address.rstrip('/')}/mine/appointments/{told['id']}" if reader.patient else ""


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """By the clock of the place; as UTC where that shows a time twice and the second is meant: the RFC takes the first.

    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> [local(datetime(2026, 10, 25, hour, 30, tzinfo=UTC), berlin).tzinfo == UTC for hour in (0, 1)]
    [False, True]
    """
    found = at.astimezone(zone)
    return at.astimezone(UTC) if found.fold else found


def zone_of(told: Resource, reader: Reader) -> ZoneInfo:
    clinic = clinic_of(told, reader)
    return clinic.zone if clinic else USUAL


def clinic_of(told: Resource, reader: Reader) -> Clinic | None:
    """Where it is: of its service, else where its doctor works."""
    people = [one["actor"] for one in told["participant"] if "actor" in one]
    named = [str(one.get("reference", "")) for one in [*told.get("supportingInformation", []), *people]]
    services = (reader.clinics.get(one.partition("/")[2]) for one in named if one.startswith("HealthcareService/"))
    doctors = (clinic for one in named for clinic in reader.clinics.values() if clinic.doctor(one))
    return next((one for one in services if one), None) or next(doctors, None)
