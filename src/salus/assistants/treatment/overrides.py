"""What the screen told and what the clinician answered, as DetectedIssue. https://hl7.org/fhir/R4/detectedissue.html

One resource for one cause in one patient, under an id that follows from both: `preliminary` when it was told, `final`
with the mitigation once somebody went on with a reason. While that stands the same cause no longer interrupts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from salus.assistants.answers import NOT_STATED, every
from salus.assistants.resources import BASE, subject
from salus.assistants.treatment.screen.findings import Finding
from salus.base import clock
from salus.base.errors import Invalid
from salus.base.words import words_of
from salus.records import Records

Resource = dict[str, Any]
RULES = "https://salus.example/screen-rule"
CAUSES = "https://salus.example/screen-cause"
REASON_SYSTEM = f"{BASE}/CodeSystem/order-override"
REASONS = ("benefit-outweighs", "tolerated-before", "monitored", "dose-adjusted", "not-so", "no-alternative", "other")
LASTS = timedelta(days=365)  # an override is asked again after so long
SEVERITY = {"interrupt": "high", "inform": "moderate"}


@dataclass(frozen=True, slots=True)
class Override:
    """Why a clinician went on: a code of `REASONS` (or `not-stated`), their own words, who and when."""

    reason: str
    comment: str
    by: str
    at: datetime


def issue_id(patient: str, key: str) -> str:
    """The id of one cause in one patient: the same always and everywhere.

    >>> issue_id("7", "qt|sotalol") == issue_id("7", "qt|sotalol") != issue_id("8", "qt|sotalol")
    True
    """
    return str(uuid5(NAMESPACE_URL, f"{subject(patient)}|{key}"))


def issue(finding: Finding, patient: str, at: datetime, override: Override | None = None) -> Resource:
    """The DetectedIssue of a finding; with an override, what the clinician answered."""
    return {
        "resourceType": "DetectedIssue",
        "id": issue_id(patient, finding.key),
        "identifier": [{"system": CAUSES, "value": finding.key}],
        "status": "final" if override else "preliminary",
        "code": {"coding": [{"system": RULES, "code": finding.rule}], "text": finding.text.en},
        "severity": SEVERITY[finding.tier],
        "patient": {"reference": subject(patient)},
        "identifiedDateTime": clock.instant(at),
        "detail": finding.text.en,
        **({"reference": finding.source.url} if finding.source else {}),
        **({"mitigation": [mitigation(override)]} if override else {}),
    }


def mitigation(override: Override) -> Resource:
    words = words_of("salus.assistants.treatment")
    coded = {"system": REASON_SYSTEM, "code": override.reason, "display": words(f"override.{override.reason}", "en")}
    author = {"author": {"reference": override.by}} if override.by.startswith("Practitioner") else {}
    action = {"coding": [coded]} | ({"text": override.comment} if override.comment else {})
    return {"action": action, "date": clock.instant(override.at), **author}


def override_of(resource: Mapping[str, Any]) -> Override | None:
    """The way back; None for one that was only told, or taken back."""
    if resource.get("status") != "final" or not resource.get("mitigation"):
        return None
    last = resource["mitigation"][-1]
    return Override(
        reason=last["action"]["coding"][0]["code"],
        comment=last["action"].get("text", ""),
        by=last.get("author", {}).get("reference", ""),
        at=datetime.fromisoformat(last["date"]),
    )


def cause_of(resource: Mapping[str, Any]) -> str | None:
    """The key of the finding that a DetectedIssue is of; None for one that is none of ours."""
    return next((one["value"] for one in resource.get("identifier", []) if one.get("system") == CAUSES), None)


def remembered(resources: Iterable[Mapping[str, Any]], at: datetime) -> dict[str, Override]:
    """The overrides that stand, by cause, of one patient's DetectedIssues; an old one is asked again."""
    found = {cause_of(one): override_of(one) for one in resources if one.get("resourceType") == "DetectedIssue"}
    return {key: said for key, said in found.items() if key and said and at - said.at < LASTS}


def causes(resources: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The causes that stand written down among one patient's DetectedIssues."""
    issues = (one for one in resources if one.get("resourceType") == "DetectedIssue")
    return frozenset(filter(None, map(cause_of, issues)))


def check(reason: str, comment: str) -> None:
    """Raises Invalid for an override without a reason, or with one that is none of ours and no words."""
    if reason not in (*REASONS, NOT_STATED) and not comment:
        raise Invalid(f"'{reason}' is no reason: one of {', '.join(REASONS)}, or your own words", path="reason")


@dataclass(frozen=True, slots=True)
class Burden:
    """How often one rule was told, once a patient and cause, and how often somebody went on."""

    rule: str
    told: int
    overridden: int
    reasons: Mapping[str, int]

    @property
    def share(self) -> float:
        return self.overridden / self.told


def burden(records: Records) -> list[Burden]:
    """The burden of every rule that was told, the most often overridden first."""
    told: dict[str, list[Override | None]] = {}
    for one in every(records, "DetectedIssue", [("_count", "500")]):
        if cause_of(one):
            told.setdefault(one["code"]["coding"][0]["code"], []).append(override_of(one))
    rows = [Burden(rule, len(said), len([one for one in said if one]), tally(said)) for rule, said in told.items()]
    return sorted(rows, key=lambda one: (-one.share, -one.told, one.rule))


def tally(said: Iterable[Override | None]) -> dict[str, int]:
    """How often each reason was given, the most frequent first."""
    reasons = [one.reason for one in said if one]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons), key=lambda one: -reasons.count(one))}
