"""What waits for a doctor: critical and corrected results to acknowledge, prescriptions that a pharmacist sent back."""

from dataclasses import dataclass

from starlette.responses import Response

from salus.base.errors import Conflict, Forbidden, Invalid
from salus.privacy import Role
from salus.services.laboratory.calling import acknowledge
from salus.services.laboratory.critical import CRITICAL_RESULT, Critical, waiting
from salus.services.laboratory.rules import LONGEST
from salus.services.pharmacy.reviews import Refused, refused
from salus.web.acting import acting
from salus.web.laboratory.calls import told
from salus.web.telling import courses
from salus.web.telling.people import patients, read, staff
from salus.web.telling.person import Person
from salus.web.visit import Visit
from salus.web.wrong import wrong


@dataclass(frozen=True, slots=True)
class SentBack:
    """A refused prescription with the names that belong to it."""

    one: Refused
    person: Person | None
    medicines: tuple[str, ...]
    by: str


def results(visit: Visit) -> list[Critical]:
    """Of a doctor those that concern them; of a nurse all."""
    return waiting(visit.records, visit.who.actor.reference if is_doctor(visit) else "")


def is_doctor(visit: Visit) -> bool:
    return visit.who.actor.role is Role.CLINICIAN


def own_refused(visit: Visit) -> list[Refused]:
    return refused(visit.records, visit.who.actor.reference) if is_doctor(visit) else []


def sent_back(visit: Visit, found: list[Refused]) -> list[SentBack]:
    people = patients(visit.records, (one.patient for one in found), visit.language, visit.today)
    names = staff(visit.records, (one.by for one in found), visit.language)
    orders = read(visit.records, "MedicationRequest", (id for one in found for id in one.orders))
    return [
        SentBack(
            one,
            people.get(one.patient),
            tuple(courses.medicine(orders[id], visit.language).name for id in one.orders if id in orders),
            names.get(one.by, ""),
        )
        for one in found
    ]


def listing(visit: Visit, faults: tuple[tuple[str, str], ...] = (), status: int = 200) -> Response:
    found = told(visit, results(visit))
    return visit.page(
        "tasks.html",
        status,
        critical=[one for one in found if one.one.kind == CRITICAL_RESULT],
        corrected=[one for one in found if one.one.kind != CRITICAL_RESULT],
        sent_back=sent_back(visit, own_refused(visit)),
        may=is_doctor(visit),
        longest=LONGEST,
        faults=faults,
    )


def alarm(visit: Visit) -> Response:
    """The bar on top of every page of a doctor or nurse: what cannot wait, in a line each; nothing for nothing."""
    found = [one for one in results(visit) if one.kind == CRITICAL_RESULT]
    return visit.page("alarm.html", found=told(visit, found), back=len(own_refused(visit)))


def seen(visit: Visit) -> Response:
    """The doctor has seen a result."""
    try:
        acknowledge(acting(visit), visit.path["task"], visit.form.get("words", ""))
    except (Invalid, Conflict, Forbidden) as error:
        return listing(visit, tuple(wrong(visit, "laboratory", error)), error.status)
    return visit.go("/tasks")
