"""Who asks, and what for."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    CLINICIAN = "clinician"
    NURSE = "nurse"
    PATIENT = "patient"
    DESK = "desk"
    DATA_SCIENTIST = "data-scientist"
    ADMINISTRATOR = "administrator"
    CURATOR = "curator"  # looks through cases before they leave the chart, and releases them
    PHARMACIST = "pharmacist"
    TECHNICIAN = "technician"  # of the laboratory
    CASHIER = "cashier"
    AUDITOR = "auditor"  # of the books
    SYSTEM = "system"


class Purpose(StrEnum):
    """Purpose of use. https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html"""

    TREATMENT = "TREAT"
    EMERGENCY = "ETREAT"
    PAYMENT = "HPAYMT"
    OPERATIONS = "HOPERAT"
    RESEARCH = "HRESCH"
    PATIENT_REQUEST = "PATRQT"
    ADMINISTRATION = "HSYSADMIN"
    TRAINING = "TRAIN"


@dataclass(frozen=True, slots=True)
class Guardian:
    """Who acts for a child, as `privacy.guardian` decided: `person` (`Patient/x`, their own record), by `relation`
    (`RelatedPerson/y`) of the kind `role` (v3-RoleCode). They are not told of the departments and labels in `kept`;
    of a `youth`, only of what is known to be harmless."""

    person: str
    relation: str
    role: str
    kept: frozenset[str]
    youth: bool


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or a machine. `reference` is what the audit names (`Practitioner/7`, `Device/importer`).

    `patient` is the id of the only patient a patient's own account may see; None for staff and machines. `guardian`:
    who acts for that patient, where it is not themselves; `reference` is then the RelatedPerson.
    """

    reference: str
    role: Role
    patient: str | None = None
    guardian: Guardian | None = None


SYSTEM = Actor("Device/salus", Role.SYSTEM)
