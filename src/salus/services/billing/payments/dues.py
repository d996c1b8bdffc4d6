"""What is still to be paid of an invoice, and whether it can be: looked up in the transaction that pays it."""

from dataclasses import dataclass
from typing import Any

from salus.base.errors import Conflict, Invalid, Missing
from salus.base.money import plain
from salus.privacy import Actor, Role
from salus.records import books, joined
from salus.records.desk import Desk
from salus.records.reading import Reader
from salus.services.acting import put, standing
from salus.services.billing.names import owed

Resource = dict[str, Any]
CLOSED = {
    "draft": "was not issued yet: its charges are still being put together",
    "balanced": "is paid",
    "cancelled": "was cancelled: nothing is owed for it",
    "entered-in-error": "was a mistake: nothing is owed for it",
}


@dataclass(frozen=True, slots=True)
class Due:
    """What is owed for an invoice in minor units; `held` of it is on its way by payments that are not settled yet."""

    account: str
    amount: int
    held: int
    currency: str

    @property
    def free(self) -> int:
        """What can be paid now."""
        return self.amount - self.held


def due_of(at: Desk | Reader, invoice: Resource) -> Due:
    """What the books say of an Invoice."""
    account = invoice["account"]["reference"]
    currency = invoice["totalGross"]["currency"]
    held = books.balance(at, owed(invoice), currency)
    return Due(account, held.net, held.credits_held, currency)


def invoice_for(desk: Desk, actor: Actor, id: str) -> Resource:
    """An Invoice, for who may see it: to a patient another's is as if it were not there. Raises Missing."""
    return owned(desk, actor, "Invoice", id, "subject")


def account_for(desk: Desk, actor: Actor, id: str) -> Resource:
    """As `invoice_for`, an Account."""
    return owned(desk, actor, "Account", id, "subject")


def owned(desk: Desk, actor: Actor, type: str, id: str, whose: str) -> Resource:
    found = standing(desk, f"{type}/{id}")
    subjects = found.get(whose, []) if found else []
    names = [one.get("reference") for one in ([subjects] if isinstance(subjects, dict) else subjects)]
    names += [f"Patient/{one}" for one in joined.marked_in((found or {}).get("meta", {}))]
    if found is None or (actor.role is Role.PATIENT and f"Patient/{actor.patient}" not in names):
        raise Missing(f"There is no {type}/{id[:64]}")
    return found


def amount_of(desk: Desk, invoice: Resource, wanted: int | None) -> int:
    """How much is paid now: as much as wanted, or all that can be. Raises Conflict where nothing is left to be paid,
    or another payment is on its way, Invalid for more than is owed."""
    name, status = f"Invoice/{invoice['id']}", invoice["status"]
    if status != "issued":
        raise Conflict(f"{name} {CLOSED.get(status, f'is {status}: it takes no payment')}", path="invoice")
    due = due_of(desk, invoice)
    if due.free <= 0:
        raise Conflict(f"{name} {being_paid(due)}", path="invoice")
    amount = due.free if wanted is None else wanted
    books.check_amount(amount)
    if amount > due.free:
        asked, free = plain(amount, due.currency), plain(due.free, due.currency)
        raise Invalid(f"{asked} is more than is left to be paid of {name} ({free} {due.currency})", path="amount")
    return amount


def being_paid(due: Due) -> str:
    if due.held:
        return "is being paid by another payment: wait for it, or withdraw it first"
    return CLOSED["balanced"]


def level(desk: Desk, id: str) -> None:
    """An invoice of which nothing is due is `balanced`; one that was given back is `issued` again."""
    invoice = standing(desk, f"Invoice/{id}")
    if invoice is None or invoice["status"] not in ("issued", "balanced"):
        return
    status = "balanced" if due_of(desk, invoice).amount <= 0 else "issued"
    if status != invoice["status"]:
        put(desk, invoice | {"status": status})
