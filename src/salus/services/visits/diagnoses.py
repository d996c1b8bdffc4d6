"""A diagnosis of a visit: confirmed, or suspected (疑诊). https://hl7.org/fhir/R4/condition.html"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salus import codes
from salus.base import clock
from salus.base.errors import Invalid
from salus.base.words import words_of
from salus.codes.tables import ICD10, SNOMED
from salus.records import signed
from salus.services.acting import same_id

Resource = dict[str, Any]
HL7 = "http://terminology.hl7.org/CodeSystem"
CERTAINTY = ("confirmed", "provisional")
CATEGORY = "encounter-diagnosis"
MOST = 30  # diagnoses of one visit
LONGEST = 300  # characters of a name


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`text` is the name it was chosen by; `certainty` one of `CERTAINTY`. Raises Invalid for what is none."""

    system: str
    code: str
    text: str
    certainty: str = "confirmed"

    def __post_init__(self) -> None:
        if self.certainty not in CERTAINTY:
            raise Invalid(f"'{self.certainty[:40]}' is none of {', '.join(CERTAINTY)}", path="certainty")
        if not self.code or not 0 < len(self.text) <= LONGEST:
            raise Invalid(f"A diagnosis has a code and a name of 1 to {LONGEST} characters", path="diagnosis")

    @property
    def key(self) -> tuple[str, str]:
        return self.system, self.code

    def id(self, note: str) -> str:
        """Of its Condition, in a note."""
        return same_id("diagnosis", note, f"{self.system}|{self.code}")


def concept(one: Diagnosis) -> Resource:
    """Its code, and the SNOMED CT code of our tables that it leads to: pages and models look for that one too."""
    coding = [{"system": one.system, "code": one.code, "display": one.text}]
    same = next((term for term in codes.CONDITIONS.values() if term.more.get("icd10") == one.code), None)
    if one.system == ICD10 and same:
        coding.append({"system": SNOMED, "code": same.code, "display": same.en})
    return {"coding": coding, "text": one.text}


def line(one: Diagnosis, language: str) -> str:
    """In words, for a reader.

    >>> line(Diagnosis("http://hl7.org/fhir/sid/icd-10", "J00", "急性鼻咽炎", "provisional"), "zh")
    'J00 急性鼻咽炎（疑诊）'
    """
    return words_of("salus.services.visits")(f"line.{one.certainty}", language, code=one.code, name=one.text)


def contained(one: Diagnosis, patient: str, place: int) -> Resource:
    """As a draft carries it."""
    return {
        "resourceType": "Condition",
        "id": f"d{place}",
        "verificationStatus": coded("condition-ver-status", one.certainty),
        "code": concept(one),
        "subject": {"reference": f"Patient/{patient}"},
    }


def diagnosis_of(told: Resource) -> Diagnosis:
    """The way back, of a Condition that `contained` or `condition` made."""
    coding = told["code"]["coding"][0]
    certainty = told["verificationStatus"]["coding"][0]["code"]
    return Diagnosis(coding.get("system", ""), coding["code"], told["code"]["text"], certainty)


def condition(one: Diagnosis, note: str, patient: str, encounter: str, recorder: str, at: datetime) -> Resource:
    """The Condition that a signed note leaves in the record."""
    return {
        "resourceType": "Condition",
        "id": one.id(note),
        "extension": [signed.mark(note)],
        "clinicalStatus": coded("condition-clinical", "active"),
        "verificationStatus": coded("condition-ver-status", one.certainty),
        "category": [coded("condition-category", CATEGORY)],
        "code": concept(one),
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{encounter}"},
        "recordedDate": clock.instant(at),
        "recorder": {"reference": recorder},
        "asserter": {"reference": recorder},
    }


def coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{HL7}/{system}", "code": code}]}
