"""A payment from its beginning to its end, at the desk of one transaction: the books and the resources together.

begin   holds the amounts until the provider has said what became of them (of what is at hand: posts them)
settle  posts them; what comes late, for what was let go or is not owed any more, is held as a deposit
let_go  lets them go
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from salus.base import clock
from salus.base.errors import Conflict, Missing
from salus.privacy import SYSTEM
from salus.records import books
from salus.records.desk import Desk
from salus.services.acting import put, standing
from salus.services.billing.names import deposit
from salus.services.billing.payments import shapes
from salus.services.billing.payments.dues import due_of, level
from salus.services.billing.payments.port import State, Told
from salus.services.billing.payments.shapes import TYPE, Kind, Payment, Status

Resource = dict[str, Any]


def begin(desk: Desk, payment: Payment, at_hand: bool) -> Payment:
    """Hold or post what is to move. Raises Conflict when an account has not so much."""
    guard(desk, payment)
    if not at_hand:
        books.pend(desk, payment.held, payment.currency, payment.entries(), payment.about)
        return keep(desk, payment)
    books.post(desk, payment.key, payment.currency, payment.entries(), payment.about)
    return done(desk, payment)


def guard(desk: Desk, payment: Payment) -> None:
    """The bounds of the accounts: a deposit is never overdrawn, no more is given back than was paid."""
    books.limit(desk, deposit(payment.account), payment.currency, most=0)
    if payment.of:
        books.limit(desk, shapes.refunded(payment.of), payment.currency, most=found(desk, payment.of).amount)


def hear(desk: Desk, payment: Payment, told: Told) -> Payment:
    """What a provider says of a payment, in whatever order and however often. Raises Conflict for another amount."""
    if told.state is State.PAID:
        check_amount(payment, told)
        return settle(desk, payment, told)
    if told.state in OVER and payment.status is Status.PENDING:
        return let_go(desk, payment, told.state.value)
    return payment


def check_amount(payment: Payment, told: Told) -> None:
    if (told.amount, told.currency) != (payment.amount, payment.currency):
        raise Conflict(
            f"{payment.key} is of {payment.amount} {payment.currency}, and {payment.provider} says "
            f"{told.amount} {told.currency}: reconcile it with their statement",
            path="amount",
        )


OVER = frozenset({State.REFUSED, State.CLOSED, State.UNKNOWN})


def settle(desk: Desk, payment: Payment, told: Told) -> Payment:
    """The money has moved. What was settled before stays as it is."""
    if payment.status is Status.SETTLED:
        return payment
    payment = replace(payment, reference=told.reference, reason="")
    if payment.status is Status.PENDING:
        books.settle(desk, payment.key, payment.held, payment.about)
    else:
        payment = late(desk, payment)
        undone = books.posting_of(desk, payment.key) is not None  # it was settled once, and reversed
        key = f"{payment.key}/again" if undone else payment.key
        books.post(desk, key, payment.currency, payment.entries(), payment.about)
    if payment.kind is Kind.PAYMENT:
        put(desk, shapes.notice(payment, told, payee(desk, payment)))
    return done(desk, payment)


def late(desk: Desk, payment: Payment) -> Payment:
    """What has moved though we had let it go: it pays what is still owed, or else is held as a deposit."""
    if payment.kind is not Kind.PAYMENT:
        return payment
    invoice = standing(desk, payment.invoice)
    fits = invoice and invoice["status"] == "issued" and due_of(desk, invoice).free >= payment.amount
    return replace(payment, landed=not fits)


def let_go(desk: Desk, payment: Payment, reason: str) -> Payment:
    """Nothing has moved. Raises Conflict when it has."""
    if payment.status is Status.SETTLED:
        raise Conflict(f"{payment.key} was settled: give it back instead", path="payment")
    books.void(desk, f"{payment.key}/void", payment.held, reason)
    return keep(desk, replace(payment, status=Status.VOIDED, reason=reason))


def void_after_all(desk: Desk, payment: Payment, reason: str) -> None:
    """What was settled has not moved, and was reversed in the books."""
    keep(desk, replace(payment, status=Status.VOIDED, reason=reason))


def done(desk: Desk, payment: Payment) -> Payment:
    kept = keep(desk, replace(payment, status=Status.SETTLED))
    if payment.invoice:
        level(desk, payment.invoice.removeprefix("Invoice/"))
    return kept


# --- what is kept of it ---


def keep(desk: Desk, payment: Payment) -> Payment:
    put(desk, shapes.resource(payment, payee(desk, payment)))
    return payment


def payee(desk: Desk, payment: Payment) -> Resource:
    """Who the money is for: who issued the invoice, or has the account."""
    told = standing(desk, payment.about) or {}
    return told.get("issuer") or told.get("owner") or {"display": SYSTEM.reference}


def found(desk: Desk, id: str) -> Payment:
    """Raises Missing."""
    told = standing(desk, f"{TYPE}/{id}")
    if told is None or not shapes.is_payment(told):
        raise Missing(f"There is no payment {id[:64]!r}", path="payment")
    return shapes.payment_of(told)


def now() -> datetime:
    """The present to the millisecond, as the records keep it."""
    at = clock.now()
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
