"""A deed with its price, as a ChargeItem. https://hl7.org/fhir/R4/chargeitem.html"""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from salus.base import clock
from salus.base.errors import Invalid
from salus.base.money import amount
from salus.codes.units import convert
from salus.places.tariffs import Price, Tariff
from salus.services.billing.desks import Visited
from salus.services.billing.done import Deed
from salus.services.billing.names import KIND, TERMS, Resource, account_id, billed, charge_id
from salus.services.billing.sheets import Charged, decimal

MEASURED = frozenset(
    {"kg", "g", "mg", "ug", "L", "dL", "mL", "uL"}
)  # between these alone units are turned by themselves
UNPRICED, UNPLACED, UNIT = "charge-unpriced", "charge-unplaced", "charge-unit"


def priced(deed: Deed, visit: Visited | None) -> Charged | str:
    """The charge of a deed; or why it has none: `UNPLACED` (no visit to bill it with), `UNPRICED`, `UNIT` (the tariff
    does not know its unit)."""
    if visit is None:
        return UNPLACED
    if visit.tariff is None:
        return UNPRICED
    day = deed.day(visit.tariff.zone)
    asked = looked_for(visit.tariff, deed.codings, deed.quantity, deed.unit, day)
    if isinstance(asked, str):
        return asked
    found, units = asked
    return Charged(
        charge=charge_id(deed.source, deed.part),
        source=deed.source,
        system=found.system,
        code=found.code,
        kind=found.kind,
        en=found.en,
        zh=found.zh,
        quantity=decimal(deed.quantity),
        unit=deed.unit,
        price=found.price,
        priced=found.unit,
        amount=found.asks(units),
        day=day,
        cover=found.cover,
        own=found.own,
        limit=found.counts(units),
    )


def looked_for(
    tariff: Tariff, codings: Iterable[tuple[str, str]], quantity: Fraction, unit: str, day: date
) -> tuple[Price, Fraction] | str:
    """The price of a thing on a day and how many units of it are asked for; or `UNPRICED`, `UNIT`."""
    found = next((one for name in codings if (one := tariff.find(*name, day))), None)
    if found is None:
        return UNPRICED
    units = counted(found, quantity, unit)
    return UNIT if units is None else (found, units)


def counted(price: Price, quantity: Fraction, unit: str) -> Fraction | None:
    """So much in units of the price, by the tariff's own table or from one mass or volume to another; None where
    neither says.

    >>> from salus.places.tariffs import shipped
    >>> metformin, three = next(one for one in shipped("cn").prices if one.code == "A10BA02"), Fraction(3)
    >>> [str(counted(metformin, three, unit)) for unit in ("{tbl}", "g", "mg", "mL", "{box}")]
    ['3', '6', '3/500', 'None', 'None']
    """
    for known in (unit, price.unit, *price.units):
        if known == unit or MEASURED.issuperset((known, unit)):
            try:
                factor = Fraction(convert(1.0, unit, known)).limit_denominator(10**9)
                return price.counted(quantity * factor, known)
            except Invalid:
                continue
    return None


def charge_item(deed: Deed, visit: Visited | None, charged: Charged | None, status: str) -> Resource:
    """`charged` is None for what has no price (yet)."""
    optional: Resource = {
        "context": {"reference": deed.encounter} if visit else None,
        "account": [{"reference": f"Account/{account_id(visit.patient, visit.organization)}"}] if visit else None,
        "performingOrganization": {"reference": visit.organization} if visit and visit.organization else None,
        "quantity": {"value": float(deed.quantity), "code": deed.unit, "unit": deed.unit} if deed.unit else None,
        **(money(charged, visit.currency) if charged and visit else {}),
    }
    id = charge_id(deed.source, deed.part)
    return {
        "resourceType": "ChargeItem",
        "id": id,
        "identifier": [billed(id)],
        "status": status,
        "code": known_as(charged, deed) if charged else as_written(deed),
        "subject": {"reference": deed.patient} if deed.patient else {"display": "?"},
        "occurrenceDateTime": clock.instant(deed.at),
        "supportingInformation": [{"reference": deed.source}],
    } | {key: value for key, value in optional.items() if value is not None}


def money(charged: Charged, currency: str) -> Resource:
    """The amount, and what it is made of."""
    parts = [
        {"url": "kind", "valueCoding": {"system": KIND, "code": charged.kind}},
        {"url": "price", "valueMoney": amount(charged.price, currency)},
        {"url": "unit", "valueCode": charged.priced},
        {"url": "cover", "valueCode": charged.cover},
    ]
    return {"priceOverride": amount(charged.amount, currency), "extension": [{"url": TERMS, "extension": parts}]}


def known_as(charged: Charged, deed: Deed) -> Resource:
    """Its code in the tariff, and those that it was done under: by them it is told for the same thing again."""
    told = named(charged)
    others = [one for one in written_in(deed) if one["code"] != charged.code]
    return told | {"coding": [*told["coding"], *others]}


def named(charged: Charged) -> Resource:
    """Its code; the display is English, the text Chinese, as elsewhere in these records."""
    coding = {"system": charged.system, "code": charged.code, "display": charged.en}
    return {"coding": [coding], "text": charged.zh}


def as_written(deed: Deed) -> Resource:
    """What has no price is called as it was there."""
    codings = written_in(deed)
    return {"coding": codings} if codings else {"text": deed.source}


def written_in(deed: Deed) -> list[Resource]:
    return [{"code": code} | ({"system": url} if url else {}) for url, code in deed.codings]


def same(before: Resource, deed: Deed) -> bool:
    """Whether a ChargeItem is of this deed as it is now: the same thing, as much of it."""
    codes = {one.get("code") for one in before["code"].get("coding", [])}
    told = before.get("quantity", {})
    as_much = told.get("value") == float(deed.quantity) and told.get("unit", "") == deed.unit
    where = before.get("context", {}).get("reference", "")
    return as_much and (not codes or bool(codes & {code for _, code in deed.codings})) and where in (deed.encounter, "")
