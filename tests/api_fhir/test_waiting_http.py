"""The waiting list over HTTP: a place is taken, a time accepted, declined, or the place left; bad input is named."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from salus.base import clock
from salus.services.appointments.waiting.offers import hand_out

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)  # a Sunday at noon in Shanghai
HOURS = {"daysOfWeek": ["mon"], "availableStartTime": "08:00:00", "availableEndTime": "09:00:00"}
SERVICE = "HealthcareService/heart"


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    with clock.stopped_at(NOW):
        yield


@pytest.fixture
def clinic(ask: Any, store: Any) -> Any:
    put(ask, "HealthcareService", "heart", active=True)
    who = {"practitioner": {"reference": "Practitioner/doc"}, "availableTime": [HOURS]}
    put(ask, "PractitionerRole", "role", healthcareService=[{"reference": SERVICE}], **who)
    for patient in ("eva", "adam"):
        put(ask, "Patient", patient)
    yield ask
    for patient in ("eva", "adam"):
        ask("DELETE", f"/Patient/{patient}")


def put(ask: Any, type: str, id: str, **body: Any) -> None:
    assert ask("PUT", f"/{type}/{id}", {"resourceType": type, "id": id, **body}).status_code in (200, 201)


def parameters(**given: str) -> dict[str, Any]:
    parts = [{"name": name, "valueString": value} for name, value in given.items()]
    return {"resourceType": "Parameters", "parameter": parts}


def wait(ask: Any, who: str = "desk", **given: str) -> Any:
    return ask("POST", "/Appointment/$wait", parameters(**{"service": SERVICE, **given}), who=who)


def verb(ask: Any, name: str, id: str, who: str = "desk", **given: str) -> Any:
    return ask("POST", f"/Appointment/{id}/${name}", parameters(**given) if given else None, who=who)


def offered(store: Any) -> None:
    hand_out(store, [SERVICE], NOW, NOW + timedelta(days=3))


def test_a_place_is_taken_and_an_offer_declined_or_accepted(clinic: Any, store: Any):
    made = wait(clinic, patient="adam", days="mon,tue", opens="08:30", doctors="PractitionerRole/role").json()
    assert "waitlist" == made["status"]
    offered(store)
    held = clinic("GET", f"/Appointment/{made['id']}").json()
    assert ("pending", "2026-11-23T00:30:00.000Z") == (held["status"], held["start"])
    assert "waitlist" == verb(clinic, "decline", made["id"]).json()["status"]
    assert 410 == verb(clinic, "accept", made["id"]).status_code
    offered(store)
    held = clinic("GET", f"/Appointment/{made['id']}").json()
    assert "2026-11-23T00:45:00.000Z" == held["start"]
    assert "booked" == verb(clinic, "accept", made["id"], keep="true").json()["status"]
    assert 409 == verb(clinic, "leave", made["id"]).status_code


def test_a_patient_waits_for_herself_and_of_others_is_told_nothing(clinic: Any):
    mine = wait(clinic, "eva").json()
    assert mine == wait(clinic, "eva").json()
    others = wait(clinic, patient="adam").json()
    for name in ("accept", "decline", "leave"):
        unseen = [verb(clinic, name, id, "eva") for id in (others["id"], "nobody")]
        assert [404, 404] == [one.status_code for one in unseen]
    assert 403 == wait(clinic, "eva", patient="adam").status_code
    assert 403 == wait(clinic, "eva", urgency="urgent").status_code
    assert "cancelled" == verb(clinic, "leave", mine["id"], "eva").json()["status"]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"service": "nobody"}, 404),
        ({"service": ""}, 422),
        ({"days": "someday"}, 422),
        ({"opens": "noon"}, 400),
        ({"last": "2026-13-01"}, 400),
        ({"opens": "09:00", "closes": "08:00"}, 422),
        ({"first": "2026-12-02", "last": "2026-12-01"}, 422),
        ({"doctors": "PractitionerRole/nobody"}, 422),
        ({"instead": "Appointment/nobody"}, 404),
        ({"urgency": "mortal"}, 422),
        ({"patient": "nobody"}, 404),
        ({"colour": "red"}, 400),
        ({"key": "k" * 201}, 422),
    ],
)
def test_what_cannot_be_waited_for_is_refused_by_name(clinic: Any, given: dict[str, str], status: int):
    answer = wait(clinic, **{"patient": "adam", **given})
    assert status == answer.status_code and answer.json()["issue"][0]["diagnostics"]
