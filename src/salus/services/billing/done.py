"""What was done for a patient, as far as it is charged: a visit, a hand-over of medicine, a result.

It is read from what stands in the records now, not from what was heard: however often, and in whatever order, changes
are heard, the same comes of it. What a visit is called in a tariff stands in `CLASSES`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Missing
from salus.codes.tables import ICD9
from salus.records import Records
from salus.services.acting import referred
from salus.services.billing.local import Local, place_of
from salus.services.billing.names import CHARGE, CODES, RETURNED, SERVICE, Resource, extension
from salus.services.looking import looked_up

# class of an Encounter -> kind of visit in rules of settlement, codes in the tariff.
# https://terminology.hl7.org/ValueSet-v3-ActEncounterCode.html
CLASSES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "AMB": ("outpatient", ("registration", "consultation")),
    "VR": ("outpatient", ("consultation-virtual",)),
    "HH": ("outpatient", ("consultation",)),
    "FLD": ("outpatient", ("consultation",)),
    "EMER": ("emergency", ("registration", "consultation-emergency")),
    "IMP": ("inpatient", ("bed-day",)),
    "ACUTE": ("inpatient", ("bed-day",)),
    "NONAC": ("inpatient", ("bed-day",)),
}
OVER = frozenset({"finished", "cancelled", "entered-in-error"})
RELEASED = frozenset({"final", "amended", "corrected", "appended"})
WITHDRAWN = frozenset({"entered-in-error", "cancelled"})
RETRACTED = frozenset({"Procedure", "MedicationDispense", "DiagnosticReport"})
BACK = 10  # versions that are looked at
TOO_OLD = timedelta(days=31)
MIXED = "?"  # given in one unit, returned in another: no tariff knows it, so somebody is asked
RETURN = (f"{CODES}/dispense-type", "return")


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done: once `stands` is true it is charged, once it is false not any more.

    `source` is what says so (`MedicationDispense/7`), `part` tells several of one source apart; `codings` are names of
    the same thing, (system, code); `quantity` of `unit`, as it was written.
    """

    source: str
    part: str
    codings: tuple[tuple[str, str], ...]
    patient: str
    encounter: str
    at: datetime
    stands: bool
    quantity: Fraction = Fraction(1)
    unit: str = "1"

    def day(self, zone: str) -> date:
        return self.at.astimezone(ZoneInfo(zone)).date()


def too_old(deed: Deed) -> bool:
    """What is older when it is first heard of is not charged: a past that is taken in is not billed."""
    return deed.at < clock.now() - TOO_OLD


def deeds(records: Records, type: str, id: str) -> tuple[Deed, ...]:
    """What a resource says was done. Nothing for one that is not there any more, or not yet."""
    found = looked_up(records, f"{type}/{id}")
    return tuple(READ[type](records, found)) if found else ()


def no_more(records: Records, type: str, id: str, found: Sequence[Deed]) -> Iterator[Deed]:
    """What a resource said was done and says no more, since it was deleted or names something else by now; the orders
    that it named are read as they stand."""
    known = {(one.source, one.part) for one in found}
    for before in earlier(records, type, id) if type in RETRACTED else ():
        for deed in READ[type](records, before):
            if (deed.source, deed.part) not in known:
                known.add((deed.source, deed.part))
                yield replace(deed, stands=deed.stands and deed.source != f"{type}/{id}")


def earlier(records: Records, type: str, id: str) -> list[Resource]:
    """The last versions of a resource, the newest first."""
    try:
        return [one.json() for one in records.history(type, id, BACK).versions if not one.deleted]
    except Missing:
        return []


# --- visits ---


def of_visit(records: Records, visit: Resource) -> Iterator[Deed]:
    """A finished visit: registration and consultation, or the days of a stay."""
    if visit["status"] not in OVER:
        return
    code = visit["class"].get("code", "")
    _, usual = CLASSES.get(code, ("outpatient", (code or "unknown",)))
    own = own_code(records, visit)
    for one in usual:
        named = own if own and one.startswith("consultation") else one
        yield Deed(
            f"Encounter/{visit['id']}",
            one.partition("-")[0],
            ((CHARGE, named),),
            referred(visit, "subject"),
            f"Encounter/{visit['id']}",
            ended(visit),
            visit["status"] == "finished",
            *((Fraction(nights(visit, zone_of(records, visit))), "d") if one == "bed-day" else ()),
        )


def own_code(records: Records, visit: Resource) -> str:
    """What the visit, or the service it was at, says that it costs as: a specialist's clinic."""
    if found := coded(visit.get("type", []), CHARGE):
        return found
    service = looked_up(records, referred(extension(visit, SERVICE), "valueReference"))
    return coded(service.get("type", []), CHARGE)


def ended(visit: Resource) -> datetime:
    period = visit.get("period", {})
    return moment(period.get("end") or period.get("start"), visit)


def nights(visit: Resource, zone: tzinfo | None) -> int:
    """Of a stay, by the clocks of a zone (None: as its times were written); a stay within one day is one."""
    began, over = moment(visit.get("period", {}).get("start"), visit), ended(visit)
    if zone is not None:
        began, over = began.astimezone(zone), over.astimezone(zone)
    return max(1, (over.date() - began.date()).days)


def zone_of(records: Records, visit: Resource) -> tzinfo | None:
    """Where the days of the house begin; None for a place without a tariff."""
    house = looked_up(records, referred(visit, "serviceProvider"))
    tariff = Local(records.store.folder).tariff_read(place_of(house))
    return ZoneInfo(tariff.zone) if tariff else None


# --- medicines ---


def of_dispense(records: Records, one: Resource) -> Iterator[Deed]:
    """What was handed over, less what came back; of what came back, what it came back from."""
    if coding_in(one.get("type", {}), *RETURN):
        type, _, id = referred(extension(one, RETURNED), "valueReference").partition("/")
        if type == "MedicationDispense":
            yield from deeds(records, type, id)
        return
    if one["status"] not in ("completed", "entered-in-error"):
        return
    given = one.get("quantity", {})
    unit, returned = unit_of(one), list(back(records, one))
    left = Fraction(str(given.get("value", 0))) - sum((value for value, _ in returned), Fraction(0))
    yield Deed(
        f"MedicationDispense/{one['id']}",
        "",
        codings(one.get("medicationCodeableConcept", {})),
        referred(one, "subject"),
        referred(one, "context") or visit_of(records, one.get("authorizingPrescription", [])),
        moment(one.get("whenHandedOver") or one.get("whenPrepared"), one),
        one["status"] == "completed" and left != 0,
        left,
        unit if all(other == unit for _, other in returned) else MIXED,
    )


def unit_of(one: Resource) -> str:
    quantity = one.get("quantity", {})
    return str(quantity.get("code") or quantity.get("unit", ""))


def back(records: Records, one: Resource) -> Iterator[tuple[Fraction, str]]:
    """What came back of it, and in which unit."""
    asked = [("patient", bare_patient(one)), ("type", "|".join(RETURN)), ("status", "completed"), ("_count", "200")]
    for found in every(records, "MedicationDispense", asked) if bare_patient(one) else ():
        named = referred(extension(found, RETURNED), "valueReference")
        if named == f"MedicationDispense/{one['id']}":
            yield Fraction(str(found.get("quantity", {}).get("value", 0))), unit_of(found)


def visit_of(records: Records, prescriptions: Sequence[Resource]) -> str:
    """That of the first prescription which is here."""
    found = (looked_up(records, str(one.get("reference", ""))) for one in prescriptions)
    return next((referred(one, "encounter") for one in found if one), "")


# --- tests ---


def of_report(records: Records, report: Resource) -> Iterator[Deed]:
    """The orders that a report is about; where there is none, the report itself."""
    orders = [one["reference"] for one in report.get("basedOn", []) if one.get("reference", "").startswith("Service")]
    stands = report["status"] in RELEASED
    for one in orders:
        if found := deeds(records, *one.split("/", 1)):
            yield from found
        elif not looked_up(records, one) and (stands or report["status"] in WITHDRAWN):
            yield tested(one, "", codings(report["code"]), report, stands)
    if not orders and (stands or report["status"] in WITHDRAWN):
        yield from of_results(records, report)


def of_results(records: Records, report: Resource) -> Iterator[Deed]:
    """A report that nobody ordered: each of its results; without results, what it is called."""
    found: dict[tuple[tuple[str, str], ...], None] = {}
    for one in report.get("result", []):
        if result := looked_up(records, str(one.get("reference", ""))):
            found[codings(result["code"])] = None
    stands = report["status"] in RELEASED
    for named in found or {codings(report["code"]): None}:
        yield tested(f"DiagnosticReport/{report['id']}", named[0][1] if named else "", named, report, stands)


def of_order(records: Records, order: Resource) -> Iterator[Deed]:
    """An order for a test: charged once its report is released, or where there is no report once it is done; of a
    procedure as `carried_out`."""
    if order.get("intent") in ("proposal", "plan", "option"):
        return
    if ICD9 in {system for system, _ in codings(order.get("code", {}))}:
        yield from carried_out(records, order)
        return
    asked = [("based-on", f"ServiceRequest/{order['id']}"), ("_count", "50")]
    states = {one["status"]: one for one in every(records, "DiagnosticReport", asked)}
    released = [states[one] for one in sorted(RELEASED & states.keys())]
    stands = bool(released) or (not states and order["status"] == "completed")
    lasts = order["status"] not in ("entered-in-error", "revoked")
    name = f"ServiceRequest/{order['id']}"
    told = (released[0] if released else order) | {"subject": order["subject"], "encounter": order.get("encounter", {})}
    yield tested(name, "", codings(order.get("code", {})), told, stands and lasts)


def tested(source: str, part: str, named: tuple[tuple[str, str], ...], told: Resource, stands: bool) -> Deed:
    at = told.get("issued") or told.get("effectiveDateTime") or told.get("authoredOn")
    return Deed(source, part, named, referred(told, "subject"), referred(told, "encounter"), moment(at, told), stands)


# --- procedures ---


def carried_out(records: Records, order: Resource) -> Iterator[Deed]:
    """An order for a procedure: charged once a Procedure says that it was done, and when."""
    name = f"ServiceRequest/{order['id']}"
    asked = [("based-on", name), ("_count", "50")]
    done = [one for one in every(records, "Procedure", asked) if one["status"] == "completed"]
    told = done[0] if done else order
    at = told.get("performedDateTime") or told.get("performedPeriod", {}).get("start") or order.get("authoredOn")
    stands = bool(done) and order["status"] not in WITHDRAWN
    who, visit = referred(order, "subject"), referred(order, "encounter")
    yield Deed(name, "", codings(order["code"]), who, visit, moment(at, order), stands)


def of_procedure(records: Records, one: Resource) -> Iterator[Deed]:
    """The orders that a Procedure carried out; of one that nobody ordered here nothing is charged."""
    for order in one.get("basedOn", []):
        type, _, id = str(order.get("reference", "")).partition("/")
        if type == "ServiceRequest":
            yield from deeds(records, type, id)


READ: Mapping[str, Callable[[Records, Resource], Iterator[Deed]]] = {
    "Encounter": of_visit,
    "MedicationDispense": of_dispense,
    "DiagnosticReport": of_report,
    "ServiceRequest": of_order,
    "Procedure": of_procedure,
}


# --- reading ---


def codings(concept: Resource) -> tuple[tuple[str, str], ...]:
    """(system, code) of each coding; of mere words none."""
    return tuple((one.get("system", ""), one["code"]) for one in concept.get("coding", []) if "code" in one)


def coding_in(concept: Resource, system: str, code: str) -> bool:
    return (system, code) in codings(concept)


def coded(concepts: Sequence[Resource], system: str) -> str:
    return next((code for one in concepts for url, code in codings(one) if url == system), "")


def bare_patient(one: Resource) -> str:
    type, _, id = referred(one, "subject").partition("/")
    return id if type == "Patient" else ""


def moment(told: Any, resource: Resource) -> datetime:
    """A dateTime; of a day alone its noon in UTC, which is that day almost everywhere; of less than a day, or nothing,
    when the resource was last written."""
    text = str(told or "")
    if len(text) < len("2026-05-04"):
        return datetime.fromisoformat(resource["meta"]["lastUpdated"])
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(hour=12, tzinfo=UTC)
