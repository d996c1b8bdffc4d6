"""Which notices somebody wants none of: said once a kind, kept as a Consent, taken back at any time.

https://hl7.org/fhir/R4/consent.html. What is `needed` (an appointment that the house calls off) stays on their own page
and leaves the house no more.
"""

from collections.abc import Iterable
from typing import Any

from salus.assistants.recommend.choice import last_word
from salus.base import clock
from salus.base.errors import Forbidden, Invalid
from salus.privacy import Actor, Purpose, Role
from salus.privacy.guardian import check_settles
from salus.records import Records, Store
from salus.services.acting import coded, same_id
from salus.services.reminders.occasions import KINDS

Resource = dict[str, Any]
CATEGORY = "https://salus.example/fhir/CodeSystem/notice-kind"
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
LAW = "PIPL (2021), art. 24"


def consent_id(patient: str, kind: str) -> str:
    return same_id("notices", patient, kind)


def consent(patient: str, kind: str, wanted: bool) -> Resource:
    """What a patient (`Patient/x`) says of a kind of notices."""
    return written(consent_id(patient, kind), patient, coded(CATEGORY, kind), LAW, wanted)


def written(id: str, patient: str, category: Resource, law: str, wanted: bool) -> Resource:
    """What a patient allows or refuses, as a Consent that stands from now on."""
    return {
        "resourceType": "Consent",
        "id": id,
        "status": "active",
        "scope": coded(SCOPE, "patient-privacy"),
        "category": [category],
        "patient": {"reference": patient},
        "dateTime": clock.instant(clock.now()),
        "policyRule": {"text": law},
        "provision": {"type": "permit" if wanted else "deny"},
    }


def refused(resources: Iterable[Resource]) -> frozenset[str]:
    """The kinds that somebody wants none of, by what their Consents said last: of joined records each has one."""
    said: dict[str, tuple[str, bool]] = {}
    for one in resources:
        codings = (coding for category in one.get("category", []) for coding in category.get("coding", []))
        for kind in (coding["code"] for coding in codings if coding.get("system") == CATEGORY):
            if one["status"] == "active":
                said[kind] = max(said.get(kind, ("", False)), last_word(one))
    return frozenset(kind for kind, (_, no) in said.items() if no)


def refused_by(records: Records, patient: str) -> frozenset[str]:
    """As `refused`, of a patient (`Patient/x`)."""
    return refused(one.json() for one in records.compartment(patient.partition("/")[2], ["Consent"]))


def choose(store: Store, actor: Actor, purpose: Purpose, patient: str, kind: str, wanted: bool) -> None:
    """Keep what a patient says of a kind of notices. The house writes it for them, under their name in the audit.
    Raises Invalid for a kind there is none of, Forbidden for the choice of another, Missing."""
    if kind not in KINDS:
        raise Invalid(f"'{kind[:20]}' is no kind of notice: {', '.join(KINDS)} are", path="kind")
    if actor.role is Role.PATIENT and patient != f"Patient/{actor.patient}":
        raise Forbidden(f"{actor.reference} may not choose for {patient}")
    check_settles(actor)
    store.open(actor, purpose).read("Patient", patient.partition("/")[2])
    house = Actor(actor.reference, Role.SYSTEM)
    writing = store.open(house, Purpose.PATIENT_REQUEST)
    writing.update("Consent", consent_id(patient, kind), consent(patient, kind, wanted))
