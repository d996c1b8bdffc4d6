"""May this role, for this purpose, do this to resources of this type? Refused unless a row allows it."""

from enum import StrEnum
from functools import lru_cache

from salus.base.errors import Forbidden
from salus.privacy.actor import Actor, Purpose, Role


class Act(StrEnum):
    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    ERASE = "erase"  # with all versions, for ever


ANY = frozenset({"*"})
CARE = frozenset({Purpose.TREATMENT, Purpose.EMERGENCY})
RUNNING = frozenset({Purpose.OPERATIONS, Purpose.ADMINISTRATION, Purpose.TREATMENT})
DESK_TYPES = frozenset({"Patient", "Appointment", "Schedule", "Slot", "Coverage", "Encounter", "Organization"})
# whom the desk books, what they offer, and who is waiting
DESK_LOOKS = frozenset({"Practitioner", "PractitionerRole", "HealthcareService", "Location", "Device"})
WAITING = frozenset({"Task", "Communication"})
FAMILY = frozenset({"RelatedPerson"})  # who may act for a child, once the proof was shown
PHARMACY = frozenset({"MedicationRequest", "MedicationDispense", "DetectedIssue", "Task", "Communication"})
LABORATORY = frozenset({"ServiceRequest", "Specimen", "Observation", "DiagnosticReport", "Task", "Communication"})
ROOMS = frozenset({"Procedure"})  # what those do who image and treat, too
LABORATORY_LOOKS = LABORATORY | ROOMS | {"Patient", "Encounter", "Practitioner", "PractitionerRole", "Organization"}
BILLS = frozenset(
    {"Account", "ChargeItem", "Invoice", "Claim", "ClaimResponse", "PaymentNotice", "CoverageEligibilityResponse"}
)
BILLING = BILLS | {"PaymentReconciliation", "Task", "Communication"}
CLOSES = frozenset({"PaymentReconciliation"})  # a day, a statement: never a payment
BILLING_LOOKS = BILLING | DESK_TYPES | DESK_LOOKS
NURSE_WRITES = frozenset({"Observation", "Encounter", "Communication", "Task", "Flag", "Specimen"})
TRAINING_TYPES = frozenset({"QuestionnaireResponse", "Library"})  # what learners answered, and the cases
READ, WRITE, DELETE = Act.READ, Act.WRITE, Act.DELETE

# role, purposes, acts, resource types
RULES: tuple[tuple[Role, frozenset[Purpose], frozenset[Act], frozenset[str]], ...] = (
    (Role.CLINICIAN, CARE, frozenset({READ, WRITE, DELETE}), ANY),
    (Role.NURSE, CARE, frozenset({READ}), ANY),
    (Role.NURSE, CARE, frozenset({WRITE}), NURSE_WRITES | ROOMS),
    (Role.DESK, frozenset({Purpose.OPERATIONS, Purpose.PAYMENT}), frozenset({READ, WRITE}), DESK_TYPES),
    (Role.DESK, frozenset({Purpose.OPERATIONS, Purpose.PAYMENT}), frozenset({READ}), DESK_LOOKS),
    (Role.DESK, frozenset({Purpose.OPERATIONS, Purpose.PAYMENT}), frozenset({READ, WRITE}), WAITING),
    (Role.DESK, frozenset({Purpose.OPERATIONS}), frozenset({READ, WRITE}), FAMILY),
    (Role.PHARMACIST, CARE, frozenset({READ}), ANY),
    (Role.PHARMACIST, CARE, frozenset({WRITE}), PHARMACY),
    (Role.TECHNICIAN, CARE, frozenset({READ}), LABORATORY_LOOKS),
    (Role.TECHNICIAN, CARE, frozenset({WRITE}), LABORATORY | ROOMS),
    (Role.CASHIER, frozenset({Purpose.PAYMENT}), frozenset({READ}), BILLING_LOOKS),
    (Role.CASHIER, frozenset({Purpose.PAYMENT}), frozenset({WRITE}), BILLING),
    (Role.AUDITOR, frozenset({Purpose.PAYMENT}), frozenset({READ}), BILLING_LOOKS),
    (Role.AUDITOR, frozenset({Purpose.PAYMENT}), frozenset({WRITE}), CLOSES),
    (Role.PATIENT, frozenset({Purpose.PATIENT_REQUEST}), frozenset({READ}), ANY),
    (Role.PATIENT, frozenset({Purpose.PATIENT_REQUEST}), frozenset({WRITE, DELETE}), frozenset({"Subscription"})),
    (Role.DATA_SCIENTIST, frozenset({Purpose.RESEARCH}), frozenset({READ}), ANY),
    (Role.ADMINISTRATOR, RUNNING, frozenset({READ, WRITE, DELETE}), ANY),
    (Role.ADMINISTRATOR, frozenset({Purpose.ADMINISTRATION}), frozenset({Act.ERASE}), ANY),
    (Role.CLINICIAN, frozenset({Purpose.TRAINING}), frozenset({READ, WRITE}), TRAINING_TYPES),
    (Role.NURSE, frozenset({Purpose.TRAINING}), frozenset({READ}), TRAINING_TYPES),
    (Role.NURSE, frozenset({Purpose.TRAINING}), frozenset({WRITE}), frozenset({"QuestionnaireResponse"})),
    (Role.ADMINISTRATOR, frozenset({Purpose.TRAINING}), frozenset({READ, WRITE}), TRAINING_TYPES),
    (Role.CURATOR, frozenset({Purpose.OPERATIONS}), frozenset({READ}), ANY),
    (Role.CURATOR, frozenset({Purpose.OPERATIONS}), frozenset({WRITE}), frozenset({"DocumentReference", "Provenance"})),
    (Role.SYSTEM, frozenset(Purpose), frozenset(Act), ANY),
)


RELEASERS = frozenset({Role.CURATOR})  # who may let a text leave the chart: a person, no machine and no administrator


def check_may_release(actor: Actor) -> None:
    """Raises Forbidden unless this person may decide what leaves the chart."""
    if actor.role not in RELEASERS:
        raise Forbidden(f"A {actor.role} may not release cases: a {' or '.join(sorted(RELEASERS))} decides that")


JOINERS = frozenset({Role.DESK, Role.ADMINISTRATOR, Role.SYSTEM})  # who may say that two records are one person's


def check_may_join(actor: Actor, purpose: Purpose) -> None:
    """Raises Forbidden unless this person may join two records of one person, and part them again."""
    if actor.role not in JOINERS:
        raise Forbidden(f"A {actor.role} may not join records: the desk or an administrator decides that")
    check_may(actor, purpose, Act.WRITE, "Patient")


def check_may_be_advised(actor: Actor) -> None:
    """Raises Forbidden for a patient's own account: what an assistant thinks is told to who can judge it, and becomes
    the patient's when a clinician has made it theirs. docs/decisions/0086-released-when-final.md"""
    if actor.patient is not None or actor.role is Role.PATIENT:
        raise Forbidden("The assistants speak to clinicians, who answer for what they make of it: ask your doctor")


def may(actor: Actor, purpose: Purpose, act: Act, resource_type: str) -> bool:
    """Whether a row of `RULES` allows it. A patient without a compartment is refused everything, a guardian
    all but reading.

    >>> may(Actor("Practitioner/1", Role.CLINICIAN), Purpose.TREATMENT, Act.READ, "Observation")
    True
    >>> may(Actor("Practitioner/1", Role.CLINICIAN), Purpose.RESEARCH, Act.READ, "Observation")
    False
    """
    if is_nobody(actor) or (actor.guardian is not None and act is not Act.READ):
        return False
    return _allowed(actor.role, purpose, act, resource_type)


def is_nobody(actor: Actor) -> bool:
    """Whether it is a patient's account without a patient, or somebody else's of whom nobody decided that they may act
    for one: only `privacy.guardian` makes those, a token or a stored name never does."""
    relative = actor.reference.startswith("RelatedPerson/") and actor.guardian is None
    return actor.role is Role.PATIENT and (actor.patient is None or relative)


@lru_cache(8192)
def _allowed(who: Role, purpose: Purpose, act: Act, resource_type: str) -> bool:
    return any(
        who is role and purpose in purposes and act in acts and (types is ANY or resource_type in types)
        for role, purposes, acts, types in RULES
    )


def check_may_enter(actor: Actor, purpose: Purpose) -> None:
    """Raises Forbidden for one who may read nothing at all for this purpose."""
    if is_nobody(actor) or not _enters(actor.role, purpose):
        raise Forbidden(
            f"A {actor.role} may read nothing for the purpose {purpose}: "
            "sign in with a role that may, or state the purpose it is for"
        )


@lru_cache(256)
def _enters(who: Role, purpose: Purpose) -> bool:
    return any(who is role and purpose in purposes and Act.READ in acts for role, purposes, acts, _ in RULES)


def check_may(actor: Actor, purpose: Purpose, act: Act, resource_type: str) -> None:
    """Raises Forbidden, naming role, purpose, act and type, unless `may` says yes."""
    if not may(actor, purpose, act, resource_type):
        raise Forbidden(
            f"A {actor.role} may not {act} {resource_type} for the purpose {purpose}: "
            "sign in with a role that may, or state the purpose it is for"
        )
