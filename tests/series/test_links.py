"""Free times for everybody: what is free and nothing else, with a link to book it, made once a minute at most."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from salus.base.errors import Missing
from salus.fhir import decode
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.appointments import links
from salus.services.appointments.booking import Wish
from salus.services.appointments.choosing import offered
from salus.services.appointments.links import CAPACITY, LINK, Links
from salus.services.appointments.recurring import utc
from salus.services.appointments.series import Series

HERE = "https://hospital.example"
MONDAY = utc(datetime(2026, 1, 26, 9), ZoneInfo("Asia/Shanghai"))


def told(house: Links, name: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in house.file(f"{name}.ndjson").body.splitlines()]


def values(slot: dict[str, Any], url: str) -> list[Any]:
    return [one.get("valueUrl") or one.get("valueInteger") for one in slot["extension"] if one["url"] == url]


def test_the_manifest_names_three_files_of_valid_resources_that_name_each_other(store: Store):
    house = Links(store, HERE)
    manifest = orjson.loads(house.file("$bulk-publish").body)

    assert manifest["request"] == f"{HERE}/scheduling/$bulk-publish" and manifest["error"] == []
    assert {one["type"]: one["url"].rpartition("/")[2] for one in manifest["output"]} == {
        "Location": "locations.ndjson", "Schedule": "schedules.ndjson", "Slot": "slots.ndjson",
    }  # fmt: skip
    places, schedules, slots = (told(house, name) for name in ("locations", "schedules", "slots"))
    for one in (*places, *schedules, *slots[:20]):
        decode(orjson.dumps(one), one["resourceType"])
    assert {one["actor"][0]["reference"] for one in schedules} == {f"Location/{one['id']}" for one in places}
    assert {one["schedule"]["reference"] for one in slots} == {"Schedule/dialysis"}
    assert {one["status"] for one in slots} == {"free"} and len({one["id"] for one in slots}) == len(slots)
    with pytest.raises(Missing):
        house.file("patients.ndjson")


def test_what_is_booked_is_not_published_and_nobody_is_named(store: Store, desk: Series):
    def at_nine() -> list[int]:
        slots = told(Links(store, HERE), "slots")
        return [(values(one, CAPACITY) or [1])[0] for one in slots if datetime.fromisoformat(one["start"]) == MONDAY]

    assert at_nine() == [2]
    for doctor, left in ((1, [1]), (2, [])):
        offer = offered(store, "dialysis", MONDAY, f"PractitionerRole/dialysis-{doctor}")[1]
        desk.book(Wish(f"k{doctor}", "Patient/li", offer, "HealthcareService/dialysis"))
        assert at_nine() == left
    text = b"".join(Links(store, HERE).file(f"{name}.ndjson").body for name in ("locations", "schedules", "slots"))
    assert not [word for word in (b"Patient", b"Practitioner", b"Appointment", b"busy") if word in text]


def test_a_time_leads_to_the_page_where_it_is_booked(store: Store):
    first = told(Links(store, HERE), "slots")[0]
    assert values(first, LINK) == [f"{HERE}/mine/find?service=dialysis&from=2026-01-26"]


def test_it_is_made_once_a_minute_and_stays_as_it_was_where_nothing_changed(
    store: Store, desk: Series, monkeypatch: pytest.MonkeyPatch
):
    house = Links(store, HERE)
    before = {name: house.file(name) for name in ("slots.ndjson", "locations.ndjson", "$bulk-publish")}
    offer = offered(store, "dialysis", MONDAY, "PractitionerRole/dialysis-1")[1]
    desk.book(Wish("k", "Patient/li", offer, "HealthcareService/dialysis"))
    assert all(house.file(name) is file for name, file in before.items())
    monkeypatch.setattr(links, "FRESH", 0.0)
    assert house.file("slots.ndjson").tag != before["slots.ndjson"].tag
    assert house.file("locations.ndjson") is before["locations.ndjson"]


def test_a_service_that_is_no_more_or_that_nobody_gives_is_left_out(store: Store, laid: Any):
    laid(store, "old", "Asia/Shanghai", doctors=0)
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    records.update("HealthcareService", "nowhere", {"resourceType": "HealthcareService"})
    house = Links(store, HERE)

    assert [one["id"] for one in told(house, "schedules")] == ["dialysis"]
    assert len(told(house, "locations")) == 1
    assert timedelta(days=14) > datetime.fromisoformat(told(house, "slots")[-1]["start"]) - MONDAY > timedelta(days=10)
