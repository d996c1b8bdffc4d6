"""What is done is charged by itself, once; what is taken back is not; what has no price waits for a clerk."""

from datetime import date, timedelta

import pytest

from salus.base import clock
from salus.base.errors import Forbidden
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.services.billing.charging import charge
from salus.services.billing.hearing import AGAIN
from salus.services.billing.invoices import missing
from salus.services.billing.tasks import asked
from salus.services.rounds import BEGAN

CASHIER = Actor("Practitioner/cashier", Role.CASHIER)


@pytest.fixture
def ward(file_ward):
    """In a file alone: nothing here depends on the database."""
    return file_ward


def amounts(ward) -> dict[str, int]:
    return {one.code: one.amount for one in ward.bill().items}


def test_a_visit_its_medicines_and_its_tests_are_charged(ward):
    ward.see()
    ward.give("d1", ward.metformin, 28)
    ward.test("s1")
    ward.hear()

    assert {"registration": 100, "consultation": 5000, "A10BA02": 28 * 20, "4548-4": 7000} == amounts(ward)
    assert ward.bill().total == 100 + 5000 + 560 + 7000 and ward.bill().currency == "CNY"


def test_what_is_heard_twice_is_charged_once(ward):
    ward.see()
    ward.give("d1", ward.metformin, 28)
    ward.test("s1")
    ward.hear()
    before = ward.bill()
    for name in ("Encounter/v1", "MedicationDispense/d1", "DiagnosticReport/r-s1", "ServiceRequest/s1"):
        charge(ward.store, SYSTEM, Purpose.PAYMENT, name)

    assert before == ward.bill() and 1 == len(ward.bills())


def test_a_test_is_charged_once_whether_its_order_or_its_report_is_heard_first(ward):
    ward.see()
    ward.report("s1")  # before its order
    ward.hear()
    ward.order("s1", status="completed")
    ward.report("s1", status="corrected")
    ward.hear()

    assert 1 == sum(one.code == "4548-4" for bill in ward.bills() for one in bill.items)


def test_what_had_no_price_is_charged_by_itself_once_it_has_one(ward):
    ward.see()
    ward.give("d1", ("Z99", 0), 5)
    ward.hear()
    own = ward.store.folder / "tariffs" / "cn.toml"
    own.parent.mkdir()
    own.write_text(OWN_TARIFF)
    AGAIN.do(ward.house)
    AGAIN.do(ward.house)
    ward.hear()
    own.unlink()
    own.parent.rmdir()

    assert 5 * 1234 == amounts(ward)["Z99"] and "issued" == ward.bill().status


def test_what_was_there_before_the_house_listened_is_not_missed(ward):
    ward.see()
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        ward.see("v2", period={"start": "2026-05-04T09:00:00+08:00", "end": "2026-05-04T09:20:00+08:00"})
    records = ward.store.open(SYSTEM, Purpose.OPERATIONS)
    both = {one.reference for one in missing(records, date(2026, 5, 4))}
    ward.store.set_cursor(BEGAN, int((clock.now() + timedelta(hours=1)).timestamp()))

    assert {"Encounter/v1", "Encounter/v2"} == both
    assert {"Encounter/v2"} == {one.reference for one in missing(records, date(2026, 5, 4))}


def test_a_report_that_nobody_ordered_is_charged_by_its_results(ward):
    ward.see(status="in-progress")
    for id, loinc in (("o1", "2823-3"), ("o2", "2951-2")):
        ward.put("Observation", id, status="final", code={"coding": [{"system": "http://loinc.org", "code": loinc}]})
    results = [{"reference": "Observation/o1"}, {"reference": "Observation/o2"}]
    ward.report("x", "11502-2", basedOn=None, result=results)
    ward.hear()

    assert {"2823-3": 300, "2951-2": 300} == amounts(ward)


def test_a_quantity_in_milligrams_is_charged_in_tablets_and_one_in_drops_is_asked_about(ward):
    ward.see(status="in-progress")
    ward.give("d1", ward.metformin, 14_000, "mg")
    ward.give("d2", ward.metformin, 3, "[drp]")
    ward.hear()

    assert {"A10BA02": 28 * 20} == amounts(ward)
    assert [("charge-unit", "requested")] == ward.tasks()


def test_what_has_no_price_is_not_free_but_waits_for_a_clerk_who_charges_it_again(ward):
    ward.see()
    ward.give("d1", ("Z99", 0), 5)
    ward.hear()

    assert "planned" == ward.charge_states()["MedicationDispense/d1 Z99"]
    assert [("charge-unpriced", "requested")] == ward.tasks() and "draft" == ward.bill().status
    task = ward.store.open(SYSTEM, Purpose.PAYMENT).search("Task", "").versions[0].json()
    assert "Z99" in asked(task, "en") and "Z99" in asked(task, "zh")

    own = ward.store.folder / "tariffs" / "cn.toml"
    own.parent.mkdir()
    own.write_text(OWN_TARIFF)
    charge(ward.store, CASHIER, Purpose.PAYMENT, "MedicationDispense/d1")

    assert 5 * 1234 == amounts(ward)["Z99"] and [("charge-unpriced", "completed")] == ward.tasks()
    own.unlink()
    own.parent.rmdir()


OWN_TARIFF = """
place = "cn"
currency = "CNY"
zone = "Asia/Shanghai"
source = "here"
[[list]]
system = "http://www.whocc.no/atc"
kind = "medicine"
unit = "{tbl}"
from = 2026-01-01
to = 2027-01-01
price = [{ code = "Z99", en = "New", zh = "新药", price = 1234 }]
"""


def test_what_belongs_to_no_visit_or_to_anothers_is_asked_about(ward):
    ward.person("wang")
    ward.see(status="in-progress")
    ward.give("d1", ward.metformin, 1, context={"reference": "Encounter/nowhere"})
    ward.give("d2", ward.metformin, 1, subject={"reference": "Patient/wang"})
    ward.hear()

    assert [("charge-unplaced", "requested")] * 2 == ward.tasks() and [] == ward.bills()


def test_what_was_handed_over_by_mistake_or_brought_back_is_not_charged(ward):
    ward.see(status="in-progress")
    ward.give("d1", ward.metformin, 28)
    ward.give("d2", ward.empagliflozin, 14)
    ward.hear()
    ward.give("d1", ward.metformin, 28, status="entered-in-error")
    ward.give_back("d3", "d2", ward.empagliflozin, 4)
    ward.hear()

    assert {"A10BK03": 10 * 430} == amounts(ward)
    ward.give_back("d4", "d2", ward.empagliflozin, 10)
    ward.hear()
    assert {} == amounts(ward)


def test_a_return_in_another_unit_than_was_given_is_asked_about(ward):
    ward.see(status="in-progress")
    ward.give("d1", ward.metformin, 28)
    ward.hear()
    ward.give_back("d2", "d1", ward.metformin, 500, "mg")
    ward.hear()

    assert {} == amounts(ward) and [("charge-unit", "requested")] == ward.tasks()


def test_a_visit_that_is_cancelled_costs_nothing_but_what_was_done_in_it(ward):
    ward.see()
    ward.order("open")  # keeps the bill from being issued
    ward.test("s1")
    ward.hear()
    ward.see(status="cancelled")
    ward.hear()

    assert {"4548-4": 7000} == amounts(ward)
    states = ward.charge_states()
    assert "aborted" == states["Encounter/v1 consultation"] == states["Encounter/v1 registration"]


def test_a_report_that_is_withdrawn_is_not_charged(ward):
    ward.see(status="in-progress")
    ward.test("s1")
    ward.hear()
    ward.report("s1", status="entered-in-error")
    ward.hear()

    assert {} == amounts(ward)


def test_what_is_older_than_a_month_when_it_is_first_heard_of_is_not_charged(ward):
    with clock.stopped_at(clock.now() + timedelta(days=32)):
        ward.see()
        ward.hear()

    assert [] == ward.bills() and {} == ward.charge_states()


@pytest.mark.parametrize(
    ("act", "more", "codes"),
    [
        ("EMER", {}, {"registration": 100, "consultation-emergency": 7000}),
        ("VR", {}, {"consultation-virtual": 5000}),
        (
            "IMP",
            {"period": {"start": "2026-05-01T10:00:00+08:00", "end": "2026-05-04T09:00:00+08:00"}},
            {"bed-day": 33000},
        ),
        ("IMP", {}, {"bed-day": 11000}),
    ],
)
def test_a_visit_is_charged_by_its_kind(ward, act, more, codes):
    ward.see(act=act, **more)
    ward.order("open")
    ward.hear()

    assert codes == amounts(ward)


def test_a_visit_at_a_specialists_clinic_costs_what_that_says(ward):
    own = {"coding": [{"system": "https://salus.example/fhir/CodeSystem/charge", "code": "consultation-specialist"}]}
    ward.put("HealthcareService", "clinic", type=[own])
    link = "https://salus.example/fhir/StructureDefinition/encounter-service"
    ward.see(extension=[{"url": link, "valueReference": {"reference": "HealthcareService/clinic"}}])
    ward.hear()

    assert {"registration": 100, "consultation-specialist": 10000} == amounts(ward)


def test_an_unknown_kind_of_visit_is_asked_about(ward):
    ward.see(act="SPACE")
    ward.hear()

    assert [("charge-unpriced", "requested")] == ward.tasks()


def test_what_was_done_on_a_day_and_not_charged_is_told(ward):
    ward.see()
    ward.give("d1", ward.metformin, 28)
    ward.test("s1")
    records = ward.store.open(SYSTEM, Purpose.PAYMENT)
    day = clock.now().date()

    found = {(one.reference, one.part) for one in missing(records, day)}
    assert found == {
        ("Encounter/v1", "registration"),
        ("Encounter/v1", "consultation"),
        ("MedicationDispense/d1", ""),
        ("ServiceRequest/s1", ""),
    }
    ward.hear()
    assert [] == missing(records, day) == missing(records, day - timedelta(days=1))


def test_only_who_may_write_charges_charges(ward):
    ward.see()
    for actor, purpose in ((Actor("Practitioner/n", Role.NURSE), Purpose.TREATMENT), (CASHIER, Purpose.TREATMENT)):
        with pytest.raises(Forbidden):
            charge(ward.store, actor, purpose, "Encounter/v1")
    charge(ward.store, CASHIER, Purpose.PAYMENT, "Encounter/v1")

    assert {"Practitioner/cashier"} == {one.who for one in ward.store.audit(limit=10_000) if one.act == "charge"}


def test_what_turns_out_to_belong_to_another_visit_is_billed_there_alone(ward):
    ward.see("v2", status="in-progress")
    ward.see("v1", status="in-progress")
    ward.give("d1", ward.metformin, 28)
    ward.hear()
    ward.visit = "v2"
    ward.give("d1", ward.metformin, 28)
    ward.hear()

    assert {"Encounter/v1": 0, "Encounter/v2": 560} == {one.encounter: one.total for one in ward.bills()}
    ward.give("d1", ward.metformin, 28, context=None)
    ward.hear()
    assert [0, 0] == [one.total for one in ward.bills()] and [("charge-unplaced", "requested")] == ward.tasks()


def test_what_turns_out_to_belong_to_another_visit_after_its_bill_is_billed_there_alone(ward):
    ward.see("v2")
    ward.see("v1")
    ward.give("d1", ward.metformin, 28)
    ward.hear()
    ward.visit = "v2"
    ward.give("d1", ward.metformin, 28)
    ward.hear()

    standing = [(one.encounter, one.total) for one in ward.bills() if one.status == "issued"]
    assert [("Encounter/v1", 5100), ("Encounter/v2", 560), ("Encounter/v2", 5100)] == sorted(standing)


def test_what_is_withdrawn_before_it_had_a_price_asks_nobody_any_more(ward):
    ward.see(status="in-progress")
    ward.give("d1", ("Z99", 0), 5)
    ward.hear()
    ward.give("d1", ("Z99", 0), 5, status="entered-in-error")
    ward.hear()

    assert [("charge-unpriced", "completed")] == ward.tasks()


def test_a_bill_of_what_has_another_code_in_the_tariff_stands_when_it_is_heard_of_again(ward):
    ward.see()
    rxnorm = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "6809"}]}
    ward.give("d1", ward.metformin, 28, medicationCodeableConcept=rxnorm)
    ward.hear()
    before = [(one.id, one.status, one.total) for one in ward.bills()]
    charge(ward.store, SYSTEM, Purpose.PAYMENT, "MedicationDispense/d1")
    ward.hear()

    assert [(before[0][0], "issued", 100 + 5000 + 560)] == before
    assert before == [(one.id, one.status, one.total) for one in ward.bills()]


def test_the_nights_of_a_stay_are_those_of_the_house_however_its_times_were_written(ward):
    for start, end in (
        ("2026-05-02T07:00:00+08:00", "2026-05-03T09:00:00+08:00"),
        ("2026-05-01T23:00:00Z", "2026-05-03T01:00:00Z"),
        ("2026-05-01T23:00:00Z", "2026-05-03T09:00:00+08:00"),
    ):
        ward.see("s1", act="IMP", period={"start": start, "end": end})
        ward.hear()
        assert ["1"] == [str(one.quantity) for one in ward.bill().items]


def test_what_was_deleted_is_charged_no_more_though_its_bill_was_issued(ward):
    ward.see()
    ward.give("d1", ward.metformin, 28)
    ward.report("none", basedOn=None)
    ward.hear()
    assert 100 + 5000 + 560 + 7000 == ward.bill().total
    records = ward.store.open(SYSTEM, Purpose.OPERATIONS)
    records.delete("MedicationDispense", "d1")
    records.delete("DiagnosticReport", "r-none")
    ward.hear()

    assert 100 + 5000 == ward.bill().total
