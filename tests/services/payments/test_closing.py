"""A day is closed once: desk by desk, what was counted against the books, every posting in exactly one close."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid
from salus.privacy import Actor, Purpose, Role
from salus.services.billing.closes import Closing, Drawer
from salus.services.billing.closing import close, closing, closings, preview
from salus.services.billing.payments import deposit, give_back, pay, refund

House = Any
ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 23)
AUDITOR = Actor("Practitioner/auditor", Role.AUDITOR), Purpose.PAYMENT
CHEN = Actor("Practitioner/chen", Role.CASHIER), Purpose.PAYMENT


def closed(house: House, day: date = DAY, counted: dict[str, int] | None = None, provider: str = "cash") -> Closing:
    return close(house.store, *AUDITOR, provider, "CNY", day, ZONE, counted)


def took(house: House, id: str, minor: int, who: Any = None) -> Any:
    house.issue(id, minor)
    return pay(house.store, *(who or house.cashier), id, house.cash, "k")


def test_a_close_sums_each_desk_and_names_what_is_not_there(house: House):
    first = took(house, "i1", 12_000)
    took(house, "i2", 8_000, CHEN)
    refund(house.store, *house.cashier, first.id, house.cash, "r", 2_000)
    deposit(house.store, *CHEN, "li", house.cash, "d", 5_000, "CNY")
    give_back(house.store, *CHEN, "li", house.cash, "g", 1_000, "CNY")
    made = closed(house, counted={"Practitioner/cashier": 10_000, "Practitioner/chen": 11_950})
    assert made.drawers == (
        Drawer("Practitioner/cashier", 12_000, 2_000, 0, 1, 1, 12_000 - 2_000),
        Drawer("Practitioner/chen", 8_000 + 5_000, 1_000, 0, 2, 1, 11_950),
    )
    assert [one.difference for one in made.drawers] == [0, 11_950 - (8_000 + 5_000 - 1_000)]
    assert (house.net("difference/cash"), house.net("money/cash")) == (50, 10_000 + 11_950)
    assert made == closing(house.store.open(*AUDITOR), made.id) and made.who == "Practitioner/auditor"


def test_closed_again_it_is_the_same_close_and_another_count_is_refused(house: House):
    took(house, "i1", 12_000)
    made = closed(house, counted={"Practitioner/cashier": 12_100})
    assert made == closed(house, counted={"Practitioner/cashier": 12_100}) == closed(house)
    with pytest.raises(Conflict, match="closed with another count"):
        closed(house, counted={"Practitioner/cashier": 12_000})
    assert house.net("difference/cash") == -100 and [made] == closings(house.store.open(*AUDITOR), "cash", "CNY")


def test_what_is_posted_after_the_close_is_in_the_next_one(house: House):
    took(house, "i1", 12_000)
    first = closed(house, counted={"Practitioner/cashier": 12_001})
    took(house, "i2", 8_000)
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        took(house, "i3", 3_000)
        second = closed(house, DAY + timedelta(days=1), counted={"Practitioner/cashier": 11_000})
        assert (second.after, second.total.received) == (first.upto, 8_000 + 3_000)
        assert [one.day.day for one in closings(house.store.open(*AUDITOR), "cash", "CNY")] == [24, 23]
        with pytest.raises(Conflict, match="2026-11-24 is closed already"):
            closed(house, DAY - timedelta(days=1))


def test_a_day_ends_at_midnight_of_the_place(house: House):
    took(house, "i1", 12_000)
    with clock.stopped_at(clock.now() + timedelta(hours=14, minutes=1)):  # a minute after midnight in Shanghai
        took(house, "i2", 8_000)
        assert closed(house).total.received == 12_000
        assert closed(house, DAY + timedelta(days=1)).total.received == 8_000


def test_a_day_without_anything_is_closed_too_and_one_to_come_is_not(house: House):
    assert closed(house).drawers == () and closed(house).total == Drawer("")
    with pytest.raises(Invalid, match="is to come"):
        closed(house, DAY + timedelta(days=1))


def test_what_is_paid_from_afar_is_one_line_and_is_not_counted(house: House):
    for id, who in (("i1", "li"), ("i2", "wang")):
        house.issue(id, 1_000, who)
        pay(house.store, *getattr(house, who), id, house.bank, "k")
    made = closed(house, provider="simulated")
    assert made.drawers == (Drawer("", 2_000, 0, 0, 2, 0),) and made.total.counted is None


def test_every_desk_is_counted_and_only_who_may_closes(house: House):
    took(house, "i1", 12_000)
    for counted in ({}, {"Practitioner/cashier": -1}, {"Practitioner/chen": 5}):
        with pytest.raises(Invalid, match="count every desk"):
            closed(house, counted=counted)
    assert preview(house.store, *AUDITOR, "cash", "CNY", DAY, ZONE).total.expected == 12_000
    with pytest.raises(Forbidden):
        close(house.store, *house.li, "cash", "CNY", DAY, ZONE)
    with pytest.raises(Forbidden):  # who closes takes no money
        pay(house.store, *AUDITOR, "i1", house.cash, "k")
