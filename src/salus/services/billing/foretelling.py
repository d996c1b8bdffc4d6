"""What an order would cost while it is typed, and what it would leave of what a stay's group pays.

It is told to those who order, beside the order; it stores nothing, and is never a reason to leave something out.
"""

from dataclasses import dataclass
from fractions import Fraction

from salus.assistants.answers import every
from salus.codes.tables import ICD9
from salus.places.drg import Payment
from salus.records import Records
from salus.services.billing.charges import UNPRICED, looked_for
from salus.services.billing.done import codings, deeds, unit_of
from salus.services.billing.local import USUAL, Local
from salus.services.billing.names import Resource
from salus.services.billing.quoting import today
from salus.services.billing.staying import Expected, coded

UNSAID = "order-unsaid"  # it does not say yet how much


@dataclass(frozen=True, slots=True)
class Foretold:
    """An order on top of a stay. `cost` in minor units of the stay's currency, None where it is not known: then `why`
    is `charges.UNPRICED`, `charges.UNIT` or `UNSAID`. `before`: the stay with the procedures that are ordered in it
    already; `after`: with this one too."""

    before: Payment
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
        return self.after.grouped.group != self.before.grouped.group


def foretold(records: Records, stay: Expected, order: Resource) -> Foretold:
    """What a MedicationRequest (with `dispenseRequest.quantity`) or a ServiceRequest would add to a stay, on top of the
    procedures that are ordered in it and not done yet."""
    before, codes = undone(records, stay), tuple(coded(order.get("code", {}), ICD9))
    ahead = stay.with_more(before.cost, before.codes)
    found = price(records, stay, order)
    cost, en, zh = (0, "", "") if isinstance(found, str) else found
    after = stay.with_more(before.cost + cost, (*before.codes, *codes))
    if isinstance(found, str):
        return Foretold(ahead, after, None, found)
    return Foretold(ahead, after, cost, "", en, zh)


@dataclass(frozen=True, slots=True)
class Undone:
    """What is ordered in a stay and not done yet: the codes of procedures, and their cost as far as it is known."""

    codes: tuple[str, ...] = ()
    cost: int = 0


def undone(records: Records, stay: Expected) -> Undone:
    asked = [("encounter", f"Encounter/{stay.encounter}"), ("status", "active"), ("intent", "order"), ("_count", "200")]
    asks = (one for one in every(records, "ServiceRequest", asked) if coded(one.get("code", {}), ICD9))
    orders = [one for one in asks if not is_done(records, str(one["id"]))]
    prices = [found for one in orders if not isinstance(found := price(records, stay, one), str)]
    return Undone(
        tuple(code for one in orders for code in coded(one["code"], ICD9)), sum(cost for cost, _, _ in prices)
    )


def is_done(records: Records, order: str) -> bool:
    """Whether it was carried out, by another system too that leaves the order as it was."""
    return any(deed.stands for deed in deeds(records, "ServiceRequest", order))


def ordered_too(records: Records, stay: Expected) -> Payment | None:
    """What the stay is to bring with the procedures that are ordered and not done yet; None where there are none."""
    found = undone(records, stay)
    return stay.with_more(found.cost, found.codes) if found.codes else None


@dataclass(frozen=True, slots=True)
class Alone:
    """What the tariff asks for an order outside a stay: minor units."""

    cost: int
    currency: str
    en: str
    zh: str

    def name(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


def alone(records: Records, order: Resource, place: str = USUAL) -> Alone | None:
    """What an order would cost by the tariff of a place; None where that has no price for it."""
    tariff, much = Local(records.store.folder).tariff_read(place), amount_of(order)
    if tariff is None or much is None:
        return None
    found = looked_for(tariff, codings(order.get("code", {})), *much, today(tariff))
    return None if isinstance(found, str) else Alone(found[0].asks(found[1]), tariff.currency, found[0].en, found[0].zh)


def price(records: Records, stay: Expected, order: Resource) -> tuple[int, str, str] | str:
    """Minor units, and what the tariff calls it in English and Chinese; or why there is no price."""
    named = codings(order.get("medicationCodeableConcept") or order.get("code", {}))
    tariff, much = Local(records.store.folder).tariff_read(stay.place), amount_of(order)
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
