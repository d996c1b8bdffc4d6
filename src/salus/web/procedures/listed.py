"""The procedures of one patient as the order page lists them."""

from dataclasses import dataclass
from typing import Any

from salus.services.billing.staying import under_way
from salus.services.procedures.worklist import Ordered, of_patient
from salus.web.procedures import asking
from salus.web.procedures.asking import where
from salus.web.telling import terms
from salus.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Line:
    """An order as the pages list it; moments that there are none of are ""."""

    id: str
    name: str
    where: str
    step: str
    priority: str
    ordered: str
    planned: str
    performed: str
    reason: str
    patient: str


def line(one: Ordered, language: str) -> Line:
    return Line(
        one.id,
        terms.concept(one.order.get("code"), language) or f"ServiceRequest/{one.id}",
        where(one.order, language),
        one.step,
        str(one.order.get("priority", "routine")),
        str(one.order.get("authoredOn", "")),
        str(one.order.get("occurrenceDateTime", "")),
        str((one.procedure or {}).get("performedDateTime", "")),
        ", ".join(str(why.get("text", "")) for why in one.order.get("reasonCode", [])),
        one.patient,
    )


def parts(visit: Visit) -> dict[str, Any]:
    """What the order page shows of procedures."""
    patient = visit.path["id"]
    going_on = under_way(visit.records, patient)
    here = {f"Encounter/{one}" for one in going_on}
    found = [one for one in of_patient(visit.records, patient) if one.step == "ordered" or visited(one) in here]
    return {
        **asking.offered(visit, address(patient), patient),
        "in_stay": bool(going_on),
        "procedures": [line(one, visit.language) for one in found],
        "cancelled": visit.query.get("cancelled", ""),
    }


def visited(one: Ordered) -> str:
    return str(one.order.get("encounter", {}).get("reference", ""))


def address(patient: str) -> str:
    return f"/patients/{patient}/procedures"
