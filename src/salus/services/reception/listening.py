"""A visit that is over leaves the queue by itself, however it was ended. Heard from the records."""

from salus.base.errors import Conflict, Gone, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records.shapes import Change
from salus.services.acting import TASKS
from salus.services.reception import queue
from salus.services.reception.tickets import CODE, TYPE, ticket_of
from salus.services.rounds import House, Listener

ENDS = {"finished": "finish", "cancelled": "leave", "entered-in-error": "leave"}


def hear(house: House, change: Change) -> None:
    """An Encounter has changed: where it is over, so is its number."""
    records = house.store.open(SYSTEM, Purpose.OPERATIONS)
    try:
        verb = ENDS.get(records.read("Encounter", change.id).json()["status"])
    except (Missing, Gone):
        return
    wanted = [("encounter", f"Encounter/{change.id}"), ("code", f"{TASKS}|{CODE}")]
    for found in records.search(TYPE, wanted).versions if verb else ():
        if ticket_of(found.json()).stands:
            end(house, found.id, str(verb))


def end(house: House, ticket: str, verb: str) -> None:
    """Somebody at the desk may have ended it in the meantime."""
    try:
        queue.deed(house.store, SYSTEM, Purpose.OPERATIONS, ticket, verb)
    except Conflict:
        return


LISTENER = Listener("queue", frozenset({"Encounter"}), hear)
