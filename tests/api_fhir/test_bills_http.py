"""Bills over HTTP: issued, explained, taken back; by the cash desk, and for the patient to read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from salus.base import clock
from salus.privacy import SYSTEM, Purpose
from salus.services.billing.charging import charge

NOW = datetime(2026, 5, 4, 8, tzinfo=UTC)
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    with clock.stopped_at(NOW):
        yield


@pytest.fixture
def charged(ask: Any, store: Any) -> Any:
    """Eva's visit is over and was charged."""
    visit = {
        "resourceType": "Encounter",
        "id": "v",
        "status": "finished",
        "class": {"system": ACT, "code": "AMB"},
        "subject": {"reference": "Patient/eva"},
        "period": {"start": "2026-05-04T01:00:00Z", "end": "2026-05-04T01:20:00Z"},
    }
    for patient in ("eva", "adam"):
        ask("PUT", f"/Patient/{patient}", {"resourceType": "Patient", "id": patient})
    ask("PUT", "/Encounter/v", visit)
    charge(store, SYSTEM, Purpose.PAYMENT, "Encounter/v")
    return ask


def test_a_visit_is_billed_explained_and_taken_back(charged):
    made = charged("POST", "/Encounter/v/$bill", who="administrator")
    assert (200, "issued", 51) == (made.status_code, made.json()["status"], made.json()["totalNet"]["value"])
    assert made.json() == charged("POST", "/Encounter/v/$bill", who="administrator").json()

    path = f"/Invoice/{made.json()['id']}"
    told = charged("GET", f"{path}/$explain?language=zh", who="eva").json()["parameter"]
    assert {"name": "due", "valueMoney": {"value": 51, "currency": "CNY"}} == told[0]
    assert ["个人", 51, "未登记医保，全部由个人支付。"] == [
        part.get("valueString") or part["valueMoney"]["value"] for part in told[1]["part"]
    ]
    gone = charged("POST", f"{path}/$reverse?reason=wrong", who="administrator").json()
    assert ("cancelled", "wrong") == (gone["status"], gone["cancelledReason"])
    assert 0 == charged("GET", f"{path}/$explain", who="eva").json()["parameter"][0]["valueMoney"]["value"]


@pytest.mark.parametrize(
    ("method", "path", "who", "status"),
    [
        ("POST", "/Encounter/v/$bill", "eva", 403),
        ("POST", "/Encounter/v/$bill", "nurse", 403),
        ("POST", "/Encounter/nowhere/$bill", "administrator", 404),
        ("POST", "/Encounter/v/$bill?colour=red", "administrator", 400),
        ("POST", "/Invoice/nowhere/$reverse", "administrator", 404),
        ("POST", "/Invoice/nowhere/$reverse", "eva", 403),
        ("GET", "/Invoice/nowhere/$explain", "eva", 404),
        ("GET", "/Invoice/nowhere/$explain?language=fr", "eva", 400),
        ("GET", "/Encounter/v/$bill", "administrator", 405),
        ("POST", "/Patient/eva/$bill", "administrator", 404),
    ],
)
def test_what_cannot_be_is_refused(charged, method, path, who, status):
    assert status == charged(method, path, who=who).status_code


def test_a_visit_that_is_not_over_and_a_bill_of_another_are_refused(charged):
    invoice = charged("POST", "/Encounter/v/$bill", who="administrator").json()["id"]
    visit = charged("GET", "/Encounter/v").json() | {"status": "in-progress"}
    charged("PUT", "/Encounter/v", visit)

    assert 409 == charged("POST", "/Encounter/v/$bill", who="administrator").status_code
    other = {"resourceType": "Invoice", "id": "foreign", "status": "issued", "subject": {"reference": "Patient/eva"}}
    charged("PUT", "/Invoice/foreign", other)
    assert 422 == charged("GET", "/Invoice/foreign/$explain", who="eva").status_code
    assert 200 == charged("GET", f"/Invoice/{invoice}/$explain", who="eva").status_code
