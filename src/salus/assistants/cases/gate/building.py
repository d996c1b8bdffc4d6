"""A case from one patient's resources: what was found, what it was, what was done, how it ended; days, not dates."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from salus import codes
from salus.assistants.cases.case import Case, Finding, Named, Outcome, Sex
from salus.assistants.cases.gate.consents import is_hidden
from salus.assistants.cases.gate.sources import date_of
from salus.base.words import words_of

Resource = Mapping[str, Any]
BEFORE, AFTER = timedelta(days=30), timedelta(days=180)  # from the first day of the case: what belongs to it
MOST = 60  # findings
ABNORMAL = {"H", "HH", "L", "LL", "A", "AA", "POS"}
INPATIENT = {"IMP", "ACUTE", "NONAC", "EMER", "SS", "OBSENC"}
SEXES: dict[str, Sex] = {"female": "female", "male": "male", "other": "other"}
LEFT: dict[str, Outcome] = {"exp": "died"}
WRONG = {"entered-in-error", "cancelled", "refuted"}
SHORT = {
    "http://loinc.org": "LOINC", "http://snomed.info/sct": "SNOMED", "http://hl7.org/fhir/sid/icd-10": "ICD10",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD10CM", "http://www.whocc.no/atc": "ATC",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RXNORM", "http://human-phenotype-ontology.org": "HPO",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frame:
    """The first day of a case, and the encounter it is about ("" for none)."""

    index: date
    encounter: str

    def day(self, on: date | None) -> int | None:
        return None if on is None else (on - self.index).days

    def holds(self, on: date | None) -> bool:
        return on is not None and self.index - BEFORE <= on <= self.index + AFTER


def frame_of(resources: Sequence[Resource], encounter: str = "") -> Frame | None:
    """The encounter asked for, else the last one in a ward, else the last one; else the latest diagnosis."""
    met = [(date_of(one), one) for one in resources if one.get("resourceType") == "Encounter"]
    stays = sorted(((on, one) for on, one in met if on), key=lambda row: row[0])
    if encounter:
        stays = [row for row in stays if row[1]["id"] == encounter]
    in_ward = [row for row in stays if row[1].get("class", {}).get("code") in INPATIENT]
    if chosen := (in_ward or stays):
        return Frame(chosen[-1][0], str(chosen[-1][1]["id"]))
    days = [on for one in resources if one.get("resourceType") == "Condition" and (on := date_of(one))]
    return Frame(max(days), "") if days and not encounter else None


def findings(resources: Iterable[Resource], frame: Frame, language: str) -> tuple[Finding, ...]:
    """Observations of the case: what is abnormal first, each code once a day, at most so many."""
    rows: dict[tuple[str, int | None], tuple[bool, Finding]] = {}
    for one in resources:
        on = date_of(one)
        wanted = one.get("resourceType") == "Observation" and frame.holds(on) and standing(one)
        found = finding(one, frame.day(on), language) if wanted else None
        if found:
            rows.setdefault((found.concept or found.text, found.day), (flagged(one), found))
    kept = sorted(rows.values(), key=lambda row: not row[0])[:MOST]
    return tuple(sorted((one for _, one in kept), key=lambda one: (one.day or 0, one.concept)))


def standing(resource: Resource) -> bool:
    states = [resource.get("status")]
    states += [one.get("code") for one in (resource.get("verificationStatus") or {}).get("coding", ())]
    return not WRONG & set(states) and not is_hidden(resource)


def flagged(observation: Resource) -> bool:
    codings = (coding for one in observation.get("interpretation", ()) for coding in one.get("coding", ()))
    return any(one.get("code") in ABNORMAL for one in codings) or "valueBoolean" in observation


def finding(observation: Resource, day: int | None, language: str) -> Finding | None:
    """None without a code; free text of a value is no finding but a source."""
    named = named_of(observation.get("code"), language)
    if not named.code:
        return None
    if observation.get("valueBoolean") is False:
        return Finding(named.code, "absent", named.text, day=day)
    return Finding(named.code, "present", f"{named.text} {value_of(observation)}".strip(), day=day)


def value_of(observation: Resource) -> str:
    """The measured value with its unit, or the coded answer; of several components, all."""
    parts = observation.get("component", ())
    if parts and "valueQuantity" not in observation:
        return "/".join(filter(None, (value_of(one) for one in parts)))
    quantity = observation.get("valueQuantity") or {}
    if "value" in quantity:
        return f"{quantity['value']:g} {quantity.get('unit', '')}".strip()
    coding = (observation.get("valueCodeableConcept") or {}).get("coding") or [{}]
    return str(coding[0].get("display", ""))


def named_of(concept: Any, language: str) -> Named:
    """The first coding that we can name; a display that a system gives says no more than its code. No free text."""
    codings = [one for one in (concept or {}).get("coding", ()) if one.get("code")]
    for one in codings:
        name = codes.name(one.get("system", ""), one["code"], language)
        if name:
            return Named(code_of(one), name)
    return Named(code_of(codings[0]), str(codings[0].get("display", ""))) if codings else Named()


def code_of(coding: Resource) -> str:
    """`ICD10//E11`, as events write it.

    >>> code_of({"system": "http://loinc.org", "code": "4548-4"})
    'LOINC//4548-4'
    """
    system = SHORT.get(str(coding.get("system", "")))
    code = "".join(str(coding["code"]).split())
    return f"{system}//{code}" if system and ";" not in code else ""


def diagnoses(resources: Iterable[Resource], frame: Frame, language: str) -> tuple[Named, ...]:
    """Those of the encounter first, then all that were known by the end of the case."""
    rows = []
    for one in resources:
        on = date_of(one)
        if one.get("resourceType") == "Condition" and standing(one) and (on is None or on <= frame.index + AFTER):
            mine = (one.get("encounter") or {}).get("reference") == f"Encounter/{frame.encounter}"
            rows.append((not mine, -(on or date.min).toordinal(), named_of(one.get("code"), language)))
    found = dict.fromkeys(named for _, _, named in sorted(rows, key=lambda row: row[:2]) if named.code)
    return tuple(found)


def treatments(resources: Iterable[Resource], frame: Frame, language: str) -> tuple[Named, ...]:
    concepts = {
        "MedicationRequest": "medicationCodeableConcept",
        "Procedure": "code",
        "MedicationStatement": "medicationCodeableConcept",
    }
    rows = [
        (date_of(one), named_of(one.get(concepts[one["resourceType"]]), language))
        for one in resources
        if one.get("resourceType") in concepts and frame.holds(date_of(one)) and standing(one)
    ]
    return tuple(dict.fromkeys(named for _, named in sorted(rows, key=lambda row: row[0] or date.min) if named.code))


def outcome(resources: Iterable[Resource], frame: Frame) -> Outcome:
    """How it ended, where the record says so: died within the case, or as the encounter's discharge says."""
    for one in resources:
        if one.get("resourceType") == "Patient" and one.get("deceasedDateTime"):
            died = date.fromisoformat(str(one["deceasedDateTime"])[:10])
            return "died" if frame.holds(died) else ""
        if one.get("resourceType") == "Encounter" and one.get("id") == frame.encounter:
            codings = (one.get("hospitalization", {}).get("dischargeDisposition") or {}).get("coding", ())
            if any(coding.get("code") in LEFT for coding in codings):
                return "died"
    return ""


def structured(resources: Sequence[Resource], frame: Frame, language: str) -> Case:
    """All of a case but its words, its age and its place."""
    patient = next(one for one in resources if one.get("resourceType") == "Patient")
    return Case(
        id="draft",
        findings=findings(resources, frame, language),
        diagnoses=diagnoses(resources, frame, language),
        treatments=treatments(resources, frame, language),
        outcome=outcome(resources, frame),
        sex=SEXES.get(str(patient.get("gender")), "unknown"),
        language="zh" if language == "zh" else "en",
        source="own",
    )


def told_day(day: int | None, language: str) -> str:
    """`Day 3`, `第3天`; of what has no date: nothing."""
    return "" if day is None else words_of("salus.assistants")("gate.day", language, day=f"{day:+d}" if day else "0")


def lines(parts: Iterable[tuple[int | None, str]], language: str) -> Iterator[str]:
    """Texts in the order of days, each under its day."""
    for day, text in parts:
        head = told_day(day, language)
        yield f"[{head}] {text}" if head else text
