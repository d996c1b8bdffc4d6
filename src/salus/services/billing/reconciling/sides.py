"""Who is on the other side of a reconciliation: a bank or an insurer, and how a difference with them is set right."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from salus.records.books import Entry, Posting
from salus.records.desk import Desk
from salus.services.billing.reconciling.faults import Fault
from salus.services.billing.reconciling.reading import Format, Item


@dataclass(frozen=True, slots=True)
class Standing:
    """What the books have of something: minor units, what goes out negative, since when, and their reference of it."""

    amount: int
    at: datetime
    reference: str = ""


class Side(Protocol):
    """`account` is the one in the books that their file is about; `id_of` says what a posting's key is about, None for
    what is not of theirs. The verbs work at a desk, post under the key they are given, and are called once for it."""

    @property
    def name(self) -> str: ...

    @property
    def form(self) -> Format: ...

    @property
    def account(self) -> str: ...

    def id_of(self, key: str) -> str | None: ...

    def standing(self, desk: Desk, id: str) -> Standing | None:
        """What stands in the books of it, on whatever day."""

    def settle(self, desk: Desk, item: Item, key: str, currency: str) -> bool:
        """What they say has moved is posted as what it is for; False where we know nothing of it."""

    def correct(self, desk: Desk, key: str, id: str, amount: int, currency: str) -> None:
        """They have more by so much, or less where it is negative."""

    def undo(self, desk: Desk, key: str, id: str, currency: str) -> None:
        """They have nothing of it."""

    def stands_alone(self, fault: Fault) -> bool:
        """Whether the repair of such a difference is a posting and nothing else, so that it can be reversed."""

    def take_back(self, desk: Desk, key: str, about: str, id: str) -> None:
        """Reverse such a repair, which stands under the key `about`. Raises Conflict where an account has not so
        much any more."""

    def keys(self, id: str) -> list[str]:
        """The keys under which the books may have it."""


def entry(account: str, other: str, amount: int) -> Entry:
    """What gives an account so much, from another or to it.

    >>> entry("money/bank", "difference/bank", -5)
    Entry(debit='difference/bank', credit='money/bank', amount=5)
    """
    return Entry(account, other, amount) if amount > 0 else Entry(other, account, -amount)


def on_account(posting: Posting, account: str) -> int:
    """What a posting gives an account."""
    given = sum(one.amount for one in posting.entries if one.debit == account)
    return given - sum(one.amount for one in posting.entries if one.credit == account)
