"""Slots on the nights on which clocks change, by every door: none is offered that the clock jumps over, and of an hour
that comes twice both are had, and told apart."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from html import unescape
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from salus.api import fhir
from salus.base import clock
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.appointments.catalogue import COURSE, EVERY, MINUTES, ZONE

ME = "showcase-1"  # whose account the patient's phone is signed in with
HOURS = {"daysOfWeek": ["sun"], "availableStartTime": "01:00:00", "availableEndTime": "05:00:00"}
PEOPLE = {
    "desk": (Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS),
    "me": (Actor(f"Patient/{ME}", Role.PATIENT, ME), Purpose.PATIENT_REQUEST),
    "other": (Actor("Patient/other", Role.PATIENT, "other"), Purpose.PATIENT_REQUEST),
}
STEP = timedelta(minutes=30)


class Night(NamedTuple):
    """A zone, the night on which its clock jumps from one time to another, and that on which it shows one twice."""

    zone: str
    gap: str
    jumps: tuple[str, str]
    back: str
    twice: tuple[str, ...]
    offsets: tuple[str, str]


NIGHTS = [
    Night("America/New_York", "2026-03-08", ("02:00", "03:00"), "2026-11-01", ("01:00", "01:30"), ("-04:00", "-05:00")),
    Night("Europe/Berlin", "2026-03-29", ("02:00", "03:00"), "2026-10-25", ("02:00", "02:30"), ("+02:00", "+01:00")),
    Night("Australia/Lord_Howe", "2026-10-04", ("02:00", "02:30"), "2026-04-05", ("01:30",), ("+11:00", "+10:30")),
]


def at(day: str, time: str, zone: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=ZoneInfo(zone))


def lay(store: Store, zone: str) -> None:
    """A service of half an hour, every half hour from one to five on Sundays."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    service, numbers = {"reference": "HealthcareService/night"}, {MINUTES: 30, EVERY: 30, COURSE: 10}
    extension = [{"url": url, "valueInteger": number} for url, number in numbers.items()]
    given = {"practitioner": {"reference": "Practitioner/doc"}, "healthcareService": [service]}
    country = {"America": "US", "Europe": "DE", "Australia": "AU"}[zone.partition("/")[0]]
    area = [{"identifier": {"value": country}, "display": country}]
    where = {"location": [{"reference": "Location/house"}], "coverageArea": area}
    for body in (
        {"resourceType": "Patient", "id": ME},
        {"resourceType": "Patient", "id": "other"},
        {"resourceType": "Practitioner", "id": "doc", "name": [{"text": "Doctor"}]},
        {"resourceType": "Location", "id": "house", "extension": [{"url": ZONE, "valueCode": zone}]},
        {"resourceType": "HealthcareService", "id": "night", "name": "Night", "extension": extension, **where},
        {"resourceType": "PractitionerRole", "id": "doc", "availableTime": [HOURS], **given},
    ):
        records.update(body["resourceType"], body["id"], body)


class Doors:
    """The same house by all of its doors."""

    def __init__(self, store: Store, browser_of: Any, house: Any) -> None:
        self.browser_of, self.house = browser_of, house
        self.machine = browser_of(fhir.door(store, lambda headers: PEOPLE[headers[b"authorization"].decode()]))

    def person(self, account: str, language: str = "en") -> Any:
        return self.browser_of(self.house).speaking(language).sign_in(account)

    def fhir(self, verb: str, language: str = "en", who: str = "desk", **given: str) -> Any:
        """Of an Appointment: `$book`, `7/$confirm`."""
        parts = [{"name": name, "valueString": value} for name, value in given.items()]
        body = {"json": {"resourceType": "Parameters", "parameter": parts}} if parts else {}
        headers = {"content-type": "application/fhir+json", "accept-language": language, "authorization": who}
        return self.machine.ask("POST", f"/fhir/Appointment/{verb}", headers, **body)

    def found(self, day: datetime) -> list[datetime]:
        """What `$find` offers on that night."""
        span = {"start": day.isoformat(), "end": (day + timedelta(days=1)).isoformat(), "count": "50"}
        answer = self.fhir("$find", service="night", **span).json()
        return [datetime.fromisoformat(one["resource"]["start"]) for one in answer.get("entry", [])]


@pytest.fixture
def doors(new_place: Callable[[], str], tmp_path: Any, house_of: Any, browser_of: Any) -> Iterator[Callable[..., Any]]:
    place = new_place()
    with Store(place) as store:

        def opened(zone: str) -> Doors:
            lay(store, zone)
            told = Settings(tmp_path, place, tmp_path / "m", tmp_path / "e", b"s" * 64, demo=True)  # type: ignore[arg-type]
            return Doors(store, browser_of, house_of(store, told))

        yield opened


def offered(page: str, begin: datetime) -> Mapping[str, str]:
    """What the buttons of a page say of the day that begins then: the words on each, by the time that it sends."""
    found = re.findall(r'<button[^>]*name="at" value="([^"]+)"[^>]*>(.*?)</button>', page, re.S)
    told = {unescape(value).rpartition("|")[2]: re.sub(r"<[^>]+>|\s+", " ", said).strip() for value, said in found}
    return {at: said for at, said in told.items() if begin <= datetime.fromisoformat(at) < begin + timedelta(days=1)}


PAGES = [
    ("patient", "/mine/find?service=night&from={}"),
    ("desk", f"/reception/people/{ME}/book?service=night&from={{}}"),
]


@pytest.mark.parametrize("night", NIGHTS, ids=lambda night: night.zone)
def test_no_slot_is_offered_or_booked_that_the_clock_jumps_over(doors: Any, night: Night) -> None:
    begin, (jumped, to) = at(night.gap, "00:00", night.zone), night.jumps
    with clock.stopped_at(begin - timedelta(days=1)):
        house = doors(night.zone)
        shown = [f"{one.astimezone(ZoneInfo(night.zone)):%H:%M}" for one in house.found(begin)]

        assert shown == sorted(set(shown)) and not [one for one in shown if jumped <= one < to]
        assert len(shown) == (at(night.gap, "05:00", night.zone).timestamp() - begin.timestamp()) / 1800 - 2
        for account, address in PAGES:
            said = offered(house.person(account).get(address.format(night.gap)).text, begin)
            assert shown == list(said.values()), account
        for language, words in (("en", "the clock jumps over that time on this day"), ("zh", "因时制调整没有这个时刻")):
            rule = {"start": f"{night.gap}T{jumped}:00", "rule": "FREQ=DAILY;COUNT=1"}
            answer = house.fhir("$find-series", language, service="night", **rule)
            assert words in answer.text and answer.json()["total"] == 0
            refused = house.fhir("$book-series", language, service="night", patient=ME, key="k", **rule)
            assert refused.status_code == 409 and words in refused.text
        assert len(shown) == len(house.found(begin))


@pytest.mark.parametrize("night", NIGHTS, ids=lambda night: night.zone)
def test_an_hour_that_comes_twice_is_offered_twice_told_apart_and_booked_as_it_was_chosen(
    doors: Any, night: Night
) -> None:
    begin, zone = at(night.back, "00:00", night.zone), ZoneInfo(night.zone)
    first, second = (
        at(night.back, night.twice[0], night.zone).replace(fold=fold).astimezone(clock.UTC) for fold in (0, 1)
    )
    with clock.stopped_at(begin - timedelta(days=1)):
        house = doors(night.zone)
        found = house.found(begin)

        assert first in found and second in found
        assert len(found) == 8 + len(night.twice)  # four hours by the clock, and what comes twice
        marks = [f"(UTC{one.replace('-', '−')})" for one in night.offsets]
        for account, address in PAGES:
            said = offered(house.person(account).get(address.format(night.back)).text, begin)
            assert len(said) == len(set(said.values())) == len(found)
            told = [one for one in said.values() if "UTC" in one]
            assert sorted(told) == sorted(f"{one} {mark}" for one in night.twice for mark in marks)
        for language, words in (("en", "comes twice in"), ("zh", "当日出现两次")):
            rule = {"service": "night", "start": second.isoformat(), "rule": "FREQ=DAILY;COUNT=1"}
            for verb, more in (("$find-series", {}), ("$book-series", {"patient": ME, "key": "s"})):
                refused = house.fhir(verb, language, **rule, **more)
                assert refused.status_code == 422 and words in refused.text, refused.text
        phone = house.person("patient")
        page = phone.get(PAGES[0][1].format(night.back)).text
        (chosen,) = (one for one in re.findall(r'name="at" value="([^"]+)"', page) if is_at(unescape(one), second))
        key = re.search(r'name="key" value="([^"]+)"', page)[1]  # type: ignore[index]
        held = phone.send_form(PAGES[0][1].format(night.back), "/mine/hold", key=key, at=unescape(chosen))
        assert held.status_code == 303
        assert f"{night.twice[0]} {marks[1]}" in phone.get(held.headers["location"]).text
        booked = house.fhir("$book", service="night", start=first.isoformat(), patient=ME, key="first")
        assert booked.status_code == 201 and datetime.fromisoformat(booked.json()["start"]) == first
        assert [one for one in found if one not in (first, second)] == house.found(begin)
        assert zone.key == night.zone


def is_at(choice: str, when: datetime) -> bool:
    return datetime.fromisoformat(choice.rpartition("|")[2]) == when


TIMES = [
    ("2026-03-08T02:30:00", 400, "has no zone", "没有时区"),
    ("next week", 400, "is no time", "不是时间"),
    ("2026-02-30T09:00:00+08:00", 400, "is no time", "不是时间"),
    ("9999-12-31T23:59:59-12:00", 400, "is too far away", "太远"),
    ("2026-03-06T09:00:00Z", 409, "", ""),
]


@pytest.mark.parametrize("verb", ["$book", "$hold"])
@pytest.mark.parametrize(("start", "status", "english", "chinese"), TIMES)
def test_what_is_no_time_to_be_had_is_said_and_nothing_is_booked(
    doors: Any, verb: str, start: str, status: int, english: str, chinese: str
) -> None:
    with clock.stopped_at(at("2026-03-07", "00:00", "America/New_York")):
        house = doors("America/New_York")
        before = house.found(at("2026-03-08", "00:00", "America/New_York"))
        for language, words in (("en", english), ("zh", chinese)):
            answer = house.fhir(verb, language, service="night", start=start, patient=ME, key="k")
            assert (answer.status_code, words in answer.text) == (status, True), answer.text
        assert before == house.found(at("2026-03-08", "00:00", "America/New_York"))


HELD = [("en", "was let go", "is booked"), ("zh", "保留的时间已于", "已预约")]


@pytest.mark.parametrize(("language", "gone", "twice"), HELD)
def test_a_hold_is_confirmed_in_time_once_and_by_whose_it_is(doors: Any, language: str, gone: str, twice: str) -> None:
    begin = at("2026-03-08", "00:00", "America/New_York")
    with clock.stopped_at(begin - timedelta(days=1)):
        house = doors("America/New_York")
        free = house.found(begin)
        late, mine = (
            house.fhir("$hold", who="me", service="night", start=one.isoformat(), key=f"{n}").json()["id"]
            for n, one in enumerate(free[:2])
        )
        assert 404 == house.fhir(f"{mine}/$confirm", language, "other").status_code
        assert 200 == house.fhir(f"{mine}/$confirm", language, "me").status_code
        again = house.fhir(f"{mine}/$confirm", language, "me")
        assert again.status_code == 409 and twice in again.text
    with clock.stopped_at(begin - timedelta(days=1) + timedelta(minutes=11)):
        for who in ("me", "desk", "me"):
            refused = house.fhir(f"{late}/$confirm", language, who)
            assert refused.status_code == 410 and gone in refused.text
        assert free[:1] + free[2:] == house.found(begin)
