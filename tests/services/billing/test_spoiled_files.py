"""A site's file of prices that was spoiled by hand: nothing is charged by half a tariff, and nothing is lost by it."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from salus.base import clock
from salus.codes.tables import ICD10
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.services.acting import Acting
from salus.services.billing.foretelling import alone, foretold
from salus.services.billing.hearing import charge_waiting
from salus.services.billing.quoting import quote, year_so_far
from salus.services.billing.staying import expected
from salus.services.procedures import doing, ordering
from salus.services.procedures.orders import Asked

DOCTOR = Actor("Practitioner/chen", Role.CLINICIAN)
APPENDIX = Asked("47.01", "腹腔镜阑尾切除术")


@pytest.fixture
def stay(file_ward: Any) -> str:
    file_ward.see("s1", "in-progress", "IMP", period={"start": "2026-05-04T09:00:00+08:00"})
    told = {"subject": {"reference": "Patient/li"}, "encounter": {"reference": "Encounter/s1"}}
    file_ward.put("Condition", "a", code={"coding": [{"system": ICD10, "code": "K35.8"}]}, **told)
    return str(ordering.order(at_work(file_ward), "s1", APPENDIX, "1")["id"])


def at_work(ward: Any) -> Acting:
    return Acting(ward.store, DOCTOR, Purpose.TREATMENT)


def now() -> datetime:
    return clock.now()


def spoiled(ward: Any, kind: str = "tariffs") -> Path:
    file = Path(ward.store.folder) / kind / "cn.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("[[list]]\nprice = 1", "utf-8")
    return file


def test_what_was_done_while_the_prices_could_not_be_read_is_charged_once_they_can_be(file_ward: Any, stay: str):
    file = spoiled(file_ward)
    doing.carry_out(at_work(file_ward), stay, now())
    file_ward.hear()
    assert {} == file_ward.charge_states()
    assert ("charge-unread", "requested") in file_ward.tasks()

    file.unlink()
    charge_waiting(file_ward.house)

    assert {f"ServiceRequest/{stay} 47.01": "billable"} == file_ward.charge_states()
    assert {("charge-unread", "completed")} == set(file_ward.tasks())


def test_what_was_taken_back_meanwhile_is_not_charged_for_ever(file_ward: Any, stay: str):
    doing.carry_out(at_work(file_ward), stay, now())
    file_ward.see("s1", act="IMP")
    file_ward.hear()
    assert "issued" == file_ward.bill().status
    file = spoiled(file_ward)
    doing.take_back(at_work(file_ward), stay)
    ordering.cancel(at_work(file_ward), stay)
    file_ward.hear()

    file.unlink()
    charge_waiting(file_ward.house)
    file_ward.hear()

    assert "aborted" == file_ward.charge_states()[f"ServiceRequest/{stay} 47.01"]


def test_whoever_orders_is_kept_from_nothing_by_it(file_ward: Any, stay: str):
    records = file_ward.store.open(SYSTEM, Purpose.OPERATIONS)
    order = records.read("ServiceRequest", stay).json()
    spoiled(file_ward)

    assert alone(records, order) is None
    assert quote(file_ward.store, "clinic") is None
    found = expected(records, "s1")
    assert found is not None and "charge-unpriced" == foretold(records, found, order).why

    file_ward.insured()
    rules = spoiled(file_ward, "settlement")
    assert [] == year_so_far(records, "li")
    rules.unlink()

    spoiled(file_ward, "drg")
    assert expected(records, "s1") is None


def test_a_bill_waits_for_rules_that_cannot_be_read_and_comes_by_itself(file_ward: Any):
    file_ward.insured()
    file_ward.see("s1", act="IMP")
    file = Path(file_ward.store.folder) / "settlement" / "cn.toml"
    file.parent.mkdir()
    file.write_text("[[rule]]\nid = 1", "utf-8")
    file_ward.hear()
    assert ["draft"] == [one.status for one in file_ward.bills()]

    charge_waiting(file_ward.house)
    assert {("charge-unread", "requested")} == set(file_ward.tasks())
    file.unlink()
    charge_waiting(file_ward.house)

    assert "issued" == file_ward.bill().status
    assert {("charge-unread", "completed")} == set(file_ward.tasks())
