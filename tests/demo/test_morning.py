"""The demonstration's morning is lived through by the services: some people wait, some have paid, one has a bill."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from salus.base.settings import Settings, settings
from salus.demo.city import make
from salus.demo.morning import live
from salus.exchange import take_in
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, checking
from salus.records.books import Books
from salus.services.billing.invoices import invoices_of
from salus.services.rounds import House, begin

pytestmark = pytest.mark.usefixtures("same_morning")


@pytest.fixture
def told(tmp_path: Path) -> Settings:
    return settings({}, tmp_path / "none.toml", folder=tmp_path, demo=True)


@pytest.fixture
def store(told: Settings, tmp_path: Path) -> Iterator[Store]:
    make(tmp_path / "city", people=20, years=1, end=date(2026, 11, 1))
    with Store(told.store) as opened:
        take_in(opened.open(SYSTEM, Purpose.OPERATIONS), tmp_path / "city")
        yield opened


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_morning_leaves_work_for_every_desk(store, told, language):
    house = House(store, told)
    begin(store)
    others = [id for id in store.patients() if not id.startswith("showcase")]
    live(house, language, others)
    live(house, language, others)  # it happens once

    records = store.open(SYSTEM, Purpose.OPERATIONS)
    tickets = records.search("Task", "code=queue-ticket&_count=50").versions
    assert {"requested": 3, "completed": 4} == Counter(one.json()["status"] for one in tickets)
    assert 1 == len(records.search("Task", "code=prescription-review&status=requested").versions)
    assert "issued" in {bill.status for bill in invoices_of(records, "showcase-1")}
    states = Counter(one.json()["status"] for one in records.search("Invoice", "_count=50").versions)
    assert {"draft": 2, "issued": 1, "balanced": 1} == states
    assert 0 == Books(store).trial()["CNY"].net
    assert not checking.check(told.store).faults


def test_where_there_is_no_such_clinic_nobody_comes(told):
    with Store(told.store) as empty:
        live(House(empty, told), "en", [])

        assert 0 == empty.last_transaction()
