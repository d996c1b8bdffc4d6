"""The waiting list of a clinic: what is offered and for how much longer, and who waits, in turn, and for what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from salus.base import clock
from salus.base.errors import Conflict, Missing, SalusError
from salus.services.appointments.brochure import Clinic
from salus.services.appointments.waiting.line import ahead, booking, places, waiting_of
from salus.services.appointments.waiting.terms import URGENCY, Place, service_of_place
from salus.services.appointments.waiting.turns import HEAD_START, MOST_LAPSED, SETBACK, in_turn
from salus.web.booking import line_of
from salus.web.reception.hall import chosen
from salus.web.telling.people import patients
from salus.web.telling.person import Person
from salus.web.telling.waiting import Waiting, waiting
from salus.web.visit import Visit
from salus.web.wrong import wrong

MOST = 100  # of those who wait are shown
# what the desk does for a patient -> as what the Appointment then stands: there is nothing more to do
VERBS = {"leave": "cancelled", "accept": "booked", "decline": "waitlist"}
DONE = frozenset({*VERBS, "join", "rate"})


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody's place in the list of a clinic. `later`: when the booking is that a time shall replace."""

    waiting: Waiting
    person: Person | None
    later: datetime | None

    @property
    def turn(self) -> int:
        return self.waiting.before + 1


def page(visit: Visit) -> Response:
    return list_of(visit, visit.query.get("service", ""))


def list_of(visit: Visit, service: str, error: SalusError | None = None) -> Response:
    """The list of one clinic; what could not be done is told above it."""
    clinic = chosen(visit, service)
    found = list(places(visit.records, of_service(clinic), "waitlist,pending")) if clinic else []
    line, done = in_turn(one for one in found if one.waits), visit.query.get("done", "")
    return visit.page(
        "reception/waiting.html",
        error.status if error else 200,
        clinic=clinic,
        at=clock.instant,
        clinics=visit.desk.brochure.clinics().values(),
        offers=rows(visit, clinic, sorted((one for one in found if one.until), key=lambda one: str(one.until))),
        line=rows(visit, clinic, line[:MOST]),
        count=len(line),
        urgencies=URGENCY,
        head={name: start.days for name, start in HEAD_START.items()},
        setback=SETBACK.days,
        lapses=MOST_LAPSED,
        faults=wrong(visit, "reception.list", error) if error else [],
        done=done if done in DONE else "",
    )


def of_service(clinic: Clinic) -> list[tuple[str, str]]:
    return [("supporting-info", f"HealthcareService/{clinic.id}")]


def rows(visit: Visit, clinic: Clinic | None, found: list[Place]) -> list[Row]:
    """Places with who has them, in the order given."""
    people = patients(visit.records, (id_of(one) for one in found), visit.language, visit.today)
    return [
        Row(waiting(one, clinic, before), people.get(id_of(one)), later_of(visit, one, clinic))
        for before, one in enumerate(found)
    ]


def id_of(place: Place) -> str:
    return place.patient.partition("/")[2]


def later_of(visit: Visit, place: Place, clinic: Clinic | None) -> datetime | None:
    """None where no booking is to be replaced, or it stands no more."""
    told = booking(visit.records, place.terms.instead) if place.terms.instead else None
    if told is None or clinic is None or told["status"] != "booked":
        return None
    return datetime.fromisoformat(told["start"]).astimezone(clinic.zone)


def waits_of(visit: Visit, patient: str) -> list[Waiting]:
    """The places of one patient, in whatever clinic, those with an offer first."""
    clinics = visit.desk.brochure.clinics()
    return [
        waiting(one, clinics.get(one.terms.service.partition("/")[2]), ahead(visit.desk.store, one))
        for one in waiting_of(visit.records, f"Patient/{patient}")
    ]


# --- what the desk does for a patient who asks ---


def rate(visit: Visit) -> Response:
    """Say how urgent it is."""
    told, id = place_of(visit), visit.path["id"]
    try:
        line_of(visit).rate(id, visit.form.get("urgency", ""))
    except SalusError as error:
        return list_of(visit, service_in(told), error)
    return visit.go(address(service_in(told), "rate"))


def deed(visit: Visit) -> Response:
    """Leave, accept or decline; a form that is sent twice does it once. Raises Missing for anything else."""
    verb, told, id = visit.path["verb"], place_of(visit), visit.path["id"]
    if verb not in VERBS:
        raise Missing(f"'{verb[:20]}' cannot be done here: {', '.join(VERBS)} can", path="verb")
    try:
        if told["status"] != VERBS[verb]:
            check_shown(visit, told)
            act(visit, verb, id)
    except SalusError as error:
        return list_of(visit, service_in(told), error)
    return visit.go(address(service_in(told), verb))


def check_shown(visit: Visit, told: dict[str, Any]) -> None:
    """Raises Conflict where another time is offered by now than the one that was answered."""
    seen = visit.form.get("at")
    if seen and seen != told.get("start"):
        raise Conflict(f"{seen[:40]} is offered no more: look at what is offered now", path="status")


def act(visit: Visit, verb: str, id: str) -> None:
    desk = line_of(visit)
    if verb == "accept":
        desk.accept(id, keep="keep" in visit.form)
    elif verb == "decline":
        desk.decline(id)
    else:
        desk.leave(id)


def place_of(visit: Visit) -> dict[str, Any]:
    """The Appointment of the address, whatever has become of it. Raises Missing."""
    told: dict[str, Any] = visit.records.read("Appointment", visit.path["id"]).json()
    return told


def service_in(told: dict[str, Any]) -> str:
    return service_of_place(told).partition("/")[2]


def address(service: str, done: str) -> str:
    return f"/reception/waiting?service={service}&done={done}"
