"""Who had booked and never came: noted once the day is over, so that the task `no-show` learns from the house itself.

Nobody is noted as missing on a guess. It takes a day on which the clinic kept its queue, a booking that nobody checked
in, and no visit of that patient on that day. Whoever comes by video or in a group is checked in nowhere: of them it is
not known.
"""

from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Conflict, Gone, Invalid, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.services.appointments.booking import TYPE, Booking, patient_of
from salus.services.appointments.video import MEMBER, VIDEO, value_of
from salus.services.reception.bookings import midnight
from salus.services.reception.clinics import Clinic, clinic_of, service_of
from salus.services.reception.tickets import queued
from salus.services.rounds import Chore, House

Resource = dict[str, Any]
BEHIND = timedelta(days=7)  # a house that was shut for longer notes nobody
UNDONE = frozenset({"cancelled", "entered-in-error"})


def note_missed(house: House) -> None:
    """The bookings of days that are over on the clock of their clinic, and that nobody came for."""
    desk, now = Booking(house.store, SYSTEM, Purpose.OPERATIONS), clock.now()
    records = house.store.open(SYSTEM, Purpose.OPERATIONS)
    span = [("date", f"ge{clock.instant(now - BEHIND)}"), ("date", f"lt{clock.instant(now)}")]
    kept: dict[tuple[str, date], bool] = {}
    for told in every(records, TYPE, [("status", "booked"), *span, ("_count", "500")]):
        with suppress(Invalid, Missing, Gone, Conflict):  # of no clinic that is here, or changed in the meantime
            if is_missed(house.store, records, told, kept):
                desk.note(told["id"], "no-show")


def is_missed(store: Store, records: Records, told: Resource, kept: dict[tuple[str, date], bool]) -> bool:
    """Whether it is known that nobody came. `kept`: the clinics and days on which a queue was kept, as far as they were
    looked at. Raises Invalid, Missing."""
    patient = patient_of(told)
    if not patient or value_of(told, VIDEO) or value_of(told, MEMBER):
        return False
    clinic = clinic_of(store, service_of(store, told))
    day = datetime.fromisoformat(told["start"]).astimezone(clinic.zone).date()
    if day >= clinic.today():
        return False
    if (clinic.id, day) not in kept:
        kept[clinic.id, day] = bool(queued(records, clinic.id, day))
    return kept[clinic.id, day] and not was_here(records, patient, clinic, day)


def was_here(records: Records, patient: str, clinic: Clinic, day: date) -> bool:
    """Whether a patient had any visit on a day, by the clock of a clinic."""
    begin, end = midnight(clinic, day), midnight(clinic, day + timedelta(days=1))
    asked = [("patient", patient), ("date", f"ge{clock.instant(begin)}"), ("date", f"lt{clock.instant(end)}")]
    return any(one["status"] not in UNDONE for one in every(records, "Encounter", asked))


CHORE = Chore("bookings that nobody came for", timedelta(minutes=30), note_missed)
