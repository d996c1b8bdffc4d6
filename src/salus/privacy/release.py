"""What a patient's own account may see of what stands about them: whatever somebody answers for, as soon as they do.

A result, a report, a note, an order is the patient's from the moment that it is final; until then it is work that
nobody has signed. What a machine thinks is no part of the record before a clinician made it theirs, and what staff tell
each other is not told to the patient. Who cares for them sees all of it. docs/decisions/0086-released-when-final.md

The decision is of one version by itself: the store keeps it beside each version (`records.compartments`), and every
statement that a patient's account runs asks for it. **Whoever changes a table here has the stores indexed anew.**
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.json import decode

FINAL = frozenset({"final", "amended", "corrected", "appended"})
# type -> element and what it must say; of a document that says nothing, somebody else's house stands for it.
# https://hl7.org/fhir/R4/valueset-observation-status.html /valueset-diagnostic-report-status.html
# /valueset-composition-status.html /valueset-clinicalimpression-status.html
SIGNED: Mapping[str, tuple[str, frozenset[str | None]]] = {
    "Observation": ("status", FINAL),
    "DiagnosticReport": ("status", FINAL),
    "Composition": ("status", FINAL),
    "DocumentReference": ("docStatus", FINAL | {None}),
    "RiskAssessment": ("status", FINAL),
    "DetectedIssue": ("status", FINAL),
    "ClinicalImpression": ("status", frozenset({"completed"})),
}
# What was struck out is seen by who saw what it strikes out: nobody may go on believing what was taken back.
STRUCK = frozenset({"entered-in-error", "cancelled"})
# Orders and plans that are still being written. https://hl7.org/fhir/R4/valueset-request-status.html
DRAFTED = frozenset(
    {"CarePlan", "CommunicationRequest", "DeviceRequest", "MedicationRequest", "NutritionOrder", "RequestGroup",
     "ServiceRequest", "SupplyRequest", "VisionPrescription"}
)  # fmt: skip
GUESSED = ("RiskAssessment", "performer", "Device")  # a machine's, where such a one did it, however it is named
TOLD = frozenset({"Communication", "CommunicationRequest"})  # between staff, unless the patient (or family) is in it
SPOKEN_TO = ("Patient", "RelatedPerson", "Group")
NAMING_OTHERS = frozenset({"Group"})  # each member would read who else is in it
# kinds of document that are the house's own: a case on its way to teaching, which must lead back to nobody
INNER_DOCUMENTS = frozenset({("https://salus.example/fhir/CodeSystem/case", "case")})
# "no disclosure to patient, family or caregivers without attending provider's authorization"
# https://terminology.hl7.org/CodeSystem-v3-ActCode.html#v3-ActCode-NOPAT
NOT_TO_THE_PATIENT = ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "NOPAT")


def told() -> list[object]:
    """The tables, as a fingerprint may be taken of them."""
    signed = [(type, element, sorted(map(str, said))) for type, (element, said) in sorted(SIGNED.items())]
    kinds = [sorted(STRUCK), sorted(DRAFTED), GUESSED, sorted(TOLD), SPOKEN_TO, sorted(NAMING_OTHERS)]
    return [signed, *kinds, sorted(INNER_DOCUMENTS), NOT_TO_THE_PATIENT]


def withheld(type: str, resource: Any) -> bool | None:
    """Whether the patient's own account may not see this version (a decoded resource); None: as the version before
    it, or where there is none, not.

    >>> from types import SimpleNamespace as R
    >>> [withheld("Observation", R(meta=None, status=one)) for one in ("preliminary", "final", "entered-in-error")]
    [True, False, None]
    """
    if type in NAMING_OTHERS or (resource.meta and labelled(resource.meta)):
        return True
    if type in SIGNED:
        return unsigned(type, resource)
    if type in DRAFTED and resource.status == "draft":
        return True
    return type in TOLD and not any(map(spoken_to, parties(resource)))


def labelled(meta: Any) -> bool:
    return any((one.system, one.code) == NOT_TO_THE_PATIENT for one in meta.security or ())


def says_so(resource: Mapping[str, Any]) -> bool:
    """As `labelled`, of a resource as JSON."""
    given = resource.get("meta", {}).get("security", [])
    return any((one.get("system"), one.get("code")) == NOT_TO_THE_PATIENT for one in given)


def unsigned(type: str, resource: Any) -> bool | None:
    element, said = SIGNED[type]
    if is_inner(type, resource):
        return True
    if resource.status in STRUCK or getattr(resource, element) in STRUCK:
        return None
    return getattr(resource, element) not in said


def is_inner(type: str, resource: Any) -> bool:
    """Whether it is a machine's guess, or a document of the house's own."""
    if type == GUESSED[0]:
        return any(GUESSED[2] in kinds_of(one, resource) for one in [getattr(resource, GUESSED[1])] if one)
    if type != "DocumentReference" or not resource.type:
        return False
    return any((one.system, one.code) in INNER_DOCUMENTS for one in resource.type.coding or ())


def parties(resource: Any) -> Iterable[Any]:
    """Who told, or is to be told."""
    return [*(resource.recipient or ()), *([resource.sender] if resource.sender else [])]


def spoken_to(reference: Any) -> bool:
    return (reference.type or named(reference).rpartition("/")[0].rpartition("/")[2]) in SPOKEN_TO


def named(reference: Any) -> str:
    return reference.reference or ""


def kinds_of(reference: Any, resource: Any) -> set[str]:
    """The types that a reference of a resource says it leads to: by its address, wherever that is, in words, or as what
    is contained. https://hl7.org/fhir/R4/references.html"""
    name = named(reference)
    if name.startswith("#"):
        within = (decode(one, type=dict[str, Any]) for one in resource.contained or ())
        return {str(one["resourceType"]) for one in within if one.get("id") == name[1:]}
    pieces = name.partition("/_history/")[0].split("/")
    return {*pieces[-2:-1], *([reference.type] if reference.type else [])}
