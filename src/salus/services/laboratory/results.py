"""Results as they are typed: read, converted to the unit of the test, flagged, and asked again when improbable.

Nothing is guessed: a unit that cannot be converted is refused, and so is a result for another specimen.
https://hl7.org/fhir/R4/observation.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salus.base import clock
from salus.base.errors import Conflict, Invalid, Issue, SalusError
from salus.codes import LABS, Lab, units
from salus.codes.tables import LOINC, SNOMED
from salus.records import Records
from salus.records.desk import Desk
from salus.services.acting import BASE, Acting, Resource, coded, put, same_id, sign
from salus.services.laboratory.catalogue import Limits, limits_of
from salus.services.laboratory.flags import SYSTEM, Interval, flag, improbable, interval, measured, moment, value_of
from salus.services.laboratory.orders import Ordered, accession_of, at_desk, by_name, check_step, one
from salus.services.laboratory.rules import FINDINGS, LONGEST, POSITIVE
from salus.services.laboratory.specimens import normal

NUMBER = re.compile(r"(?P<sign><=|>=|<|>)?\s*(?P<number>-?\d{1,9}(?:\.\d{1,9})?)")
AS_TYPED = f"{BASE}/StructureDefinition/result-as-typed"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
STANDING = "final,amended,corrected"


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed for one test: the value and its unit ("" for that of the test); `again`: the value once more,
    for one that is improbable; `absent`: it was not done."""

    value: str
    unit: str = ""
    again: str = ""
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """A value as it was read: a number in the unit of the test, or words; `sign`: beyond what can be measured."""

    typed: Typed
    number: float | None = None
    sign: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """What results are read with: whose they are, since when, beside which last values and limits."""

    found: Ordered
    sex: str
    born: str
    at: datetime
    last: Mapping[str, Resource]
    limits: Limits

    def interval(self, lab: Lab) -> Interval | None:
        return interval(lab, self.sex, self.born, self.at)


def bench(acting: Acting, order: str) -> Bench:
    """The bench for an order. Raises Missing, Gone, Forbidden."""
    records, found = acting.records, one(acting.records, order)
    patient = records.read("Patient", found.patient).json()
    taken = (found.specimen or {}).get("collection", {}).get("collectedDateTime")
    return Bench(
        found,
        str(patient.get("gender", "")),
        str(patient.get("birthDate", "")),
        moment({"effectiveDateTime": taken}) if taken else clock.now(),
        {code: seen for code in found.asked.members if (seen := last(records, found.patient, code, found))},
        limits_of(acting.store),
    )


def last(records: Records, patient: str, code: str, found: Ordered) -> Resource | None:
    """The patient's last value of a test, but for those of this order."""
    wanted = [("patient", patient), ("code", f"{LOINC}|{code}"), ("status", STANDING), ("_sort", "-date")]
    mine = {one["reference"] for one in (found.report or {}).get("result", [])}
    seen = (one.json() for one in records.search("Observation", [*wanted, ("_count", "5")]).versions)
    return next((one for one in seen if f"Observation/{one['id']}" not in mine), None)


# --- reading what was typed ---


def read_all(given: Bench, typed: Mapping[str, Typed]) -> dict[str, Read]:
    """All values, or what is wrong with each. Raises Invalid with one issue a test, by its LOINC code."""
    faults: list[Issue] = []
    made: dict[str, Read] = {}
    for code, value in typed.items():
        try:
            if code not in given.found.asked.members:
                raise Invalid(f"{code} is not part of this order")
            made[code] = read_one(given, LABS[code], value)
        except SalusError as fault:
            faults.append(Issue(fault.issues[0].code, code, str(fault)))
    if faults:
        raise Invalid(faults[0].text, path=faults[0].path, issues=faults)
    return made


def read_one(given: Bench, lab: Lab, typed: Typed) -> Read:
    """One value. Raises Invalid (it is no number, its unit cannot be converted), Improbable."""
    if typed.absent:
        return Read(typed)
    if lab.unit is None:
        return Read(typed, words=finding(typed.value))
    sign, number = parted(typed.value)
    value = units.convert(number, typed.unit or lab.unit, lab.unit, lab.code)
    why = improbable(lab, value, given.last.get(lab.code), given.at, given.limits)
    if why and not same(typed.value, typed.again):
        raise Improbable(f"{typed.value} {typed.unit or lab.unit} is improbable ({why}): look again and type it twice")
    return Read(typed, value, sign)


class Improbable(Invalid):
    """It may be so: typed a second time it is taken."""

    code = "business-rule"


def parted(text: str) -> tuple[str, float]:
    """The sign and the number. Raises Invalid.

    >>> parted("4.2"), parted("< 0.01")
    (('', 4.2), ('<', 0.01))
    """
    found = NUMBER.fullmatch(text.strip())
    if not found:
        raise Invalid(f"'{text[:40]}' is no number: write it with a point, such as 4.2 or <0.01")
    return found["sign"] or "", float(found["number"])


def same(one: str, other: str) -> bool:
    """Whether a value was typed twice."""
    try:
        return bool(other) and parted(one) == parted(other)
    except Invalid:
        return False


def finding(text: str) -> str:
    """Raises Invalid for nothing, or too much."""
    if not 0 < len(text) <= LONGEST:
        raise Invalid(f"Say what was found, in at most {LONGEST} characters")
    return text


# --- keeping ---


def enter(acting: Acting, order: str, accession: str, typed: Mapping[str, Typed]) -> Ordered:
    """Keep results, not yet verified; what was entered before may be entered again. In one transaction.

    Raises Invalid by test, Conflict (another patient's specimen, not received, verified already), Forbidden.
    """
    given = bench(acting, order)
    check_specimen(given.found, accession)
    check_step(given.found, "enter")
    values = read_all(given, typed)

    def work(desk: Desk) -> Ordered:
        found = at_desk(desk, order)
        check_specimen(found, accession)
        check_step(found, "enter")
        names = [put(desk, observed(desk, given, code, read, "preliminary")) for code, read in values.items()]
        keep(desk, found, names, "preliminary")
        sign(desk, "enter", [f"DiagnosticReport/{(found.report or {})['id']}"])
        return at_desk(desk, order)

    return acting.do("enter results", f"ServiceRequest/{order}", ("Observation", "DiagnosticReport"), work)


def keep(desk: Desk, found: Ordered, results: list[Resource], status: str) -> Resource:
    """The report with these results in it."""
    report = found.report or {}
    had = [one["reference"] for one in report.get("result", [])]
    names = dict.fromkeys([*had, *(f"Observation/{one['id']}" for one in results)])
    return put(desk, report | {"status": status, "result": [{"reference": one} for one in names]})


def check_specimen(found: Ordered, accession: str) -> None:
    """Raises Conflict where the specimen in hand is not the one that this order waits for."""
    if not found.specimen or normal(accession) != accession_of(found.specimen):
        raise Conflict(
            f"The specimen {normal(accession)} is not the one of ServiceRequest/{found.id}: look at the label",
            path="accession",
        )


def result_id(found: Ordered, code: str) -> str:
    """The id of a result: one a test of an order and specimen."""
    return same_id("result", found.id, str((found.specimen or {}).get("id", "")), code)


def observed(desk: Desk, given: Bench, code: str, read: Read, status: str) -> Resource:
    """The Observation of a value."""
    found, lab = given.found, LABS[code]
    return {
        "resourceType": "Observation",
        "id": result_id(found, code),
        "extension": as_typed(lab, read),
        "basedOn": [{"reference": f"ServiceRequest/{found.id}"}],
        "status": status,
        "category": [coded(CATEGORY, "laboratory")],
        "code": {"coding": [{"system": LOINC, "code": code}], "text": lab.en},
        "subject": found.order["subject"],
        "encounter": found.order.get("encounter"),
        "effectiveDateTime": clock.instant(given.at),
        "performer": [{"reference": desk.actor.reference}],
        "specimen": {"reference": f"Specimen/{(found.specimen or {}).get('id', '')}"},
        **said(given, lab, read),
    }


def said(given: Bench, lab: Lab, read: Read) -> Resource:
    """The value with its interval and flag; or words; or that it was not done."""
    if read.typed.absent:
        return {"dataAbsentReason": coded(ABSENT, "not-performed")}
    if read.number is None:
        known = FINDINGS.get(read.words)
        value = {"valueCodeableConcept": coded(SNOMED, known, read.words)} if known else {"valueString": read.words}
        return value | ({"interpretation": [coded(SYSTEM, "A")]} if read.words in POSITIVE else {})
    within, unit = given.interval(lab), lab.unit or "1"
    sign = flag(lab, read.number, within, given.limits)
    return {
        "valueQuantity": measured(read.number, unit) | ({"comparator": read.sign} if read.sign else {}),
        "referenceRange": within.range(unit) if within else None,
        "interpretation": [coded(SYSTEM, sign)] if sign else None,
    }


def as_typed(lab: Lab, read: Read) -> list[Resource]:
    """The value in the unit that it was typed in, where that is another."""
    unit = read.typed.unit
    if read.number is None or not unit or unit == lab.unit:
        return []
    return [{"url": AS_TYPED, "valueQuantity": measured(parted(read.typed.value)[1], unit)}]


def results_of(records: Records, found: Ordered) -> dict[str, Any]:
    """LOINC code -> the Observation of the report."""
    names = [one["reference"].partition("/")[2] for one in (found.report or {}).get("result", [])]
    bodies = by_name(records, "Observation", names).values()
    return {body["code"]["coding"][0]["code"]: body for body in bodies}


def before_of(given: Bench, code: str) -> float | None:
    """The patient's last value of a test, in its unit."""
    seen = given.last.get(code)
    return value_of(seen, LABS[code]) if seen else None
