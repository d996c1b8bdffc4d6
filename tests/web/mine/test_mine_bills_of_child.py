"""A mother reads and pays the bills of her children; what a youth keeps she neither sees nor pays."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from salus.base import clock
from salus.base.settings import Settings
from salus.demo import family
from salus.privacy import SYSTEM, Purpose
from salus.privacy.guardian import DEPARTMENTS
from salus.records import Store
from salus.services.billing.hearing import LISTENER
from salus.services.billing.invoices import Bill, invoices_of
from salus.services.rounds import House, begin, catch_up

VISITS = {
    "small": (family.CHILD, "paediatrics"),
    "skin": (family.TEEN, "dermatology"),
    "mind": (family.TEEN, "psychiatry"),
}


def settings_of(folder: Path) -> Settings:
    place = (folder, folder / "records.db", folder / "m", folder / "e")
    return Settings(*place, b"s" * 64, demo=True, payments=("cash", "simulated"))


def visit_of(store: Store, id: str, whose: str, department: str) -> None:
    """Somebody was at the hospital today, and took medicine home."""
    records, now = store.open(SYSTEM, Purpose.OPERATIONS), clock.now() - timedelta(hours=1)
    subject = {"reference": f"Patient/{whose}"}
    given: dict[str, Any] = {"status": "completed", "subject": subject, "context": {"reference": f"Encounter/{id}"}}
    given["medicationCodeableConcept"] = {"coding": [{"system": "http://www.whocc.no/atc", "code": "A10BA02"}]}
    given["quantity"] = {"value": 60, "system": "http://unitsofmeasure.org", "code": "{tbl}"}
    given["whenHandedOver"] = clock.instant(now)
    records.update("MedicationDispense", f"m-{id}", {"resourceType": "MedicationDispense", **given})
    told: dict[str, Any] = {"status": "finished", "subject": subject}
    told["class"] = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    told["period"] = {"start": clock.instant(now), "end": clock.instant(now + timedelta(minutes=15))}
    told["serviceType"] = {"coding": [{"system": DEPARTMENTS, "code": department}]}
    told["serviceProvider"] = {"reference": "Organization/h"}
    records.update("Encounter", id, {"resourceType": "Encounter", **told})


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as store:
        begin(store)
        hospital = {"resourceType": "Organization", "active": True, "name": "Kangcheng Hospital"}
        store.open(SYSTEM, Purpose.OPERATIONS).update("Organization", "h", hospital)
        family.settle(store)
        for id, (whose, department) in VISITS.items():
            visit_of(store, id, whose, department)
        while catch_up(House(store, settings_of(tmp_path)), [LISTENER]):
            pass
        yield store


@pytest.fixture
def phone(ward: Store, tmp_path: Path, house_of: Any, browser_of: Any) -> Any:
    return browser_of(house_of(ward, settings_of(tmp_path))).speaking("en").sign_in("mother")


def bills(store: Store, whose: str) -> dict[str, Bill]:
    """The visit -> its bill."""
    found = invoices_of(store.open(SYSTEM, Purpose.PAYMENT), whose)
    return {one.encounter.partition("/")[2]: one for one in found}


def send(phone: Any, page: str, address: str, **fields: str) -> Any:
    token, key = (re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("form_token", "key"))
    given = {"form_token": token[1] if token else "", "key": key[1] if key else "k"}
    return phone.post(address, data=given | fields)


def act_for(phone: Any, who: str) -> None:
    assert 303 == send(phone, phone.get("/mine/for").text, "/mine/for", who=who).status_code


def test_a_mother_pays_the_bill_of_her_small_child(phone: Any, ward: Store) -> None:
    bill = bills(ward, family.CHILD)["small"]
    address = f"/mine/bills/{bill.id}"
    assert 404 == phone.get(address).status_code
    act_for(phone, family.CHILD)
    page = phone.get(address).text
    assert "You are acting for Chen Yinuo" in page
    assert 303 == send(phone, page, f"{address}/pay", provider="simulated").status_code

    assert 0 == bills(ward, family.CHILD)["small"].due


def test_what_a_youth_keeps_is_neither_billed_to_the_mothers_eyes_nor_paid_by_her(phone: Any, ward: Store) -> None:
    found = bills(ward, family.TEEN)
    act_for(phone, family.TEEN)
    page = phone.get("/mine/bills").text
    assert f"/mine/bills/{found['skin'].id}" in page and found["mind"].id not in page
    address = f"/mine/bills/{found['mind'].id}"
    assert [404, 404] == [phone.get(one).status_code for one in (address, f"{address}/print")]
    shown = phone.get(f"/mine/bills/{found['skin'].id}").text
    assert 404 == send(phone, shown, f"{address}/pay", provider="simulated").status_code

    assert found["mind"].due == bills(ward, family.TEEN)["mind"].due > 0
    assert "m-mind" not in phone.get("/mine/record/download").text
