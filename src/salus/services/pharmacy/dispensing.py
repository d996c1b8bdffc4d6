"""Dispensing: prepared by one, handed over, put back or taken back; never more than was ordered and let through.

Each is one transaction, in which the order, its review and all that was dispensed of it are looked at again: two
windows cannot hand out the same twice. https://hl7.org/fhir/R4/medicationdispense.html
"""

from collections.abc import Mapping
from typing import Any

from salus.assistants.treatment.screen.orders import medicine_of
from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.records.desk import Desk
from salus.services.acting import (
    BASE,
    Acting,
    Resource,
    by,
    code_in,
    coded,
    current,
    put,
    same_id,
    sign,
    standing,
)
from salus.services.pharmacy.amounts import Amount, amount_of
from salus.services.pharmacy.checking import (
    LITTLE,
    TYPE,
    Wish,
    check,
    check_above_nothing,
    check_key,
    check_left,
    check_open,
    check_words,
    given_of,
    is_bare,
    of_order,
    substituted,
)
from salus.services.pharmacy.rules import RETURNS
from salus.services.pharmacy.states import DISPENSE

TYPES = f"{BASE}/CodeSystem/dispense-type"
RETURN = "return"
REASONS = f"{BASE}/CodeSystem/dispense-return"
SUBSTITUTIONS = "http://terminology.hl7.org/CodeSystem/v3-substanceAdminSubstitution"
EQUIVALENT = "E"
LOT, EXPIRY = f"{BASE}/StructureDefinition/dispense-lot", f"{BASE}/StructureDefinition/dispense-expiry"
RETURNED = f"{BASE}/StructureDefinition/dispense-returned"


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
        why = coded(REASONS, reason, words)
        told = {"id": mine, "status": status, "statusReasonCodeableConcept": why}
        return put(desk, taking_back(desk, before, Amount(value, out.unit)) | told)

    return acting.do("take back", f"{TYPE}/{id}", (TYPE,), work)


def taking_back(desk: Desk, before: Resource, amount: Amount) -> Resource:
    """The return of a dispensing, as it is written down."""
    kept = {name: before.get(name) for name in ("subject", "context", "medicationCodeableConcept")}
    return kept | {
        "resourceType": TYPE,
        "extension": [*before.get("extension", []), returned(before["id"])],
        "type": coded(TYPES, RETURN),
        "authorizingPrescription": before["authorizingPrescription"],
        "performer": [{"actor": by(desk)}],
        "quantity": amount.quantity,
        "whenHandedOver": clock.instant(desk.at),
    }


def returned(id: str) -> Resource:
    return {"url": RETURNED, "valueReference": {"reference": f"{TYPE}/{id}"}}


def is_return(body: Mapping[str, Any]) -> bool:
    return code_in(body.get("type"), TYPES) == RETURN


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
