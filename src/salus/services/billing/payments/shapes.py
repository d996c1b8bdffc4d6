"""A payment, and the FHIR resources that it is kept as.

    PaymentReconciliation   money that comes or goes, one each: `draft` while a provider is asked, `active` when it has
                            moved, `cancelled` when it has not; https://hl7.org/fhir/R4/paymentreconciliation.html
    PaymentNotice           that a provider has told us so; https://hl7.org/fhir/R4/paymentnotice.html

What it says of amounts is for people: the amounts that count stand in the books, under `Payment.key`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from salus.base import clock, money
from salus.records.books import Entry
from salus.services.acting import coded, same_id
from salus.services.billing.names import billed, deposit, is_billed
from salus.services.billing.payments.port import Order, Told

Resource = dict[str, Any]
TYPE, NOTICE = "PaymentReconciliation", "PaymentNotice"
KEYS = "https://salus.example/payment-key"
CODES = "https://salus.example/fhir/CodeSystem/payment"
PROVIDERS = "https://salus.example/payment-provider"
ABOUT = "https://salus.example/payment-for"  # an identifier, so that the payments of an invoice can be searched for
STATUSES = "http://terminology.hl7.org/CodeSystem/paymentstatus"
DEPOSIT = "deposit"  # the provider that is no other: what we hold for the patient already


class Kind(StrEnum):
    """What moves: to us, or from us."""

    PAYMENT = "payment"  # for an invoice
    REFUND = "refund"  # of a payment
    DEPOSIT = "deposit"  # for nothing yet
    RETURN = "return"  # of a deposit


class Status(StrEnum):
    PENDING = "draft"
    SETTLED = "active"
    VOIDED = "cancelled"


INWARD = frozenset({Kind.PAYMENT, Kind.DEPOSIT})


@dataclass(frozen=True, slots=True)
class Payment:
    """`account` and `invoice` are references (`Account/7`); `of` the payment that a refund gives back from.

    `landed`: whether what came for an invoice could not be used for it, and is held as a deposit.
    """

    id: str
    kind: Kind
    status: Status
    provider: str
    amount: int
    currency: str
    account: str
    at: datetime
    name: str  # the caller's key
    invoice: str = ""
    of: str = ""
    reference: str = ""
    landed: bool = False
    reason: str = ""

    @property
    def key(self) -> str:
        """Under which it stands in the books."""
        return f"{self.kind}/{self.id}"

    @property
    def held(self) -> str:
        """Under which it is held there while a provider is asked."""
        return f"{self.key}/held"

    @property
    def about(self) -> str:
        """What it is for, in the books and in the audit."""
        return self.invoice or self.account

    @property
    def source(self) -> str:
        """The account where the money is."""
        return deposit(self.account) if self.provider == DEPOSIT else f"money/{self.provider}"

    @property
    def target(self) -> str:
        """The account that is paid: what is owed for the invoice, or what we hold for the patient."""
        return owed(self.account, self.invoice) if self.invoice and not self.landed else deposit(self.account)

    def sized(self, amount: int) -> "Payment":
        """The same, of this amount."""
        return replace(self, amount=amount)

    @property
    def order(self) -> Order:
        return Order(self.id, self.amount, self.currency, self.at, self.of)

    def entries(self) -> list[Entry]:
        """What it posts. A refund counts too against what it gives back from, which the books keep within bounds."""
        if self.kind in INWARD:
            return [Entry(self.source, self.target, self.amount)]
        back = [Entry(self.target, self.source, self.amount)]
        return back + ([Entry(refunded(self.of), "memo/refunded", self.amount)] if self.of else [])


def owed(account: str, invoice: str) -> str:
    """The account of what a patient owes for one invoice: debit is owed."""
    return f"{account}/{invoice.removeprefix('Invoice/')}"


def refunded(payment: str) -> str:
    """The account that counts what of a payment was given back."""
    return f"refunded/{payment}"


def id_of(about: str, key: str) -> str:
    """The id of the payment under a key of the caller."""
    return same_id("payment-key", about, key)


# --- as FHIR ---


def resource(payment: Payment, payee: Resource) -> Resource:
    """The PaymentReconciliation of a payment. `payee`: who the money is for, a Reference. Its days are those of UTC."""
    subjects = [{"system": ABOUT, "value": one} for one in (payment.invoice, payment.account) if one]
    detail: Resource = {
        "type": coded(CODES, payment.kind.value),
        "request": {"reference": payment.about},
        "submitter": {"identifier": {"system": PROVIDERS, "value": payment.provider}},
        "payee": payee,
        "date": payment.at.date().isoformat(),
        "amount": money.amount(payment.amount, payment.currency),
    }
    if payment.of:
        detail["predecessor"] = {"system": KEYS, "value": payment.of}
    named = {"system": f"{PROVIDERS}/{payment.provider}", "value": payment.reference}
    return {
        "resourceType": TYPE,
        "id": payment.id,
        "identifier": [{"system": KEYS, "value": payment.name}, *subjects, billed(payment.id)],
        "status": payment.status.value,
        "created": clock.instant(payment.at),
        "paymentDate": payment.at.date().isoformat(),
        "paymentAmount": money.amount(payment.amount, payment.currency),
        "detail": [detail],
        "paymentIdentifier": named if payment.reference else None,
        "disposition": payment.reason,
        "formCode": coded(CODES, "landed") if payment.landed else None,
    }


def is_payment(told: Resource) -> bool:
    """Whether a PaymentReconciliation is a payment of ours: no record of a day, and written by nobody's hand."""
    return is_billed(told) and any(one.get("system") == KEYS for one in told["identifier"])


def payment_of(told: Resource) -> Payment:
    """The way back."""
    (detail,), amount = told["detail"], told["paymentAmount"]
    name, *subjects = [one["value"] for one in told["identifier"] if one["system"] in (KEYS, ABOUT)]
    return Payment(
        told["id"],
        Kind(detail["type"]["coding"][0]["code"]),
        Status(told["status"]),
        detail["submitter"]["identifier"]["value"],
        money.minor(amount),
        amount["currency"],
        subjects[-1],
        datetime.fromisoformat(told["created"]),
        name,
        subjects[0] if len(subjects) > 1 else "",
        detail.get("predecessor", {}).get("value", ""),
        told.get("paymentIdentifier", {}).get("value", ""),
        "formCode" in told,
        told.get("disposition", ""),
    )


def notice(payment: Payment, told: Told, payee: Resource) -> Resource:
    """The PaymentNotice that a provider has said it is paid; the same however often that is said."""
    id = id_of(payment.id, "notice")
    return {
        "resourceType": NOTICE,
        "id": id,
        "identifier": [billed(id)],
        "status": "active",
        "request": {"reference": payment.about},
        "created": clock.instant(told.at),
        "payment": {"reference": f"{TYPE}/{payment.id}"},
        "paymentDate": told.at.date().isoformat(),
        "recipient": payee,
        "amount": money.amount(told.amount, told.currency),
        "paymentStatus": coded(STATUSES, "paid"),
    }
