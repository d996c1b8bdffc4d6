"""A payment provider against our books: its statement of a day, and what sets right a payment of ours.

    order,reference,kind,amount,currency,time,status
    0199b3c2-...,S0199B3C2,payment,120.50,CNY,2026-11-23T10:00:00+08:00,paid

`order` is the id of our payment, `reference` the provider's own name for the movement, `kind` payment or refund,
`status` paid, pending, refused or closed.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from salus.records import books
from salus.records.books import Entry
from salus.records.desk import Desk
from salus.services.acting import standing
from salus.services.billing.names import deposit
from salus.services.billing.payments import moving, shapes
from salus.services.billing.payments.dues import level
from salus.services.billing.payments.port import Row, State, Told
from salus.services.billing.payments.shapes import INWARD, TYPE, Kind, Payment, Status
from salus.services.billing.reconciling.faults import Fault
from salus.services.billing.reconciling.reading import Format, Item
from salus.services.billing.reconciling.sides import Side, Standing, entry

FORMAT = Format(
    ("order", "reference", "kind", "amount", "currency", "time", "status"),
    {"payment": (1, ""), "refund": (-1, "")},
    {"paid": State.PAID, "pending": State.PENDING, "refused": State.REFUSED, "closed": State.CLOSED},
)
KINDS = frozenset(kind.value for kind in Kind)
OWED = ("issued", "balanced")


def bank(provider: str) -> Side:
    """The side of a payment provider."""
    return Bank(provider)


@dataclass(frozen=True, slots=True)
class Bank:
    """See `sides.Side`."""

    name: str
    form: Format = FORMAT

    @property
    def account(self) -> str:
        return f"money/{self.name}"

    def id_of(self, key: str) -> str | None:
        kind, _, rest = key.partition("/")
        return rest.partition("/")[0] if kind in KINDS else None

    def standing(self, desk: Desk, id: str) -> Standing | None:
        payment = payment_of(desk, id)
        if payment is None or payment.status is not Status.SETTLED:
            return None
        posted = books.posting_of(desk, f"{payment.key}/again") or books.posting_of(desk, payment.key)
        return Standing(signed(payment), posted.at, payment.reference) if posted else None

    def settle(self, desk: Desk, item: Item, key: str, currency: str) -> bool:
        """Settle what waits, or was let go. What is of another amount is held for the patient instead."""
        payment = payment_of(desk, item.id)
        if payment is None:
            return False
        if signed(payment) == item.amount:
            at = datetime.fromisoformat(item.at)
            moving.settle(desk, payment, Told(payment.id, State.PAID, payment.amount, currency, at, item.reference))
            return True
        if payment.status is Status.PENDING:
            moving.let_go(desk, payment, "reconciled")
        self.correct(desk, key, item.id, item.amount, currency)
        return True

    def correct(self, desk: Desk, key: str, id: str, amount: int, currency: str) -> None:
        """They have more by `amount` (or less): it is held for the patient, or owed again for the invoice."""
        payment = payment_of(desk, id)
        other = self.counter(desk, payment, amount) if payment else f"difference/{self.name}"
        entries = [entry(self.account, other, amount)]
        if payment and payment.kind in INWARD and amount < 0:  # so much less can be given back of it
            books.limit(desk, shapes.refunded(id), currency, most=payment.amount)
            entries.append(Entry(shapes.refunded(id), "memo/refunded", -amount))
        books.post(desk, key, currency, entries, payment.about if payment else f"{TYPE}/{id}")
        relevel(desk, payment)

    def undo(self, desk: Desk, key: str, id: str, currency: str) -> None:
        """They have nothing of it: it is reversed, and the invoice is owed again."""
        payment = moving.found(desk, id)
        if reversible(desk, payment):
            books.reverse(desk, key, payment.key, payment.about)
        else:
            other = self.counter(desk, payment, -signed(payment))
            books.post(desk, key, currency, [entry(self.account, other, -signed(payment))], payment.about)
        moving.void_after_all(desk, payment, "reconciled")
        relevel(desk, payment)

    def stands_alone(self, fault: Fault) -> bool:
        return fault in (Fault.MISSING_HERE, Fault.AMOUNT, Fault.TWICE)

    def take_back(self, desk: Desk, key: str, about: str, id: str) -> None:
        books.reverse(desk, key, about, f"{TYPE}/{id}")
        relevel(desk, payment_of(desk, id))

    def keys(self, id: str) -> list[str]:
        return [f"{kind}/{id}{again}" for kind in sorted(KINDS) for again in ("", "/again")]

    def counter(self, desk: Desk, payment: Payment, amount: int) -> str:
        """Whose money it is."""
        if amount < 0 and payment.kind in INWARD and is_owed(desk, payment):
            return payment.target
        if amount > 0 or held(desk, payment) >= -amount:
            return deposit(payment.account)
        return f"difference/{self.name}"


def payment_of(desk: Desk, id: str) -> Payment | None:
    told = standing(desk, f"{TYPE}/{id}")
    return shapes.payment_of(told) if told and shapes.is_payment(told) else None


def signed(payment: Payment) -> int:
    """What it gives the provider's account: what comes in is positive."""
    return payment.amount if payment.kind in INWARD else -payment.amount


def is_owed(desk: Desk, payment: Payment) -> bool:
    """Whether its invoice stands, so that it can be owed again."""
    invoice = standing(desk, payment.invoice) if payment.invoice and not payment.landed else None
    return bool(invoice and invoice["status"] in OWED)


def held(desk: Desk, payment: Payment) -> int:
    found = books.balance(desk, deposit(payment.account), payment.currency)
    return -found.net - found.debits_held


def reversible(desk: Desk, payment: Payment) -> bool:
    """Whether the accounts that it would be taken back from have so much."""
    if payment.kind in INWARD:
        on_deposit = payment.target == deposit(payment.account)
        return held(desk, payment) >= payment.amount if on_deposit else is_owed(desk, payment)
    if payment.target == deposit(payment.account):
        return True
    owed = books.balance(desk, payment.target, payment.currency)
    return is_owed(desk, payment) and owed.free >= payment.amount


def relevel(desk: Desk, payment: Payment | None) -> None:
    if payment and payment.invoice:
        level(desk, payment.invoice.removeprefix("Invoice/"))


# --- writing one, for the simulated provider and for trying out ---


def write(rows: Iterable[Row], out: IO[str], digits: int = 2) -> None:
    """A statement as its provider would send it."""
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(FORMAT.columns)
    for row in rows:
        whole, part = divmod(row.amount, 10**digits)
        amount = f"{whole}.{part:0{digits}d}" if digits else str(whole)
        lines.writerow((row.order, row.reference, row.kind, amount, row.currency, row.at.isoformat(), row.state.value))
