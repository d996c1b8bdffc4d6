"""Where an order stands: the ServiceRequest, its report and its specimen read together.

https://hl7.org/fhir/R4/servicerequest.html, https://hl7.org/fhir/R4/diagnosticreport.html
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from salus.assistants.answers import every
from salus.base.errors import Missing
from salus.records import Records
from salus.records.desk import Desk
from salus.services.acting import Resource, current, referred, same_id, standing
from salus.services.laboratory.catalogue import Orderable, asked_for
from salus.services.laboratory.states import STEPS

REPORTS = {"preliminary": "entered", "final": "verified", "corrected": "corrected", "cancelled": "cancelled"}
PRIORITIES = ("routine", "urgent", "asap", "stat")
CHUNK = 100  # ids in one search
Look = Callable[[str], Resource | None]


@dataclass(frozen=True, slots=True)
class Ordered:
    """One order as the laboratory sees it; report and specimen are None before there are any."""

    order: Resource
    report: Resource | None
    specimen: Resource | None

    @property
    def id(self) -> str:
        return str(self.order["id"])

    @property
    def asked(self) -> Orderable:
        """Raises Missing for what this laboratory does not do."""
        found = asked_for(self.order)
        if found is None:
            raise Missing(f"ServiceRequest/{self.id} asks for nothing that this laboratory does", path="code")
        return found

    @property
    def patient(self) -> str:
        """The patient's id."""
        return referred(self.order, "subject").partition("/")[2]

    @property
    def step(self) -> str:
        return step_of(self.order, self.report, self.specimen)

    @property
    def priority(self) -> str:
        return str(self.order.get("priority", "routine"))

    @property
    def accession(self) -> str:
        return accession_of(self.specimen) if self.specimen else ""


def report_id(order: str) -> str:
    """The id of the one report of an order."""
    return same_id("report", order)


def accession_of(specimen: Mapping[str, Any]) -> str:
    return str(specimen.get("accessionIdentifier", {}).get("value", ""))


def step_of(order: Mapping[str, Any], report: Mapping[str, Any] | None, specimen: Mapping[str, Any] | None) -> str:
    """The step of `states.STEPS` that an order has come to."""
    if report and report["status"] in REPORTS:
        return REPORTS[report["status"]]
    if order["status"] != "active":
        return "cancelled"
    if specimen is None:
        return "ordered"
    if specimen["status"] != "available":
        return "rejected"
    return "received" if specimen.get("receivedTime") else "collected"


def ordered(look: Look, order: Resource) -> Ordered:
    """An order with what belongs to it; `look` reads a resource or gives None."""
    report = look(f"DiagnosticReport/{report_id(order['id'])}")
    taken = (report or {}).get("specimen", [])
    return Ordered(order, report, look(taken[-1]["reference"]) if taken else None)


def at_desk(desk: Desk, order: str) -> Ordered:
    """As it stands in this transaction. Raises Missing, Gone."""
    return ordered(lambda reference: standing(desk, reference), current(desk, f"ServiceRequest/{order}"))


def check_step(found: Ordered, verb: str) -> str:
    """The step that a verb leads to. Raises Conflict."""
    return STEPS.after(verb, found.step, f"ServiceRequest/{found.id}")


def worklist(records: Records) -> list[Ordered]:
    """All orders that are not verified, what is urgent first, then what waits longest."""
    wanted = [("status", "active"), ("intent", "order"), ("_count", "500")]
    orders = [one for one in every(records, "ServiceRequest", wanted) if asked_for(one)]
    return sorted(together(records, orders), key=lambda one: (-PRIORITIES.index(one.priority), when(one.order)))


def together(records: Records, orders: Iterable[Resource]) -> list[Ordered]:
    """Orders with their reports and specimens, each kind read at once."""
    found = list(orders)
    known = by_name(records, "DiagnosticReport", [report_id(one["id"]) for one in found])
    taken = [one["reference"].partition("/")[2] for told in known.values() for one in told.get("specimen", [])[-1:]]
    known |= by_name(records, "Specimen", taken)
    return [ordered(known.get, one) for one in found]


def by_name(records: Records, type: str, ids: list[str]) -> dict[str, Resource]:
    """Reference -> resource, of those that are there."""
    made: dict[str, Resource] = {}
    for at in range(0, len(ids), CHUNK):
        wanted = [("_id", ",".join(ids[at : at + CHUNK])), ("_count", str(CHUNK))]
        made |= {f"{type}/{one['id']}": one for one in every(records, type, wanted)}
    return made


def one(records: Records, order: str) -> Ordered:
    """One order, as this person may see it. Raises Missing, Gone, Forbidden."""
    return together(records, [records.read("ServiceRequest", order).json()])[0]


def of_specimen(records: Records, specimen: Mapping[str, Any]) -> list[Ordered]:
    """The orders that a specimen was taken for."""
    ids = [one["reference"].partition("/")[2] for one in specimen.get("request", [])]
    return together(records, by_name(records, "ServiceRequest", ids).values())


def when(order: Mapping[str, Any]) -> str:
    return str(order.get("authoredOn") or order.get("occurrenceDateTime") or "")
