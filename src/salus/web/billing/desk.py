"""The clerk's desk: what is to be cleared up, bills that are open, and the bills and deposits of a patient."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from salus.assistants.answers import every
from salus.base.errors import Conflict, Missing
from salus.base.ids import uuid7
from salus.base.money import typed
from salus.base.words import words_of
from salus.services.billing import charging, payments
from salus.services.billing.invoices import Bill, bill, invoices_of
from salus.services.billing.names import TASK
from salus.services.billing.payments import Payment
from salus.services.billing.payments.asking import FAULT
from salus.services.billing.tasks import asked
from salus.services.looking import looked_up
from salus.web.billing import elsewhere
from salus.web.billing.asked import who
from salus.web.patients import search
from salus.web.telling.person import Person, person
from salus.web.visit import Visit

COUNT = 50
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Open:
    """A bill with whose it is."""

    bill: Bill
    who: Person | None


@dataclass(frozen=True, slots=True)
class ToDo:
    """What billing asks, in words, and the page where it is done, if there is one; `source`: what says that something
    was done that can be charged again once the reason is mended."""

    text: str
    at: str
    who: Person | None
    page: str
    source: str = ""


def listing(visit: Visit) -> Response:
    """What is to be done and what is open, or the people that were looked for."""
    words = visit.query.get("find", "").strip()
    found = search(visit, words) if words else None
    return visit.page(
        "billing/desk.html",
        find=words,
        found=found,
        todo=todo(visit),
        unpaid=[one for one in opened(visit, "issued") if one.bill.due],
        drafts=opened(visit, "draft"),
        done=visit.query.get("done", ""),
    )


def opened(visit: Visit, status: str) -> list[Open]:
    """The latest bills of a status."""
    wanted = [("status", status), ("_sort", "-_lastUpdated"), ("_count", str(COUNT))]
    ids = [version.id for version in visit.records.search("Invoice", wanted).versions]
    bills = [bill(visit.records, id) for id in ids]
    return [Open(one, somebody(visit, one.patient)) for one in bills]


def todo(visit: Visit) -> list[ToDo]:
    """What is asked of the clerk and not yet done, the oldest first."""
    wanted = [("code", f"{TASK}|"), ("status", "requested"), ("_sort", "_lastUpdated"), ("_count", str(COUNT))]
    found = (version.json() for version in visit.records.search("Task", wanted).versions)
    return [told(visit, one) for one in found if is_ours(one)]


def is_ours(task: Resource) -> bool:
    """Whether it is one that billing asks, or that a payment is in doubt."""
    code = code_of(task)
    return code == FAULT or f"task.{code}" in words_of("salus.services.billing")


def code_of(task: Resource) -> str:
    return str(task["code"]["coding"][0]["code"])


def told(visit: Visit, task: Resource) -> ToDo:
    focus = task.get("focus", {}).get("reference", "")
    patient = task.get("for", {}).get("reference", "")
    page = f"/billing/patients/{patient.removeprefix('Patient/')}" if patient else ""
    if focus.startswith("Invoice/"):
        page = f"/billing/bills/{focus.removeprefix('Invoice/')}"
    if focus.startswith("PaymentReconciliation/"):
        page = f"/books/reconciled/{focus.removeprefix('PaymentReconciliation/')}"
    text = (
        visit.say("billing.fault", what=visit.told(task["description"]))
        if code_of(task) == FAULT
        else asked(task, visit.language)
    )
    return ToDo(text, task.get("authoredOn", ""), somebody(visit, patient), page, source_of(visit, focus))


def source_of(visit: Visit, focus: str) -> str:
    """What a charge that waits is of."""
    charge = looked_up(visit.records, focus) if focus.startswith("ChargeItem/") else {}
    return next((one["reference"] for one in charge.get("supportingInformation", [])), "")


def charge_again(visit: Visit) -> Response:
    """Charge what was done, by the tariff as it is now. Nothing comes of it twice."""
    source = visit.form.get("source", "")
    charges = charging.charge(*who(visit), source)
    states = {charge["status"] for id in charges if (charge := looked_up(visit.records, f"ChargeItem/{id}"))}
    return visit.go(f"/billing?done={'unpriced' if not states or 'planned' in states else 'charged'}")


def somebody(visit: Visit, reference: str) -> Person | None:
    """Who it is; None for nobody, and for one whose record is gone."""
    patient = looked_up(visit.records, reference) if reference.startswith("Patient/") else None
    return person(patient, visit.language, visit.today) if patient else None


# --- one patient ---


@dataclass(frozen=True, slots=True)
class Held:
    """What is held for an account."""

    account: str
    currency: str
    amount: int


def of_patient(visit: Visit) -> Response:
    """All bills of a patient, and their deposits. Raises Missing, Gone."""
    return patient_page(visit)


def patient_page(visit: Visit, fault: str = "", status: int = 200) -> Response:
    id = visit.path["id"]
    patient = visit.records.read("Patient", id).json()
    return visit.page(
        "billing/patient.html",
        status,
        who=person(patient, visit.language, visit.today),
        bills=invoices_of(visit.records, id),
        held=list(held_for(visit, id)),
        providers=takes(visit),
        givers=gives(visit),
        key=str(uuid7()),
        fault=fault,
        done=visit.query.get("done", ""),
        **elsewhere.shown(visit, id),
    )


def held_for(visit: Visit, patient: str) -> list[Held]:
    """The deposits of a patient's accounts, those with nothing in them too: money can be paid in there."""
    accounts = every(visit.records, "Account", [("patient", patient), ("_count", "50")])
    return [
        Held(one["id"], currency, payments.deposited(*who(visit), one["id"], currency))
        for one in accounts
        for currency in [currency_of(visit, one["id"])]
    ]


def currency_of(visit: Visit, account: str) -> str:
    """In which currency an account is kept: that of its latest bill."""
    found = every(visit.records, "Invoice", [("account", account), ("_count", "1")])
    return next((one["totalGross"]["currency"] for one in found if "totalGross" in one), "CNY")


def takes(visit: Visit) -> list[str]:
    """The providers that take money from outside, the desk's own first."""
    return [name for name in payments.providers_of(visit.desk.settings) if name != payments.DEPOSIT]


def gives(visit: Visit) -> list[str]:
    """The providers that a deposit is given back by: those at hand. Others give back what they took, by a refund."""
    return [name for name in takes(visit) if payments.provider_of(visit.desk.settings, name).at_hand]


def deposit(visit: Visit) -> Response:
    """Take money that is for nothing yet. Raises Missing for the account of somebody else."""
    return held_moved(visit, payments.deposit, "deposit")


def give_back(visit: Visit) -> Response:
    """Give back what is held, or a part of it. Raises Missing for the account of somebody else."""
    return held_moved(visit, payments.give_back, "given")


def held_moved(visit: Visit, move: Callable[..., Payment], done: str) -> Response:
    """Look at the page again, which says what was wrong where more was asked for than is held."""
    form, patient = visit.form, visit.path["id"]
    if form.get("account") not in [one.account for one in held_for(visit, patient)]:
        raise Missing("That is no account of this patient: take the money on the page of whose it is", path="account")
    currency = currency_of(visit, form["account"])
    provider = payments.provider_of(visit.desk.settings, form.get("provider", ""))
    amount = typed(form.get("amount", ""), currency, least=1)
    try:
        move(*who(visit), form["account"], provider, form.get("key", ""), amount, currency)
    except Conflict as fault:
        return patient_page(visit, visit.told(fault.issues[0].text), fault.status)
    return visit.go(f"/billing/patients/{patient}?done={done}")
