"""Specimens: taken under a number of their own, received or rejected; what is rejected is taken again.

https://hl7.org/fhir/R4/specimen.html
"""

import secrets
from collections.abc import Sequence

from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.codes.tables import LOINC, SNOMED
from salus.records import Records
from salus.records.desk import Desk
from salus.services.acting import BASE, Acting, Resource, by, coded, current, put, same_id, sign, standing
from salus.services.laboratory.orders import Ordered, accession_of, at_desk, check_step, report_id
from salus.services.laboratory.rules import LONGEST, MOST_TOGETHER, REJECTIONS
from salus.services.laboratory.states import STEPS

ACCESSION = "https://salus.example/accession"
CONDITIONS = f"{BASE}/CodeSystem/specimen-rejection"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that looks like something else
DRAWN = 6
LONGEST_NUMBER = 30
CATEGORY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "LAB"}]}


def specimen_id(accession: str) -> str:
    """The id of the one specimen under a number."""
    return same_id("specimen", accession)


def number(day: str) -> str:
    """A new number for a label: the day, and what nobody guesses."""
    return f"{day}-{''.join(secrets.choice(LETTERS) for _ in range(DRAWN))}"


def normal(accession: str) -> str:
    """A number as it is kept, however it was typed or scanned. Raises Invalid.

    >>> normal(" 261122-4f7k2a ")
    '261122-4F7K2A'
    """
    text = accession.strip().upper()
    if not 0 < len(text) <= LONGEST_NUMBER or not text.isascii() or not text.replace("-", "").isalnum():
        raise Invalid(f"'{accession[:40]}' is no number of a specimen: letters, digits and hyphens", path="accession")
    return text


def find(records: Records, accession: str) -> Resource:
    """The specimen under a number. Raises Missing, Invalid."""
    try:
        return records.read("Specimen", specimen_id(normal(accession))).json()
    except Missing:
        raise Missing(f"There is no specimen {normal(accession)}: look at the label", path="accession") from None


def collect(acting: Acting, orders: Sequence[str], accession: str = "") -> Resource:
    """One specimen for one or several orders of a patient that are made from the same tube.

    `accession`: of a label printed before; none: a new number. Raises Conflict (a number that was used, an order that
    is not to be collected), Invalid (several patients or tubes), Forbidden.
    """
    if not 0 < len(set(orders)) <= MOST_TOGETHER:
        raise Invalid(f"Choose 1 to {MOST_TOGETHER} orders, not {len(set(orders))}", path="orders")
    given = normal(accession) if accession else ""

    def work(desk: Desk) -> Resource:
        found = [at_desk(desk, one) for one in dict.fromkeys(orders)]
        check_together(found)
        for one in found:
            check_step(one, "collect")
        made = put(desk, taken(desk, found, given or unused(desk)))
        for one in found:
            put(desk, registered(one, f"Specimen/{made['id']}"))
        sign(desk, "collect", [f"Specimen/{made['id']}", *(f"ServiceRequest/{one.id}" for one in found)])
        return made

    return acting.do("collect", f"ServiceRequest/{orders[0]}", ("Specimen",), work)


def check_together(found: Sequence[Ordered]) -> None:
    """Raises Invalid unless one specimen can serve all."""
    if len({one.patient for one in found}) > 1:
        raise Invalid("These orders are of several patients: one specimen is of one", path="orders")
    if len(tubes := {one.asked.tube.name.en for one in found}) > 1:
        raise Invalid(f"These orders need several tubes ({', '.join(sorted(tubes))}): take them apart", path="orders")


def unused(desk: Desk) -> str:
    """A number that no specimen has."""
    day = f"{desk.at:%y%m%d}"
    return next(one for one in iter(lambda: number(day), "") if not desk.exists("Specimen", specimen_id(one)))


def taken(desk: Desk, found: Sequence[Ordered], accession: str) -> Resource:
    """The Specimen. Raises Conflict for a number that was used."""
    if standing(desk, f"Specimen/{specimen_id(accession)}"):
        raise Conflict(f"The number {accession} is on another specimen already: take a new label", path="accession")
    tube = found[0].asked.tube
    return {
        "resourceType": "Specimen",
        "id": specimen_id(accession),
        "identifier": [{"system": ACCESSION, "value": accession}],
        "accessionIdentifier": {"system": ACCESSION, "value": accession},
        "status": "available",
        "type": coded(SNOMED, tube.specimen),
        "subject": found[0].order["subject"],
        "request": [{"reference": f"ServiceRequest/{one.id}"} for one in found],
        "collection": {"collector": by(desk), "collectedDateTime": clock.instant(desk.at)},
        "container": [{"type": {"text": tube.name.en}}],
    }


def registered(found: Ordered, specimen: str) -> Resource:
    """The report that is to come, with one specimen more."""
    before = found.report or {}
    return {
        "resourceType": "DiagnosticReport",
        "id": report_id(found.id),
        "identifier": before.get("identifier"),
        "basedOn": [{"reference": f"ServiceRequest/{found.id}"}],
        "status": "registered",
        "category": [CATEGORY],
        "code": {"coding": [{"system": LOINC, "code": found.asked.code}], "text": found.asked.name.en},
        "subject": found.order["subject"],
        "encounter": found.order.get("encounter"),
        "specimen": [*before.get("specimen", []), {"reference": specimen}],
    }


def receive(acting: Acting, accession: str) -> Resource:
    """It has come to the laboratory. Raises Missing, Conflict (received or rejected already), Forbidden."""
    id = specimen_id(normal(accession))

    def work(desk: Desk) -> Resource:
        before, found = carried(desk, id, accession, "receive")
        sign(desk, "receive", [f"Specimen/{id}", *(f"ServiceRequest/{one.id}" for one in found)])
        return put(desk, before | {"receivedTime": clock.instant(desk.at)})

    return acting.do("receive", f"Specimen/{id}", ("Specimen", "DiagnosticReport"), work)


def reject(acting: Acting, accession: str, reason: str, words: str = "") -> Resource:
    """It cannot be used: its orders go back to be collected, and the patient is told. Raises as `receive`, Invalid."""
    if reason not in REJECTIONS or (reason == "other" and not words):
        raise Invalid(f"'{reason}' is no reason: one of {', '.join(REJECTIONS)}, `other` in words", path="reason")
    if len(words) > LONGEST:
        raise Invalid(f"The words have more than {LONGEST} characters: shorten them", path="words")
    id = specimen_id(normal(accession))

    def work(desk: Desk) -> Resource:
        before, found = carried(desk, id, accession, "reject")
        for one in found:
            void(desk, one)
            put(desk, (one.report or {}) | {"status": "registered", "result": None})
        why = coded(CONDITIONS, reason, words)
        sign(desk, "reject", [f"Specimen/{id}", *(f"ServiceRequest/{one.id}" for one in found)], words or reason)
        put(desk, asked_again(desk, before, found))
        return put(desk, before | {"status": "unsatisfactory", "condition": [why]})

    return acting.do("reject", f"Specimen/{id}", ("Specimen", "DiagnosticReport", "Communication"), work)


def carried(desk: Desk, id: str, accession: str, verb: str) -> tuple[Resource, list[Ordered]]:
    """A specimen and those of its orders that stand at it and may go on. Raises Missing, Conflict where none may."""
    before = standing(desk, f"Specimen/{id}")
    if before is None:
        raise Missing(f"There is no specimen {normal(accession)}: look at the label", path="accession")
    orders = [at_desk(desk, one["reference"].partition("/")[2]) for one in before.get("request", [])]
    mine = [one for one in orders if one.specimen and one.specimen["id"] == id]
    able = [one for one in mine if verb in STEPS.verbs(one.step)]
    if not able:
        STEPS.after(verb, mine[0].step if mine else before["status"], f"The specimen {accession_of(before)}")
    return before, able


def void(desk: Desk, found: Ordered) -> None:
    """What was measured, and not verified, is no result."""
    for one in (found.report or {}).get("result", []):
        put(desk, current(desk, one["reference"]) | {"status": "cancelled"})


def asked_again(desk: Desk, specimen: Resource, found: Sequence[Ordered]) -> Resource:
    """The notice to the patient that another specimen is needed. https://hl7.org/fhir/R4/communication.html"""
    names = [one.asked.name for one in found]
    text = (
        f"{'、'.join(one.zh for one in names)}：标本不能使用，请再来采集一次。 "
        f"{', '.join(one.en for one in names)}: the specimen could not be used; please come for another."
    )
    return {
        "resourceType": "Communication",
        "id": same_id("asked-again", specimen["id"]),
        "status": "completed",
        "category": [coded("http://terminology.hl7.org/CodeSystem/communication-category", "notification")],
        "subject": specimen["subject"],
        "recipient": [specimen["subject"]],
        "about": [{"reference": f"ServiceRequest/{one.id}"} for one in found],
        "sent": clock.instant(desk.at),
        "payload": [{"contentString": text}],
    }
