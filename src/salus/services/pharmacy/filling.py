"""How far orders are dispensed: what was handed out of each, what is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from salus.assistants.answers import every
from salus.records import Records
from salus.services.acting import Resource
from salus.services.pharmacy.amounts import Amount, handed, ordered
from salus.services.pharmacy.validity import valid_until

TYPE = "MedicationDispense"
CHUNK = 50  # orders in one search


@dataclass(frozen=True, slots=True)
class Filled:
    """An order with what was dispensed of it; `whole` and `left` in its own unit, None where it does not say."""

    order: Resource
    dispensings: tuple[Resource, ...]
    whole: Amount | None
    left: Amount | None
    until: datetime | None

    def is_open(self, at: datetime) -> bool:
        """Whether some of it is to be handed out still: left to prepare, or prepared."""
        ready = any(one["status"] == "preparation" for one in self.dispensings)
        over = self.until is not None and self.until <= at
        return ready or (self.order["status"] == "active" and not over and bool(self.left and self.left.value > 0))


def filled(records: Records, order: Resource) -> Filled:
    """How far an order is dispensed."""
    return each_filled(records, [order])[0]


def each_filled(records: Records, orders: Sequence[Resource]) -> list[Filled]:
    """How far each of several orders is dispensed, asked for together."""
    made: dict[str, list[Resource]] = {}
    for at in range(0, len(orders), CHUNK):
        names = ",".join(f"MedicationRequest/{one['id']}" for one in orders[at : at + CHUNK])
        for one in every(records, TYPE, [("prescription", names), ("_count", "500")]):
            for named in one["authorizingPrescription"]:
                made.setdefault(named.get("reference", ""), []).append(one)
    return [so_far(one, tuple(made.get(f"MedicationRequest/{one['id']}", ()))) for one in orders]


def so_far(order: Resource, found: tuple[Resource, ...]) -> Filled:
    whole = ordered(order)
    left = Amount(round(whole.value - handed(found, order, whole.unit), 6), whole.unit) if whole else None
    return Filled(order, found, whole, left, valid_until(order))
