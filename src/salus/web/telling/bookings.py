"""An Appointment as its patient reads it: when by the clock of the place, who, where, and what may still be done.

https://hl7.org/fhir/R4/appointment.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from salus.services.appointments.booking import REASONS, held_until
from salus.services.appointments.brochure import USUAL, Clinic, of_doctor
from salus.services.appointments.series import number_of, series_of
from salus.services.appointments.taking_back import Move, last_move
from salus.services.appointments.video import MEMBER
from salus.web.telling import grounds, terms

Resource = dict[str, Any]
STANDS = frozenset({"booked", "arrived", "checked-in"})
UNSEEN = frozenset({"entered-in-error", "proposed"})


@dataclass(frozen=True, slots=True)
class Coming:
    """`state` is the status, but `held` and `lapsed` for what is or was only held; `until` when it is let go. `service`
    and `doctor_id` are ids, empty where they are not known. `clinic` is None for one that is booked no more. `course`
    is the id of the series that it is the `number`-th of, empty for none. `moved`: where it was before it was moved of
    late, None where that cannot be taken back any more."""

    id: str
    state: str
    start: datetime
    end: datetime
    now: datetime
    until: datetime | None
    clinic: Clinic | None
    service: str
    doctor_id: str
    doctor: str
    focus: str
    department: str
    place: str
    reason: str
    by_us: bool
    group: bool
    course: str = ""
    number: int = 0
    moved: Move | None = None

    @property
    def before(self) -> datetime | None:
        """When it was, by the clock of the place, as long as its move can be taken back."""
        return self.moved.start.astimezone(self.start.tzinfo) if self.moved and self.can_move and self.service else None

    @property
    def minutes(self) -> int:
        return int((self.end - self.start).total_seconds() // 60)

    @property
    def is_over(self) -> bool:
        return self.end <= self.now

    @property
    def days(self) -> int:
        """Days until then, as one counts them at home."""
        return (self.start.date() - self.now.date()).days

    @property
    def left(self) -> int:
        """Whole minutes for which it is still held."""
        return int((self.until - self.now).total_seconds() // 60) if self.until else 0

    @property
    def is_to_come(self) -> bool:
        return self.state in STANDS and self.end > self.now

    @property
    def can_ask(self) -> bool:
        """Whether what it will cost is still of interest."""
        return self.state == "held" or self.is_to_come

    @property
    def can_change(self) -> bool:
        """Whether it may be let go."""
        return self.state == "booked" and self.start > self.now

    @property
    def can_move(self) -> bool:
        """A place in a group has the time of its group."""
        return self.can_change and not self.group

    @property
    def can_restore(self) -> bool:
        return self.state == "cancelled" and not self.until and not self.by_us and self.start > self.now


def coming(told: Resource, clinics: Mapping[str, Clinic], now: datetime, language: str) -> Coming:
    service, role = named(told, "HealthcareService"), named(told, "PractitionerRole")
    clinic = clinics.get(service) or of_doctor(clinics, role)
    zone = clinic.zone if clinic else USUAL
    doctor = clinic.doctor(f"PractitionerRole/{role}") if clinic else None
    until = held_until(told)
    return Coming(
        id=told["id"],
        state=state(told, until, now),
        start=moment(told["start"], zone),
        end=moment(told["end"], zone),
        now=now.astimezone(zone),
        until=until and until.astimezone(zone),
        clinic=clinic,
        service=clinic.id if clinic else service,
        doctor_id=role,
        doctor=doctor.name.in_(language) if doctor else "",
        focus=doctor.focus.in_(language) if doctor and doctor.focus else "",
        department=clinic.department.in_(language) if clinic else department(told, language),
        place=clinic.place.in_(language) if clinic else "",
        reason=grounds.said(told),
        by_us=cancelled_by_us(told),
        group=any(one.get("system") == MEMBER for one in told.get("identifier", [])),
        course=series_of(told) or "",
        number=number_of(told),
        moved=last_move(told, now),
    )


def named(told: Resource, type: str) -> str:
    """The id of the first of this type that takes part, or that it is about."""
    people = [one["actor"] for one in told.get("participant", []) if "actor" in one]
    about = (one.get("reference", "") for one in [*people, *told.get("supportingInformation", [])])
    return next((one.partition("/")[2] for one in about if one.startswith(f"{type}/")), "")


def moment(text: str, zone: ZoneInfo) -> datetime:
    """By the clocks of `zone`, as far as they can show it."""
    told = datetime.fromisoformat(text)
    try:
        return told.astimezone(zone)
    except OverflowError:  # at the very end of the calendar
        return told


def state(told: Resource, until: datetime | None, now: datetime) -> str:
    """
    >>> state({"status": "booked"}, None, datetime.max)
    'booked'
    """
    status = str(told["status"])
    if until is None or status not in ("pending", "cancelled"):
        return status
    return "lapsed" if until <= now else "held" if status == "pending" else status


def department(told: Resource, language: str) -> str:
    return next((terms.concept(one, language) for one in told.get("specialty", [])), "")


def cancelled_by_us(told: Resource) -> bool:
    said = told.get("cancelationReason", {}).get("coding", [])
    return not any(one.get("system") == REASONS and one.get("code") == "pat" for one in said)


def in_order(told: Iterable[Coming]) -> tuple[list[Coming], list[Coming]]:
    """What is to come, the soonest first; and what was, the latest first. What was only held is in neither."""
    every = [one for one in told if one.until is None and one.state not in UNSEEN]
    ahead = sorted((one for one in every if one.is_to_come), key=lambda one: one.start)
    behind = sorted((one for one in every if not one.is_to_come), key=lambda one: one.start, reverse=True)
    return ahead, behind


def held(told: Iterable[Coming]) -> list[Coming]:
    """What is still held, the soonest to be let go first."""
    return sorted((one for one in told if one.state == "held"), key=lambda one: str(one.until))


def gathered(ahead: Iterable[Coming]) -> list[list[Coming]]:
    """Appointments one by one, but those of a course together, where the soonest of them stands."""
    made: dict[str, list[Coming]] = {}
    for one in ahead:
        made.setdefault(one.course or one.id, []).append(one)
    return list(made.values())
