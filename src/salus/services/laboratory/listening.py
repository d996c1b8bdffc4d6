"""What the laboratory hears: a critical result that came in by another way, and an order that its doctor took back;
and the clock, for what nobody acknowledged in time.
"""

from datetime import datetime, timedelta

from salus.base import clock
from salus.codes import LABS
from salus.privacy import SYSTEM, Purpose
from salus.records.desk import Desk
from salus.records.shapes import Change
from salus.services.acting import Resource, of_house, put, seen, standing
from salus.services.laboratory.calling import escalate
from salus.services.laboratory.catalogue import Limits, limits_of
from salus.services.laboratory.critical import CRITICAL_RESULT, is_critical, open_task, waiting
from salus.services.laboratory.flags import moment, test_of
from salus.services.laboratory.orders import at_desk, report_id, step_of
from salus.services.laboratory.rules import RECENT
from salus.services.laboratory.specimens import void
from salus.services.laboratory.states import STEPS
from salus.services.rounds import Chore, House, Listener

TOLD = frozenset({"final", "amended", "corrected"})
TAKEN_BACK = frozenset({"revoked", "entered-in-error"})


def hear_result(house: House, change: Change) -> None:
    """A critical result opens its Task, whoever wrote it; what is older than a day is history."""
    body, limits = seen(house.store, f"Observation/{change.id}"), limits_of(house.store)
    if not is_news(body, limits, clock.now()):
        return

    def work(desk: Desk) -> None:
        told = standing(desk, f"Observation/{change.id}")
        if told and is_news(told, limits, desk.at):
            open_task(desk, CRITICAL_RESULT, told, ordered_by(desk, told), limits)

    of_house(house.store).do("hear", f"Observation/{change.id}", ("Task",), work)


def is_news(body: Resource | None, limits: Limits, at: datetime) -> bool:
    """Whether it is a critical result of a laboratory's test of somebody, of today."""
    if body is None or body["status"] not in TOLD or not body.get("subject") or at - moment(body) > RECENT:
        return False
    lab = LABS.get(test_of(body))
    return is_critical(body, limits) and (lab is None or lab.kind == "lab")


def ordered_by(desk: Desk, body: Resource) -> Resource | None:
    names = (one["reference"] for one in body.get("basedOn", []))
    return next((standing(desk, one) for one in names if one.startswith("ServiceRequest/")), None)


def hear_order(house: House, change: Change) -> None:
    """The report of an order that was taken back will not come."""
    told = seen(house.store, f"ServiceRequest/{change.id}")
    if told and told["status"] in TAKEN_BACK and seen(house.store, f"DiagnosticReport/{report_id(change.id)}"):
        of_house(house.store).do(
            "hear", f"ServiceRequest/{change.id}", ("DiagnosticReport",), lambda desk: ended(desk, change.id)
        )


def ended(desk: Desk, order: str) -> None:
    """Cancel the report of an order, unless it was verified."""
    found = at_desk(desk, order)
    step = step_of(found.order | {"status": "active"}, found.report, found.specimen)
    if "cancel" in STEPS.verbs(step) and found.order["status"] in TAKEN_BACK:
        void(desk, found)
        put(desk, (found.report or {}) | {"status": STEPS.after("cancel", step, f"ServiceRequest/{order}")})


def watch(house: House) -> None:
    """Escalate what is due."""
    at = clock.now()
    for one in waiting(house.store.open(SYSTEM, Purpose.OPERATIONS), kind=CRITICAL_RESULT):
        if one.due and moment({"issued": one.due}) <= at:
            escalate(of_house(house.store), one.task)


RESULTS = Listener("critical results", frozenset({"Observation"}), hear_result)
ORDERS = Listener("laboratory orders", frozenset({"ServiceRequest"}), hear_order)
ESCALATION = Chore("critical results", timedelta(minutes=1), watch)
