"""A stay that goes on, and what it is to bring by its group so far."""

from collections.abc import Callable
from typing import Any

import pytest

from salus.base import clock
from salus.base.errors import Missing
from salus.codes.tables import ICD9
from salus.places.drg import Grouped, Stay
from salus.privacy import SYSTEM, Purpose
from salus.services.billing.charges import UNIT, UNPRICED
from salus.services.billing.foretelling import UNSAID, Foretold, foretold
from salus.services.billing.staying import Expected, expected, under_way

ICD10, SNOMED = "http://hl7.org/fhir/sid/icd-10", "http://snomed.info/sct"
CERTAIN = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
Diagnose = Callable[..., None]


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


@pytest.fixture
def stay(ward):
    """A stay in hospital that goes on; `diagnose(id, code)` writes a diagnosis of it down."""
    ward.see("s1", "in-progress", "IMP", period={"start": "2026-05-03T09:00:00+08:00"})

    def diagnose(id: str, code: str, system: str = ICD10, certain: str = "confirmed") -> None:
        at = {"recordedDate": f"2026-05-03T09:{len(id):02}:00+08:00", "encounter": {"reference": "Encounter/s1"}}
        told = {"subject": {"reference": "Patient/li"}, "code": concept(system, code), **at}
        ward.put("Condition", id, verificationStatus=concept(CERTAIN, certain), **told)

    return diagnose


def look(ward, id: str = "s1", **more: Any) -> Expected | None:
    return expected(ward.store.open(SYSTEM, Purpose.OPERATIONS), id, **more)


def test_the_group_follows_what_is_written_down(ward, stay):
    assert look(ward) is None

    stay("a", "J18.9")
    assert "ES25" == look(ward).payment.grouped.group

    stay("bb", "I50.0")
    assert "ES23" == look(ward).payment.grouped.group

    stay("bb", "I50.0", certain="refuted")
    assert "ES25" == look(ward).payment.grouped.group


def test_a_diagnosis_in_snomed_is_found_by_our_own_tables(ward, stay):
    stay("a", "84114007", SNOMED)  # heart failure: I50

    assert "FR25" == look(ward).payment.grouped.group


def test_the_encounter_says_which_diagnosis_is_the_main_one(ward, stay):
    stay("a", "E11.9")
    stay("bb", "J18.9")
    use = concept("http://terminology.hl7.org/CodeSystem/diagnosis-role", "DD")
    diagnosis = [{"condition": {"reference": "Condition/bb"}, "use": use}]
    ward.see("s1", "in-progress", "IMP", diagnosis=diagnosis, period={"start": "2026-05-03T09:00:00+08:00"})

    assert Stay("J18.9", ("E11.9",), (), 46) == look(ward).stay


def test_what_it_cost_so_far_is_seen_against_what_the_group_pays(ward, stay):
    stay("a", "J18.9")
    before = look(ward).payment
    ward.test("o1")
    ward.hear()
    after = look(ward).payment

    assert (0, 720_000) == (before.cost, before.standard)
    assert 7000 == after.cost  # HbA1c: 70.00


def test_a_city_may_bring_its_own_grouper_and_its_own_table(ward, stay):
    class Own:
        def group(self, stay: Stay) -> Grouped:
            return Grouped("OWN1", "own", "all", 1000)

    stay("a", "J18.9")
    own = look(ward, grouper=Own())

    assert ("OWN1", 1_200_000) == (own.payment.grouped.group, own.payment.standard)


def test_what_is_no_stay_or_not_there_is_told_so(ward, stay):
    ward.see("v9", "in-progress", "AMB")

    assert look(ward, "v9") is None
    with pytest.raises(Missing):
        look(ward, "nobody")


def test_only_stays_that_go_on_are_under_way(ward, stay):
    ward.see("s0", "finished", "IMP")

    assert ["s1"] == under_way(ward.store.open(SYSTEM, Purpose.OPERATIONS), "li")


def test_after_the_last_day_of_the_table_nothing_is_foretold(ward, stay):
    stay("a", "J18.9")
    with clock.stopped_at(clock.now().replace(year=2031)):
        assert look(ward) is None


def order(code: str, system: str, kind: str = "ServiceRequest", **more: Any) -> dict[str, Any]:
    named = "code" if kind == "ServiceRequest" else "medicationCodeableConcept"
    return {"resourceType": kind, named: concept(system, code), **more}


def with_order(ward, what: dict[str, Any]) -> Foretold:
    before = look(ward)
    assert before
    return foretold(ward.store.open(SYSTEM, Purpose.OPERATIONS), before, what)


def test_an_order_on_top_of_a_stay_takes_its_price_from_what_is_left(ward, stay):
    stay("a", "J18.9")
    told = with_order(ward, order("4548-4", "http://loinc.org"))

    assert (7_000, 720_000 - 7_000, False) == (told.cost, told.left, told.regroups)
    assert "" == told.why and told.en and told.zh


def test_with_what_was_charged_before_the_next_order_leaves_less(ward, stay):
    stay("a", "J18.9")
    ward.test("o1")
    ward.hear()

    assert 720_000 - 2 * 7_000 == with_order(ward, order("4548-4", "http://loinc.org")).left


def test_an_operation_would_change_the_group_and_that_is_told_with_what_it_would_pay(ward, stay):
    stay("a", "K35.8")
    told = with_order(ward, order("47.01", ICD9))

    assert told.regroups and 260_000 == told.cost
    assert told.after.grouped.procedure == "47.01"
    assert told.after.standard > told.before.standard


@pytest.mark.parametrize(
    ("quantity", "cost", "why"),
    [
        ({"value": 14, "code": "{tbl}"}, 14 * 20, ""),
        ({"value": 7, "code": "g"}, 7 * 2 * 20, ""),
        ({"value": 7, "code": "mL"}, None, UNIT),
        ({}, None, UNSAID),
    ],
)
def test_a_medicine_is_priced_by_how_much_is_ordered_or_why_not_is_said(ward, stay, quantity, cost, why):
    stay("a", "J18.9")
    more = {"dispenseRequest": {"quantity": quantity}}
    told = with_order(ward, order("A10BA02", "http://www.whocc.no/atc", "MedicationRequest", **more))

    assert (cost, why) == (told.cost, told.why)
    assert told.left == 720_000 - (cost or 0)


def test_what_the_tariff_does_not_know_has_no_price(ward, stay):
    stay("a", "J18.9")
    assert UNPRICED == with_order(ward, order("99999-9", "http://loinc.org")).why
