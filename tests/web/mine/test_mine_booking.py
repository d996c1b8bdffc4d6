"""A patient finds a time on a phone, has it held, confirms it, moves it, lets it go and takes it up again."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest

from salus.base import clock
from salus.base.ids import uuid7
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.brochure import USUAL
from salus.services.appointments.days import next_days
from salus.services.appointments.finding import Offer
from salus.services.appointments.groups import Groups
from salus.services.appointments.planning import Course
from salus.services.appointments.series import Series

PRESSED = "cardiology-centre"


@pytest.fixture(autouse=True)
def nothing_is_left(house) -> Iterator[None]:
    """Each test begins with the times that the city has."""
    before = {one.id for one in house.search("Appointment", "_count=500").versions}
    yield
    for one in house.search("Appointment", "_count=500").versions:
        if one.id not in before and one.json()["status"] in ("pending", "booked"):
            house.update("Appointment", one.id, one.json() | {"status": "entered-in-error"})


def bookings(house, status: str) -> int:
    return house.search("Appointment", f"patient=Patient/showcase-1&status={status}&_summary=count").total


def another_has(ward: Store, at: str) -> None:
    """Somebody else books a time of the page."""
    service, actor, start = at.split("|")
    begin = datetime.fromisoformat(start)
    offer = Offer(begin, begin + timedelta(minutes=15), (actor,))
    wish = Wish(uuid7(), "Patient/showcase-2", offer, f"HealthcareService/{service}")
    Booking(ward, SYSTEM, Purpose.OPERATIONS).book(wish)


def test_a_time_is_found_held_and_booked_with_the_reason_in_own_words(phone, house):
    page = phone.see("/mine/find")
    assert 'href="/mine/find?department=cardiology"' in page and "Where should I go?" in page

    held = phone.hold()
    page = phone.see(held)

    assert "Price" in page and "for the visit itself" in page
    assert "Held for you until" in page and "9 min left" in page and bookings(house, "pending") == 1
    answer = phone.send(page, f"{held}/confirm", reason="  my <heart> races ")
    assert f"{held}?done=booked" == answer.headers["location"]
    page = phone.see(f"{held}?done=booked")
    assert "It is booked." in page and "my &lt;heart&gt; races" in page and "Cardiology" in page
    assert f'href="{held}"' in phone.see("/mine") and f'href="{held}"' in phone.see("/mine/appointments")


def test_a_form_sent_twice_is_one_booking(phone, house):
    page = phone.see("/mine/find?department=cardiology")
    key, at = re.search(r'name="key" value="([^"]+)"', page)[1], phone.offered(page)[0]

    first, again = (phone.send(page, "/mine/hold", key=key, at=at).headers["location"] for _ in range(2))
    done = [phone.send(page, f"{first}/confirm", reason="once").headers["location"] for _ in range(2)]

    assert first == again and done == [f"{first}?done=booked"] * 2 and bookings(house, "booked") == 1
    for verb in ("cancel", "restore"):
        assert [303, 303] == [phone.send(page, f"{first}/{verb}").status_code for _ in range(2)]
    assert bookings(house, "booked") == 1


def test_a_button_pressed_eight_times_at_once_does_it_once(phone, house, ward):
    page = phone.see("/mine/find?department=cardiology")
    key, at = re.search(r'name="key" value="([^"]+)"', page)[1], phone.offered(page)[0]

    def at_once(address: str, **fields: str) -> set[tuple[int, str]]:
        with ThreadPoolExecutor(8) as presses:
            sent = [presses.submit(phone.send, page, address, **fields) for _ in range(8)]
        return {(one.result().status_code, one.result().headers["location"]) for one in sent}

    ((status, held),) = at_once("/mine/hold", key=key, at=at)
    assert 303 == status and 1 == bookings(house, "pending")
    for verb, done, left in (("confirm", "booked", 1), ("cancel", "cancelled", 0), ("restore", "restored", 1)):
        assert {(303, f"{held}?done={done}")} == at_once(f"{held}/{verb}", reason="once")
        assert left == bookings(house, "booked")


def test_two_appointments_at_one_time_are_pointed_out(phone):
    start = phone.offered(phone.see("/mine/find?department=cardiology"))[0].split("|")[2]
    first = phone.book("department=cardiology")
    where, number = next(
        (name, number)
        for name in ("general", "ent", "ophthalmology", "neurology", "dermatology", "surgery", "gastroenterology")
        for number, at in enumerate(phone.offered(phone.see(f"/mine/find?department={name}")))
        if at.endswith(start)
    )
    page = phone.see(phone.hold(f"department={where}", number))

    assert "You have another appointment at that time" in page and f'href="{first}"' in page


def test_nobody_holds_two_times(phone, house):
    first = phone.hold(number=0)
    phone.hold(number=1)

    assert 1 == bookings(house, "pending")
    assert "Cancelled" in phone.see(first)


def test_what_is_held_and_not_wanted_is_free_again(phone):
    before = phone.offered(phone.see("/mine/find?department=cardiology"))
    held = phone.hold()
    assert before[0] not in phone.offered(phone.see("/mine/find?department=cardiology"))

    assert "/mine/find" == phone.send(phone.see(held), f"{held}/cancel").headers["location"]
    assert before == phone.offered(phone.see("/mine/find?department=cardiology"))


def test_a_time_that_somebody_else_took_is_told_with_those_that_are_free(phone, ward):
    page = phone.see("/mine/find?department=cardiology")
    at = phone.offered(page)[0]
    another_has(ward, at)

    answer = phone.send(page, "/mine/hold", key="k", at=at)

    assert 409 == answer.status_code and "a moment faster" in answer.text
    assert at not in phone.offered(answer.text) and phone.offered(answer.text)


def test_a_time_that_begins_at_this_moment_is_neither_offered_nor_given(phone):
    page = phone.see("/mine/find?department=cardiology")
    at = phone.offered(page)[0]

    with clock.stopped_at(datetime.fromisoformat(at.rsplit("|", 1)[1])):
        now = phone.see("/mine/find?department=cardiology")
        assert at not in phone.offered(now) and phone.offered(now)
        answer = phone.send(now, "/mine/hold", key="late", at=at)

    assert 409 == answer.status_code and "it has begun" in answer.text and phone.offered(answer.text)


def test_what_is_held_is_found_again_by_who_went_astray(phone):
    held = phone.hold()

    assert all(f'href="{held}"' in phone.see(page) for page in ("/mine", "/mine/appointments"))
    phone.send(phone.see(held), f"{held}/confirm", reason="")
    assert "Look and confirm" not in phone.see("/mine")


@pytest.mark.parametrize("words", ["xinxueguan", "xxgnk", "Cardio", "心血管"])
def test_departments_are_found_in_pinyin_and_what_is_no_name_leads_to_where_needs_are_said(phone, words):
    assert "department=cardiology" in phone.see(f"/mine/find?name={words}")

    page = phone.see("/mine/find?name=dizzy")
    assert "/services" in phone.send(page, "/services", need="dizzy").text
    assert "Which department for “dizzy”?" in page and 'name="need" value="dizzy"' in page


def test_what_we_called_off_is_told_and_what_is_long_over_has_its_year(phone, house):
    where = phone.book()
    told = house.read("Appointment", where.rpartition("/")[2]).json()
    house.update("Appointment", told["id"], told | {"status": "cancelled"})
    assert "We had to cancel this appointment" in phone.see(where)

    long_ago = {"start": "2019-03-04T01:00:00Z", "end": "2019-03-04T01:15:00Z"}
    house.update("Appointment", told["id"], told | long_ago | {"status": "fulfilled"})
    assert "4 Mar 2019, 09:00" in phone.see(where) and "4 Mar 2019, 09:00" in phone.see("/mine/appointments")


def test_what_is_not_confirmed_in_ten_minutes_is_let_go(phone):
    held = phone.hold()
    page = phone.see(held)
    with clock.stopped_at(clock.now() + timedelta(minutes=11)):
        late = phone.send(page, f"{held}/confirm", reason="late")
        assert 410 == late.status_code
        assert "no longer held" in phone.see(held) and "Nothing was booked" in phone.see(held)
        assert "no longer held" in phone.see(f"{held}/left", 286)
        assert f'href="{held}"' not in phone.see("/mine/appointments")


def test_what_was_cancelled_by_mistake_can_be_taken_back_until_somebody_else_has_it(phone, ward):
    page = phone.see("/mine/find?department=cardiology")
    booked, at = phone.book(), phone.offered(page)[0]
    page = phone.see(f"{booked}?done=booked")
    assert f"{booked}?done=cancelled" == phone.send(page, f"{booked}/cancel").headers["location"]
    page = phone.see(f"{booked}?done=cancelled")
    assert "Undo" in page and "No appointment is coming up." in phone.see("/mine")

    assert f"{booked}?done=restored" == phone.send(page, f"{booked}/restore").headers["location"]
    assert "It stands again." in phone.see(f"{booked}?done=restored") and f'href="{booked}"' in phone.see("/mine")

    phone.send(page, f"{booked}/cancel")
    another_has(ward, at)
    answer = phone.send(page, f"{booked}/restore")
    assert 409 == answer.status_code and "Somebody else has this time by now" in answer.text


def test_another_time_is_chosen_and_the_one_before_is_free(phone):
    before = phone.offered(phone.see("/mine/find?department=cardiology"))
    booked = phone.book()
    page = phone.see(f"{booked}/move")
    assert "You keep" in page
    chosen = phone.offered(page)[3]

    assert [f"{booked}?done=moved"] * 2 == [
        phone.send(page, f"{booked}/move", at=chosen).headers["location"] for _ in range(2)
    ]
    assert before[0] in phone.offered(phone.see("/mine/find?department=cardiology"))
    assert "It was moved." in phone.see(f"{booked}?done=moved")


def test_another_time_is_looked_for_with_the_same_doctor_first_and_from_a_day_that_is_chosen(phone):
    booked = phone.book()
    same, every = (phone.offered(phone.see(f"{booked}/move{asked}")) for asked in ("", "?doctor="))
    doctors = [{one.split("|")[1] for one in times} for times in (same, every)]
    assert 1 == len(doctors[0]) and doctors[0] < doctors[1]

    day = (clock.now() + timedelta(days=14)).date()
    later = phone.see(f"{booked}/move?doctor=&from={day}")
    assert f'value="{day}"' in later and not set(every) & set(phone.offered(later))


def moved(phone, number: int = 3) -> tuple[str, str, str]:
    """Where a booking that was moved is looked at; its time before as a button says it, and as its form does."""
    before = phone.offered(phone.see("/mine/find?department=cardiology"))[0]
    booked = phone.book()
    phone.send(page := phone.see(f"{booked}/move"), f"{booked}/move", at=phone.offered(page)[number])
    (start,) = re.findall(r'name="start" value="([^"]+)"', phone.see(f"{booked}?done=moved"))
    return booked, before, start


def test_a_move_is_taken_back_with_one_press_and_pressed_twice_it_is_there(phone, house):
    booked, before, start = moved(phone)
    page = phone.see(booked)
    assert "Take the move back:" in page

    for _ in range(2):
        answer = phone.send(page, f"{booked}/take-back", start=start)
        assert f"{booked}?done=back" == answer.headers["location"]
    page = phone.see(answer.headers["location"])
    assert "The move was taken back" in page and "Take the move back:" not in page
    assert before not in phone.offered(phone.see("/mine/find?department=cardiology"))


def test_where_the_time_before_was_sold_the_nearest_free_ones_are_offered_and_nothing_is_changed(phone, ward, house):
    booked, before, start = moved(phone)
    another_has(ward, before)
    stood = house.read("Appointment", booked.rpartition("/")[2]).json()["start"]

    answer = phone.send(phone.see(booked), f"{booked}/take-back", start=start)

    assert 409 == answer.status_code and "not free any more, so nothing was changed" in answer.text
    near = phone.offered(answer.text)
    assert near and before not in near
    assert stood == house.read("Appointment", booked.rpartition("/")[2]).json()["start"]
    assert 303 == phone.send(answer.text, f"{booked}/move", at=near[0]).status_code


def test_after_half_an_hour_a_move_stays(phone, house):
    booked, _, start = moved(phone)
    page = phone.see(booked)
    with clock.stopped_at(clock.now() + timedelta(minutes=31)):
        assert "Take the move back:" not in phone.see(booked)
        answer = phone.send(page, f"{booked}/take-back", start=start)

    assert 409 == answer.status_code and "cannot be taken back any more" in answer.text


def test_what_was_cancelled_is_not_moved(phone):
    booked = phone.book()
    phone.send(phone.see(booked), f"{booked}/cancel")

    assert booked == phone.browser.get(f"{booked}/move").headers["location"]


def test_a_place_in_a_group_is_taken_once_and_is_not_moved(phone, ward, house):
    offer = next_days(ward, ["ent-centre"], USUAL, date.min, days=1)[0].columns[0].offers[0]
    group = Wish(uuid7(), "", offer, "HealthcareService/ent-centre", description="Snoring school")
    session = Groups(ward, SYSTEM, Purpose.OPERATIONS).open(group, 1)["id"]
    page = phone.see("/mine/find?department=ent")
    assert "Snoring school" in page and "1 of 1 places free" in page

    joined = [
        phone.send(page, f"/mine/groups/{session}/join", service="ent-centre").headers["location"] for _ in range(2)
    ]

    assert joined[0] == joined[1] and "Snoring school" not in phone.see("/mine/find?department=ent")
    page = phone.see(joined[0])
    assert "It is booked." in page and "/move" not in page
    address = joined[0].partition("?")[0]
    assert address == phone.browser.get(f"{address}/move").headers["location"]
    assert 303 == phone.send(page, f"{address}/cancel").status_code
    assert "1 of 1 places free" in phone.see("/mine/find?department=ent")
    assert 404 == phone.send(page, "/mine/groups/nobody/join", service="ent-centre").status_code


def test_of_a_course_of_visits_one_those_after_it_or_all_are_cancelled(phone, ward, house):
    offer = next_days(ward, ["dentistry-centre"], USUAL, date.min, days=1)[0].columns[0].offers[0]
    start = offer.start.astimezone(USUAL).replace(tzinfo=None)
    course = Course("dentistry-centre", start, "FREQ=WEEKLY;COUNT=3", offer.actors[0], "move")
    made = Series(ward, SYSTEM, Purpose.OPERATIONS).book_all(uuid7(), "Patient/showcase-1", course)
    first, second, _ = (f"/mine/appointments/{one['id']}" for one in made.visits)
    page = phone.see(second)
    assert "Visit 2 of a course" in page and f'href="{first}"' in page and "This one and those after it" in page

    assert 303 == phone.send(page, f"{second}/cancel", scope="following").status_code
    assert 1 == bookings(house, "booked")
    assert 422 == phone.send(page, f"{first}/cancel", scope="everything").status_code


def test_another_patients_appointment_is_as_if_it_were_not_there(phone, house):
    other = next(
        one.id for one in house.search("Appointment", "_count=500").versions if b'"Patient/showcase-1"' not in one.body
    )
    page = phone.see("/mine/find?department=cardiology")
    for id in (other, "nobodys"):
        for path in ("", "/left", "/move"):
            assert "There is nothing at this address" in phone.see(f"/mine/appointments/{id}{path}", 404)
        for verb in ("confirm", "cancel", "restore", "move"):
            answer = phone.send(page, f"/mine/appointments/{id}/{verb}", reason="x", at=phone.offered(page)[0])
            assert 404 == answer.status_code
            assert f"There is no Appointment/{id}<" in answer.text and "2026" not in answer.text


@pytest.mark.parametrize(
    ("chosen", "status"),
    [
        ("nonsense", 422),
        (f"{PRESSED}|PractitionerRole/doctor-cardiology-centre-1|2026-11-23T01:00:00", 422),
        ("nowhere|PractitionerRole/x|2026-11-23T01:00:00Z", 404),
        (f"{PRESSED}|PractitionerRole/x|2126-11-23T01:00:00Z", 400),
        (f"{PRESSED}|PractitionerRole/doctor-cardiology-centre-1|2020-11-23T01:00:00Z", 409),
    ],
)
def test_a_time_that_is_none_of_the_page_is_refused(phone, chosen, status):
    page = phone.see("/mine/find?department=cardiology")

    assert status == phone.send(page, "/mine/hold", key="k", at=chosen).status_code
    assert 422 == phone.send(page, "/mine/hold", key="", at=phone.offered(page)[0]).status_code


def test_a_form_that_is_not_ours_books_nothing(phone, house):
    page = phone.see("/mine/find?department=cardiology")
    answer = phone.browser.post("/mine/hold", data={"key": "k", "at": phone.offered(page)[0]})

    assert 403 == answer.status_code and bookings(house, "pending") == 0


def test_a_reason_too_long_is_said_and_stays_as_it_was_typed(phone):
    held = phone.hold()
    answer = phone.send(phone.see(held), f"{held}/confirm", reason="x" * 501)

    assert 422 == answer.status_code and "At most 500 characters" in answer.text and "x" * 501 in answer.text


def test_departments_and_doctors_are_found_by_name_in_both_languages(phone, phone_in):
    page = phone_in("zh").see("/mine/find?name=心")
    assert "心血管内科" in page and 'href="/mine/find?doctor=' in page
    assert "没有名为“火星”的科室或医生" in phone_in("zh").see("/mine/find?name=火星")
    doctor = re.search(r"/mine/find\?doctor=([\w-]+)", page)[1]

    times = phone.see(f"/mine/find?doctor={doctor}")

    assert {f"PractitionerRole/{doctor}"} == {one.split("|")[1] for one in phone.offered(times)}


def test_times_are_narrowed_by_place_and_day_and_nonsense_is_refused(phone):
    page = phone.see("/mine/find?department=cardiology&place=Xishan Hospital, clinics")
    assert {"cardiology-xishan"} == {one.split("|")[0] for one in phone.offered(page)}
    later = re.search(r'href="(/mine/find\?[^"]*from=[^"]+)"', page)[1].replace("&amp;", "&")
    assert min(phone.offered(phone.see(later)), key=lambda one: one[-25:])[-25:] > phone.offered(page)[0][-25:]
    assert "No free time" in phone.see("/mine/find?department=cardiology&place=nowhere")
    phone.see("/mine/find?department=cardiology&from=soon", 422)
    for nobody in ("department=none", "doctor=none", "service=none", "service=eyes&doctor=none"):
        phone.see(f"/mine/find?{nobody}", 404)


def test_the_recommender_leads_to_the_times_of_the_doctor(phone):
    page = phone.browser.send_form("/services", "/services", need="my blood pressure is high").text
    doctor = re.search(r'href="/mine/find\?doctor=([\w-]+)"', page)[1]

    assert phone.offered(phone.see(f"/mine/find?doctor={doctor}"))


def test_somebody_without_a_record_here_is_told_so(someone):
    page = someone("patient").get("/mine").text

    assert "There is no record of yours here yet" in page
