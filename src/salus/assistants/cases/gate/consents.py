"""Whether a patient has said that their record may not be used beyond their own care.

https://hl7.org/fhir/R4/consent.html. Nothing said is no refusal (docs/decisions/0069): a site whose law wants a yes
beforehand puts a denying Consent for everybody and a permitting one for who agreed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

# purposes that a case for learning serves; a denial without a purpose is for all
PURPOSES = frozenset({"HRESCH", "RESEARCH", "CLINTRCH", "TRAIN", "HOPERAT", "HQUALIMP", "EDU"})
HIDDEN = frozenset({"R", "V"})  # https://terminology.hl7.org/CodeSystem-v3-Confidentiality.html


def refuses(consents: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the latest word of a patient's Consents is no.

    >>> refuses([{"status": "active", "dateTime": "2026-01-01", "provision": {"type": "deny"}}])
    True
    >>> refuses([])
    False
    """
    said = [
        one for one in consents if one.get("resourceType", "Consent") == "Consent" and one.get("status") == "active"
    ]
    words = [word for one in sorted(said, key=lambda one: str(one.get("dateTime", ""))) if (word := word_of(one))]
    return bool(words) and words[-1] == "deny"


def word_of(consent: Mapping[str, Any]) -> str:
    """`deny`, `permit`, or nothing where it speaks of something else. A rule within counts before the one around it."""
    root = consent.get("provision") or {}
    for provision in (*root.get("provision", ()), root):
        purposes = {one.get("code") for one in provision.get("purpose", ())}
        if provision.get("type") and (not purposes or purposes & PURPOSES):
            return str(provision["type"])
    return ""


def is_hidden(resource: Mapping[str, Any]) -> bool:
    """Whether a resource is labelled so confidential that it is in no case at all."""
    labels = resource.get("meta", {}).get("security", ())
    return any(one.get("code") in HIDDEN for one in labels)
