"""What a group pays of a stay."""

from dataclasses import dataclass

from salus.places.drg.grouping import Grouped
from salus.places.drg.tables import Table

WHOLE = 10_000
THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class Payment:
    """Minor units. `standard`: weight times rate; `paid`: what the formula gives for this cost; `kind`: usual,
    low (the stay cost so little that its cost is paid), high (what lies beyond is paid too), none (it fits in no group
    and is paid by its items)."""

    grouped: Grouped
    currency: str
    standard: int
    cost: int
    paid: int
    kind: str

    @property
    def margin(self) -> int:
        """What is left to the hospital; below 0 it pays itself."""
        return self.paid - self.cost


def payment(table: Table, grouped: Grouped, level: int, cost: int) -> Payment:
    """By the formula of the table. Raises Missing for a level it does not pay."""
    if not grouped.group:
        return Payment(grouped, table.currency, 0, cost, cost, "none")
    standard = rounded(grouped.weight * table.rate(level), THOUSAND)
    low, high = rounded(standard * table.low, WHOLE), rounded(standard * table.high, WHOLE)
    if cost < low:
        return Payment(grouped, table.currency, standard, cost, cost, "low")
    if cost > high:
        return Payment(grouped, table.currency, standard, cost, standard + cost - high, "high")
    return Payment(grouped, table.currency, standard, cost, standard, "usual")


def rounded(product: int, by: int) -> int:
    """Half up.

    >>> rounded(1500, 1000), rounded(1499, 1000)
    (2, 1)
    """
    return (product * 2 + by) // (2 * by)
