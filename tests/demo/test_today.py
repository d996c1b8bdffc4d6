"""A house that is open lives through its day: people have booked, one was seen, and a bill waits to be paid."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from salus.base.settings import settings
from salus.demo import today
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.appointments.booking import Booking
from salus.services.appointments.waiting import line as waiting
from salus.services.billing.invoices import invoices_of
from salus.services.rota import LISTENERS
from salus.services.rounds import House, catch_up

pytestmark = pytest.mark.usefixtures("same_morning")
ZONE = ZoneInfo("Asia/Shanghai")


def test_the_day_leaves_bookings_and_a_bill_and_happens_once(tmp_path: Path, clinics_of: Callable[[Path, int], None]):
    clinics_of(tmp_path, 30)
    of = settings({}, folder=tmp_path, demo=True)
    with Store(tmp_path / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for _ in range(2):
            today.live(store, of)

            booked = records.search("Appointment", "status=booked&_summary=count").total
            (bill,) = invoices_of(records, today.PATIENT)
            line = [one.patient for one in waiting.line(records, f"HealthcareService/{today.HEART}")]
            assert today.EACH * len(today.BUSY) + 2 == booked
            assert today.EARLY == len(line) and f"Patient/{today.PATIENT}" == line[-1]
            assert bill.status == "issued" and bill.due > 0
            assert {"limit", "none", "part", "threshold", "bands", "account"} == {one.step for one in bill.lines}
            assert bill.total == bill.insured + bill.insurer + bill.account and bill.insurer and bill.account


def test_the_time_for_which_people_wait_is_offered_in_turn_when_it_is_let_go(
    tmp_path: Path, clinics_of: Callable[[Path, int], None]
):
    clinics_of(tmp_path, 30)
    of = settings({}, folder=tmp_path, demo=True)
    with Store(tmp_path / "records.db") as store:
        today.live(store, of)
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        first = waiting.line(records, f"HealthcareService/{today.HEART}")[0]
        booked = records.search("Appointment", f"status=booked&actor={first.terms.doctors[0]}&_count=100").versions
        ends = {one.id: datetime.fromisoformat(one.json()["end"]).astimezone(ZONE) for one in booked}
        (early,) = [
            id for id, end in ends.items() if (end.date(), end.time()) == (first.terms.last, first.terms.closes)
        ]

        Booking(store, SYSTEM, Purpose.OPERATIONS).cancel(early)
        catch_up(House(store, of), LISTENERS)

        offered = [waiting.waiting_of(records, one)[0].waits for one in (first.patient, f"Patient/{today.PATIENT}")]
        assert [False, True] == offered


def test_a_city_without_clinics_lives_on(tmp_path: Path):
    of = settings({}, folder=tmp_path, demo=True)
    with Store(tmp_path / "records.db") as store:
        today.live(store, of)
