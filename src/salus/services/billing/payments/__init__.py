"""Payments: money that comes for an invoice or as a deposit, and money that goes back. Each is held in the books before
a provider is asked, and settled or let go when the provider has said what became of it, in whatever way and however
often that is said. Must not know how an invoice came about. Read first: `port.py`, `shapes.py`, `desk.py`.
"""

from salus.services.billing.payments.deposits import deposit, deposited, give_back
from salus.services.billing.payments.desk import noticed, pay, payments_of, withdraw
from salus.services.billing.payments.dues import Due, due_of
from salus.services.billing.payments.port import Order, Provider, State, Told
from salus.services.billing.payments.providers import provider_of, providers_of
from salus.services.billing.payments.refunds import refund
from salus.services.billing.payments.shapes import DEPOSIT, Kind, Payment, Status

__all__ = [
    "DEPOSIT",
    "Due",
    "Kind",
    "Order",
    "Payment",
    "Provider",
    "State",
    "Status",
    "Told",
    "deposit",
    "deposited",
    "due_of",
    "give_back",
    "noticed",
    "pay",
    "payments_of",
    "provider_of",
    "providers_of",
    "refund",
    "withdraw",
]
