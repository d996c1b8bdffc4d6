"""A family to look at: a mother who acts for her two children, one small and one with secrets. All of it made up."""

from datetime import date, datetime, timedelta
from typing import Any

from salus.base import clock
from salus.codes.tables import LOINC
from salus.demo.resources import META, Resource, category, coded, quantity, reference
from salus.demo.today import book, own
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.privacy.guardian import DEPARTMENTS
from salus.records import Store
from salus.services.acting import Acting
from salus.services.appointments.brochure import USUAL
from salus.services.family.relations import register

MOTHER, CHILD, TEEN = "showcase-mother", "showcase-child", "showcase-teen"
# id, family and given name in both scripts, sex, age in days
PEOPLE = (
    (MOTHER, "高", "芸", "Gao", "Yun", "female", 38 * 365 + 100),
    (CHILD, "陈", "一诺", "Chen", "Yinuo", "female", 6 * 365 + 120),
    (TEEN, "陈", "若溪", "Chen", "Ruoxi", "male", 15 * 365 + 120),
)
# id, whose, department, days ago, what was measured (LOINC), the value, its unit
VISITS: tuple[tuple[str, str, str, int, str, float, str], ...] = (
    ("family-fever", CHILD, "paediatrics", 20, "1988-5", 12.0, "mg/L"),
    ("family-skin", TEEN, "dermatology", 30, "6690-2", 6.1, "10*9/L"),
    ("family-mind", TEEN, "psychiatry", 9, "3016-3", 2.1, "m[IU]/L"),
)
DESK = Actor("Practitioner/demo-desk", Role.DESK)
CLINIC = "paediatrics-centre"


def settle(store: Store) -> None:
    """The family comes to live in the city, the desk sees the household register, and the small one has a booking. What
    is there already is left as it is."""
    records, today = store.open(SYSTEM, Purpose.OPERATIONS), clock.today(USUAL)
    with store.readers.one() as reader:
        if reader.row("Patient", MOTHER) is not None:
            return
    for body in (*people(today), *told(today)):
        records.update(body["resourceType"], body["id"], body)
    for child in (CHILD, TEEN):
        register(Acting(store, DESK, Purpose.OPERATIONS), child, MOTHER, "MTH", "household-register", today)
    book(store, own(CHILD), CLINIC, date.min, "体检")


def people(today: date) -> list[Resource]:
    return [person(*row, today) for row in PEOPLE]


def person(id: str, xing: str, ming: str, family: str, given: str, sex: str, days: int, today: date) -> Resource:
    names = [
        {"use": "official", "text": xing + ming, "family": xing, "given": [ming]},
        {"text": f"{family} {given}", "family": family, "given": [given]},
    ]
    born = (today - timedelta(days=days)).isoformat()
    return {"resourceType": "Patient", "id": id, "meta": META, "name": names, "gender": sex, "birthDate": born}


def told(today: date) -> list[Resource]:
    """Visits with a result each, a vaccination and an allergy."""
    made = [one for row in VISITS for one in visit(*row, today)]
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "03"}], "text": "麻腮风疫苗 MMR"}
    given = (today - timedelta(days=5 * 365)).isoformat()
    shot = {
        "resourceType": "Immunization",
        "id": "family-mmr",
        "meta": META,
        "status": "completed",
        "vaccineCode": code,
    }
    nuts = {"resourceType": "AllergyIntolerance", "id": "family-nuts", "meta": META, "code": {"text": "花生 Peanut"}}
    made.append(shot | {"patient": reference("Patient", CHILD), "occurrenceDateTime": given})
    made.append(nuts | {"patient": reference("Patient", TEEN), "criticality": "high"})
    return made


def visit(
    id: str, whose: str, department: str, ago: int, loinc: str, value: float, unit: str, today: date
) -> tuple[Resource, Resource]:
    at = datetime.combine(today - timedelta(days=ago), datetime.min.time(), USUAL) + timedelta(hours=10)
    when, common = at.isoformat(), {"meta": META, "subject": reference("Patient", whose)}
    typed: dict[str, Any] = {"coding": [{"system": DEPARTMENTS, "code": department}]}
    stay = {"resourceType": "Encounter", "id": id, "status": "finished", "serviceType": typed, **common}
    stay |= {"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}}
    stay |= {"period": {"start": when, "end": (at + timedelta(minutes=20)).isoformat()}}
    seen = {
        "resourceType": "Observation",
        "id": f"{id}-result",
        "status": "final",
        "code": coded(LOINC, loinc),
        **common,
    }
    seen |= {"category": category("observation-category", "laboratory"), "encounter": reference("Encounter", id)}
    return stay, seen | {"effectiveDateTime": when, "issued": when, "valueQuantity": quantity(value, unit)}
