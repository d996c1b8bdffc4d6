"""What the forms of a visit's page share: whose visit it is, what each part shows, how a part is answered.

Every form works without scripts; with them it changes its own part of the page, and the part that says what is still
missing.
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from salus.assistants.answers import every
from salus.base.errors import Missing
from salus.services.billing.staying import under_way
from salus.services.laboratory.catalogue import orderable
from salus.services.procedures.orders import kind_of
from salus.services.procedures.worklist import Ordered
from salus.services.reception.encounters import service_of
from salus.services.reception.states import CALLED
from salus.services.reception.tickets import ticket_of
from salus.services.visits import orders
from salus.services.visits.notes import LONGEST, Note
from salus.services.visits.signing import Signing, lacking, undecided
from salus.services.visits.templates import offered as templates
from salus.services.visits.writing import Writing
from salus.web import orders as forms
from salus.web.chart import dossier, shared
from salus.web.clinic import beside
from salus.web.procedures import asking
from salus.web.procedures.listed import line
from salus.web.telling import courses, grounds
from salus.web.visit import Visit


def writing_of(visit: Visit) -> Writing:
    return Writing(visit.desk.store, visit.who.actor, visit.who.purpose)


def signing_of(visit: Visit) -> Signing:
    return Signing(writing_of(visit), visit.desk.prescribing)


def place_of(visit: Visit) -> str:
    return f"/clinic/visits/{visit.path['id']}/{visit.path['encounter']}"


def note_of(visit: Visit) -> Note:
    """The note of the visit in the address. Raises Missing for a visit of another patient."""
    note = writing_of(visit).note(visit.path["encounter"], visit.language)
    if note.patient != visit.path["id"]:
        raise Missing(f"Encounter/{visit.path['encounter'][:64]} is no visit of Patient/{visit.path['id'][:64]}")
    return note


def whole(visit: Visit, note: Note, status: int = 200, **more: Any) -> Response:
    found = dossier(visit)
    context = {**shared(found), **parts(visit, note), **beside.told(visit, found), **ticket(visit), **more}
    return visit.page("clinic/visit.html", status, **context)


def parts(visit: Visit, note: Note) -> dict[str, Any]:
    """What the forms of the page show, and what is still missing."""
    drafted = orders.drafted(visit.records, note.encounter)
    medicines = [one for one in drafted if one["resourceType"] == "MedicationRequest"]
    requests = [one for one in drafted if one["resourceType"] == "ServiceRequest"]
    screened = signing_of(visit).screened(note.patient, drafted)
    clinic = service(visit, note.encounter)
    missing = [*lacking(note), *undecided(screened)]
    return {
        **forms.offered(visit),
        **forms.NOTHING,
        "place": place_of(visit),
        "in_ward": bool(under_way(visit.records, note.patient)),
        "note": note,
        "comes": grounds.why(visit.records, f"Encounter/{note.encounter}"),
        "service": clinic,
        "longest": LONGEST,
        "templates": templates(department(visit, clinic)),
        "hits": [],
        "typed": "",
        "form": {},
        "tests": [one for one in requests if not kind_of(one)],
        "procedures": [line(Ordered(one), visit.language) for one in requests if kind_of(one)],
        **asking.offered(visit, f"{place_of(visit)}/procedures", note.patient),
        "orderable": [one.name.in_(visit.language) for one in orderable().values()],
        "priorities": orders.PRIORITIES,
        "medicines": [(one["id"], courses.medicine(one, visit.language), supply(one)) for one in medicines],
        "renewable": renewable(visit, note, medicines),
        "told": screened,
        "asks": bool(undecided(screened)),
        "undecided": False,
        "lacks": [one.in_(visit.language) for one in missing],
        "faults": {},
        "conflict": None,
        "oob": False,
    }


def department(visit: Visit, service: str) -> str:
    """The code of a clinic's department, "" where it is not told."""
    clinic = visit.desk.brochure.clinics().get(service)
    return clinic.code if clinic else ""


def service(visit: Visit, encounter: str) -> str:
    """The id of the clinic that a visit belongs to, "" for none."""
    told = visit.records.read("Encounter", encounter).json()
    return service_of(told).removeprefix("HealthcareService/")


def supply(order: Mapping[str, Any]) -> tuple[float, str]:
    """How much is dispensed in all: an amount and its unit."""
    quantity = order.get("dispenseRequest", {}).get("quantity", {})
    return quantity.get("value", 0), quantity.get("code") or quantity.get("unit", "")


def renewable(visit: Visit, note: Note, drafted: list[dict[str, Any]]) -> list[tuple[str, courses.Course]]:
    """The medicines that stand and are not renewed yet."""
    again = {one.get("priorPrescription", {}).get("reference") for one in drafted}
    standing = visit.desk.prescribing.orders(visit.records, note.patient)
    found = [(f"MedicationRequest/{one['id']}", one) for one in standing]
    return [(name, courses.medicine(one, visit.language)) for name, one in found if name not in again]


def ticket(visit: Visit) -> dict[str, Any]:
    """The number of the visit, if one is called: it can be called again or set aside."""
    wanted = [("focus", f"Encounter/{visit.path['encounter']}"), ("code", "queue-ticket")]
    found = [one for one in every(visit.records, "Task", wanted) if one["status"] == CALLED]
    return {"ticket": ticket_of(found[0]) if found else None}


def changed(visit: Visit, part: str, note: Note, status: int = 200, **more: Any) -> Response:
    """A part of the page after it was changed; without scripts the page again."""
    if not visit.by_htmx:
        return visit.go(f"{place_of(visit)}#{part}") if status < 400 else whole(visit, note, status, **more)
    context = parts(visit, note) | {"part": f"clinic/{part}.html"} | more
    made = visit.page("clinic/changed.html", status, **context)
    made.headers["HX-Retarget"] = f"#{part}"
    return made


def onward(visit: Visit, address: str) -> Response:
    """To another page, by whichever way the form came."""
    if visit.by_htmx:
        return Response(status_code=204, headers={"HX-Redirect": address})
    return visit.go(address)
