"""The clinician's answer to a suggestion, as a ClinicalImpression. https://hl7.org/fhir/R4/clinicalimpression.html

An answer is the clinician's own assessment with the suggestion as supporting information; it never writes to the
problem list. It is taken back by `entered-in-error`, never deleted. docs/decisions/0020 says why this resource.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from salus.assistants.resources import BASE, claim_of, coding, subject, suggestion_of
from salus.assistants.suggestion import VERDICTS, Answer, Claim, Suggestion, Verdict
from salus.base import clock
from salus.base.errors import Invalid, Missing
from salus.base.ids import uuid7
from salus.base.words import words_of
from salus.records import Records

Resource = dict[str, Any]

ANSWERS = "https://salus.example/suggestion-answer"
REASON_SYSTEM = f"{BASE}/CodeSystem/suggestion-refusal"

# why a suggestion is refused; words: `reason.<code>`. `not-stated` comes only from CDS Hooks, where a card may be
# dismissed without a reason; at our own pages a refusal says why.
REASONS = ("not-present", "already-known", "data-wrong", "not-now", "other")
NOT_STATED = "not-stated"


@dataclass(frozen=True, slots=True)
class Said:
    """What a clinician says to a suggestion, before it is kept: `to` is what they hold instead, `at` when (None: now).

    Raises Invalid for an unknown verdict, a refusal without a reason, a change that does not say to what.
    """

    verdict: Verdict
    reason: str = ""
    comment: str = ""
    to: Claim | None = None
    at: datetime | None = None

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise Invalid(f"The verdict '{self.verdict}' is none of {', '.join(VERDICTS)}", path="verdict")
        if self.verdict == "refused" and not (self.reason or self.comment):
            raise Invalid(f"A refusal needs a reason: one of {', '.join(REASONS)}, or your own words", path="reason")
        if self.verdict == "changed" and self.to is None:
            raise Invalid("A changed suggestion needs what it is changed to: a code with its system", path="to")


def _coded(reason: str, comment: str) -> tuple[str, str]:
    """The reason as (code, words): what is none of our codes is the clinician's own words, under `other`."""
    if not reason or reason in (*REASONS, NOT_STATED):
        return reason or ("other" if comment else ""), comment
    return "other", "; ".join(part for part in (reason, comment) if part)


def _held(suggestion: Suggestion, verdict: Verdict, to: Claim | None) -> Claim | None:
    """The condition that the clinician holds to be there; agreeing with a risk does not say that it has come."""
    if verdict == "changed":
        return to
    leading = suggestion.leading
    return leading.claim if verdict == "accepted" and leading and suggestion.kind == "differential" else None


def _status_reason(code: str, comment: str) -> Resource:
    if not code:
        return {}
    coded = {"system": REASON_SYSTEM, "code": code, "display": words_of("salus.assistants")(f"reason.{code}", "en")}
    return {"statusReason": {"coding": [coded]} | ({"text": comment} if comment else {})}


def impression(suggestion: Suggestion, answer: Answer, subject: str, previous: str | None) -> Resource:
    """The ClinicalImpression that says `answer` about `suggestion`."""
    held = _held(suggestion, answer.verdict, answer.to)
    verdict = words_of("salus.assistants")(f"verdict.{answer.verdict}", "en")
    optional: Resource = {
        "assessor": {"reference": answer.by} if answer.by.startswith("Practitioner") else None,
        "previous": {"reference": f"ClinicalImpression/{previous}"} if previous else None,
        "finding": [{"itemCodeableConcept": {"coding": [coding(held)]}}] if held else None,
        "note": [{"text": answer.comment}] if answer.comment and answer.verdict != "refused" else None,
    }
    return {
        "resourceType": "ClinicalImpression",
        "id": answer.id,
        "status": "completed",
        **_status_reason(answer.reason, answer.comment if answer.verdict == "refused" else ""),
        "code": {"coding": [{"system": ANSWERS, "code": answer.verdict, "display": verdict}]},
        "subject": {"reference": subject},
        "effectiveDateTime": clock.instant(answer.at),
        "date": clock.instant(answer.at),
        "supportingInfo": [{"reference": f"RiskAssessment/{suggestion.id}"}],
    } | {key: value for key, value in optional.items() if value}


def answer_of(impression: Resource) -> Answer:
    """The way back: the answer that a stored ClinicalImpression holds."""
    verdict: Verdict = impression["code"]["coding"][0]["code"]
    why = impression.get("statusReason", {})
    findings = [found["itemCodeableConcept"]["coding"][0] for found in impression.get("finding", [])]
    notes = [note["text"] for note in impression.get("note", [])]
    return Answer(
        id=impression["id"],
        verdict=verdict,
        reason=why["coding"][0]["code"] if why else "",
        comment=why.get("text") or " ".join(notes),
        to=claim_of(findings[0]) if findings and verdict == "changed" else None,
        by=impression.get("assessor", {}).get("reference", ""),
        at=datetime.fromisoformat(impression["date"]),
    )


def answered(impression: Resource) -> str | None:
    """The id of the suggestion that a ClinicalImpression answers; None when it is not one of our answers."""
    if impression.get("code", {}).get("coding", [{}])[0].get("system") != ANSWERS:
        return None
    return str(impression["supportingInfo"][0]["reference"]).removeprefix("RiskAssessment/")


def standing(records: Records, *narrowed: tuple[str, str]) -> dict[str, Answer]:
    """The answers that stand, by suggestion id: of several to one suggestion the latest, none that was taken back.

    `narrowed` are search parameters: `("patient", "7")`, `("supporting-info", "RiskAssessment/3")`, or none for all.
    """
    wanted = [*narrowed, ("status", "completed"), ("_count", "500")]
    found: dict[str, Answer] = {}
    for resource in every(records, "ClinicalImpression", wanted):
        about = answered(resource)
        if about is None:
            continue
        held = answer_of(resource)
        if about not in found or (found[about].at, found[about].id) < (held.at, held.id):
            found[about] = held
    return found


def every(records: Records, kind: str, wanted: list[tuple[str, str]]) -> Iterator[Resource]:
    """Each resource that a search finds, page after page, as JSON."""
    page = records.search(kind, wanted)
    yield from (version.json() for version in page.versions)
    while page.next:
        page = records.search(kind, page.next)
        yield from (version.json() for version in page.versions)


def about(records: Records, suggestion_id: str) -> Suggestion:
    """The stored suggestion of that id, without its answer. Raises Missing."""
    return suggestion_of(records.read("RiskAssessment", suggestion_id).json())


def _standing_of(records: Records, suggestion_id: str) -> Answer | None:
    return standing(records, ("supporting-info", f"RiskAssessment/{suggestion_id}")).get(suggestion_id)


def answer(records: Records, suggestion_id: str, said: Said) -> Answer:
    """Store what the clinician says to a suggestion; saying the same again stores nothing and returns what stands.

    Raises Missing when there is no such suggestion, Forbidden when the actor may not.
    """
    suggestion, before = about(records, suggestion_id), _standing_of(records, suggestion_id)
    code, words = _coded(said.reason, said.comment)
    given = Answer(uuid7(), said.verdict, code, words, said.to, records.actor.reference, said.at or clock.now())
    if before and same(before, given):
        return before
    body = impression(suggestion, given, subject(suggestion.patient), before.id if before else None)
    records.update("ClinicalImpression", given.id, body)
    return given


def undo(records: Records, suggestion_id: str) -> Answer | None:
    """Take back the answer that stands; the one before it stands again and is returned (None when there was none).

    Raises Missing when no answer stands.
    """
    held = _standing_of(records, suggestion_id)
    if held is None:
        raise Missing(f"RiskAssessment/{suggestion_id} has no answer that could be taken back", path="suggestion")
    version = records.read("ClinicalImpression", held.id)
    body = version.json() | {"status": "entered-in-error"}
    records.update("ClinicalImpression", held.id, body, if_match=version.version)
    return _standing_of(records, suggestion_id)


def same(one: Answer, other: Answer) -> bool:
    """Whether two answers say the same, whenever they were given."""
    return replace(one, id=other.id, at=other.at) == other
