"""Dispensing: prepared by one, handed over, put back or taken back; never more than was ordered and let through.

Each is one transaction, in which the order, its review and all that was dispensed of it are looked at again: two
windows cannot hand out the same twice. https://hl7.org/fhir/R4/medicationdispense.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from salus.assistants.treatment.screen.orders import medicine_of
from salus.base import clock
from salus.base.errors import Conflict, Gone, Invalid, Missing
from salus.codes.drugs import ingredients_in
from salus.records.desk import Desk
from salus.services.acting import (
    BASE,
    Acting,
    Resource,
    code_in,
    coded,
    current,
    found,
    put,
    same_id,
    sign,
    standing,
)
from salus.services.pharmacy.amounts import Amount, amount_of, given, handed, ordered
from salus.services.pharmacy.reviews import check_reviewed
from salus.services.pharmacy.rules import LONGEST, LONGEST_KEY, RETURNS
from salus.services.pharmacy.states import DISPENSE
from salus.services.pharmacy.validity import is_over, valid_until

TYPE = "MedicationDispense"
TYPES = f"{BASE}/CodeSystem/dispense-type"
RETURN = "return"
REASONS = f"{BASE}/CodeSystem/dispense-return"
SUBSTITUTIONS = "http://terminology.hl7.org/CodeSystem/v3-substanceAdminSubstitution"
EQUIVALENT = "E"
LOT, EXPIRY = f"{BASE}/StructureDefinition/dispense-lot", f"{BASE}/StructureDefinition/dispense-expiry"
RETURNED = f"{BASE}/StructureDefinition/dispense-returned"
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


def prepare(acting: Acting, wish: Wish) -> Resource:
    """Make ready what was ordered. Raises Invalid, Conflict (not reviewed, refused, stopped, or more than is left),
    Gone (the prescription is too old), Forbidden."""
    check(wish)

    def work(desk: Desk) -> Resource:
        if (before := standing(desk, f"{TYPE}/{wish.id}")) is not None:
            return same(before, wish)
        order = current(desk, f"MedicationRequest/{wish.order}")
        check_open(desk, order)
        product = substituted(order, wish)
        check_left(desk, order, given_of(wish, product, order))
        sign(desk, "prepare", [f"{TYPE}/{wish.id}"], wish.why)
        return put(desk, dispensing(desk, order, wish, product))

    return acting.do("prepare", f"{TYPE}/{wish.id}", (TYPE,), work)


def hand_over(acting: Acting, id: str) -> Resource:
    """Give it to the patient, the order looked at once more. Raises Conflict, Gone, Missing, Forbidden."""

    def work(desk: Desk) -> Resource:
        before = dispensed(desk, id)
        status = DISPENSE.after("hand-over", before["status"], f"{TYPE}/{id}")
        check_open(desk, current(desk, before["authorizingPrescription"][0]["reference"]))
        sign(desk, "hand-over", [f"{TYPE}/{id}"])
        who = [*before.get("performer", []), {"function": coded(TYPES, "hand-over"), "actor": by(desk)}]
        return put(desk, before | {"status": status, "whenHandedOver": clock.instant(desk.at), "performer": who})

    return acting.do("hand over", f"{TYPE}/{id}", (TYPE,), work)


def put_back(acting: Acting, id: str, why: str = "") -> Resource:
    """What stood ready goes back on the shelf. Raises Conflict, Missing, Forbidden."""
    return _ended(acting, id, "put-back", why)


def mistake(acting: Acting, id: str, why: str) -> Resource:
    """It never left the counter: as if it had not been handed out. Raises Conflict for what came back in part."""
    if not why:
        raise Invalid("Say what was wrong with it", path="why")
    return _ended(acting, id, "mistake", why)


def _ended(acting: Acting, id: str, verb: str, why: str) -> Resource:
    check_words(why)

    def work(desk: Desk) -> Resource:
        before = dispensed(desk, id)
        status = DISPENSE.after(verb, before["status"], f"{TYPE}/{id}")
        if came_back(desk, before):
            raise Conflict(f"Something of {TYPE}/{id} came back already: take the rest back too", path="status")
        sign(desk, verb, [f"{TYPE}/{id}"], why)
        reason = {"statusReasonCodeableConcept": {"text": why}} if why else {}
        return put(desk, before | {"status": status} | reason)

    return acting.do(verb, f"{TYPE}/{id}", (TYPE,), work)


def take_back(acting: Acting, id: str, key: str, value: float, reason: str, words: str = "") -> Resource:
    """What was handed out comes back, in part or whole, as a dispensing of its own: type `return`.

    It does not make room for more under the same order. Raises Invalid, Conflict (more than was handed out), Missing.
    """
    if reason not in RETURNS or (reason == "other" and not words):
        raise Invalid(f"'{reason}' is no reason: one of {', '.join(RETURNS)}, `other` in words", path="reason")
    check_key(key)
    check_words(words)
    check_above_nothing(value)

    def work(desk: Desk) -> Resource:
        before, mine = dispensed(desk, id), same_id("return", id, key)
        if (again := standing(desk, f"{TYPE}/{mine}")) is not None:
            return same_return(again, key, value)
        status = DISPENSE.after("take-back", before["status"], f"{TYPE}/{id}")
        out = amount_of(before["quantity"])
        left = out.value - sum(amount_of(one["quantity"]).value for one in came_back(desk, before))
        if value > left + LITTLE:
            raise Conflict(f"{value:g} {out.unit} is more than the {left:g} that are out: correct it", path="value")
        sign(desk, "take-back", [f"{TYPE}/{id}", f"{TYPE}/{mine}"], words or reason)
        kept = {name: before.get(name) for name in ("subject", "context", "medicationCodeableConcept", "extension")}
        return put(
            desk,
            kept
            | {
                "resourceType": TYPE,
                "id": mine,
                "status": status,
                "extension": [*before.get("extension", []), returned(id)],
                "statusReasonCodeableConcept": coded(REASONS, reason, words),
                "type": coded(TYPES, RETURN),
                "authorizingPrescription": before["authorizingPrescription"],
                "performer": [{"actor": by(desk)}],
                "quantity": Amount(value, out.unit).quantity,
                "whenHandedOver": clock.instant(desk.at),
            },
        )

    return acting.do("take back", f"{TYPE}/{id}", (TYPE,), work)


def returned(id: str) -> Resource:
    return {"url": RETURNED, "valueReference": {"reference": f"{TYPE}/{id}"}}


def is_return(body: Mapping[str, Any]) -> bool:
    return code_in(body.get("type"), TYPES) == RETURN


# --- what is checked ---


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


def came_back(desk: Desk, before: Resource) -> list[Resource]:
    """The returns of a dispensing."""
    order = before["authorizingPrescription"][0]["reference"].partition("/")[2]
    mine = returned(before["id"])
    return [one for one in of_order(desk, order) if is_return(one) and mine in one.get("extension", [])]


def dispensed(desk: Desk, id: str) -> Resource:
    """A dispensing that is no return. Raises Missing."""
    body = current(desk, f"{TYPE}/{id}")
    if is_return(body) or not body.get("authorizingPrescription"):
        raise Missing(f"{TYPE}/{id} is no dispensing of an order here", path="dispensing")
    return body


def same(before: Resource, wish: Wish) -> Resource:
    """What stands under a key, for a request that comes again. Raises Conflict for another request."""
    if amount_of(before["quantity"]) != wish.amount:
        raise Conflict(f"The key '{wish.key}' was used for another dispensing: choose another key", path="key")
    return before


def same_return(before: Resource, key: str, value: float) -> Resource:
    """As `same`, of what came back."""
    if abs(amount_of(before["quantity"]).value - value) > LITTLE:
        raise Conflict(f"The key '{key}' was used for another return: choose another key", path="key")
    return before


def by(desk: Desk) -> Resource:
    return {"reference": desk.actor.reference}


def dispensing(desk: Desk, order: Resource, wish: Wish, product: Resource) -> Resource:
    """The MedicationDispense of a wish."""
    lot = [{"url": LOT, "valueString": wish.lot}] if wish.lot else []
    expiry = [{"url": EXPIRY, "valueDate": wish.expires.isoformat()}] if wish.expires else []
    asked = medicine_of(order)
    other = product != asked and not is_bare(asked)
    changed = {
        "wasSubstituted": True,
        "type": coded(SUBSTITUTIONS, EQUIVALENT),
        "reason": [{"text": wish.why}],
        "responsibleParty": [by(desk)],
    }
    return {
        "resourceType": TYPE,
        "id": wish.id,
        "extension": [*lot, *expiry],
        "status": DISPENSE.after("prepare", "", "A dispensing"),
        "medicationCodeableConcept": product,
        "subject": order["subject"],
        "context": order.get("encounter"),
        "performer": [{"function": coded(TYPES, "prepare"), "actor": by(desk)}],
        "authorizingPrescription": [{"reference": f"MedicationRequest/{order['id']}"}],
        "quantity": wish.amount.quantity,
        "whenPrepared": clock.instant(desk.at),
        "dosageInstruction": order.get("dosageInstruction"),
        "substitution": changed if other else {"wasSubstituted": False},
        "note": [{"text": wish.note}] if wish.note else [],
    }
