"""What a clinician says to an option, as a ClinicalImpression. https://hl7.org/fhir/R4/clinicalimpression.html

Accepted or changed, it leads to an order in draft, never to one that is signed. It is taken back by `entered-in-error`,
never deleted; a draft that came of it is cancelled then, a signed order stays.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from salus.assistants.resources import BASE, subject
from salus.assistants.suggestion import VERDICTS, Verdict
from salus.base import clock
from salus.base.errors import Invalid
from salus.base.words import words_of

Json = dict[str, Any]
ANSWERS = f"{BASE}/CodeSystem/treatment-answer"
OPTIONS = "https://salus.example/treatment-option"
REASON_SYSTEM = f"{BASE}/CodeSystem/treatment-refusal"
REASONS = (
    "not-suitable",
    "patient-declines",
    "tried-before",
    "other-preferred",
    "not-available",
    "data-wrong",
    "other",
)
LASTS = timedelta(days=365)  # an answer is asked again after so long
LONGEST = 500  # characters of the words beside a reason


@dataclass(frozen=True, slots=True)
class Said:
    """What a clinician says: which medicine they order (accepted: of the option; changed: another), or why not.

    Raises Invalid for an unknown verdict, a refusal without a reason, a change that does not say to what.
    """

    verdict: Verdict
    reason: str = ""
    comment: str = ""
    medicine: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise Invalid(f"The verdict '{self.verdict}' is none of {', '.join(VERDICTS)}", path="verdict")
        if self.reason and self.reason not in REASONS:
            raise Invalid(f"'{self.reason}' is no reason: one of {', '.join(REASONS)}", path="reason")
        if self.verdict == "refused" and not (self.reason or self.comment):
            raise Invalid(f"A refusal needs a reason: one of {', '.join(REASONS)}, or your own words", path="reason")
        if self.verdict == "changed" and not self.medicine:
            raise Invalid("A changed option needs the medicine that is ordered instead", path="medicine")
        if max(len(self.comment), len(self.medicine)) > LONGEST:
            raise Invalid(f"At most {LONGEST} characters: shorten it", path="comment")


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that stands; `order`: the reference of the order that came of it, "" where none did."""

    id: str
    option: str
    verdict: Verdict
    reason: str
    comment: str
    medicine: str
    order: str
    by: str
    at: datetime


def impression(answered: Answered, patient: str, shown: str, protocols: Sequence[str], previous: str) -> Json:
    """The ClinicalImpression of an answer. `shown`: what stood on the card; `protocols`: the plan, the models."""
    words = words_of("salus.assistants")
    coded = {"system": ANSWERS, "code": answered.verdict, "display": words(f"verdict.{answered.verdict}", "en")}
    optional: Json = {
        "statusReason": reason_of(answered),
        "assessor": {"reference": answered.by} if answered.by.startswith("Practitioner") else None,
        "previous": {"reference": f"ClinicalImpression/{previous}"} if previous else None,
        "protocol": list(protocols),
        "supportingInfo": [{"reference": answered.order}] if answered.order else None,
        "summary": answered.medicine,
        "note": [{"text": answered.comment}] if answered.comment else None,
    }
    return {
        "resourceType": "ClinicalImpression",
        "id": answered.id,
        "identifier": [{"system": OPTIONS, "value": answered.option}],
        "status": "completed",
        "code": {"coding": [coded]},
        "description": shown,
        "subject": {"reference": subject(patient)},
        "effectiveDateTime": clock.instant(answered.at),
        "date": clock.instant(answered.at),
    } | {key: value for key, value in optional.items() if value}


def reason_of(answered: Answered) -> Json | None:
    if not answered.reason:
        return None
    said = words_of("salus.assistants.treatment")(f"refusal.{answered.reason}", "en")
    return {"coding": [{"system": REASON_SYSTEM, "code": answered.reason, "display": said}]}


def answer_of(resource: Mapping[str, Any]) -> Answered | None:
    """The way back; None for one that is none of ours, or was taken back."""
    coding = resource.get("code", {}).get("coding", [{}])[0]
    if coding.get("system") != ANSWERS or resource.get("status") != "completed":
        return None
    return Answered(
        id=resource["id"],
        option=next((one["value"] for one in resource["identifier"] if one.get("system") == OPTIONS), ""),
        verdict=coding["code"],
        reason=resource.get("statusReason", {}).get("coding", [{}])[0].get("code", ""),
        comment=" ".join(one["text"] for one in resource.get("note", [])),
        medicine=resource.get("summary", ""),
        order=resource.get("supportingInfo", [{}])[0].get("reference", ""),
        by=resource.get("assessor", {}).get("reference", ""),
        at=datetime.fromisoformat(resource["date"]),
    )


def standing(resources: Iterable[Mapping[str, Any]], at: datetime) -> dict[str, Answered]:
    """The answers that stand, by option: of several the latest; an old one is asked again."""
    found: dict[str, Answered] = {}
    for one in filter(None, map(answer_of, resources)):
        held = found.get(one.option)
        if at - one.at < LASTS and (held is None or (held.at, held.id) < (one.at, one.id)):
            found[one.option] = one
    return found
