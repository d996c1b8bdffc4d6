"""A bill as it is told: who pays what, as parts of a whole, and what has been paid."""

from dataclasses import dataclass

from salus.services.billing.invoices import Bill

PARTS = ("insured", "insurer", "account", "writeoff")  # of a Bill, in the order of the picture; words: bill.part.<name>


@dataclass(frozen=True, slots=True)
class Part:
    """What one payer has of a bill; `share` of one."""

    kind: str
    amount: int
    share: float


def parts(bill: Bill) -> list[Part]:
    """Those who have something of it."""
    amounts = {name: int(getattr(bill, name)) for name in PARTS}
    return [Part(name, amount, amount / bill.total) for name, amount in amounts.items() if amount and bill.total]
