"""The port to those who move money: a bank, a wallet, the drawer at the desk. A real provider is one more file.

An order has an id of ours. To ask for the same order again is to ask for it once; what has become of it can be looked
up at any time; what a provider tells by itself, it signs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """What has become of an order."""

    PAID = "paid"
    PENDING = "pending"
    REFUSED = "refused"
    CLOSED = "closed"  # nothing was paid, and nothing will be
    UNKNOWN = "unknown"  # the provider has no such order


@dataclass(frozen=True, slots=True)
class Order:
    """`amount` minor units of a currency (ISO 4217), positive. `of`: for a refund, the order it gives back from."""

    id: str
    amount: int
    currency: str
    at: datetime
    of: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider says of an order; `reference` is the provider's own name for what moved."""

    order: str
    state: State
    amount: int
    currency: str
    at: datetime
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a provider sends by itself: exact bytes, and what signs them."""

    body: bytes
    signature: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a provider's statement. `amount` is positive; a refund says so by its kind."""

    order: str
    reference: str
    kind: str  # payment or refund
    amount: int
    currency: str
    at: datetime
    state: State


class Provider(Protocol):
    """All but `read` may raise Busy when nobody answers: then the order is looked up later."""

    @property
    def name(self) -> str: ...

    @property
    def at_hand(self) -> bool:
        """Whether the money is there as soon as it is asked for: then it is never pending."""

    def request(self, order: Order) -> Told: ...

    def refund(self, order: Order) -> Told: ...

    def look(self, order: str) -> Told: ...

    def close(self, order: str) -> Told:
        """No more of it: afterwards it is closed, unless it was paid."""

    def read(self, notice: Notice) -> Told:
        """Raises Forbidden when it is not signed so, Malformed when it cannot be read."""

    def fetch(self) -> Iterable[Notice]:
        """Notices that wait to be fetched, of a provider that does not send them; each comes until it was `taken`."""

    def statement(self, begin: datetime, end: datetime) -> Iterable[Row]:
        """What moved between two moments."""
