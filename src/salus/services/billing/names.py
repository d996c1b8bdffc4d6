"""What billing calls things: code systems, extensions, ids that follow from what they are of, accounts of the books."""

from typing import Any

from salus.records.bills import MARK
from salus.services.acting import referred, same_id

Resource = dict[str, Any]
HOUSE = "https://salus.example"
BASE = f"{HOUSE}/fhir/StructureDefinition"
CODES = f"{HOUSE}/fhir/CodeSystem"
CHARGE, KIND, TASK = f"{CODES}/charge", f"{CODES}/charge-kind", f"{CODES}/task"
INSURANCE, PAYER = f"{CODES}/insurance", f"{CODES}/payer"
LEVEL = f"{BASE}/hospital-level"
SERVICE = f"{BASE}/encounter-service"
RETURNED = f"{BASE}/dispense-returned"
TERMS = f"{BASE}/charge-terms"  # of a ChargeItem: what it is, and what insurers count of it
ENCOUNTER = f"{BASE}/invoice-encounter"  # of an Invoice: R4 has no element for the visit it is about
SHEET = f"{BASE}/invoice-sheet"  # of an Invoice: its charges and how they were settled, to be settled again
PERSONAL = f"{BASE}/personal-account"  # of a Coverage: Money that the personal account gives for use here
NUMBER = f"{HOUSE}/invoice-number"


def charge_id(source: str, code: str = "") -> str:
    """Of what was done (`MedicationDispense/7`); a visit or a report has one for each of its codes."""
    return same_id("charge", source, *([code] if code else []))


def account_id(patient: str, organization: str) -> str:
    return same_id("account", patient, organization)


def invoice_id(encounter: str, number: int) -> str:
    """The invoices of a visit are numbered from 1: what comes late, and what replaces one that was cancelled."""
    return same_id("invoice", encounter, str(number))


def bare(reference: str) -> str:
    """
    >>> bare("Patient/7")
    '7'
    """
    return reference.rpartition("/")[2]


def billed(id: str) -> Resource:
    """The identifier by which the house knows what billing wrote: nobody else changes it (`records/bills.py`)."""
    return {"system": MARK, "value": id}


def is_billed(resource: Resource) -> bool:
    return any(one.get("system") == MARK for one in resource.get("identifier", []))


def extension(resource: Resource, url: str) -> Resource:
    return next((one for one in resource.get("extension", []) if one["url"] == url), {})


# --- accounts of the books ---


def owed(invoice: Resource) -> str:
    """What the patient owes of one invoice: debit is owed, and it never falls below nothing."""
    return f"{referred(invoice, 'account')}/{invoice['id']}"


def deposit(account: str) -> str:
    """What is held for a patient: credit is theirs. `account`: `Account/<id>`."""
    return f"deposit/{account}"


def income(kind: str) -> str:
    return f"income/{kind}"


def year_account(coverage: str, year: int, what: str) -> str:
    """What has added up of an insured's year; its counterpart is `memo/<year>`. `coverage`: `Coverage/<id>`."""
    return f"{coverage}/{year}/{what}"


def elsewhere_account(coverage: str, year: int) -> str:
    """The other side of what other hospitals counted of an insured's year."""
    return f"elsewhere/{coverage}/{year}"


WRITEOFF = "writeoff"
