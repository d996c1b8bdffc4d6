"""How much an order asks for, how much a dispensing gives of it: in pieces, or in a UCUM unit; never guessed.

https://hl7.org/fhir/R4/medicationrequest-definitions.html#MedicationRequest.dispenseRequest.quantity
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from salus.assistants.treatment.screen.orders import (
    COUNTED,
    dose_of,
    interval,
    medicine_of,
    planned,
    strengths,
    times,
)
from salus.base.errors import Invalid
from salus.codes import units
from salus.codes.drugs import ingredients_in
from salus.codes.tables import UCUM

Resource = Mapping[str, Any]
PIECE = "{tbl}"
DIGITS = 6  # of an amount; what is smaller is not handed out


@dataclass(frozen=True, slots=True)
class Amount:
    """So much in a UCUM unit; all ways to write a piece are one."""

    value: float
    unit: str

    @property
    def quantity(self) -> dict[str, Any]:
        value = int(self.value) if float(self.value).is_integer() else self.value
        return {"value": value, "unit": self.unit, "system": UCUM, "code": self.unit}


def amount_of(quantity: Resource) -> Amount:
    """A FHIR Quantity. Raises Invalid where it has no value."""
    if "value" not in quantity:
        raise Invalid("A quantity has no value: say how much", path="quantity")
    unit = str(quantity.get("code") or quantity.get("unit") or PIECE)
    return Amount(float(quantity["value"]), PIECE if unit in COUNTED else unit)


def ordered(order: Resource) -> Amount | None:
    """All that an order asks for: what it says, else each dose times how often it says; None where it does not say."""
    request = order.get("dispenseRequest", {})
    if "value" in request.get("quantity", {}):
        one = amount_of(request["quantity"])
        return Amount(one.value * (1 + int(request.get("numberOfRepeatsAllowed", 0))), one.unit)
    parts = [by_doses(order, dosage) for dosage in order.get("dosageInstruction", [])]
    known = [one for one in parts if one is not None]
    if not known or len(known) < len(parts) or len({one.unit for one in known}) > 1:
        return None
    return Amount(round(sum(one.value for one in known), DIGITS), known[0].unit)


def by_doses(order: Resource, dosage: Resource) -> Amount | None:
    """One dose times how often; None for a course without an end."""
    dose, repeat = dose_of(dosage), dosage.get("timing", {}).get("repeat", {})
    days = planned(order, [dosage])
    ends = repeat.get("count") or repeat.get("countMax") or (days and interval(dosage))
    if dose is None or not ends:
        return None
    one = amount_of(dose)
    return Amount(one.value * times(dosage, days), one.unit)


def given(amount: Amount, product: Resource, order: Resource, unit: str) -> float:
    """How much of an order's `unit` an amount of a product is: pieces of another strength count by what is in them.

    Raises Invalid where that cannot be worked out.
    """
    here, there = strength(product), strength(medicine_of(order))
    if amount.unit == unit == PIECE:
        return amount.value * (here / there if here and there else 1.0)
    if amount.unit == PIECE and here:
        return float(units.convert(amount.value * here, "mg", unit))
    if unit == PIECE and there:
        return float(units.convert(amount.value, amount.unit, "mg")) / there
    if PIECE in (amount.unit, unit):
        raise Invalid(
            f"{amount.value:g} {amount.unit} cannot be counted in {unit}: name the product with its strength, "
            "such as 'Metformin 500 mg'",
            path="quantity",
        )
    return float(units.convert(amount.value, amount.unit, unit))


def strength(concept: Resource) -> float | None:
    """mg in one piece of a medicine with one ingredient whose name says it; None where it does not."""
    found = strengths(ingredients_in(concept))
    return next(iter(found.values())) if len(found) == 1 else None


def handed(dispensings: Iterable[Resource], order: Resource, unit: str) -> float:
    """How much of an order was handed out or stands ready, in its unit."""
    return sum(
        given(amount_of(one["quantity"]), one["medicationCodeableConcept"], order, unit)
        for one in dispensings
        if one["status"] in ("preparation", "in-progress", "completed") and not one.get("type")
    )
