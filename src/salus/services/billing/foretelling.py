"""What an order would cost while it is typed, and what it would leave of what a stay's group pays.

It is told to those who order, beside the order; it stores nothing, and is never a reason to leave something out.
"""

from dataclasses import dataclass
from fractions import Fraction

from salus.places.drg import Payment
from salus.records import Records
from salus.services.billing.charges import UNPRICED, looked_for
from salus.services.billing.done import codings, unit_of
from salus.services.billing.local import Local
from salus.services.billing.names import Resource
from salus.services.billing.quoting import today
from salus.services.billing.staying import ICD9, Expected, coded

UNSAID = "order-unsaid"  # it does not say yet how much


@dataclass(frozen=True, slots=True)
class Foretold:
    """An order on top of a stay. `cost` in minor units of the stay's currency, None where it is not known: then `why`
    is `charges.UNPRICED`, `charges.UNIT` or `UNSAID`. `after` is the stay with it."""

    before: Expected
    after: Payment
    cost: int | None = None
    why: str = ""
    en: str = ""
    zh: str = ""

    @property
    def left(self) -> int:
        """Of what the group pays of a usual stay, minor units; below 0 where it costs more."""
        return self.after.standard - self.after.cost

    @property
    def regroups(self) -> bool:
        """Whether the group itself would change."""
        return self.after.grouped.group != self.before.payment.grouped.group


def foretold(records: Records, stay: Expected, order: Resource) -> Foretold:
    """What a MedicationRequest (with `dispenseRequest.quantity`) or a ServiceRequest would add to a stay."""
    procedures = tuple(coded(order.get("code", {}), ICD9))
    found = price(records, stay, order)
    if isinstance(found, str):
        return Foretold(stay, stay.with_more(0, procedures), None, found)
    cost, en, zh = found
    return Foretold(stay, stay.with_more(cost, procedures), cost, "", en, zh)


def price(records: Records, stay: Expected, order: Resource) -> tuple[int, str, str] | str:
    """Minor units, and what the tariff calls it in English and Chinese; or why there is no price."""
    named = codings(order.get("medicationCodeableConcept") or order.get("code", {}))
    tariff, much = Local(records.store.folder).tariff(stay.place), amount_of(order)
    if tariff is None or tariff.currency != stay.payment.currency:
        return UNPRICED
    if not any(tariff.find(*one, today(tariff)) for one in named):
        return UNPRICED
    if much is None:
        return UNSAID
    found = looked_for(tariff, named, *much, today(tariff))
    return found if isinstance(found, str) else (found[0].asks(found[1]), found[0].en, found[0].zh)


def amount_of(order: Resource) -> tuple[Fraction, str] | None:
    """How much of what is asked for; None where a medicine does not say so."""
    if order["resourceType"] != "MedicationRequest":
        return Fraction(1), "1"
    told = order.get("dispenseRequest", {})
    much = told.get("quantity", {}).get("value")
    return (Fraction(str(much)), unit_of(told)) if much else None
