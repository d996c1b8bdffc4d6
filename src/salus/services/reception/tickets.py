"""A queue ticket is a Task. https://hl7.org/fhir/R4/task.html

`focus` and `encounter` are the Encounter, `for` the Patient, `identifier` the number that is called, `groupIdentifier`
the queue (a HealthcareService and a local day), `owner` the doctor who called, `location` the room, `executionPeriod`
from the last call to the end. What R4 has no element for stands in `input`: `due`, `level`, `booked` (when), `laid` (in
which room, or where people wait), `wished` (the doctor whom they came for), `calls`. States: `states.py`.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Missing
from salus.records import Records
from salus.records.desk import Desk
from salus.services.acting import TASKS, coded, current, same_id
from salus.services.reception.order import Place, place
from salus.services.reception.states import STANDING, WAITING
from salus.services.reception.triage import level_of

Resource = dict[str, Any]
TYPE = "Task"
CODE = "queue-ticket"
QUEUE = "https://salus.example/queue"
NUMBER = "https://salus.example/queue-number"
INPUTS = "https://salus.example/fhir/CodeSystem/queue-input"
WHY = "https://salus.example/fhir/CodeSystem/queue-status"


@dataclass(frozen=True, slots=True)
class Ticket:
    """`service` a HealthcareService's id, `encounter`, `patient`, `wished`, `doctor` and `room` references; `wished` is
    the Practitioner whom they came for ("" anyone), `laid` the room booked or else where people wait, `why` of one set
    aside `absent` or `sent`."""

    service: str
    day: date
    number: int
    encounter: str
    patient: str
    arrived: datetime
    due: datetime
    level: int | None = None
    booked: datetime | None = None
    wished: str = ""
    laid: str = ""
    status: str = WAITING
    why: str = ""
    doctor: str = ""
    room: str = ""
    called: datetime | None = None
    ended: datetime | None = None
    calls: int = 0
    version: int = field(default=0, compare=False)

    @property
    def id(self) -> str:
        return id_of(self.service, self.day, self.number)

    @property
    def said(self) -> str:
        """The number as it is called: 007."""
        return f"{self.number:03}"

    @property
    def place(self) -> Place:
        return place(self.level, self.due, self.number)

    @property
    def stands(self) -> bool:
        return self.status in STANDING


def id_of(service: str, day: date, number: int) -> str:
    """One id for each number of a queue, so that no number can be given twice."""
    return same_id("queue", service, day.isoformat(), str(number))


def next_number(desk: Desk, service: str, day: date) -> int:
    """The first number that was not given, found in as many looks as it has binary digits: they have no gaps."""

    def given(number: int) -> bool:
        found = desk.standing(TYPE, id_of(service, day, number))
        return found is not None and found.version > 0

    high = 1
    while given(high):
        high *= 2
    low = high // 2  # given, or 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if given(middle) else (low, middle)
    return high


def queued(records: Records, service: str, *days: date) -> list[Ticket]:
    """All tickets of a service on these days, in the order of their turns."""
    groups = ",".join(f"{QUEUE}|{service}/{day.isoformat()}" for day in days)
    found = every(records, TYPE, [("group-identifier", groups), ("_count", "500")])
    return sorted((ticket_of(one) for one in found), key=lambda one: one.place)


def task(ticket: Ticket) -> Resource:
    """The Task of a ticket."""
    given: Resource = {
        "businessStatus": coded(WHY, ticket.why) if ticket.why else None,
        "owner": reference(ticket.doctor),
        "location": reference(ticket.room),
        "executionPeriod": span(ticket.called, ticket.ended),
    }
    return {
        "resourceType": TYPE,
        "id": ticket.id,
        "identifier": [{"system": NUMBER, "value": ticket.said}],
        "groupIdentifier": {"system": QUEUE, "value": f"{ticket.service}/{ticket.day.isoformat()}"},
        "status": ticket.status,
        "intent": "order",
        "priority": level_of(ticket.level).task,
        "code": coded(TASKS, CODE),
        "focus": reference(ticket.encounter),
        "for": reference(ticket.patient),
        "encounter": reference(ticket.encounter),
        "authoredOn": clock.instant(ticket.arrived),
        "input": inputs(ticket),
    } | {key: value for key, value in given.items() if value}


def inputs(ticket: Ticket) -> list[Resource]:
    said: list[tuple[str, str, Any]] = [
        ("due", "valueInstant", clock.instant(ticket.due)),
        ("level", "valueInteger", ticket.level),
        ("booked", "valueInstant", clock.instant(ticket.booked) if ticket.booked else None),
        ("wished", "valueReference", reference(ticket.wished)),
        ("laid", "valueReference", reference(ticket.laid)),
        ("calls", "valueUnsignedInt", ticket.calls),
    ]
    return [{"type": coded(INPUTS, code), kind: value} for code, kind, value in said if value is not None]


def ticket_at(desk: Desk, id: str) -> Ticket:
    """The ticket that stands under an id. Raises Missing for a Task that is none."""
    told = current(desk, f"{TYPE}/{id}")
    check_number(told)
    return ticket_of(told)


def check_number(told: Resource) -> None:
    """Raises Missing for a Task that is no number of a queue."""
    if not any(one.get("code") == CODE for one in told.get("code", {}).get("coding", [])):
        raise Missing(f"{TYPE}/{told['id']} is no number of a queue", path="Task.code")


def ticket_of(told: Resource) -> Ticket:
    """The ticket of a Task."""
    service, _, day = told["groupIdentifier"]["value"].rpartition("/")
    said = {one["type"]["coding"][0]["code"]: one for one in told.get("input", [])}
    period = told.get("executionPeriod", {})
    return Ticket(
        service=service,
        day=date.fromisoformat(day),
        number=int(told["identifier"][0]["value"]),
        encounter=told["focus"]["reference"],
        patient=told["for"]["reference"],
        arrived=moment(told["authoredOn"]),
        due=moment(said["due"]["valueInstant"]),
        level=said["level"]["valueInteger"] if "level" in said else None,
        booked=moment(said["booked"]["valueInstant"]) if "booked" in said else None,
        wished=said["wished"]["valueReference"]["reference"] if "wished" in said else "",
        laid=said["laid"]["valueReference"]["reference"] if "laid" in said else "",
        status=told["status"],
        why=told["businessStatus"]["coding"][0]["code"] if "businessStatus" in told else "",
        doctor=told.get("owner", {}).get("reference", ""),
        room=told.get("location", {}).get("reference", ""),
        called=moment(period["start"]) if "start" in period else None,
        ended=moment(period["end"]) if "end" in period else None,
        calls=said["calls"]["valueUnsignedInt"] if "calls" in said else 0,
        version=int(told.get("meta", {}).get("versionId", 0)),
    )


def reference(name: str) -> Resource | None:
    return {"reference": name} if name else None


def span(start: datetime | None, end: datetime | None) -> Resource:
    said = {"start": start, "end": end}
    return {key: clock.instant(at) for key, at in said.items() if at}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
