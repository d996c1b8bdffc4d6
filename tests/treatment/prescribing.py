"""FHIR resources for the tests of the treatment assistant, as short as they can be written."""

from datetime import UTC, datetime
from typing import Any

from salus.assistants.treatment.screen import Screening, screen, shipped
from salus.assistants.treatment.screen.orders import order_of
from salus.assistants.treatment.screen.person import Person, person_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SNOMED = "http://snomed.info/sct"
Json = dict[str, Any]


def order(
    name: str,
    dose: tuple[float, str] | None = None,
    a_day: int = 1,
    *,
    every: tuple[float, str] = (1, "d"),
    route: str = "",
    days: float | None = None,
    id: str = "",
) -> Json:
    repeat: Json = {"frequency": a_day, "period": every[0], "periodUnit": every[1]}
    if days:
        repeat["boundsDuration"] = {"value": days, "code": "d"}
    dosage: Json = {"timing": {"repeat": repeat}}
    if dose:
        dosage["doseAndRate"] = [{"doseQuantity": {"value": dose[0], "code": dose[1]}}]
    if route:
        dosage["route"] = {"text": route}
    return {
        "resourceType": "MedicationRequest",
        "id": id or name,
        "status": "active",
        "medicationCodeableConcept": {"text": name},
        "dosageInstruction": [dosage],
    }


def patient(age: float = 50, sex: str = "male") -> Json:
    return {"resourceType": "Patient", "id": "p", "gender": sex, "birthDate": f"{2026 - age:.0f}-01-01"}


def measured(loinc: str, value: float, unit: str, day: str = "2026-05-20", **more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": f"o{loinc}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "code": unit},
    } | more


def allergic(to: str, code: str = "", **more: Any) -> Json:
    coding = [{"system": SNOMED, "code": code}] if code else []
    return {"resourceType": "AllergyIntolerance", "id": f"a-{to}", "code": {"text": to, "coding": coding}} | more


def condition(code: str, text: str = "", **more: Any) -> Json:
    return {
        "resourceType": "Condition",
        "id": f"c{code}",
        "code": {"text": text, "coding": [{"system": SNOMED, "code": code}]},
    } | more


def person(*resources: Json) -> Person:
    return person_of(resources or (patient(),), NOW)


def asked(proposed: list[Json], standing: list[Json] = [], about: list[Json] | None = None) -> Screening:  # noqa: B006
    orders = [order_of(one, True, NOW) for one in proposed] + [order_of(one, False, NOW) for one in standing]
    return screen(orders, person(*(about or [patient()])), shipped())


def rules(found: Screening) -> set[str]:
    return {one.rule for one in found.findings}


def left_open(found: Screening) -> str:
    return "\n".join(f"{one.about.en}: {one.why.en}" for one in found.unchecked)
