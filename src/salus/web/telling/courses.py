"""Problems, medicines and encounters: what lasts, or lasted, for a while."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from salus.web.telling import terms
from salus.web.telling.directions import direction

Resource = Mapping[str, Any]
ICD10 = "http://hl7.org/fhir/sid/icd-10"
WRONG = frozenset({"entered-in-error", "refuted"})
NOW = frozenset({"active", "recurrence", "relapse", "in-progress", "arrived", "on-hold"})


@dataclass(frozen=True, slots=True)
class Course:
    """`start` and `end` are FHIR dates or empty; `detail` a dose, a reason; `now` whether it still goes on."""

    name: str
    code: str
    start: str
    end: str
    status: str
    now: bool
    detail: str
    source: str


def problems(conditions: Iterable[Resource], language: str) -> list[Course]:
    """Those that go on first, then by their start, the latest first. https://hl7.org/fhir/R4/condition.html"""
    counted = (one for one in conditions if terms.code(one.get("verificationStatus")) not in WRONG)
    return in_order(problem(one, language) for one in counted)


def problem(condition: Resource, language: str) -> Course:
    status = terms.code(condition.get("clinicalStatus")) or "active"
    start = condition.get("onsetDateTime") or condition.get("onsetPeriod", {}).get("start")
    end = condition.get("abatementDateTime") or condition.get("abatementPeriod", {}).get("end") or ""
    return Course(
        name=terms.concept(condition.get("code"), language),
        code=terms.code(condition.get("code"), ICD10),
        start=start or condition.get("recordedDate", ""),
        end=end,
        status=terms.status("clinical", status, language),
        now=status in NOW and not end,
        detail=terms.concept(condition.get("severity"), language),
        source=terms.reference(condition),
    )


def medicines(requests: Iterable[Resource], language: str) -> list[Course]:
    """MedicationRequest and MedicationStatement. https://hl7.org/fhir/R4/medicationrequest.html"""
    counted = (one for one in requests if one.get("status") not in WRONG)
    return in_order(medicine(one, language) for one in counted)


def medicine(request: Resource, language: str) -> Course:
    concept = request.get("medicationCodeableConcept")
    period = request.get("effectivePeriod", {})
    name = terms.concept(concept, language) or request.get("medicationReference", {}).get("display", "")
    doses = request.get("dosageInstruction") or request.get("dosage") or []
    return Course(
        name=name or request.get("medicationReference", {}).get("reference", ""),
        code=terms.code(concept),
        start=request.get("authoredOn") or request.get("effectiveDateTime") or period.get("start", ""),
        end=period.get("end", ""),
        status=terms.status("medication", request.get("status"), language),
        now=request.get("status") == "active",
        detail="; ".join(filter(None, (direction(dose, language) for dose in doses))),
        source=terms.reference(request),
    )


def encounters(found: Iterable[Resource], language: str) -> list[Course]:
    """The latest first. https://hl7.org/fhir/R4/encounter.html"""
    counted = (one for one in found if one.get("status") not in WRONG)
    return sorted((encounter(one, language) for one in counted), key=lambda one: one.start, reverse=True)


def encounter(found: Resource, language: str) -> Course:
    kind = next((terms.concept(one, language) for one in found.get("type", [])), "")
    setting = found.get("class", {}).get("code", "")
    reasons = [terms.concept(one, language) for one in found.get("reasonCode", [])]
    period = found.get("period", {})
    return Course(
        name=kind or terms.status("setting", setting, language),
        code=terms.status("setting", setting, language),
        start=period.get("start", ""),
        end=period.get("end", ""),
        status=terms.status("encounter", found.get("status"), language),
        now=found.get("status") in NOW,
        detail=", ".join(reason for reason in reasons if reason),
        source=terms.reference(found),
    )


def in_order(told: Iterable[Course]) -> list[Course]:
    """What goes on first; within both, the latest start first."""
    return sorted(sorted(told, key=lambda one: one.start, reverse=True), key=lambda one: not one.now)
