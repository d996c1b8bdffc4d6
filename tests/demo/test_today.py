"""A house that is open lives through its day: people have booked, one was seen, and a bill waits to be paid."""

from collections.abc import Callable
from pathlib import Path

from salus.base.settings import settings
from salus.demo import today
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.billing.invoices import invoices_of


def test_the_day_leaves_bookings_and_a_bill_and_happens_once(tmp_path: Path, clinics_of: Callable[[Path, int], None]):
    clinics_of(tmp_path, 30)
    of = settings({}, folder=tmp_path, demo=True)
    with Store(tmp_path / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for _ in range(2):
            today.live(store, of)

            booked = records.search("Appointment", "status=booked&_summary=count").total
            (bill,) = invoices_of(records, today.PATIENT)
            assert today.EACH * len(today.BUSY) + 1 == booked
            assert bill.status == "issued" and bill.due > 0


def test_a_city_without_clinics_lives_on(tmp_path: Path):
    of = settings({}, folder=tmp_path, demo=True)
    with Store(tmp_path / "records.db") as store:
        today.live(store, of)
