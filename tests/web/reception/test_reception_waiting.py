"""The waiting list at the front desk: who waits in turn and for what, offers with the time left, join, rate, leave."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from salus.base import clock
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.choosing import offered
from salus.services.appointments.waiting.line import waiting_of
from salus.services.appointments.waiting.offers import hand_out
from salus.services.appointments.waiting.places import WaitingList
from salus.services.appointments.waiting.terms import Place, Terms

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)  # Monday, 09:00 on the local clock
SERVICE = "HealthcareService/clinic"
LIST = "/reception/waiting?service=clinic"
DOCTOR = "PractitionerRole/role-2"
JOIN = "/reception/people/li/wait"


def waits(ward: Store, who: str, since: int = 0, urgency: str = "routine", **terms: Any) -> Place:
    """Somebody waits since so many days."""
    with clock.stopped_at(NOW - timedelta(days=since)):
        return WaitingList(ward, SYSTEM, Purpose.OPERATIONS).join(f"Patient/{who}", Terms(SERVICE, **terms), urgency)


def hand(ward: Store) -> None:
    """The house offers what is free."""
    hand_out(ward, [SERVICE], NOW, NOW + timedelta(days=2))


def place(ward: Store, who: str) -> Place | None:
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    return next(iter(waiting_of(records, f"Patient/{who}")), None)


def status(ward: Store, one: Place) -> str:
    told: str = ward.open(SYSTEM, Purpose.OPERATIONS).read("Appointment", one.id).json()["status"]
    return told


def book(ward: Store, who: str, start: datetime) -> str:
    _, offer = offered(ward, "clinic", start, DOCTOR)
    wish = Wish("k", f"Patient/{who}", offer, SERVICE)
    return str(Booking(ward, SYSTEM, Purpose.OPERATIONS).book(wish)["id"])


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def names(page: Any) -> list[str]:
    """Who stands in the line, in turn."""
    return re.findall(r"<b>(Li Meihua|Wang Jianguo)</b>", page.text.split('id="line-h"')[1])


def test_who_waits_stands_in_turn_with_why_and_urgency_moves_them(desk: Any, ward: Store):
    waits(ward, "wang", since=9)
    later = waits(ward, "li", since=2, doctors=(DOCTOR,), opens=time(9), closes=time(10), last=NOW.date())
    page = desk.get(LIST)
    shown = text(page)
    assert ["Wang Jianguo", "Li Meihua"] == names(page)
    assert "14 Nov 2026" in shown and "Doctor 2 · 09:00–10:00 · until 23 Nov 2026" in shown
    assert "Urgent counts as 60 days longer" in shown

    for _ in range(2):
        sent = desk.send_form(LIST, f"/reception/waiting/{later.id}/urgency", urgency="urgent")
        assert (303, f"{LIST}&done=rate") == (sent.status_code, sent.headers["location"])

    page = desk.get(sent.headers["location"])
    assert ["Li Meihua", "Wang Jianguo"] == names(page) and "The urgency is set." in page.text
    wrong = desk.send_form(LIST, f"/reception/waiting/{later.id}/urgency", urgency="now")
    assert 422 == wrong.status_code and "Choose one of the three urgencies" in wrong.text


def test_an_offer_is_told_with_the_time_left_and_taken_for_the_patient_once(desk: Any, ward: Store):
    one = waits(ward, "wang")
    hand(ward)
    page = desk.get(LIST)
    assert 'name="at" value="2026-11-23T01:45:00' in page.text
    stale = desk.send_form(LIST, f"/reception/waiting/{one.id}/accept", at="2026-11-23T02:00:00.000Z")
    assert 409 == stale.status_code and "is offered no more" in stale.text and "pending" == status(ward, one)
    assert "10 minutes left" in page.text and "Nobody else waits for this clinic" in page.text
    assert "10 minutes left" in desk.get("/reception/people/wang").text

    sent = [desk.send_form(LIST, f"/reception/waiting/{one.id}/accept") for _ in range(2)]

    assert [f"{LIST}&done=accept"] * 2 == [it.headers["location"] for it in sent]
    assert "booked" == status(ward, one) and "Booked." in desk.get(sent[0].headers["location"]).text
    gone = desk.send_form(LIST, f"/reception/waiting/{one.id}/leave")
    assert 409 == gone.status_code and "they wait no more" in gone.text and "booked" == status(ward, one)


def test_an_offer_that_is_let_go_passes_on_and_one_that_is_over_is_told(desk: Any, ward: Store):
    one = waits(ward, "wang")
    hand(ward)
    for _ in range(2):
        assert 303 == desk.send_form(LIST, f"/reception/waiting/{one.id}/decline").status_code
    assert "waitlist" == status(ward, one)
    hand(ward)
    with clock.stopped_at(NOW + timedelta(minutes=11)):
        assert "Time is up" in desk.get(LIST).text
        late = desk.send_form(LIST, f"/reception/waiting/{one.id}/accept")
        assert 410 == late.status_code and "answered, or is over" in late.text


def test_the_desk_puts_a_patient_on_the_list_on_their_terms_instead_of_a_later_booking(desk: Any, ward: Store):
    later = book(ward, "li", NOW + timedelta(days=1))
    assert f'href="{JOIN}"' in desk.get("/reception/people/li").text
    terms = {"opens": "09:00", "closes": "10:30", "first": "2026-11-23", "last": "2026-11-24", "instead": later}
    chosen = {"service": "clinic", "doctor-role-2": "on", "day-tue": "on", "urgency": "soon", "key": "k"} | terms
    page = f"{JOIN}?service=clinic"
    assert later in desk.get(page).text

    for _ in range(2):
        sent = desk.send_form(page, JOIN, **chosen)
        assert (303, f"{LIST}&done=join") == (sent.status_code, sent.headers["location"])

    had = place(ward, "li")
    assert had is not None and "soon" == had.urgency
    days = NOW.date(), NOW.date() + timedelta(days=1)
    assert (
        Terms(SERVICE, (DOCTOR,), frozenset({"tue"}), time(9), time(10, 30), *days, f"Appointment/{later}") == had.terms
    )
    assert "instead of Tue 24 Nov, 09:00" in text(desk.get(LIST))
    assert "0 ahead" in desk.get("/reception/people/li").text

    kept = desk.get(page).text
    assert "keep their turn" in kept and 'value="10:30"' in kept and re.search('name="day-tue" checked', kept)
    assert 303 == desk.send_form(page, JOIN, **chosen | {"closes": "12:00"}).status_code
    changed = place(ward, "li")
    assert changed is not None and (had.id, time(12)) == (changed.id, changed.terms.closes)


def test_who_leaves_is_off_and_a_form_that_comes_again_puts_nobody_back(desk: Any, ward: Store):
    page, chosen = f"{JOIN}?service=clinic", {"service": "clinic", "urgency": "routine", "key": "k"}
    desk.send_form(page, JOIN, **chosen)
    one = place(ward, "li")
    assert one is not None
    for _ in range(2):
        sent = desk.send_form(LIST, f"/reception/waiting/{one.id}/leave")
        assert f"{LIST}&done=leave" == sent.headers["location"]

    assert 303 == desk.send_form(page, JOIN, **chosen).status_code

    assert place(ward, "li") is None and "Nobody waits for this clinic" in desk.get(LIST).text


@pytest.mark.parametrize(
    ("typed", "status", "told"),
    [
        ({"opens": "noon"}, 422, "请核对时刻"),
        ({"opens": "11:00", "closes": "09:00"}, 422, "请核对时刻"),
        ({"first": "soon"}, 422, "请核对最早日期"),
        ({"last": "2026-11-22"}, 422, "请核对最晚日期"),
        ({"urgency": "now"}, 422, "请从三种紧急程度中选择"),
        ({"instead": "none"}, 404, "要替换的预约已有变化"),
        ({"key": ""}, 422, "表单缺少防重复的键"),
    ],
)
def test_terms_that_cannot_be_are_told_in_words_and_keep_what_was_typed(
    at: Callable[..., Any], ward: Store, typed: dict[str, str], status: int, told: str
):
    chosen = {"service": "clinic", "urgency": "routine", "key": "k", "day-mon": "on"} | typed

    answer = at("desk", "zh").send_form(f"{JOIN}?service=clinic", JOIN, **chosen)

    assert status == answer.status_code and told in answer.text
    assert 'name="day-mon" checked' in answer.text and place(ward, "li") is None


def test_other_terms_while_a_time_is_offered_are_told_to_wait(desk: Any, ward: Store):
    waits(ward, "li")
    hand(ward)

    chosen = {"service": "clinic", "urgency": "routine", "key": "k", "day-mon": "on"}
    answer = desk.send_form(f"{JOIN}?service=clinic", JOIN, **chosen)

    assert 409 == answer.status_code and "look at the list as it stands now" in answer.text


def test_the_list_is_found_from_the_hall_and_times_is_the_desks_alone_and_says_when_nobody_waits(
    at: Callable[..., Any], ward: Store
):
    desk = at("desk", "zh")
    assert f'href="{LIST}"' in desk.get("/reception?service=clinic").text
    assert f'href="{JOIN}?service=clinic"' in desk.get("/reception/people/li/book?service=clinic").text
    assert "该门诊暂无候补" in desk.get(LIST).text
    assert 404 == desk.get("/reception/waiting?service=nowhere").status_code
    assert 404 == desk.get("/reception/people/nobody/wait").status_code
    one = waits(ward, "li")
    assert 404 == desk.send_form(LIST, f"/reception/waiting/{one.id}/fly").status_code
    for account in ("patient", "clinician"):
        assert 403 == at(account).get(LIST).status_code
        assert 403 == at(account).send_form("/", f"/reception/waiting/{one.id}/leave").status_code
    assert "waitlist" == status(ward, one)
