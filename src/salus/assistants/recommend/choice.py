"""Whether somebody wants recommendations made for them: said once, kept as a Consent, taken back at any time.

China's Personal Information Protection Law, art. 24: who offers by automated decision must also offer without regard to
the person, and a way to refuse. https://www.npc.gov.cn/npc/c30834/202108/a8c4e3672c74491a80b53a172bb753fe.shtml
https://hl7.org/fhir/R4/consent.html
"""

from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from salus.assistants.resources import BASE
from salus.base import clock
from salus.base.errors import Forbidden
from salus.privacy import Actor, Purpose, Role
from salus.privacy.guardian import check_settles
from salus.records import Records, Store

CATEGORY = f"{BASE}/CodeSystem/consent-category"
PERSONAL = "personal-recommendation"
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
LAW = "PIPL (2021), art. 24"
Resource = dict[str, Any]


def consent_id(patient: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"Patient/{patient}|{PERSONAL}"))


def consent(patient: str, personal: bool) -> Resource:
    """The choice of one patient, as it stands now."""
    return {
        "resourceType": "Consent",
        "id": consent_id(patient),
        "status": "active",
        "scope": {"coding": [{"system": SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": CATEGORY, "code": PERSONAL}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": clock.instant(clock.now()),
        "policyRule": {"text": LAW},
        "provision": {"type": "permit" if personal else "deny"},
    }


def is_choice(resource: Resource) -> bool:
    codings = (coding for one in resource.get("category", []) for coding in one.get("coding", []))
    return resource["resourceType"] == "Consent" and any(
        (one.get("system"), one.get("code")) == (CATEGORY, PERSONAL) for one in codings
    )


def wants(resources: Iterable[Resource]) -> bool:
    """Whether recommendations may be made for the person: unless they said no, last; of joined records each has said
    something."""
    said = [one for one in resources if is_choice(one) and one["status"] == "active"]
    return not max(map(last_word, said), default=("", False))[1]


def last_word(consent: Resource) -> tuple[str, bool]:
    """When it was said, and whether it is a no; what was said last is the greatest. A no that has no date stands."""
    no = consent.get("provision", {}).get("type") == "deny"
    return consent.get("dateTime", "9999" if no else ""), no


def choose(store: Store, records: Records, patient: str, personal: bool) -> None:
    """Keep the choice. A patient's account may write no record itself: the house writes this one for them, under their
    name in the audit. Raises Forbidden for the choice of another."""
    who = records.actor
    if who.role is Role.PATIENT and who.patient != patient:
        raise Forbidden(f"{who.reference} may not choose for Patient/{patient}")
    check_settles(who)
    records.read("Patient", patient)  # Missing, or Forbidden
    house = Actor(who.reference, Role.SYSTEM)
    store.open(house, Purpose.PATIENT_REQUEST).update("Consent", consent_id(patient), consent(patient, personal))
