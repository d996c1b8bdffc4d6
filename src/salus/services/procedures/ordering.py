"""Ordering in a stay: signed at once, cancelled before it was done, ordered again."""

from salus.base.errors import Conflict, Forbidden, Missing
from salus.privacy import Role
from salus.records import signed
from salus.records.desk import Desk
from salus.services.acting import Acting, Resource, current, put, referred, same_id, sign, standing
from salus.services.procedures.orders import Asked, kind_of, procedure_id, request
from salus.services.procedures.states import STEPS, step_of

TYPE = "ServiceRequest"
KEYS = "https://salus.example/ward-order"  # requisition: what was signed in a stay, by the key of its form
ASKED = ("code", "bodySite", "occurrenceDateTime", "priority", "reasonCode")  # what a form says
OPEN = frozenset({"arrived", "in-progress", "onleave"})


def order(acting: Acting, encounter: str, asked: Asked, key: str) -> Resource:
    """Order it in a stay that goes on. `key` is the form's: the same again is the same order.

    Raises Forbidden, Missing, Conflict (the stay is over).
    """
    check_doctor(acting)
    id = same_id("ward-order", acting.actor.reference, encounter, key)

    def work(desk: Desk) -> Resource:
        stay = current(desk, f"Encounter/{encounter}")
        made = request(asked, stay, acting.actor.reference, desk.at, id, "active")
        if (before := standing(desk, f"{TYPE}/{id}")) is not None:
            return same(before, made, key)
        check_goes_on(stay)
        sign(desk, "order", [f"{TYPE}/{id}"])
        return put(desk, made | {"requisition": {"system": KEYS, "value": key}})

    return acting.do("order", f"Encounter/{encounter}", (TYPE,), work)


def same(before: Resource, made: Resource, key: str) -> Resource:
    """What was ordered by the form already. Raises Conflict where it asks for something else now: nobody may take that
    for ordered."""
    if any(before.get(name) != made.get(name) for name in ASKED):
        raise Conflict(f"The key '{key[:40]}' was used for another order: open the form anew", path="key")
    return before


def check_goes_on(stay: Resource) -> None:
    """Raises Conflict."""
    if stay["status"] not in OPEN:
        raise Conflict(f"Encounter/{stay['id']} is {stay['status']}: nothing is ordered in it any more", path="stay")


def cancel(acting: Acting, order: str) -> Resource:
    """Before it was carried out. Raises Forbidden, Missing, Conflict."""
    return change(acting, order, "cancel", "revoked")


def again(acting: Acting, order: str) -> Resource:
    """What was cancelled is ordered again. Raises as `cancel`, and Conflict for what nobody ever signed, or in a stay
    that is over."""
    return change(acting, order, "again", "active")


def change(acting: Acting, id: str, verb: str, status: str) -> Resource:
    check_doctor(acting)

    def work(desk: Desk) -> Resource:
        found = at_desk(desk, id)
        STEPS.after(verb, step_of(found, standing(desk, f"Procedure/{procedure_id(id)}")), f"{TYPE}/{id}")
        check_signed(found)
        if verb == "again" and of_stay(found):
            check_goes_on(current(desk, referred(found, "encounter")))
        sign(desk, verb, [f"{TYPE}/{id}"])
        return put(desk, found | {"status": status})

    return acting.do(verb, f"{TYPE}/{id}", (TYPE,), work)


def at_desk(desk: Desk, id: str) -> Resource:
    """An order of a procedure, as it stands in this transaction. Raises Missing, Gone."""
    found = current(desk, f"{TYPE}/{id}")
    if not kind_of(found):
        raise Missing(f"{TYPE}/{id} asks for no procedure", path="order")
    return found


def check_signed(order: Resource) -> None:
    """A draft that was taken off a note was never an order. Raises Conflict."""
    marked = any(one["url"] == signed.URL for one in order.get("extension", []))
    if not marked and not of_stay(order):
        raise Conflict(f"{TYPE}/{order['id']} was never signed: order it anew", path="order")


def of_stay(order: Resource) -> bool:
    return bool(order.get("requisition", {}).get("system") == KEYS)


def check_doctor(acting: Acting) -> None:
    """Raises Forbidden."""
    if acting.actor.role is not Role.CLINICIAN:
        raise Forbidden(f"A {acting.actor.role} orders no procedures: a clinician does")
