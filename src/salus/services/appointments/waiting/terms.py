"""A place in the waiting list as it stands in an Appointment: what somebody waits for, and what was offered so far.

https://hl7.org/fhir/R4/appointment.html: `requestedPeriod` has the first and last day, `priority` the urgency (1 before
9), `created` since when they wait, `supportingInformation` the service. The rest is one extension.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from salus.base import clock
from salus.base.errors import Invalid
from salus.records.bookings import BASE, UNTIL
from salus.services.appointments.booking import OFFERED, TYPE, participants, patient_of, slotted, timed
from salus.services.appointments.finding import Offer
from salus.services.appointments.hours import DAYS

Resource = dict[str, Any]
WAITING = f"{BASE}/waiting"
KEYS = "https://salus.example/waiting-key"
URGENCY = {"urgent": 1, "soon": 5, "routine": 9}  # Appointment.priority, after iCalendar: 1 the highest
ROUTINE = "routine"


@dataclass(frozen=True, slots=True)
class Terms:
    """What somebody waits for: a service (`HealthcareService/x`), by one of these doctors (`PractitionerRole/x`; none:
    anyone), on these days of the week (`mon`; none: any), between two local times, from a first to a last local day.

    `instead`: a later Appointment of theirs that an earlier one shall replace.
    """

    service: str
    doctors: tuple[str, ...] = ()
    days: frozenset[str] = frozenset()
    opens: time = time(0)
    closes: time = time(23, 59, 59)
    first: date | None = None
    last: date | None = None
    instead: str = ""

    def __post_init__(self) -> None:
        if unknown := sorted(self.days - set(DAYS)):
            raise Invalid(f"'{unknown[0][:20]}' is no day of the week: {', '.join(DAYS)} are", path="days")
        if self.opens >= self.closes:
            raise Invalid(f"From {self.opens} until {self.closes} is no time: the first comes first", path="opens")
        if self.first and self.last and self.first > self.last:
            raise Invalid(f"{self.last} is before {self.first}: give the first day first", path="last")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list. `offer` is held for it until `until`; `passed` are times that it let go, by answer or not,
    of which it left `lapsed` unanswered. `key`: of the request that took it, so that the same again is the same."""

    id: str
    patient: str
    terms: Terms
    since: datetime
    status: str
    urgency: str = ROUTINE
    lapsed: int = 0
    passed: frozenset[datetime] = field(default=frozenset())
    offer: Offer | None = None
    until: datetime | None = None
    key: str = ""

    @property
    def waits(self) -> bool:
        """Whether it may be offered a time."""
        return self.status == "waitlist"


# --- from an Appointment ---


def is_place(told: Resource) -> bool:
    """Whether an Appointment waits, or has a time offered to it."""
    return told["status"] in ("waitlist", "pending") and bool(pieces(told))


def has_time(told: Resource) -> bool:
    """Whether an Appointment has a time of its own: what is offered from the waiting list has none yet."""
    return "start" in told and "end" in told and not is_place(told)


def pieces(told: Resource) -> list[Resource]:
    found = (one.get("extension", []) for one in told.get("extension", []) if one["url"] == WAITING)
    return list(next(found, []))


def lapses(told: Resource) -> int:
    """How many offers were left unanswered."""
    return next((one["valueInteger"] for one in pieces(told) if one["url"] == "lapsed"), 0)


def place_of(told: Resource) -> Place:
    """The place that an Appointment is."""
    parts = pieces(told)
    until = next((one["valueInstant"] for one in told.get("extension", []) if one["url"] == OFFERED), None)
    levels = {level: name for name, level in URGENCY.items()}
    return Place(
        id=told["id"],
        patient=patient_of(told),
        terms=terms_of(told, parts),
        since=datetime.fromisoformat(told["created"]),
        status=told["status"],
        urgency=levels.get(told.get("priority", 9), ROUTINE),
        lapsed=lapses(told),
        passed=frozenset(datetime.fromisoformat(one["valueInstant"]) for one in parts if one["url"] == "passed"),
        offer=offer_of(told) if until else None,
        until=datetime.fromisoformat(until) if until else None,
        key=next((one["value"] for one in told.get("identifier", []) if one.get("system") == KEYS), ""),
    )


def terms_of(told: Resource, parts: list[Resource]) -> Terms:
    period = told.get("requestedPeriod", [{}])[0]
    single = {one["url"]: one for one in parts}
    return Terms(
        service=service_of_place(told),
        doctors=tuple(one["valueReference"]["reference"] for one in parts if one["url"] == "doctor"),
        days=frozenset(one["valueCode"] for one in parts if one["url"] == "day"),
        opens=time.fromisoformat(single["opens"]["valueTime"]),
        closes=time.fromisoformat(single["closes"]["valueTime"]),
        first=date.fromisoformat(period["start"]) if "start" in period else None,
        last=date.fromisoformat(period["end"]) if "end" in period else None,
        instead=single["instead"]["valueReference"]["reference"] if "instead" in single else "",
    )


def service_of_place(told: Resource) -> str:
    named = (one.get("reference", "") for one in told.get("supportingInformation", []))
    return next((one for one in named if one.startswith("HealthcareService/")), "")


def offer_of(told: Resource) -> Offer:
    """The time of an Appointment, with everyone it needs."""
    named = [one["actor"]["reference"] for one in told["participant"] if "actor" in one]
    start, end = (datetime.fromisoformat(told[name]) for name in ("start", "end"))
    return Offer(start, end, tuple(one for one in named if not one.startswith("Patient/")))


# --- to an Appointment ---


def waiting(place: Place) -> Resource:
    """The Appointment of a place to which nothing is offered."""
    terms = place.terms
    period = {"start": terms.first, "end": terms.last}
    said = {name: day.isoformat() for name, day in period.items() if day}
    made: Resource = {
        "resourceType": TYPE,
        "id": place.id,
        "extension": [{"url": WAITING, "extension": list(parts_of(place))}],
        "status": "waitlist",
        "priority": URGENCY[place.urgency],
        "supportingInformation": [{"reference": terms.service}],
        "created": clock.instant(place.since),
        "participant": [{"actor": {"reference": place.patient}, "required": "required", "status": "accepted"}],
    }
    named = {"identifier": [{"system": KEYS, "value": place.key}]} if place.key else {}
    return made | named | ({"requestedPeriod": [said]} if said else {})


def parts_of(place: Place) -> Iterator[Resource]:
    terms = place.terms
    yield {"url": "opens", "valueTime": terms.opens.isoformat("seconds")}
    yield {"url": "closes", "valueTime": terms.closes.isoformat("seconds")}
    yield from ({"url": "day", "valueCode": one} for one in DAYS if one in terms.days)
    yield from ({"url": "doctor", "valueReference": {"reference": one}} for one in terms.doctors)
    if terms.instead:
        yield {"url": "instead", "valueReference": {"reference": terms.instead}}
    if place.lapsed:
        yield {"url": "lapsed", "valueInteger": place.lapsed}
    yield from ({"url": "passed", "valueInstant": clock.instant(one)} for one in sorted(place.passed))


def offered(place: Place, offer: Offer, slots: tuple[str, ...], until: datetime, held: datetime) -> Resource:
    """The Appointment of a place to which a time is offered: to be answered `until`, and `held` a little longer, so
    that it passes to the next without having been anybody's."""
    made = waiting(place)
    ends = [{"url": OFFERED, "valueInstant": clock.instant(until)}, {"url": UNTIL, "valueInstant": clock.instant(held)}]
    people = [*made["participant"], *participants(offer.actors)]
    told = made | {"status": "pending", "extension": [*made["extension"], *ends], "participant": people}
    return told | timed(offer) | slotted(slots)


def booked(told: Resource, marks: Sequence[tuple[str, str]] = ()) -> Resource:
    """The Appointment of a place whose offer was accepted: one as any other, with what one of its kind is marked with
    (identifiers: system, value)."""
    kept = {key: value for key, value in told.items() if key not in ("extension", "requestedPeriod", "priority")}
    named = [*told.get("identifier", []), *({"system": system, "value": value} for system, value in marks)]
    return kept | {"status": "booked"} | ({"identifier": named} if named else {})
