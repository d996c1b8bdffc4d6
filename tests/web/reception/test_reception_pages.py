"""The front desk's pages: somebody is found or registered, booked, checked in, called, seen on the wall."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from salus.base import clock
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.choosing import offered
from salus.services.reception import queue
from salus.web.reception.screen import looked

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)  # Monday, 09:00 on the local clock
DAY = "/reception?service=clinic"


def book(ward: Store, patient: str, minutes: int = 30) -> str:
    start = NOW + timedelta(minutes=minutes)
    with clock.stopped_at(min(NOW, start - timedelta(hours=1))):
        _, offer = offered(ward, "clinic", start, "PractitionerRole/role-1")
        wish = Wish(f"k{minutes}", f"Patient/{patient}", offer, "HealthcareService/clinic")
        return str(Booking(ward, SYSTEM, Purpose.OPERATIONS).book(wish)["id"])


def tickets(ward: Store) -> list[Any]:
    return queue.queue(ward, SYSTEM, Purpose.OPERATIONS, "clinic")


def walk_in(desk: Any, who: str = "wang", **more: str) -> Any:
    page = f"/reception/people/{who}"
    return desk.send_form(page, f"{page}/walk-in", **({"service": "clinic", "reason": "", "level": "4"} | more))


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


# --- the day ---


def test_who_is_expected_is_checked_in_and_gets_a_number(desk: Any, ward: Store):
    id = book(ward, "li")
    page = desk.get(DAY)
    assert page.status_code == 200 and "Li Meihua" in page.text and "09:30" in page.text
    sent = desk.send_form(DAY, f"/reception/bookings/{id}/check-in", service="clinic", level="3")
    assert sent.status_code == 303 and sent.headers["location"] == f"{DAY}&done=came&number=001"
    shown = text(desk.get(sent.headers["location"]))
    assert "Number 001 is given" in shown and "booked for 09:30" in shown and "Level 3" in shown
    assert tickets(ward)[0].level == 3 and "Nobody else is expected" in shown


@pytest.mark.parametrize("words", ["梅华", "lmh", "mei hua li", "li mei", "8000"])
def test_one_of_those_expected_is_found_as_people_write(desk: Any, ward: Store, words: str):
    book(ward, "li")
    book(ward, "wang", 60)
    shown = desk.get(f"{DAY}&find={words}").text
    assert "Li Meihua" in shown and "Wang Jianguo" not in shown
    assert "Nobody expected today is called" in desk.get(f"{DAY}&find=zhou").text


def test_a_check_in_of_the_wrong_one_is_taken_back_and_the_booking_stands(at: Callable[..., Any], ward: Store):
    desk, id = at("desk", "zh"), book(ward, "li")
    desk.send_form(DAY, f"/reception/bookings/{id}/check-in", service="clinic", level="")
    assert "撤销签到" in desk.get(DAY).text
    desk.send_form(DAY, f"/reception/numbers/{tickets(ward)[0].id}/not-here", service="clinic")
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    assert "booked" == records.read("Appointment", id).json()["status"] and f"/bookings/{id}/" in desk.get(DAY).text
    walk_in(desk)
    assert "撤销签到" not in desk.get(DAY).text, "who has not booked was not checked in"


@pytest.mark.parametrize("words", ["limeihua", "LiMeihua", "li mei", "李梅"])
def test_people_are_found_by_pinyin_in_one_word_too(desk: Any, ward: Store, words: str):
    page = desk.get(f"/reception/people?find={words}").text
    assert "/reception/people/li" in page and "/reception/people/wang" not in page


def test_who_has_died_is_marked_where_the_desk_finds_them(at: Callable[..., Any], ward: Store):
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    records.update("Patient", "li", records.read("Patient", "li").json() | {"deceasedDateTime": "2026-01-02"})
    for page in ("/reception/people?find=limeihua", "/reception/people/li"):
        assert "已故" in at("desk", "zh").get(page).text


def test_a_check_in_that_cannot_be_is_told_in_words_and_nothing_is_done(at: Callable[..., Any], ward: Store):
    desk = at("desk", "zh")
    cancelled = book(ward, "li")
    Booking(ward, SYSTEM, Purpose.OPERATIONS).cancel(cancelled)
    answer = desk.send_form(DAY, f"/reception/bookings/{cancelled}/check-in", service="clinic", level="")
    assert answer.status_code == 409 and "当前状态不能这样操作" in answer.text and "的状态为“已取消”" in answer.text
    tomorrow = book(ward, "li", 24 * 60)
    answer = desk.send_form(DAY, f"/reception/bookings/{tomorrow}/check-in", service="clinic", level="")
    assert answer.status_code == 409 and "预约不是今天的" in answer.text and tickets(ward) == []


def test_the_next_is_called_again_set_aside_recalled_put_back_and_gone(desk: Any, ward: Store):
    walk_in(desk)
    walk_in(desk, "li")
    assert "about" in text(desk.get(DAY))
    called = desk.send_form(DAY, "/reception/call", service="clinic", doctor="PractitionerRole/role-1")
    assert called.headers["location"].endswith("done=called&number=001") and "Room 1" in desk.get(DAY).text
    assert 'value="PractitionerRole/role-1" selected' in desk.get(called.headers["location"]).text
    number = tickets(ward)[0].id
    for verb, status in (
        ("call-again", "in-progress"),
        ("skip", "on-hold"),
        ("recall", "in-progress"),
        ("undo", "requested"),
        ("leave", "cancelled"),
    ):
        sent = desk.send_form(DAY, f"/reception/numbers/{number}/{verb}", service="clinic")
        assert sent.status_code == 303, verb
        assert status == next(one.status for one in tickets(ward) if one.id == number)
    again = desk.send_form(DAY, f"/reception/numbers/{number}/skip", service="clinic")
    assert again.status_code == 409 and "Number 001 is gone" in again.text
    assert desk.send_form(DAY, f"/reception/numbers/{number}/fly", service="clinic").status_code == 404


def test_a_call_to_a_doctor_who_has_somebody_or_is_none_is_told(desk: Any, ward: Store):
    walk_in(desk)
    walk_in(desk, "li")
    desk.send_form(DAY, "/reception/call", service="clinic", doctor="PractitionerRole/role-1")
    busy = desk.send_form(DAY, "/reception/call", service="clinic", doctor="PractitionerRole/role-1")
    assert busy.status_code == 409 and "finish, skip or put it back first" in busy.text
    nobody = desk.send_form(DAY, "/reception/call", service="clinic", doctor="PractitionerRole/9")
    assert nobody.status_code == 422 and [one.status for one in tickets(ward)] == ["in-progress", "requested"]


def test_a_level_is_given_later_and_moves_the_turn(desk: Any, ward: Store):
    walk_in(desk)
    walk_in(desk, "li", level="5")
    second = tickets(ward)[1].id
    assert desk.send_form(DAY, f"/reception/numbers/{second}/triage", service="clinic", level="2").status_code == 303
    assert tickets(ward)[0].id == second
    for wrong in ("", "9"):
        answer = desk.send_form(DAY, f"/reception/numbers/{second}/triage", service="clinic", level=wrong)
        assert answer.status_code == 422 and "Choose a level from 1 to 5" in answer.text


# --- people ---


def test_red_flags_suggest_a_level_and_the_desk_decides(desk: Any, ward: Store):
    words = "chest pain and sweating"
    answer = walk_in(desk, reason=words)
    assert answer.status_code == 422 and "These words cannot wait" in answer.text and tickets(ward) == []
    assert walk_in(desk, reason=words, seen=words).status_code == 303 and tickets(ward)[0].level == 4
    assert walk_in(desk, "li", reason=words, level="2").status_code == 303


def test_somebody_new_is_registered_and_taken_in(desk: Any, ward: Store):
    form = {"name": "周小雨", "born": "1990-05-05", "sex": "female", "phone": "13911112222"}
    sent = desk.send_form("/reception/register", "/reception/register", **form)
    assert sent.status_code == 303 and sent.headers["location"].endswith("?done=registered")
    page = desk.get(sent.headers["location"])
    assert "周小雨" in page.text and "Zhou Xiaoyu" in page.text and "Registered." in page.text
    found = desk.get("/reception/people?find=13911112222").text
    assert "Zhou Xiaoyu" in found and "Zhou Xiaoyu" in desk.get("/reception/people?find=zhou").text


def test_somebody_like_one_who_is_known_stands_beside_them(desk: Any, ward: Store):
    form = {"name": "李美华", "born": "1952-03-14", "sex": "female", "phone": "13800138000"}
    answer = desk.send_form("/reception/register", "/reception/register", **form)
    shown = text(answer)
    assert answer.status_code == 409 and "name sounds the same" in shown and "same telephone" in shown
    assert 'href="/reception/people/li"' in answer.text and "Why is it another person?" in shown
    sent = desk.send_form("/reception/register", "/reception/register", **form, despite="her sister")
    assert sent.status_code == 303


def test_a_form_that_cannot_be_keeps_what_was_typed(desk: Any):
    form = {"name": "周小雨", "born": "2031-05-05", "sex": "female", "identity": "11010519491231002X"}
    answer = desk.send_form("/reception/register", "/reception/register", **form)
    assert answer.status_code == 422 and "Look at the birth date" in answer.text and "has not come yet" in answer.text
    assert 'value="周小雨"' in answer.text and 'value="11010519491231002X"' in answer.text


def test_the_desk_books_moves_and_cancels_for_a_patient(desk: Any, ward: Store):
    page = "/reception/people/wang/book?service=clinic"
    times = re.findall(r'name="at" value="([^"]+)"', desk.get(page).text)
    key = "k1"
    sent = desk.send_form(page, "/reception/people/wang/book", at=times[-1], key=key)
    again = desk.send_form(page, "/reception/people/wang/book", at=times[-1], key=key)
    assert sent.status_code == again.status_code == 303 and sent.headers["location"].endswith("?done=booked")
    booked = ward.open(SYSTEM, Purpose.OPERATIONS).search("Appointment", "patient=Patient/wang").versions
    assert len(booked) == 1
    taken = desk.send_form(
        "/reception/people/li/book?service=clinic", "/reception/people/li/book", at=times[-1], key=key
    )
    assert taken.status_code == 409 and "has just been taken" in taken.text
    address = f"/reception/bookings/{booked[0].id}"
    assert desk.send_form(f"{address}/move", f"{address}/move", at=times[1], key=key).status_code == 303
    start = re.findall(r'name="start" value="([^"]+)"', desk.get("/reception/people/wang").text)[0]
    for _ in range(2):
        back = desk.send_form("/reception/people/wang", f"{address}/take-back", start=start)
        assert (303, "/reception/people/wang?done=back") == (back.status_code, back.headers["location"])
    assert "The move was taken back" in desk.get(back.headers["location"]).text
    assert desk.send_form(f"{address}/move", f"{address}/move", at=times[1], key=key).status_code == 303
    other = desk.send_form(
        "/reception/people/li/book?service=clinic", "/reception/people/li/book", at=times[-1], key=key
    )
    assert other.status_code == 303
    gone = desk.send_form("/reception/people/wang", f"{address}/take-back", start=start)
    assert gone.status_code == 409 and "These are the nearest to it" in gone.text and times[-1] not in gone.text
    assert desk.send_form("/reception/people/wang", f"{address}/cancel", by="prov").status_code == 303
    told = ward.open(SYSTEM, Purpose.OPERATIONS).read("Appointment", booked[0].id).json()
    assert told["status"] == "cancelled" and told["cancelationReason"]["coding"][0]["code"] == "prov"
    assert desk.send_form("/reception/people/wang", f"{address}/cancel", by="me").status_code == 422


def test_what_people_are_called_is_never_markup(desk: Any, ward: Store):
    walk_in(desk, "chen")
    assert "<b>Chen</b>" not in desk.get(DAY).text and "<b>Chen" not in desk.get("/reception/people/chen").text


# --- the wall ---


def test_the_wall_shows_number_and_room_and_nobodys_whole_name(at: Callable[..., Any], ward: Store):
    desk = at("desk", "zh")
    for who in ("wang", "li", "chen"):
        walk_in(desk, who)
    desk.send_form(DAY, "/reception/call", service="clinic", doctor="PractitionerRole/role-2")
    page = desk.get("/reception/screen?service=clinic").text
    assert "001" in page and "王*国" in page and "2号诊室" in page and "002" in page
    assert not re.search("王建国|李梅华|Wang|Meihua|Chen|1961", page)
    assert '<noscript><meta http-equiv="refresh"' in page and 'sse-connect="/reception/screen/live?since=' in page
    ticket = next(one for one in tickets(ward) if one.status == "in-progress")
    assert "已叫2次" not in page
    desk.send_form(DAY, f"/reception/numbers/{ticket.id}/call-again", service="clinic")
    assert "已叫2次" in desk.get("/reception/screen?service=clinic").text, "a second call is seen on the wall"
    desk.send_form(DAY, f"/reception/numbers/{ticket.id}/skip", service="clinic")
    assert "过号请到前台" in desk.get("/reception/screen?service=clinic").text


def test_the_wall_hears_of_numbers_and_of_nothing_else(desk: Any, ward: Store):
    seen = ward.last_transaction()
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    records.update("Location", "hall", {"resourceType": "Location", "id": "hall", "name": "Great hall"})
    later, news = looked(ward, seen)
    assert later > seen and not news
    walk_in(desk)
    assert looked(ward, later)[1] and looked(ward, ward.last_transaction()) == (ward.last_transaction(), False)


def test_the_slip_has_the_number_and_no_name(desk: Any, ward: Store):
    walk_in(desk)
    walk_in(desk, "li")
    page = desk.get(f"/reception/numbers/{tickets(ward)[1].id}").text
    assert "002" in page and "1 before you" in page and "Meihua" not in page


def test_nobody_but_the_desk_comes_in(at: Callable[..., Any]):
    for account in ("patient", "scientist", "clinician"):
        assert at(account).get("/reception").status_code == 403
        assert at(account).get("/reception/screen/live").status_code == 403


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_place_on_top_is_offered_where_one_is_booked_and_given_once(ward, at, language):
    clerk = at("desk", language)
    for number in range(6):
        book(ward, ("li", "wang")[number % 2], 30 + 15 * number)
    page = "/reception/people/chen/on-top?service=clinic&from=2026-11-23"
    told = clerk.get(page).text
    offered_ = re.findall(r'name="at" value="([^"]+)"', told)
    assert offered_ and "0.6" in told

    form = {"key": "k", "at": offered_[0]}
    given = [clerk.send_form(page, "/reception/people/chen/on-top", **form) for _ in range(2)]
    assert [303, 303] == [one.status_code for one in given]
    late = clerk.send_form(page, "/reception/people/li/on-top", key="other", at=offered_[0])
    assert 409 == late.status_code

    found = ward.open(SYSTEM, Purpose.OPERATIONS).search("Appointment", "patient=chen").versions
    assert 1 == len(found)


def test_a_time_at_which_nobody_is_booked_is_not_on_top(desk):
    at = "clinic|PractitionerRole/role-1|2026-11-23T02:00:00+00:00"
    page = "/reception/people/chen/on-top?service=clinic"

    assert 409 == desk.send_form("/reception", "/reception/people/chen/on-top", key="k", at=at).status_code
    assert 200 == desk.get(page).status_code
