"""What conditions may ask of a patient by a name, each fact with its words; or why it is missing."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from salus.assistants.suggestion import Name
from salus.assistants.treatment.guidelines import rows
from salus.assistants.treatment.guidelines.sets import CodeList, named
from salus.assistants.treatment.screen.orders import is_taken, medicine_of
from salus.assistants.treatment.screen.person import (
    AGES,
    DAY,
    ENDED,
    Fact,
    Person,
    by_code,
    is_final,
    is_refuted,
    label,
    measured,
    moment,
    of_codes,
    person_of,
    reference,
    says,
    status,
    valued,
    when,
)
from salus.codes.drugs import ingredients_in
from salus.codes.tables import ICD10, ICD10CM, SNOMED

Resource = Mapping[str, Any]
PRESENT, ABSENT = {"52101004", "10828004"}, {"2667000", "260385009"}  # SNOMED CT
CONFUSION = "40917007"
ACUTE = 2  # days that a sign of an acute illness counts

# name -> LOINC codes, the unit wanted, how many days it is trusted
MEASURED: Mapping[str, tuple[tuple[str, ...], str, int]] = {
    "sbp": (("8480-6",), "mm[Hg]", 180),
    "dbp": (("8462-4",), "mm[Hg]", 180),
    "lvef": (("10230-1", "8806-2", "18043-0"), "%", 730),
    "hba1c": (("4548-4", "17856-6", "59261-8"), "%", 180),
    "uacr": (("9318-7", "14959-1"), "mg/g", 365),
    "egfr": (("98979-8", "62238-1"), "mL/min/{1.73_m2}", 180),
    "respiratory_rate": (("9279-1",), "/min", ACUTE),
    "acute_sbp": (("8480-6",), "mm[Hg]", ACUTE),
    "acute_dbp": (("8462-4",), "mm[Hg]", ACUTE),
    "urea": (("22664-7", "3094-0", "6299-2"), "mmol/L", ACUTE),
}
OF_PERSON = ("weight", "egfr", "crcl", "potassium", "platelets", "pregnant")  # what the safety screen knows already
Known = tuple[dict[str, Fact], dict[str, Name]]


def facts_of(resources: list[Resource], at: datetime, person: Person | None = None) -> Known:
    """Facts by name, and why others are missing; `person`: what the screen knows, where it was read already."""
    person = person or person_of(resources, at)
    facts = {name: person.facts[name] for name in OF_PERSON if name in person.facts}
    missing = {name: person.missing[name] for name in OF_PERSON if name in person.missing and name not in facts}
    seen = by_code(exploded(one for one in resources if one["resourceType"] == "Observation"))
    for name in MEASURED:
        if name in facts:
            continue
        found = measured(name, of_codes(seen, MEASURED[name][0]), at, MEASURED)
        if isinstance(found, Fact):
            facts[name] = found
            missing.pop(name, None)
        else:
            missing.setdefault(name, found)
    for name, known in (*identity(resources, at), ("confusion", confusion(resources, at))):
        if known is None:
            missing[name] = says("missing.never", name=says(f"measure.{name}"))
        else:
            facts[name] = known
    return facts, missing


def exploded(observations: Iterable[Resource]) -> Iterator[Resource]:
    """Each Observation, and each of its parts that has a value as if it stood alone: blood pressure is such a panel."""
    for one in observations:
        yield one
        for part in one.get("component", []):
            if "valueQuantity" in part:
                yield {**one, "code": part.get("code", {}), "valueQuantity": part["valueQuantity"]}


def identity(resources: list[Resource], at: datetime) -> Iterator[tuple[str, Fact | None]]:
    """Completed years and sex."""
    patient: Resource = next((one for one in resources if one["resourceType"] == "Patient"), {})
    source, sex = f"Patient/{patient.get('id', '')}", patient.get("gender")
    years = completed(patient.get("birthDate", ""), at)
    yield "age", None if years is None else Fact(years, says("fact.age", value=years), source)
    yield "sex", Fact(str(sex), says(f"fact.sex.{sex}"), source) if sex in ("female", "male") else None


def completed(born: str, at: datetime) -> int | None:
    """Whole years on a day; of a year or month alone as if born in its middle, None where nothing is said, or
    nothing that can be.

    >>> completed("1951-11-22", datetime(2026, 11, 22)), completed("1951-11-23", datetime(2026, 11, 22))
    (75, 74)
    """
    if len(born) < 4:
        return None
    day = date.fromisoformat(born if len(born) > 7 else (born + "-07-15"[len(born) - 4 :])[:10])
    years = at.year - day.year - ((at.month, at.day) < (day.month, day.day))
    return years if AGES[0] <= years <= AGES[1] else None


def confusion(resources: list[Resource], at: datetime) -> Fact | None:
    """Whether confusion was found or ruled out in the last days."""
    for one in sorted(filter(has_confusion, resources), key=begun, reverse=True):
        if not lately(one, at, ACUTE):
            return None
        if one["resourceType"] == "Condition":
            return Fact(True, says("fact.confusion.yes", day=begun(one)[:10]), reference(one))
        found = one.get("valueBoolean", True if valued(one) & PRESENT else False if valued(one) & ABSENT else None)
        if found is not None:
            word = "fact.confusion.yes" if found else "fact.confusion.no"
            return Fact(found, says(word, day=begun(one)[:10]), reference(one))
    return None


def has_confusion(resource: Resource) -> bool:
    codings = (
        resource.get("code", {}).get("coding", []) if resource["resourceType"] in ("Observation", "Condition") else []
    )
    stands = is_final(resource) if resource["resourceType"] == "Observation" else stands_now(resource)
    return stands and any(one.get("code") == CONFUSION and one.get("system") == SNOMED for one in codings)


# problems and medicines


def groups_of(resources: list[Resource], at: datetime) -> dict[str, list[Resource]]:
    """What of the patient's problems and medicines stands in each shipped set, by its name."""
    found = standing(resources)
    return {name: members(found, named(name), at) for name in rows.sets()}


def members(found: list[Resource], codes: CodeList, at: datetime) -> list[Resource]:
    return [one for one in found if codes.holds(one) and (codes.days is None or lately(one, at, codes.days))]


def standing(resources: list[Resource]) -> list[Resource]:
    """Problems that stand and medicines that are taken; a draft is not taken."""
    problems = [one for one in resources if one["resourceType"] == "Condition" and stands_now(one)]
    return problems + [one for one in resources if is_taken(one) and one.get("status") != "draft"]


def stands_now(condition: Resource) -> bool:
    ended = status(condition, "clinicalStatus") & ENDED or "abatementDateTime" in condition
    return not ended and not is_refuted(condition)


def unread(resources: list[Resource]) -> tuple[Name, ...]:
    """Problems without a code of those which the lists are made of, and medicines that nobody here knows: whether they
    stand in a list cannot be told."""
    return tuple(named_only(one) for one in standing(resources) if not is_read(one))


def is_read(resource: Resource) -> bool:
    if resource["resourceType"].startswith("Medication"):
        return ingredients_in(medicine_of(resource)).known
    coded = (SNOMED, ICD10, ICD10CM)
    return any(each.get("system") in coded for each in resource.get("code", {}).get("coding", []))


def named_only(resource: Resource) -> Name:
    medicine = resource["resourceType"].startswith("Medication")
    text = ingredients_in(medicine_of(resource)).text if medicine else label(resource)
    return Name(text or reference(resource), text or reference(resource))


def begun(resource: Resource) -> str:
    """When a problem began or a finding was made, as FHIR writes it; "" where nothing says."""
    if resource["resourceType"] == "Observation":
        return when(resource)
    return str(
        resource.get("onsetDateTime")
        or resource.get("onsetPeriod", {}).get("start")
        or resource.get("recordedDate")
        or resource.get("authoredOn")
        or ""
    )


def lately(resource: Resource, at: datetime, days: int) -> bool:
    """Whether it began in the last days. What has no date counts where it is a problem that is said to be active."""
    text = begun(resource)
    if not text:
        return "active" in status(resource, "clinicalStatus")
    return at - days * DAY <= moment({"issued": text}) <= at + DAY


def medicine_named(concept: Resource) -> Name:
    """The medicine in both languages, as far as our tables know its parts."""
    named = ingredients_in(concept)
    if not named.known:
        return Name(named.text, named.text)
    return Name(*(" / ".join(one.in_(language) for one in named.ingredients) for language in ("en", "zh")))
