"""A visit that is over leaves the queue by itself, however it was ended; and nobody waits over night: what still stands
of a day that is over is ended, as seen where a doctor had them, else as gone.
"""

from contextlib import suppress
from datetime import timedelta

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Conflict, Gone, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records.shapes import Change
from salus.services.acting import TASKS
from salus.services.looking import looked_up
from salus.services.reception import queue
from salus.services.reception.clinics import clinic_of
from salus.services.reception.states import CALLED, STANDING
from salus.services.reception.tickets import CODE, TYPE, ticket_of
from salus.services.rounds import Chore, House, Listener

ENDS = {"finished": "finish", "cancelled": "leave", "entered-in-error": "leave"}


def hear(house: House, change: Change) -> None:
    """An Encounter has changed: where it is over, so is its number."""
    records = house.store.open(SYSTEM, Purpose.OPERATIONS)
    verb = ENDS.get(looked_up(records, f"Encounter/{change.id}").get("status", ""))
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


def end_days(house: House) -> None:
    """End the numbers of days that are over on the clock of their clinic."""
    records = house.store.open(SYSTEM, Purpose.OPERATIONS)
    before = clock.instant(clock.now() - SHORTEST)
    wanted = [("code", f"{TASKS}|{CODE}"), ("status", ",".join(sorted(STANDING))), ("authored-on", f"lt{before}")]
    for one in [ticket_of(told) for told in every(records, TYPE, wanted)]:
        with suppress(Missing, Gone):  # a clinic that is no more
            if one.day < clinic_of(house.store, one.service).today():
                seen = one.status == CALLED or one.why == "sent"
                end(house, one.id, "finish" if seen else "leave")


SHORTEST = timedelta(hours=1)  # who came since came today, but for the hour after midnight
LISTENER = Listener("queue", frozenset({"Encounter"}), hear)
CHORE = Chore("days of queues", timedelta(minutes=30), end_days)
