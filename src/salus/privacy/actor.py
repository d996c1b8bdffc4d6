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
class Actor:
    """A person or a machine. `reference` is what the audit names (`Practitioner/7`, `Device/importer`).

    `patient` is the id of the only patient a patient's own account may see; None for staff and machines.
    """

    reference: str
    role: Role
    patient: str | None = None


SYSTEM = Actor("Device/salus", Role.SYSTEM)
