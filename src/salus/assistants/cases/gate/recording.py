"""A case on its way as a DocumentReference, its release as Provenance.

https://hl7.org/fhir/R4/documentreference.html, https://hl7.org/fhir/R4/provenance.html. The document is of the patient,
so it goes when the patient is erased. `status` and `docStatus` together say how far it is; what is released carries
a seal made with the installation's secret, so that nobody can release a case by writing a resource.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from salus.assistants.cases.case import Case
from salus.assistants.cases.gate.shapes import Review, State
from salus.assistants.cases.gate.sources import CASES
from salus.assistants.resources import BASE, TAG
from salus.base import clock

Resource = dict[str, Any]
SEALS = f"{BASE}/case-seal"
REASON = f"{BASE}/StructureDefinition/case-reason"
LEVEL = f"{BASE}/StructureDefinition/case-level"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
AGENTS = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
JSON = "application/json"
STATES: Mapping[State, tuple[str, str]] = {
    "draft": ("current", "preliminary"),
    "released": ("current", "final"),
    "refused": ("superseded", "preliminary"),
    "withdrawn": ("superseded", "amended"),
}
OF_STATE = {both: state for state, both in STATES.items()}


def document(id: str, review: Review, state: State, by: str, reason: str = "", language: str = "en") -> Resource:
    """A draft, a refusal or a withdrawal: what was decided, never a text."""
    status, stage = STATES[state]
    return {
        "resourceType": "DocumentReference",
        "id": id,
        "meta": {"tag": [TAG]},
        **({"extension": [{"url": REASON, "valueString": reason}]} if reason else {}),
        "status": status,
        "docStatus": stage,
        "type": {"coding": [{"system": CASES, "code": "case"}]},
        "subject": {"reference": f"Patient/{review.patient}"},
        "date": clock.instant(clock.now()),
        **({"author": [{"reference": by}]} if by.startswith(("Practitioner", "Device")) else {}),
        "content": [attachment(msgspec.json.encode(review), "review", language)],
        **({"context": {"encounter": [{"reference": f"Encounter/{review.encounter}"}]}} if review.encounter else {}),
    }


def attachment(data: bytes, title: str, language: str) -> Resource:
    body = {"contentType": JSON, "language": language, "data": base64.b64encode(data).decode(), "title": title}
    return {"attachment": body}


def released(id: str, review: Review, case: Case, by: str, secret: bytes, level: str) -> Resource:
    """The document of a released case: the review, the case, the seal on it, and how coarse it is."""
    data = msgspec.json.encode(case)
    body = document(id, review, "released", by, language=case.language)
    return body | {
        "identifier": [{"system": SEALS, "value": seal(secret, id, data)}],
        "extension": [{"url": LEVEL, "valueString": level}],
        "content": [*body["content"], attachment(data, "case", case.language)],
    }


def seal(secret: bytes, id: str, data: bytes) -> str:
    return hmac.digest(secret, b"case:" + id.encode() + b":" + hashlib.sha256(data).digest(), "sha256").hex()


def state_of(resource: Mapping[str, Any]) -> State:
    return OF_STATE.get((str(resource.get("status")), str(resource.get("docStatus"))), "withdrawn")


def reason_of(resource: Mapping[str, Any]) -> str:
    return next((str(one["valueString"]) for one in resource.get("extension", ()) if one["url"] == REASON), "")


def attached(resource: Mapping[str, Any], title: str) -> bytes | None:
    for one in resource.get("content", ()):
        if one["attachment"].get("title") == title:
            return base64.b64decode(one["attachment"].get("data", ""))
    return None


def review_of(resource: Mapping[str, Any]) -> Review:
    return msgspec.json.decode(attached(resource, "review") or b"", type=Review)


def sealed_case(resource: Mapping[str, Any], secret: bytes) -> Case | None:
    """The case of a document that this installation has released; None of any other."""
    data, given = attached(resource, "case"), {one.get("value", "") for one in resource.get("identifier", ())}
    if state_of(resource) != "released" or data is None:
        return None
    genuine = any(hmac.compare_digest(seal(secret, str(resource["id"]), data), one) for one in given)
    return msgspec.json.decode(data, type=Case) if genuine else None


def provenance(id: str, target: str, by: str, sources: list[str], reason: str) -> Resource:
    """Who released, when, from which resources."""
    return {
        "resourceType": "Provenance",
        "id": id,
        "meta": {"tag": [TAG]},
        "target": [{"reference": target}],
        "recorded": clock.instant(clock.now()),
        "activity": {"coding": [{"system": LIFECYCLE, "code": "deidentify"}], **({"text": reason} if reason else {})},
        "agent": [{"type": {"coding": [{"system": AGENTS, "code": "verifier"}]}, "who": {"reference": by}}],
        "entity": [{"role": "source", "what": {"reference": one}} for one in sources],
    }
