"""What is to be handed out, and whether it may be: how much, which batch, which product in the place of which.

Knows orders and what is left of them; writes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from salus.assistants.treatment.screen.orders import medicine_of
from salus.base import clock
from salus.base.errors import Conflict, Gone, Invalid
from salus.codes.drugs import ingredients_in
from salus.records.desk import Desk
from salus.services.acting import (
    Resource,
    found,
    same_id,
)
from salus.services.pharmacy.amounts import Amount, given, handed, ordered
from salus.services.pharmacy.reviews import check_reviewed
from salus.services.pharmacy.rules import LONGEST, LONGEST_KEY
from salus.services.pharmacy.validity import is_over, valid_until

TYPE = "MedicationDispense"
LITTLE = 1e-6  # of an amount: what the arithmetic may lose


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be prepared. `key` is the caller's: the same again is the same dispensing. `product`: another name,
    brand or strength of the same substance, with `why`; nothing for what was ordered."""

    key: str
    order: str  # the id of the MedicationRequest
    amount: Amount
    product: str = ""
    why: str = ""
    lot: str = ""
    expires: date | None = None
    note: str = ""

    @property
    def id(self) -> str:
        return same_id("dispense", self.order, self.key)


def check(wish: Wish) -> None:
    """Raises Invalid for an amount of nothing, a batch that is out of date, a substitution without a reason."""
    check_above_nothing(wish.amount.value)
    check_key(wish.key)
    if wish.expires and wish.expires < clock.now().date():
        raise Invalid(f"The batch expired on {wish.expires.isoformat()}: take another", path="expires")
    for text in (wish.product, wish.why, wish.lot, wish.note):
        check_words(text)


def check_key(key: str) -> None:
    """Raises Invalid."""
    if not 0 < len(key) <= LONGEST_KEY:
        raise Invalid(f"A key has 1 to {LONGEST_KEY} characters, this one {len(key)}", path="key")


def check_words(text: str) -> None:
    """Raises Invalid."""
    if len(text) > LONGEST:
        raise Invalid(f"This has {len(text)} characters: at most {LONGEST}", path="words")


def check_above_nothing(value: float) -> None:
    """Raises Invalid; what is no number is not above nothing either."""
    if not LITTLE < value < 1e9:
        raise Invalid(f"{value:g} is no amount above 0: say how much", path="quantity")


def check_open(desk: Desk, order: Resource) -> None:
    """Raises Conflict unless the order stands and was let through, Gone when it is too old."""
    if order["status"] != "active":
        raise Conflict(
            f"MedicationRequest/{order['id']} is {order['status']}: only what is active can be dispensed", path="status"
        )
    check_reviewed(desk, order)
    if is_over(order, desk.at):
        raise Gone(
            f"The prescription was valid until {valid_until(order)}: the doctor writes a new one", path="authoredOn"
        )


def given_of(wish: Wish, product: Resource, order: Resource) -> float:
    """The wish in the unit of the order. Raises Invalid where the order does not say how much."""
    whole = ordered(order)
    if whole is None:
        raise Invalid(
            f"MedicationRequest/{order['id']} does not say how much is to be given: send it back, or ask for a "
            "quantity or a number of days",
            path="quantity",
        )
    return given(wish.amount, product, order, whole.unit)


def check_left(desk: Desk, order: Resource, wanted: float) -> None:
    """Raises Conflict when it was all given out, or this is more than is left."""
    whole = ordered(order)
    if whole is None:
        raise Invalid("The order does not say how much", path="quantity")
    left = whole.value - handed(of_order(desk, order["id"]), order, whole.unit)
    if left <= LITTLE * whole.value:
        raise Conflict(f"All {whole.value:g} {whole.unit} of it are dispensed already", path="quantity")
    if wanted > left * (1 + LITTLE):
        raise Conflict(f"{wanted:g} {whole.unit} is more than the {left:g} that are left: give less", path="quantity")


def substituted(order: Resource, wish: Wish) -> Resource:
    """The medicine that is given: as ordered, or another of the same substance, with a reason unless the order names
    the substance alone.

    Raises Invalid for another substance, Conflict where the doctor allows none.
    """
    asked = dict(medicine_of(order))
    if not wish.product or wish.product == asked.get("text"):
        return asked
    before, now = ingredients_in(asked), ingredients_in({"text": wish.product})
    same_substance = (
        before.known and now.known and {one.name for one in before.ingredients} == {one.name for one in now.ingredients}
    )
    if not same_substance:
        raise Invalid(
            f"'{wish.product}' is not known to be the same substance as '{before.text}': ask for a new order",
            path="product",
        )
    product = {"text": wish.product} | ({"coding": asked["coding"]} if "coding" in asked else {})
    if is_bare(asked):
        return product
    if order.get("substitution", {}).get("allowedBoolean") is False:
        raise Conflict("The doctor allows no substitution: give what was ordered, or send it back", path="product")
    if not wish.why:
        raise Invalid("Say why another product is given", path="why")
    return product


def is_bare(medicine: Mapping[str, Any]) -> bool:
    """Whether a medicine is named by its substance alone: then any product of it is what was ordered.

    >>> is_bare({"text": "Metformin"}), is_bare({"text": "二甲双胍"}), is_bare({"text": "Metformin 500 mg"})
    (True, True, False)
    """
    named = ingredients_in(medicine)
    names = {word.casefold() for one in named.ingredients for word in (one.name, one.zh)}
    return named.known and str(medicine.get("text", named.text)).strip().casefold() in names


def of_order(desk: Desk, order: str) -> list[Resource]:
    """All that was ever dispensed of an order."""
    return found(desk, TYPE, f"prescription=MedicationRequest/{order}")
