"""Carrying out what was ordered, leaving it undone with a reason, and taking either back.

https://hl7.org/fhir/R4/procedure.html

Order and Procedure are written together. The Procedure's id follows from its order, so that two rooms that press at
once carry it out once, and what was taken back and is done after all is the same Procedure again (and one charge).
"""

from datetime import datetime, timedelta

from salus.base import clock
from salus.base.errors import Conflict, Invalid
from salus.fhir.dates import bounds
from salus.records.desk import Desk
from salus.services.acting import Acting, Resource, by, coded, put, sign, standing
from salus.services.procedures.ordering import at_desk
from salus.services.procedures.orders import LONGEST, procedure_id
from salus.services.procedures.states import STEPS, step_of

TYPE = "Procedure"
REASONS = "https://salus.example/fhir/CodeSystem/not-done"
WHY_NOT = ("refused", "unfit", "contraindicated", "absent", "equipment", "not-needed", "other")
BEFORE = timedelta(days=1)  # it may have been done so long before it was written down as ordered
TAKEN = ("code", "subject", "encounter", "bodySite", "reasonCode")  # from the order


def carry_out(acting: Acting, order: str, performed: datetime, words: str = "") -> Resource:
    """It was done by this person at that time; pressed twice it is done once.

    Raises Invalid for a time to come or before the order, Conflict where it is not ordered (any more), Missing,
    Forbidden.
    """
    check_length(words)
    if performed > clock.now():
        raise Invalid(f"{clock.instant(performed)} is still to come: say when it was done", path="performed")

    def work(desk: Desk) -> Resource:
        found, before = at_desk(desk, order), standing(desk, f"{TYPE}/{procedure_id(order)}")
        if "authoredOn" in found and performed < asked_at(found) - BEFORE:
            raise Invalid(f"{clock.instant(performed)} is long before it was ordered", path="performed")
        made = told(desk, found, "completed") | {"performedDateTime": clock.instant(performed)}
        made |= {"note": [{"text": words}]} if words else {}
        if before and the_same(before, made):
            return before
        return written(desk, found, before, "carry-out", made, "completed")

    return acting.do("carry out", f"ServiceRequest/{order}", (TYPE,), work)


def leave(acting: Acting, order: str, why: str, words: str = "") -> Resource:
    """It was not done, and why: one of `WHY_NOT`, `other` in words. Raises as `carry_out`."""
    check_length(words)
    if why not in WHY_NOT or (why == "other" and not words):
        raise Invalid(f"'{why[:40]}' is no reason: one of {', '.join(WHY_NOT)}, `other` in words", path="why")

    def work(desk: Desk) -> Resource:
        found, before = at_desk(desk, order), standing(desk, f"{TYPE}/{procedure_id(order)}")
        made = told(desk, found, "not-done") | {"statusReason": coded(REASONS, why, words)}
        if before and the_same(before, made):
            return before
        return written(desk, found, before, "leave", made, "revoked", words or why)

    return acting.do("leave undone", f"ServiceRequest/{order}", (TYPE,), work)


def take_back(acting: Acting, order: str) -> Resource:
    """That it was done, or not done, was a mistake: it waits again, and what was charged for it is not any more.

    Raises Conflict, Missing, Forbidden.
    """

    def work(desk: Desk) -> Resource:
        found, before = at_desk(desk, order), standing(desk, f"{TYPE}/{procedure_id(order)}")
        if before is None:
            raise Conflict(f"ServiceRequest/{order} was not carried out here", path="status")
        return written(desk, found, before, "take-back", before | {"status": "entered-in-error"}, "active")

    return acting.do("take back", f"ServiceRequest/{order}", (TYPE,), work)


def written(
    desk: Desk, order: Resource, before: Resource | None, verb: str, made: Resource, status: str, why: str = ""
) -> Resource:
    """The Procedure and its order, one with the other, and who did it. Raises Conflict where the step may not be."""
    name = f"ServiceRequest/{order['id']}"
    STEPS.after(verb, step_of(order, before), name)
    sign(desk, verb, [f"{TYPE}/{made['id']}", name], why)
    put(desk, order | {"status": status})
    return put(desk, made)


def asked_at(order: Resource) -> datetime:
    """When it was ordered, at the earliest: another system may say no more than the day."""
    return clock.of_millis(bounds(str(order["authoredOn"]))[0] // 1000)


def told(desk: Desk, order: Resource, status: str) -> Resource:
    """What the Procedure takes over from its order."""
    return {
        "resourceType": TYPE,
        "id": procedure_id(order["id"]),
        "basedOn": [{"reference": f"ServiceRequest/{order['id']}"}],
        "status": status,
        "category": order["category"][0],
        "performer": [{"actor": by(desk)}],
    } | {name: order[name] for name in TAKEN if name in order}


def the_same(before: Resource, made: Resource) -> bool:
    """Whether it is the same press again."""
    return {key: value for key, value in before.items() if key != "meta"} == made


def check_length(words: str) -> None:
    if len(words) > LONGEST:
        raise Invalid(f"The words have more than {LONGEST} characters: shorten them", path="words")
