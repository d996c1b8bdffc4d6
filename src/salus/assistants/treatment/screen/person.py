"""What is known of the patient that rules ask for, each fact with its day and the resource it came from.

What is not known, or too old to be trusted, is missing, with the reason; nothing is guessed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from salus.assistants.suggestion import Name
from salus.assistants.treatment.screen import kidney
from salus.base.errors import Invalid
from salus.base.words import words_of
from salus.codes import lab, unit_words, units

Resource = Mapping[str, Any]
Value = float | bool | str
DAY = timedelta(days=1)

# measure -> LOINC codes, the unit wanted, how many days it is trusted
MEASURED = {
    "weight": (("29463-7", "3141-9", "8335-2"), "kg", 365),
    "creatinine": (("2160-0", "38483-4", "14682-9"), "mg/dL", 180),
    "potassium": (("2823-3", "6298-4"), "mmol/L", 30),
    "platelets": (("777-3", "26515-7"), "10*9/L", 90),
    "qtc": (("8636-3",), "ms", 180),
    "alt": (("1742-6",), "U/L", 180),
    "height": (("8302-2", "3137-7", "8308-9"), "cm", 1826),
}
# what a living person can have, in that unit: beyond it somebody wrote a wrong number or a wrong unit
POSSIBLE = {
    "weight": (0.2, 700.0),
    "creatinine": (0.05, 50.0),
    "potassium": (0.5, 15.0),
    "platelets": (0.1, 10_000.0),
    "qtc": (150.0, 1000.0),
    "alt": (0.1, 100_000.0),
    "height": (15.0, 280.0),
}
AGES = (0.0, 125.0)
MOLAR = "2160-0"  # creatinine under whatever code it came
CIRRHOSIS = {"19943007", "59927004", "235856003"}  # SNOMED CT: cirrhosis, hepatic failure, disorder of liver, severe
CIRRHOSIS_ICD = ("K70.3", "K70.4", "K72", "K74")
PREGNANT = {"77386006", "LA15173-0"}
NOT_PREGNANT = {"60001007", "LA26683-5"}
PREGNANT_ICD = ("Z33", "Z34", "O")
LACTATING = {"413712001"}
FERTILE = (12.0, 55.0)  # years in which a woman's pregnancy must be known, not supposed
GENE = "48018-6"  # LOINC: gene studied
FUNCTION = re.compile(r"ultrarapid|poor|intermediate|normal|rapid|decreased|positive|negative|deficient", re.IGNORECASE)
ENDED = {"inactive", "remission", "resolved"}
REFUTED = {"refuted", "entered-in-error"}


def says(key: str, **slots: object) -> Name:
    """Words of this package in both languages; a slot that is a Name is said in the language of the sentence."""
    words = words_of("salus.assistants.treatment")

    def in_(language: str) -> str:
        return words(key, language, **{k: v.in_(language) if isinstance(v, Name) else v for k, v in slots.items()})

    return Name(in_("en"), in_("zh"))


def written(unit: str) -> Name:
    """A UCUM unit as people write it.

    >>> written("mm[Hg]").en, written("mL/min/{1.73_m2}").zh
    ('mmHg', 'mL/min/1.73 m²')
    """
    return Name(unit_words(unit, "en"), unit_words(unit, "zh"))


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known: its value in the unit of its measure, how it is said, and where it stands."""

    value: Value
    said: Name
    source: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Facts by measure, why others are missing, the allergies (AllergyIntolerance resources that stand), and what was
    given (MedicationAdministration), as far as it was read."""

    facts: Mapping[str, Fact]
    missing: Mapping[str, Name]
    allergies: tuple[Resource, ...] = ()
    contradictions: tuple[Name, ...] = ()
    given: tuple[Resource, ...] = ()


def person_of(resources: Iterable[Resource], at: datetime) -> Person:
    """What the patient's resources say at a moment. They are those of one patient."""
    every = list(resources)
    of = {kind: [one for one in every if one.get("resourceType") == kind] for kind in KINDS}
    facts: dict[str, Fact] = dict(identity(of["Patient"], at))
    missing: dict[str, Name] = {}
    if "age" not in facts and (born := next((one["birthDate"] for one in of["Patient"] if one.get("birthDate")), "")):
        missing["age"] = says("missing.born", day=born)
    coded = by_code(of["Observation"])
    for measure in MEASURED:
        found = measured(measure, of_codes(coded, MEASURED[measure][0]), at)
        if isinstance(found, Fact):
            facts[measure] = found
        else:
            missing[measure] = found
    facts |= dict(states(of["Condition"], of["Observation"], facts))
    facts |= dict(genes(of["Observation"]))
    facts |= dict(times_upper(facts, of["Observation"]))
    facts |= dict(kidneys(facts))
    facts |= dict(surface(facts))
    missing |= {measure: why_missing(measure, facts, missing) for measure in ASKED if measure not in facts}
    standing, torn = allergies(of["AllergyIntolerance"])
    return Person(facts, missing, standing, torn, tuple(of["MedicationAdministration"]))


KINDS = ("Patient", "Observation", "Condition", "AllergyIntolerance", "MedicationAdministration")
ASKED = ("age", "weight", "egfr", "crcl", "potassium", "platelets", "qtc", "alt", "pregnant", "lactating", "bsa")


def identity(patients: list[Resource], at: datetime) -> Iterator[tuple[str, Fact]]:
    """Age in years and sex."""
    for patient in patients[:1]:
        source = f"Patient/{patient.get('id', '')}"
        if sex := patient.get("gender"):
            yield "sex", Fact(sex, says("fact.sex"), source)
        born = patient.get("birthDate", "")
        if len(born) >= 4:
            day = datetime.fromisoformat((born + "-07-01"[len(born) - 4 :])[:10] if len(born) < 10 else born)
            age = (at - day.replace(tzinfo=at.tzinfo)).days / 365.25
            if AGES[0] <= age <= AGES[1]:
                yield "age", Fact(age, says("fact.age", value=str(int(age))), source)


def by_code(observations: Iterable[Resource]) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for one in observations:
        found.setdefault(code_of(one), []).append(one)
    return found


def of_codes(coded: Mapping[str, list[Resource]], codes: tuple[str, ...]) -> list[Resource]:
    return [one for code in codes for one in coded.get(code, ())]


def measured(
    measure: str,
    observations: list[Resource],
    at: datetime,
    table: Mapping[str, tuple[tuple[str, ...], str, int]] = MEASURED,
) -> Fact | Name:
    """The newest value that stands, or why there is none; `table` says by which codes, in which unit, for how long."""
    codes, unit, days = table[measure]
    found = [one for one in observations if code_of(one) in codes and when(one) and is_final(one)]
    known = [one for one in found if moment(one) <= at]
    if not known:
        return says("missing.never", name=says(f"measure.{measure}"))
    newest = max(known, key=moment)
    name, day = says(f"measure.{measure}"), when(newest)[:10]
    if at - moment(newest) > days * DAY:
        return says("missing.old", name=name, day=day)
    quantity = newest.get("valueQuantity", {})
    try:
        given = quantity.get("code") or quantity.get("unit") or ""
        value = units.convert(
            float(quantity["value"]), given, unit, MOLAR if measure == "creatinine" else code_of(newest)
        )
    except (Invalid, KeyError):
        shown = quantity.get("unit") or quantity.get("code") or "?"
        return says("missing.unit", name=name, unit=shown, wanted=written(unit))
    low, high = POSSIBLE.get(measure, (0.0, float("inf")))
    if value <= 0 or not low <= value <= high:
        return says("missing.impossible", name=name, value=f"{value:.4g}", unit=written(unit))
    return Fact(
        value, says("fact.measured", name=name, value=f"{value:.4g}", unit=written(unit), day=day), reference(newest)
    )


def kidneys(facts: Mapping[str, Fact]) -> Iterator[tuple[str, Fact]]:
    """eGFR and creatinine clearance where all that they need is known."""
    creatinine, age, sex, weight = (facts.get(name) for name in ("creatinine", "age", "sex", "weight"))
    if not (creatinine and age and sex) or float(age.value) < 18 or sex.value not in ("female", "male"):
        return
    asked = (float(creatinine.value), float(age.value), str(sex.value))
    for measure, value in (
        ("egfr", kidney.egfr(*asked)),
        ("crcl", kidney.clearance(*asked, float(weight.value)) if weight else None),
    ):
        if value is not None:
            said = says(f"fact.{measure}", value=f"{value:.0f}", creatinine=creatinine.said)
            yield measure, Fact(value, said, creatinine.source)


def surface(facts: Mapping[str, Fact]) -> Iterator[tuple[str, Fact]]:
    """Body surface in m2 by Mosteller, from height in cm and weight in kg. https://doi.org/10.1056/NEJM198710223171717"""
    height, weight = facts.get("height"), facts.get("weight")
    if height and weight:
        value = (float(height.value) * float(weight.value) / 3600) ** 0.5
        yield "bsa", Fact(value, says("fact.bsa", value=f"{value:.2f}", weight=weight.said), weight.source)


def times_upper(facts: dict[str, Fact], observations: list[Resource]) -> Iterator[tuple[str, Fact]]:
    """ALT as times its upper limit: the laboratory's own, else ours for the sex."""
    if (found := facts.pop("alt", None)) is None:
        return
    at = next(one for one in observations if reference(one) == found.source)
    ranges = [one["high"]["value"] for one in at.get("referenceRange", []) if "high" in one]
    known = lab("1742-6")
    usual = known.reference(str(facts["sex"].value) if "sex" in facts else None)[1] if known else None
    if upper := (ranges[0] if ranges else usual):
        times = float(found.value) / float(upper)
        yield "alt", Fact(times, says("fact.alt", times=f"{times:.1f}", said=found.said), found.source)


def states(
    conditions: list[Resource], observations: list[Resource], facts: Mapping[str, Fact]
) -> Iterator[tuple[str, Fact]]:
    """Cirrhosis, pregnancy, lactation. A man, a child and an old woman are not pregnant; of others it must be said."""
    standing = [one for one in conditions if not status(one, "clinicalStatus") & ENDED and not is_refuted(one)]
    liver = next((one for one in standing if has(one, CIRRHOSIS, CIRRHOSIS_ICD)), None)
    yield "cirrhosis", Fact(liver is not None, says("fact.cirrhosis"), reference(liver) if liver else "")
    told = sorted((one for one in observations if is_final(one) and when(one)), key=moment, reverse=True)
    carrying = next((one for one in standing if has(one, PREGNANT, PREGNANT_ICD)), None)
    said = next((one for one in told if valued(one) & (PREGNANT | NOT_PREGNANT)), None)
    if carrying or said:
        holds = carrying is not None or bool(said and valued(said) & PREGNANT)
        yield "pregnant", Fact(holds, says("fact.pregnant"), reference(carrying or said))
    elif cannot_carry(facts):
        yield "pregnant", Fact(False, says("fact.pregnant"))
        yield "lactating", Fact(False, says("fact.lactating"))
    if nursing := next((one for one in (*standing, *told) if has(one, LACTATING, ()) or valued(one) & LACTATING), None):
        yield "lactating", Fact(True, says("fact.lactating"), reference(nursing))


def cannot_carry(facts: Mapping[str, Fact]) -> bool:
    sex, age = facts.get("sex"), facts.get("age")
    beyond = age is not None and not FERTILE[0] <= float(age.value) <= FERTILE[1]
    return beyond or (sex is not None and sex.value == "male")


def genes(observations: list[Resource]) -> Iterator[tuple[str, Fact]]:
    """What a gene does in this person: Observations whose component `48018-6` names it, and whose value says how."""
    for one in sorted((one for one in observations if is_final(one)), key=when):
        parts = [part for part in one.get("component", []) if code_of(part) == GENE]
        gene = next(iter(words_in(parts[0].get("valueCodeableConcept", {}))), "") if parts else ""
        function = FUNCTION.search(" ".join(words_in(one.get("valueCodeableConcept", {}))))
        if gene and function:
            value = function.group().lower()
            yield f"gene:{gene.upper()}", Fact(value, says("fact.gene", gene=gene, value=value), reference(one))


def allergies(resources: list[Resource]) -> tuple[tuple[Resource, ...], tuple[Name, ...]]:
    """Those that stand, and where they contradict: one thing both confirmed and refuted, "none" beside some."""
    of_status = [(one, status(one, "verificationStatus"), status(one, "clinicalStatus")) for one in resources]
    standing = [one for one, verified, clinical in of_status if not verified & REFUTED and not clinical & ENDED]
    refuted = {label(one) for one, verified, _ in of_status if "refuted" in verified}
    none = [one for one in standing if has(one, NO_ALLERGY, ())]
    some = [one for one in standing if one not in none]
    torn = [says("torn.refuted", name=label(one)) for one in some if label(one) in refuted]
    torn += [says("torn.none")] if none and some else []
    return tuple(some), tuple(torn)


NO_ALLERGY = {"716186003", "409137002"}  # SNOMED CT: no known allergy, no known drug allergy


NEEDS = {"egfr": ("creatinine",), "crcl": ("creatinine", "weight"), "bsa": ("height", "weight")}


def why_missing(measure: str, facts: Mapping[str, Fact], missing: Mapping[str, Name]) -> Name:
    """Why a measure that rules ask for is not there; of what is computed, which part it lacks."""
    if measure in missing:
        return missing[measure]
    if needs := NEEDS.get(measure):
        lacking = next((missing[need] for need in needs if need in missing), None)
        return lacking or says("missing.adult")
    return says("missing.never", name=says(f"measure.{measure}"))


# reading FHIR


def reference(resource: Resource | None) -> str:
    return f"{resource['resourceType']}/{resource.get('id', '')}" if resource else ""


def code_of(resource: Resource) -> str:
    return next((one.get("code", "") for one in resource.get("code", {}).get("coding", [])), "")


def codes_of(concept: Resource) -> set[str]:
    return {one.get("code", "") for one in concept.get("coding", [])}


def words_in(concept: Resource) -> list[str]:
    return list(filter(None, [*(one.get("display") for one in concept.get("coding", [])), concept.get("text")]))


def label(resource: Resource) -> str:
    concept = resource.get("code", {})
    return next(iter(words_in(concept)), "") or next(iter(codes_of(concept)), "")


def has(resource: Resource, codes: set[str], prefixes: tuple[str, ...]) -> bool:
    mine = codes_of(resource.get("code", {}))
    return bool(mine & codes) or bool(prefixes and any(code.startswith(prefixes) for code in mine))


def valued(resource: Resource) -> set[str]:
    return codes_of(resource.get("valueCodeableConcept", {}))


def status(resource: Resource, element: str) -> set[str]:
    return codes_of(resource.get(element, {}))


def is_refuted(resource: Resource) -> bool:
    return bool(status(resource, "verificationStatus") & REFUTED)


def is_final(resource: Resource) -> bool:
    return resource.get("status") not in ("cancelled", "entered-in-error", "registered")


def when(resource: Resource) -> str:
    return str(
        resource.get("effectiveDateTime")
        or resource.get("effectivePeriod", {}).get("start")
        or resource.get("issued")
        or ""
    )


def moment(resource: Resource) -> datetime:
    text = when(resource)
    full = text if len(text) > 10 else (text + "-01-01"[len(text) - 4 :])[:10]
    found = datetime.fromisoformat(full)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
