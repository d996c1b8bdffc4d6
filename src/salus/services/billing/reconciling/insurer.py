"""An insurer against our books: its file of the claims of a day. What differs stands on an account of its own until the
clerk has found out why, so that what the insurer owes in our books is what it says it owes.

    invoice,reference,kind,amount,currency,time,status
    5b1d...,YB20261123001,claim,380.00,CNY,2026-11-23T10:00:00+08:00,accepted

`invoice` is the id of the Invoice that was claimed, `kind` claim or cancel, `status` accepted, pending or rejected.
"""

from dataclasses import dataclass

from salus.records import books
from salus.records.desk import Desk
from salus.services.billing.payments.port import State
from salus.services.billing.reconciling.faults import Fault
from salus.services.billing.reconciling.reading import Format, Item
from salus.services.billing.reconciling.sides import Side, Standing, entry, on_account

CANCELLED = "/cancelled"
FORMAT = Format(
    ("invoice", "reference", "kind", "amount", "currency", "time", "status"),
    {"claim": (1, ""), "cancel": (-1, CANCELLED)},
    {"accepted": State.PAID, "pending": State.PENDING, "rejected": State.REFUSED},
)


def insurer(organization: str) -> Side:
    """The side of an insurer, by the id of its Organization."""
    return Insurer(f"Organization/{organization.removeprefix('Organization/')}")


@dataclass(frozen=True, slots=True)
class Insurer:
    """See `sides.Side`."""

    name: str
    form: Format = FORMAT

    @property
    def account(self) -> str:
        return self.name

    def id_of(self, key: str) -> str | None:
        kind, _, id = key.partition("/")
        return id if kind == "invoice" else None

    def standing(self, desk: Desk, id: str) -> Standing | None:
        posted = books.posting_of(desk, f"invoice/{id}")
        amount = on_account(posted, self.account) if posted else 0
        return Standing(amount, posted.at) if posted and amount else None

    def settle(self, desk: Desk, item: Item, key: str, currency: str) -> bool:
        """What we have not posted is not for a clerk of payments to post."""
        return False

    def correct(self, desk: Desk, key: str, id: str, amount: int, currency: str) -> None:
        books.post(desk, key, currency, [entry(self.account, f"difference/{self.name}", amount)], about(id))

    def undo(self, desk: Desk, key: str, id: str, currency: str) -> None:
        found = self.standing(desk, id)
        if found:
            self.correct(desk, key, id, -found.amount, currency)

    def stands_alone(self, fault: Fault) -> bool:
        return fault not in (Fault.NOT_THERE_YET, Fault.WRONG_DAY, Fault.REPEATED)

    def take_back(self, desk: Desk, key: str, about: str, id: str) -> None:
        books.reverse(desk, key, about, f"Invoice/{id.removesuffix(CANCELLED)}")

    def keys(self, id: str) -> list[str]:
        return [f"invoice/{id}"]


def about(id: str) -> str:
    return f"Invoice/{id.removesuffix(CANCELLED)}"
