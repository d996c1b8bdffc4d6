"""A patient waits for a better time on a phone, sees where they stand, and answers what is offered."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from salus.base import clock
from salus.records import Store
from salus.services.appointments.waiting.offers import hand_out

SERVICE = "dermatology-centre"


@pytest.fixture(autouse=True)
def nobody_waits(house) -> Iterator[None]:
    yield
    for one in house.search("Appointment", "status=waitlist,pending,booked&_count=500").versions:
        if one.json().get("created", "") > "2026" and not one.id.startswith("showcase"):
            house.update("Appointment", one.id, one.json() | {"status": "entered-in-error"})


def join(phone, **terms: str) -> str:
    page = phone.see(f"/mine/waiting?service={SERVICE}")
    answer = phone.send(page, "/mine/waiting", service=SERVICE, **terms)
    assert 303 == answer.status_code, answer.text
    return str(answer.headers["location"])


def offer(ward: Store) -> None:
    """The house comes round and offers what is free."""
    now = clock.now()
    hand_out(ward, [f"HealthcareService/{SERVICE}"], now, now + timedelta(days=20))


def test_who_waits_sees_where_they_stand_and_joins_once(phone, house):
    place = join(phone, half="morning", **{"day-mon": "on"})
    page = phone.see(place)

    assert "You are next" in page and "Morning" in page and "Mon" in page
    assert place == join(phone, half="morning", **{"day-mon": "on"})
    assert place == join(phone, half="afternoon") and "Afternoon" in phone.see(place)
    assert f'href="{place}"' in phone.see("/mine") and f'href="{place}"' in phone.see("/mine/appointments")
    assert 1 == house.search("Appointment", "status=waitlist&patient=Patient/showcase-1&_summary=count").total


def test_an_offer_is_shown_with_the_time_left_and_taken_once(phone, ward):
    place = join(phone)
    offer(ward)
    assert "A time is free for you" in phone.see("/mine") and "A time is free for you" in phone.see(
        "/mine/appointments"
    )
    page = phone.see(place)
    assert "Held for you alone until" in page and "minutes left" in page

    booked = [phone.send(page, f"{place}/accept").headers["location"] for _ in range(2)]

    address = place.replace("waiting", "appointments")
    assert booked == [f"{address}?done=booked"] * 2 and "Booked" in phone.see(address)
    assert address == phone.browser.get(place).headers["location"]


def test_what_is_declined_goes_on_and_one_waits_on(phone, ward):
    place = join(phone)
    offer(ward)
    page = phone.see(place)
    appointment = place.replace("waiting", "appointments")
    assert place == phone.browser.get(appointment).headers["location"]

    assert [303, 303] == [phone.send(page, f"{place}/decline").status_code for _ in range(2)]
    assert "You are next" in phone.see(place)
    assert [303, 303] == [phone.send(page, f"{place}/leave").status_code for _ in range(2)]
    assert "Waiting list" not in phone.see("/mine").split("<main")[1]
    assert appointment == phone.browser.get(place).headers["location"]
    assert "/mine/appointments" == phone.browser.get(appointment).headers["location"]
    assert 404 == phone.send(page, f"{appointment}/cancel").status_code


def test_an_offer_that_is_over_is_said_and_nothing_is_booked(phone, at, ward):
    place = join(phone)
    offer(ward)
    with clock.stopped_at(clock.now() + timedelta(days=2)):
        late = type(phone)(at("patient"))
        answer = late.send(late.see(place), f"{place}/accept")

    assert 410 == answer.status_code and "The offer is over" in answer.text


def test_an_earlier_time_takes_the_place_of_a_later_booking(phone, ward):
    later = phone.book(f"service={SERVICE}", -1)
    id = later.rsplit("/", 1)[1]
    assert re.search(rf'<option value="{id}"', phone.see(f"/mine/waiting?service={SERVICE}"))
    place = join(phone, instead=id)
    offer(ward)

    phone.send(phone.see(place), f"{place}/accept")

    assert "Cancelled" in phone.see(later)


@pytest.mark.parametrize(
    "terms", [{"last": "2020-01-01"}, {"last": "soon"}, {"half": "night"}, {"doctor": "another"}, {"instead": "theirs"}]
)
def test_terms_on_which_nobody_can_wait_are_refused_and_stay_as_chosen(phone, terms):
    page = phone.see(f"/mine/waiting?service={SERVICE}")
    answer = phone.send(page, "/mine/waiting", service=SERVICE, **{"day-tue": "on"}, **terms)

    assert 422 == answer.status_code and "Nobody can wait on these terms" in answer.text
    assert 'name="day-tue" checked' in answer.text


def test_another_patients_place_is_as_if_it_were_not_there(phone, house):
    other = next(
        one.id for one in house.search("Appointment", "_count=500").versions if b'"Patient/showcase-1"' not in one.body
    )
    page = phone.see("/mine/find?department=cardiology")
    phone.see(f"/mine/waiting/{other}", 404)
    for verb in ("accept", "decline", "leave"):
        assert 404 == phone.send(page, f"/mine/waiting/{other}/{verb}").status_code
    phone.see("/mine/waiting?service=none", 404)
