"""The cash desk: pay, take notice of what a provider tells, withdraw.

Each is one transaction, and under a key of the caller's: the same again is the same payment, however often a request is
sent. The amount is held in the books before a provider is asked, so that of two phones that pay one invoice at once
only one gets as far as a provider. Patients pay for themselves alone.
"""

from collections.abc import Iterator

from salus.assistants.answers import every
from salus.base.errors import Forbidden, Malformed, Missing
from salus.privacy import SYSTEM, Actor, Purpose
from salus.records import Store
from salus.records.desk import Desk
from salus.services.billing.desks import submit
from salus.services.billing.payments import asking, moving
from salus.services.billing.payments.dues import amount_of, invoice_for
from salus.services.billing.payments.port import Notice, Provider
from salus.services.billing.payments.shapes import (
    ABOUT,
    TYPE,
    Kind,
    Payment,
    Resource,
    Status,
    id_of,
    is_payment,
    payment_of,
)
from salus.services.looking import check_shown


def pay(
    store: Store, actor: Actor, purpose: Purpose, invoice: str, provider: Provider, key: str, amount: int | None = None
) -> Payment:
    """Pay an Invoice (by its id): all that is due, or `amount` minor units of it. It is settled, or pending while the
    provider has not answered, or voided where the provider refused.

    Raises Missing (no such invoice, or another's), Forbidden, Conflict (it is paid, being paid or cancelled, or the key
    was used), Invalid (more than is due).
    """
    asking.check(actor, purpose, provider, key)
    check_shown(store, actor, purpose, f"Invoice/{invoice}")

    def work(desk: Desk) -> Payment:
        told = invoice_for(desk, actor, invoice)
        wanted = for_invoice(told, provider.name, key)
        if (before := asking.kept(desk, wanted.id)) is not None:
            return asking.same(before, wanted, amount)
        return moving.begin(desk, wanted.sized(amount_of(desk, told, amount)), provider.at_hand)

    return asking.asked(store, submit(store, actor, purpose, "pay", f"Invoice/{invoice[:64]}", work), provider)


def for_invoice(invoice: Resource, provider: str, key: str) -> Payment:
    """A payment of an Invoice, of no amount yet."""
    return Payment(
        id_of(f"Invoice/{invoice['id']}", key),
        Kind.PAYMENT,
        Status.PENDING,
        provider,
        0,
        invoice["totalGross"]["currency"],
        invoice["account"]["reference"],
        moving.now(),
        key,
        invoice=f"Invoice/{invoice['id']}",
    )


def noticed(store: Store, provider: Provider, notice: Notice) -> Payment:
    """Take notice of what a provider sends by itself: late, twice or in the wrong order, it is the same in the end.

    Raises Forbidden for one that was altered, Malformed, Missing (no order of ours), Conflict (another amount): then
    nothing is posted, and a Task says so to the billing clerk.
    """
    try:
        told = provider.read(notice)
    except (Forbidden, Malformed) as fault:
        asking.lay_before_clerk(store, provider.name, "", fault)
        raise
    return asking.heard(store, provider, told)


def withdraw(store: Store, actor: Actor, purpose: Purpose, payment: str, provider: Provider) -> Payment:
    """No longer wait for a pending payment: it is closed with its provider, and what it held is let go, unless it turns
    out to be paid. Raises Missing, Forbidden, Busy (nobody answers: try again)."""
    asking.check(actor, purpose, provider, payment)

    def work(desk: Desk) -> Payment:
        found = moving.found(desk, payment)
        if found.invoice:
            invoice_for(desk, actor, found.invoice.removeprefix("Invoice/"))
        elif actor.patient is not None:
            raise Missing(f"There is no payment {payment[:64]!r}", path="payment")
        return found

    found = submit(store, actor, purpose, "withdraw", f"{TYPE}/{payment[:64]}", work)
    check_shown(store, actor, purpose, found.invoice)
    if found.status is not Status.PENDING:
        return found
    return asking.heard(store, provider, provider.close(payment))


def payments_of(store: Store, actor: Actor, purpose: Purpose, invoice: str) -> list[Payment]:
    """The payments of an Invoice and what was given back of them, oldest first. Raises Missing, Forbidden."""
    store.open(actor, purpose).read("Invoice", invoice)
    return sorted(about(store, f"Invoice/{invoice}"), key=lambda one: (one.at, one.id))


def about(store: Store, reference: str) -> Iterator[Payment]:
    """The payments about an Invoice, or an Account."""
    records = store.open(SYSTEM, Purpose.PAYMENT)
    wanted = [("identifier", f"{ABOUT}|{reference}"), ("_count", "200")]
    return (payment_of(told) for told in every(records, TYPE, wanted) if is_payment(told))
