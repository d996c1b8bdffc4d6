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
from salus.records import Store
from salus.services.appointments.booking import TYPE, Booking, patient_of
from salus.services.appointments.video import MEMBER, VIDEO, value_of
from salus.services.reception.bookings import midnight
from salus.services.reception.clinics import Clinic, clinic_of, service_of
from salus.services.reception.states import GONE
from salus.services.reception.tickets import queued
from salus.services.rounds import Chore, House

Resource = dict[str, Any]
BEHIND = timedelta(days=7)  # a house that was shut for longer notes nobody
UNDONE = frozenset({"cancelled", "entered-in-error"})


def note_missed(house: House) -> None:
    """The bookings of days that are over on the clock of their clinic, and that nobody came for."""
    look, desk = Look(house.store), Booking(house.store, SYSTEM, Purpose.OPERATIONS)
    now = clock.now()
    span = [("date", f"ge{clock.instant(now - BEHIND)}"), ("date", f"lt{clock.instant(now)}")]
    for told in every(look.records, TYPE, [("status", "booked"), *span, ("_count", "500")]):
        with suppress(Invalid, Missing, Gone, Conflict):  # of no clinic that is here, or changed in the meantime
            if look.is_missed(told):
                desk.note(told["id"], "no-show")


class Look:
    """One look at the past days: each clinic, and whether it kept its queue on a day, is asked for once."""

    def __init__(self, store: Store) -> None:
        self.store, self.records = store, store.open(SYSTEM, Purpose.OPERATIONS)
        self.clinics: dict[str, Clinic] = {}
        self.kept: dict[tuple[str, date], bool] = {}

    def is_missed(self, told: Resource) -> bool:
        """Whether it is known that nobody came. Raises Invalid, Missing."""
        patient = patient_of(told)
        if not patient or value_of(told, VIDEO) or value_of(told, MEMBER):
            return False
        clinic = self.clinic(service_of(self.store, told))
        day = datetime.fromisoformat(told["start"]).astimezone(clinic.zone).date()
        return day < clinic.today() and self.was_kept(clinic, day) and not self.was_here(patient, clinic, day)

    def clinic(self, service: str) -> Clinic:
        if service not in self.clinics:
            self.clinics[service] = clinic_of(self.store, service)
        return self.clinics[service]

    def was_kept(self, clinic: Clinic, day: date) -> bool:
        """Whether anybody had a number that day, but for those that were taken back."""
        if (clinic.id, day) not in self.kept:
            self.kept[clinic.id, day] = any(one.status != GONE for one in queued(self.records, clinic.id, day))
        return self.kept[clinic.id, day]

    def was_here(self, patient: str, clinic: Clinic, day: date) -> bool:
        """Whether a patient had any visit on a day, by the clock of a clinic."""
        begin, end = midnight(clinic, day), midnight(clinic, day + timedelta(days=1))
        asked = [("patient", patient), ("date", f"ge{clock.instant(begin)}"), ("date", f"lt{clock.instant(end)}")]
        return any(one["status"] not in UNDONE for one in every(self.records, "Encounter", asked))


CHORE = Chore("bookings that nobody came for", timedelta(minutes=30), note_missed)
