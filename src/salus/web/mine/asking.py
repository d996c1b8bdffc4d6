"""What a patient asks of a course: on which days of the week, at what time, how often, from when on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from salus.base import clock
from salus.base.errors import Invalid, Missing
from salus.services.appointments.brochure import Clinic
from salus.services.appointments.courses import LEAST, Order, order_named, orders_of
from salus.services.appointments.hours import DAYS
from salus.services.appointments.planning import HOLIDAYS, Course, Instead
from salus.services.appointments.rules import WEEKDAYS
from salus.web.days import day_of
from salus.web.services import own
from salus.web.visit import Visit

EVERY = (1, 2, 4)  # weeks
FARTHEST = timedelta(days=180)  # that a course may begin ahead
CHOSEN = "instead-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of which clinic, and for which order, if it is for one; at most `most` visits."""

    clinic: Clinic
    order: Order | None

    @property
    def most(self) -> int:
        return self.order.left if self.order else self.clinic.course


@dataclass(frozen=True, slots=True)
class Asked:
    """A course as the form asks for it; `doctor` is the id of a role, "" for any."""

    wanted: Wanted
    days: tuple[str, ...]
    at: time
    count: int
    every: int
    first: date
    doctor: str
    holidays: str

    def course(self, instead: tuple[Instead, ...] = ()) -> Course:
        return Course(
            self.wanted.clinic.id,
            datetime.combine(self.first, self.at),
            self.rule,
            f"PractitionerRole/{self.doctor}" if self.doctor else None,
            self.holidays,
            instead,
        )

    @property
    def rule(self) -> str:
        """https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10"""
        days = ",".join(WEEKDAYS[DAYS.index(day)] for day in self.days)
        return f"FREQ=WEEKLY;INTERVAL={self.every};BYDAY={days};COUNT={self.count}"

    def fields(self) -> dict[str, str]:
        """The form's fields, to be sent again."""
        order = self.wanted.order
        return {
            "service": self.wanted.clinic.id,
            "order": order.id if order else "",
            **{f"day-{day}": "on" for day in self.days},
            "time": f"{self.at:%H:%M}",
            "count": str(self.count),
            "every": str(self.every),
            "from": str(self.first),
            "doctor": self.doctor,
            "holidays": self.holidays,
        }

    def query(self) -> str:
        return urlencode(self.fields())


def wanted(visit: Visit, form: Mapping[str, str]) -> Wanted:
    """Raises Missing for a service that offers patients no courses, and for another's order as for none."""
    if id := form.get("order", ""):
        order = order_named(orders_of(visit.records, own(visit)), id)
        return Wanted(visit.brochure.clinic(order.service), order)
    clinic = visit.brochure.clinic(form.get("service", ""))
    if clinic.course < LEAST:
        raise Missing(f"HealthcareService/{clinic.id} offers patients no courses: ask the desk", path="service")
    return Wanted(clinic, None)


def asked(of: Wanted, form: Mapping[str, str]) -> Asked:
    """Raises Invalid for what is none of the form's choices; its path says which."""
    days = tuple(day for day in DAYS if f"day-{day}" in form)
    doctor, holidays = form.get("doctor", ""), form.get("holidays", "")
    checks = {
        "days": bool(days),
        "doctor": not doctor or of.clinic.doctor(f"PractitionerRole/{doctor}") is not None,
        "holidays": holidays in HOLIDAYS,
    }
    for name, right in checks.items():
        if not right:
            raise Invalid(f"'{form.get(name, '')[:20]}' cannot be chosen", path=name)
    count, every = whole(form, "count", range(LEAST, of.most + 1)), whole(form, "every", EVERY)
    return Asked(of, days, time_of(form), count, every, first_of(of, form), doctor, holidays)


def whole(form: Mapping[str, str], name: str, allowed: range | tuple[int, ...]) -> int:
    text = form.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and int(text) in allowed):
        raise Invalid(f"'{text[:20]}' cannot be chosen", path=name)
    return int(text)


def time_of(form: Mapping[str, str]) -> time:
    text = form.get("time", "")
    try:
        at = time.fromisoformat(text)
    except ValueError:
        raise Invalid(f"'{text[:20]}' is no time", path="time") from None
    if at.tzinfo or at.second or at.microsecond:
        raise Invalid(f"'{text[:20]}' is no time of the form", path="time")
    return at


def first_of(of: Wanted, form: Mapping[str, str]) -> date:
    """The day to begin from: today or later, within half a year."""
    today = clock.today(of.clinic.zone)
    first = day_of(form.get("from", "")) or today
    if not today <= first <= today + FARTHEST:
        raise Invalid(f"{first} is over, or too far ahead", path="from")
    return first


def instead_of(form: Mapping[str, str]) -> tuple[Instead, ...]:
    """What was chosen for dates that cannot be had. Raises Invalid for what no list of ours says."""
    made = []
    for name, value in form.items():
        if name.startswith(CHOSEN) and value:
            number, (actor, _, start) = name.removeprefix(CHOSEN), value.partition("|")
            try:
                at = datetime.fromisoformat(start)
            except ValueError:
                raise Invalid(f"'{value[:60]}' is no time of the page", path="instead") from None
            if not (number.isascii() and number.isdecimal() and len(number) < 5 and at.tzinfo and clock.is_near(at)):
                raise Invalid(f"'{value[:60]}' is no time of the page", path="instead")
            made.append(Instead(int(number), at, actor))
    return tuple(made)
