"""What a doctor orders in a visit: in draft until the note is signed, then active with it.

https://hl7.org/fhir/R4/servicerequest.html, /medicationrequest.html
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from salus.assistants.answers import every
from salus.assistants.suggestion import Name
from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.codes.tables import LOINC, SNOMED, UCUM
from salus.records import Records, signed
from salus.records.desk import Desk
from salus.services.acting import current, put, referred, same_id, same_person, standing
from salus.services.procedures import orders as procedures
from salus.services.visits import known
from salus.services.visits.writing import Writing

Resource = dict[str, Any]
TYPES = ("MedicationRequest", "ServiceRequest")
PRIORITIES = procedures.PRIORITIES
GROUPS = "https://salus.example/prescription"  # groupIdentifier: all that was signed together
LABORATORY = {"coding": [{"system": SNOMED, "code": "108252007", "display": "Laboratory procedure"}]}


def drafted(records: Records, encounter: str) -> list[Resource]:
    """The orders of a visit that wait to be signed, the first ordered first."""
    wanted = [("encounter", f"Encounter/{encounter}"), ("status", "draft"), ("_count", "200")]
    found = [one for type in TYPES for one in every(records, type, wanted)]
    return sorted(found, key=lambda one: (one["resourceType"], one.get("authoredOn", ""), one["id"]))


def lay_test(writing: Writing, encounter: str, loinc: str, name: Name, priority: str = "routine") -> Resource:
    """Put a laboratory test, or a group of them, on the visit's orders; the same again is the same.

    Raises Invalid, Missing, Forbidden.
    """
    if priority not in PRIORITIES:
        raise Invalid(f"'{priority[:40]}' is none of {', '.join(PRIORITIES)}", path="priority")
    writing.check()

    def work(desk: Desk) -> Resource:
        made = request(writing.visit(desk, encounter), loinc, name, writing.actor.reference, desk.at)
        return put(desk, made | {"priority": priority})

    return writing.do("order", f"Encounter/{encounter}", TYPES, work)


def request(visit: Resource, loinc: str, name: Name, doctor: str, at: datetime) -> Resource:
    """The ServiceRequest of a test."""
    return {
        "resourceType": "ServiceRequest",
        "id": same_id("visit-test", visit["id"], loinc),
        "status": "draft",
        "intent": "order",
        "category": [LABORATORY],
        "code": {"coding": [{"system": LOINC, "code": loinc, "display": name.en}], "text": name.zh},
        "subject": visit["subject"],
        "encounter": {"reference": f"Encounter/{visit['id']}"},
        "authoredOn": clock.instant(at),
        "requester": {"reference": doctor},
    }


def lay_procedure(writing: Writing, encounter: str, asked: procedures.Asked) -> Resource:
    """Put a procedure on the visit's orders; the same on the same side again is the same.

    Raises Missing, Forbidden.
    """
    writing.check()

    def work(desk: Desk) -> Resource:
        visit = writing.visit(desk, encounter)
        id = same_id("visit-procedure", encounter, *asked.parts)
        return put(desk, procedures.request(asked, visit, writing.actor.reference, desk.at, id, "draft"))

    return writing.do("order", f"Encounter/{encounter}", TYPES, work)


def lay_medicine(writing: Writing, encounter: str, order: Resource) -> None:
    """Put a medicine (as `prescribed` gives it) on the visit's orders. Raises Conflict, Missing, Forbidden."""
    writing.check()

    def work(desk: Desk) -> None:
        visit = writing.visit(desk, encounter)
        if not same_person(desk, referred(order, "subject"), referred(visit, "subject")):
            raise Missing(f"Encounter/{encounter} is no visit of {order['subject'].get('reference')}", path="subject")
        before = standing(desk, f"MedicationRequest/{order['id']}")
        if before and before["status"] != DROPPED["MedicationRequest"]:
            waiting(desk, encounter, "MedicationRequest", order["id"])
        put(desk, order)

    writing.do("order", f"Encounter/{encounter}", TYPES, work)


def renewed(order: Resource, encounter: str, doctor: str, days: int, at: datetime) -> Resource:
    """The same medicine at the same dose for so many days, in the place of the order; once in a visit.

    Raises Invalid for other days.
    """
    if not 0 < days <= LONGEST_COURSE:
        raise Invalid(f"{days} days are not 1 to {LONGEST_COURSE}: say for how long", path="days")
    bounds = {"value": days, "unit": "d", "system": UCUM, "code": "d"}

    def bounded(dose: Resource) -> Resource:
        timing = dose.get("timing", {})
        return dose | {"timing": timing | {"repeat": timing.get("repeat", {}) | {"boundsDuration": bounds}}}

    return {name: order[name] for name in CARRIED if name in order} | {
        "resourceType": "MedicationRequest",
        "id": same_id("visit-renewal", encounter, order["id"]),
        "intent": "order",
        "authoredOn": clock.instant(at),
        "requester": {"reference": doctor},
        "dosageInstruction": [bounded(one) for one in order.get("dosageInstruction", ())],
        "priorPrescription": {"reference": f"MedicationRequest/{order['id']}"},
    }


CARRIED = (
    "medicationCodeableConcept",
    "medicationReference",
    "subject",
    "reasonCode",
    "reasonReference",
    "substitution",
)
LONGEST_COURSE = 180  # days


def ended(desk: Desk, orders: Iterable[Resource]) -> None:
    """What these orders take the place of is over."""
    for one in orders:
        before = standing(desk, prior) if (prior := one.get("priorPrescription", {}).get("reference")) else None
        stands = before and before["status"] in ("active", "on-hold")
        if before and stands and same_person(desk, referred(before, "subject"), referred(one, "subject")):
            put(desk, before | {"status": "completed"})


def prescribed(order: Resource, visit: Resource) -> Resource:
    """An order for a medicine as the visit keeps it until the note is signed, with how much is to be dispensed.

    Raises Invalid where it does not say for how long: nobody could dispense it.
    """
    supply = dispensed(order)
    if supply is None:
        raise Invalid(
            "Say how much is taken each time and for how many days: the pharmacy dispenses that", path="course"
        )
    encounter = {"reference": f"Encounter/{visit['id']}"}
    return order | {"status": "draft", "encounter": encounter, "dispenseRequest": {"quantity": supply}}


def dispensed(order: Resource) -> Resource | None:
    """The amount for the whole course, in the unit of a dose; None where a part of it is not said.

    >>> repeat = {"frequency": 2, "period": 1, "periodUnit": "d", "boundsDuration": {"value": 7, "code": "d"}}
    >>> dose = {"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": {"value": 5, "unit": "mg"}}]}
    >>> dispensed({"dosageInstruction": [dose]})
    {'value': 70, 'unit': 'mg'}
    """
    total, unit = 0.0, {}
    for one in order.get("dosageInstruction", ()):
        repeat, rates = one.get("timing", {}).get("repeat", {}), one.get("doseAndRate", ())
        if not rates or "boundsDuration" not in repeat:
            return None
        dose = rates[0]["doseQuantity"]
        unit = {name: dose[name] for name in ("unit", "system", "code") if name in dose}
        days = DAYS[repeat.get("periodUnit", "d")] * repeat.get("period", 1)
        total += dose["value"] * repeat.get("frequency", 1) * repeat["boundsDuration"]["value"] / days
    rounded = round(total, 4)
    return {"value": int(rounded) if rounded.is_integer() else rounded, **unit} if unit else None


DAYS = {"d": 1.0, "wk": 7.0}


def cancel(writing: Writing, encounter: str, type: str, id: str) -> Resource:
    """Take an order off that is in draft; as it was taken off. Raises Missing, Conflict (it was signed), Forbidden."""
    writing.check()

    def work(desk: Desk) -> Resource:
        writing.visit(desk, encounter)
        body = waiting(desk, encounter, type, id)
        return put(desk, body | {"status": DROPPED[type]})

    return writing.do("cancel", f"{type[:40]}/{id[:64]}", TYPES, work)


DROPPED = {"MedicationRequest": "cancelled", "ServiceRequest": "revoked"}


def waiting(desk: Desk, encounter: str, type: str, id: str) -> Resource:
    """An order of the visit that is in draft still. Raises Missing, Conflict."""
    body = current(desk, f"{type}/{id}") if type in DROPPED else {}
    if body.get("encounter", {}).get("reference") != f"Encounter/{encounter}":
        raise Missing(f"{type[:40]}/{id[:64]} is no order of Encounter/{encounter}", path="order")
    if body["status"] != "draft":
        raise Conflict(f"{type}/{id} is {body['status']} already: look at the orders again", path="order")
    return body


def line(order: Resource, language: str) -> str:
    """In words, for a reader: what, and how it is taken."""
    if order["resourceType"] == "MedicationRequest":
        return known.medicine(order, language)
    return known.named(order["code"], language)


def activated(body: Resource, note: str) -> Resource:
    """The order as the signature lets it stand."""
    made = body | {"status": "active", "extension": [*body.get("extension", ()), signed.mark(note)]}
    if body["resourceType"] == "MedicationRequest":
        made["groupIdentifier"] = {"system": GROUPS, "value": note}
    return made
