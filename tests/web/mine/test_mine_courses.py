"""A patient books a course of visits on a phone, sees it as one, moves and cancels the rest of it, takes it back."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from salus.base import clock
from salus.base.errors import Conflict
from salus.base.ids import uuid7
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.brochure import USUAL
from salus.services.appointments.courses import Courses, visits
from salus.services.appointments.days import next_days
from salus.services.appointments.finding import Offer
from salus.services.appointments.planning import Course

NOW = datetime(2026, 9, 14, 1, tzinfo=UTC)  # Monday morning, two weeks before a week of holidays
SERVICE = "bones"
ASKED = {"service": SERVICE, "day-mon": "on", "time": "09:00", "count": "3", "every": "1", "from": "2026-09-21"}
ASKED |= {"doctor": "", "holidays": "move"}
HOURS = {
    "availableTime": [
        {"daysOfWeek": ["mon", "wed"], "availableStartTime": "09:00:00", "availableEndTime": "10:00:00"},
    ]
}
ROLE = "PractitionerRole/bones-1"
BONES: list[dict[str, Any]] = [
    *({"resourceType": "Patient", "id": f"showcase-{number}", "gender": "female"} for number in (1, 2)),
    {"resourceType": "HealthcareService", "id": "without", "name": "Without courses"},
    {"resourceType": "PractitionerRole", "id": "w", "healthcareService": [{"reference": "HealthcareService/without"}]},
    {
        "resourceType": "HealthcareService",
        "id": SERVICE,
        "name": "Bones",
        "extension": [
            {"url": f"https://salus.example/fhir/StructureDefinition/service-{name}", "valueInteger": number}
            for name, number in (("course", 10), ("minutes", 30))
        ],
        **HOURS,
    },
    *(
        {
            "resourceType": "PractitionerRole",
            "id": f"bones-{number}",
            "practitioner": {"reference": f"Practitioner/bones-{number}"},
            "healthcareService": [{"reference": f"HealthcareService/{SERVICE}"}],
            "availableTime": HOURS["availableTime"],
        }
        for number in (1, 2)
    ),
]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    """Two patients, and a service of two doctors that offers courses."""
    with clock.stopped_at(NOW), Store(tmp_path / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for body in BONES:
            records.update(body["resourceType"], body["id"], body)
        yield store


def plan(phone: Any, status: int = 200, **more: str) -> str:
    return str(phone.see(f"/mine/courses/plan?{urlencode(ASKED | more)}", status))


def key_in(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found
    return found[1]


def booked(phone: Any, **more: str) -> str:
    """Book a course as asked; the address of its page."""
    page = plan(phone, **more)
    answer = phone.send(page, "/mine/courses", **ASKED | more, key=key_in(page))
    assert 303 == answer.status_code, answer.text[-2000:]
    return str(answer.headers["location"]).partition("?")[0]


def of_course(house: Records, status: str = "booked") -> list[str]:
    """The times of the patient's appointments in that state, on the clock of the place."""
    found = house.search("Appointment", f"patient=Patient/showcase-1&status={status}&_count=200").versions
    starts = sorted(datetime.fromisoformat(one.json()["start"]) for one in found)
    return [f"{one.astimezone(USUAL):%m-%d %H:%M}" for one in starts if one > NOW]


def another_has(ward: Store, local: datetime, role: str = ROLE) -> None:
    start = local.replace(tzinfo=USUAL).astimezone(UTC)
    offer = Offer(start, start + timedelta(minutes=30), (role,))
    wish = Wish(uuid7(), "Patient/showcase-2", offer, f"HealthcareService/{SERVICE}")
    Booking(ward, SYSTEM, Purpose.OPERATIONS).book(wish)


def test_a_course_is_asked_for_seen_booked_and_stands_as_one(phone, house):
    page = phone.see(f"/mine/find?service={SERVICE}")
    assert f'href="/mine/courses/new?service={SERVICE}' in page
    page = phone.see(f"/mine/courses/new?service={SERVICE}")
    assert "up to 10 visits" in page and "<option>09:30</option>" in page

    page = plan(phone, count="2")
    assert "All 2 dates can be had" in page and "Nothing is held for you" in page and of_course(house) == []
    course = booked(phone, count="2")

    assert of_course(house) == ["09-21 09:00", "09-28 09:00"]
    page = phone.see(f"{course}?done=booked")
    assert "The course is booked." in page and "2 visits, 2 of them to come" in page
    listed = phone.see("/mine/appointments")
    assert 1 == listed.count("<article") and f'href="{course}"' in listed and "2 to come" in listed


def test_a_visit_on_a_holiday_goes_to_the_day_that_is_worked_for_it_is_left_out_or_chosen(phone, house):
    wednesdays = {"day-wed": "on", "count": "6"}
    page = plan(phone, **wednesdays)
    assert "is a public holiday" in page

    page = plan(phone, **wednesdays, holidays="skip")
    assert "public holiday" not in page.split("<ol")[1] and page.count('class="tag good"') < 6
    page = plan(phone, **wednesdays, holidays="refuse")
    assert "This is a public holiday." in page and "of 6 dates can be had" in page


def test_what_is_not_free_is_said_and_another_time_taken_instead(phone, house, ward):
    another_has(ward, datetime(2026, 9, 28, 9))
    asked = {"count": "2", "doctor": "bones-1"}
    page = plan(phone, **asked)
    assert "1 of 2 dates can be had" in page and "The doctor is not free at this time." in page
    (name,) = re.findall(r'<select id="(instead-\d+)"', page)
    choices = [unescape(one) for one in re.findall(r'<option value="(Pract[^"]+)"', page)]

    refused = phone.send(page, "/mine/courses", **ASKED | asked, key=key_in(page), extent="all")
    assert 409 == refused.status_code and "Nothing was booked: 1 of the dates" in refused.text and not of_course(house)
    done = phone.send(page, "/mine/courses", **ASKED | asked, key=key_in(page), extent="all", **{name: choices[0]})

    assert 303 == done.status_code and of_course(house) == ["09-21 09:00", "09-28 09:30"]


def test_a_time_that_was_never_proposed_cannot_be_taken_instead(phone, house, ward):
    another_has(ward, datetime(2026, 9, 28, 9))
    asked = {"count": "2", "doctor": "bones-1"}
    page = plan(phone, **asked)
    (name,) = re.findall(r'<select id="(instead-\d+)"', page)

    for far in ("2029-09-24T09:30:00+08:00", "2026-12-28T09:30:00+08:00"):
        forged = {name: f"PractitionerRole/bones-1|{far}"}
        done = phone.send(page, "/mine/courses", **ASKED | asked, key=key_in(page), extent="all", **forged)
        assert 409 == done.status_code and [] == of_course(house)


def test_those_that_can_be_had_are_booked_and_the_others_named(phone, house, ward):
    for role in ("bones-1", "bones-2"):
        another_has(ward, datetime(2026, 9, 28, 9, 30), f"PractitionerRole/{role}")
    asked = {"count": "2", "time": "09:30"}
    page = plan(phone, **asked)
    answer = phone.send(page, "/mine/courses", **ASKED | asked, key=key_in(page), extent="some")

    page = phone.see(answer.headers["location"])
    assert of_course(house) == ["09-21 09:30"]
    assert "1 dates could not be had" in page and "2. Mon 28 Sept, 09:30" in page.split("Not booked")[1]


def test_a_course_pressed_eight_times_at_once_is_booked_and_let_go_once(phone, house):
    page = plan(phone)
    key = key_in(page)

    def at_once(address: str, **fields: str) -> set[tuple[int, str]]:
        with ThreadPoolExecutor(8) as presses:
            sent = [presses.submit(phone.send, page, address, **fields) for _ in range(8)]
        return {(one.result().status_code, one.result().headers.get("location", "")) for one in sent}

    ((status, address),) = at_once("/mine/courses", **ASKED, key=key)
    assert 303 == status and 3 == len(of_course(house))
    course = address.partition("?")[0]
    assert {(303, f"{course}?done=cancelled")} == at_once(f"{course}/cancel")
    assert {(303, f"{course}?done=restored")} == at_once(f"{course}/restore")
    assert 3 == len(of_course(house))


def test_the_rest_is_let_go_taken_back_and_what_somebody_has_by_now_is_said(phone, house, ward):
    course = booked(phone, count="2")
    page = phone.see(course)
    assert "Cancel the rest (2)" in page
    assert f"{course}?done=cancelled" == phone.send(page, f"{course}/cancel").headers["location"]
    page = phone.see(f"{course}?done=cancelled")
    assert "you can undo this" in page and "Undo: I do come (2 visits)" in page and of_course(house) == []

    assert f"{course}?done=restored" == phone.send(page, f"{course}/restore").headers["location"]
    assert of_course(house) == ["09-21 09:00", "09-28 09:00"]

    phone.send(page, f"{course}/cancel")
    another_has(ward, datetime(2026, 9, 28, 9))
    answer = phone.send(page, f"{course}/restore")
    assert 409 == answer.status_code and "Somebody else has one of these times" in answer.text
    assert of_course(house) == []


def test_those_after_one_are_let_go_and_only_these_are_taken_back(phone, house):
    course = booked(phone)
    first, second = re.findall(r'href="(/mine/appointments/[\w-]+)"', phone.see(course))[:2]
    page = phone.see(first)
    phone.send(page, f"{first}/cancel")
    with clock.stopped_at(NOW + timedelta(minutes=1)):
        answer = phone.send(phone.see(second), f"{second}/cancel", scope="following")

        assert f"{course}?done=cancelled" == answer.headers["location"]
        page = phone.see(f"{course}?done=cancelled")
        assert "Undo: I do come (2 visits)" in page
        phone.send(page, f"{course}/restore")
        assert 2 == len(of_course(house))


def test_the_rest_moves_whole_or_not_at_all(phone, house, ward):
    course = booked(phone, count="2")
    query = {"day": "2026-09-21", "time": "09:30"}
    page = phone.see(f"{course}/move?{urlencode(query)}")
    assert 2 == page.count('class="tag good"')

    assert [f"{course}?done=moved"] * 2 == [
        phone.send(page, f"{course}/move", **query).headers["location"] for _ in range(2)
    ]
    assert of_course(house) == ["09-21 09:30", "09-28 09:30"]

    doctor = house.search("Appointment", "patient=Patient/showcase-1&status=booked").versions[0].json()
    (role,) = [one["actor"]["reference"] for one in doctor["participant"] if "Role" in one["actor"]["reference"]]
    another_has(ward, datetime(2026, 9, 28, 9), role)
    back = {"day": "2026-09-21", "time": "09:00"}
    answer = phone.send(page, f"{course}/move", **back)
    assert 409 == answer.status_code and "Nothing was moved: 1 of the dates" in answer.text
    assert of_course(house) == ["09-21 09:30", "09-28 09:30"]
    (choice,) = [one for one in re.findall(r'<option value="(Pract[^"]+)"', answer.text) if role in one][:1]
    phone.send(page, f"{course}/move", **back, **{"instead-2": choice})
    assert of_course(house) == ["09-21 09:00", "09-28 09:30"]


def ordered(house: Records, count: int, subject: str = "showcase-1") -> str:
    id = uuid7()
    order = {"resourceType": "ServiceRequest", "id": id, "status": "active", "intent": "order"}
    order |= {"code": {"text": "Training of the back"}, "subject": {"reference": f"Patient/{subject}"}}
    order |= {"performer": [{"reference": f"HealthcareService/{SERVICE}"}]}
    house.update("ServiceRequest", id, order | {"quantityQuantity": {"value": count}})
    return id


def test_as_many_visits_are_booked_as_a_doctor_has_ordered_and_no_more(phone, house):
    order = ordered(house, 4)
    page = phone.see("/mine/appointments")
    assert "Training of the back" in page and f'href="/mine/courses/new?order={order}"' in page
    page = phone.see(f"/mine/courses/new?order={order}")
    assert "4 visits were ordered, of which you can still book 4" in page

    asked = {"service": "", "order": order, "count": "2"}
    first = booked(phone, **asked)
    assert "you can still book 2" in phone.see("/mine/appointments")
    plan(phone, 422, **asked | {"count": "3"})
    page = plan(phone, **asked | {"time": "09:30"})
    second = phone.send(page, "/mine/courses", **ASKED | asked | {"time": "09:30"}, key=key_in(page))
    assert 303 == second.status_code and 4 == len(of_course(house))
    assert "you can still book" not in phone.see("/mine/appointments")
    third = phone.send(page, "/mine/courses", **ASKED | asked | {"time": "09:30"}, key="third")
    assert 404 == third.status_code and 4 == len(of_course(house))
    assert f'href="{first}"' in phone.see("/mine/appointments")


def test_two_courses_of_an_order_at_once_are_not_more_than_was_ordered(phone, house):
    asked = {"service": "", "order": ordered(house, 3), "count": "2"}
    pages = [plan(phone, **asked | {"time": time}) for time in ("09:00", "09:30")]
    with ThreadPoolExecutor(2) as presses:
        sent = [
            presses.submit(phone.send, page, "/mine/courses", **ASKED | asked | {"time": time}, key=key_in(page))
            for page, time in zip(pages, ("09:00", "09:30"), strict=True)
        ]
    assert {303} < {one.result().status_code for one in sent} and 2 == len(of_course(house))


def test_a_second_course_of_a_service_waits_until_the_first_is_over(phone, house):
    course = booked(phone, count="2")
    page = phone.see(f"/mine/courses/new?service={SERVICE}")
    assert f'href="{course}"' in page and "before you book another" in page
    answer = phone.send(page, "/mine/courses", **ASKED | {"time": "09:30"}, key="another")
    assert 409 == answer.status_code and 2 == len(of_course(house))


def test_a_patient_books_no_longer_course_than_the_service_offers_by_whichever_door(ward):
    desk = Courses(ward, Actor("Patient/showcase-1", Role.PATIENT, "showcase-1"), Purpose.PATIENT_REQUEST)
    long = Course(SERVICE, datetime(2026, 9, 21, 9), "FREQ=WEEKLY;COUNT=11", holidays="move")
    with pytest.raises(Conflict, match="no course of 11 visits"):
        desk.book_all("k", "Patient/showcase-1", long)
    assert 10 == len(desk.book_all("k", "Patient/showcase-1", replace(long, rule="FREQ=WEEKLY;COUNT=10")).visits)


def test_anothers_course_and_order_are_as_if_they_were_not_there(phone, house, ward):
    order = ordered(house, 4, "showcase-2")
    assert order not in phone.see("/mine/appointments")
    page = phone.see(f"/mine/find?service={SERVICE}")
    phone.see(f"/mine/courses/new?order={order}", 404)
    assert 404 == phone.send(page, "/mine/courses", **ASKED | {"order": order}, key="k").status_code

    offer = next_days(ward, [SERVICE], USUAL, date(2026, 9, 16), days=1)[0].columns[0].offers[0]
    series = (("https://salus.example/series", "theirs"),)
    wish = Wish(uuid7(), "Patient/showcase-2", offer, f"HealthcareService/{SERVICE}", identifiers=series)
    Booking(ward, SYSTEM, Purpose.OPERATIONS).book(wish)
    for path in ("", "/move"):
        phone.see(f"/mine/courses/theirs{path}", 404)
    for verb in ("cancel", "restore", "move"):
        assert 404 == phone.send(page, f"/mine/courses/theirs/{verb}", day="2026-09-21", time="09:00").status_code


@pytest.mark.parametrize(
    "odd",
    [
        {"count": "1"}, {"count": "11"}, {"count": "many"}, {"time": "9"}, {"time": "09:00:01"}, {"from": "soon"},
        {"from": "2026-09-13"}, {"from": "2027-09-13"}, {"doctor": "x"}, {"holidays": "x"}, {"every": "3"},
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_said_and_the_form_stays_as_it_was(phone, odd):
    page = plan(phone, 422, **odd)

    assert 'role="alert"' in page and 'name="day-mon" checked' in page


def test_a_form_without_a_day_or_for_a_service_without_courses_books_nothing(phone, house):
    without = {name: value for name, value in ASKED.items() if name != "day-mon"}
    assert "at least one day" in phone.see(f"/mine/courses/plan?{urlencode(without)}", 422)
    phone.see("/mine/courses/new?service=without", 404)
    page = plan(phone)
    for odd in ({"instead-x": "a|2026-09-21T09:00:00+08:00"}, {"instead-1": "nonsense"}, {"key": ""}):
        answer = phone.send(page, "/mine/courses", **ASKED | {"key": "k"} | odd)
        assert 422 == answer.status_code and of_course(house) == []


def test_in_chinese_the_holiday_and_the_day_worked_for_it_are_named(phone_in):
    page = plan(phone_in("zh"), **{"day-wed": "on", "count": "6"})

    assert "法定节假日" in page and "预约疗程" in page


def test_an_order_says_how_many_visits_in_either_way():
    assert 6 == visits({"occurrenceTiming": {"repeat": {"count": 6}}, "quantityQuantity": {"value": 2}})
    assert 60 == visits({"quantityQuantity": {"value": 500}})
