"""Records with moments at the ends of the calendar, or in a leap second, are shown like any other."""

from typing import Any

import pytest

from salus.base.errors import Invalid
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

LI, WHO = {"reference": "Patient/li"}, {"reference": "Patient/showcase-1"}
LAST, FIRST, LEAP = "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2016-12-31T23:59:60Z"
VISIT = {"resourceType": "Encounter", "id": "odd", "status": "finished", "class": {"code": "AMB"}, "subject": LI}
POTASSIUM = {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]}


def house(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def booking(at: str, id: str = "odd") -> dict[str, Any]:
    who = [{"actor": WHO, "status": "accepted"}]
    return {"resourceType": "Appointment", "id": id, "status": "booked", "start": at, "end": at, "participant": who}


@pytest.mark.parametrize("at", [LAST, FIRST, LEAP])
def test_a_chart_is_shown_whenever_its_records_are(someone: Any, store: Store, at: str):
    value = {"effectiveDateTime": at, "valueQuantity": {"value": 4, "unit": "mmol/L"}}
    told = {"resourceType": "Observation", "id": "odd", "status": "final", "code": POTASSIUM, "subject": LI, **value}
    house(store).update("Encounter", "odd", VISIT | {"period": {"start": at, "end": at}})
    house(store).update("Observation", "odd", told)

    pages = ("/patients/li", "/patients/li/orders", "/resources/Encounter/odd", "/resources/Observation/odd")
    assert [200] * 4 == [someone("clinician").get(page).status_code for page in pages]


def test_an_appointment_at_the_beginning_of_the_calendar_is_listed(someone: Any, store: Store):
    house(store).update("Appointment", "odd", booking(FIRST))

    assert 200 == someone("patient").get("/mine/appointments").status_code


def test_an_appointment_in_a_leap_second_is_refused_in_words_alone_and_among_others(store: Store):
    with pytest.raises(Invalid, match="no clock shows"):
        house(store).update("Appointment", "odd", booking(LEAP))
    entries = [
        {"resource": booking(at, id), "request": {"method": "PUT", "url": f"Appointment/{id}"}}
        for id, at in (("one", "2016-12-31T23:00:00Z"), ("odd", LEAP), ("two", "2016-12-31T23:30:00Z"))
    ]
    made = house(store).bundle({"resourceType": "Bundle", "type": "batch", "entry": entries})

    assert ["201", "422", "201"] == [one["response"]["status"][:3] for one in made["entry"]]


def test_a_notice_that_somebody_else_wrote_does_not_close_the_inbox(someone: Any, store: Store):
    ours = [{"coding": [{"system": "https://salus.example/fhir/CodeSystem/notice", "code": "booked"}]}]
    told = {"resourceType": "Communication", "id": "odd", "status": "completed", "category": ours}
    house(store).update("Communication", "odd", told | {"subject": WHO, "recipient": [WHO]})

    assert 200 == someone("patient").get("/mine/inbox").status_code


def test_who_has_no_record_here_has_an_inbox_all_the_same(someone: Any, store: Store):
    assert 200 == someone("patient").get("/mine/inbox").status_code
