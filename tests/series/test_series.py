"""A course of visits is booked whole or not at all, and moves and goes whole, from one on, or one alone."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.base.errors import Conflict, Forbidden, Invalid, Missing
from salus.records import Store
from salus.services.appointments.booking import Wish
from salus.services.appointments.choosing import offered
from salus.services.appointments.planning import Course, NotAllFree, plan
from salus.services.appointments.recurring import utc
from salus.services.appointments.series import SERIES, Series, part_of, series_id, series_of

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 2, 9)
THREE_A_WEEK = Course("dialysis", MONDAY, "FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=6")


def local(visits: Any, zone: ZoneInfo = SHANGHAI) -> list[str]:
    return [f"{datetime.fromisoformat(one['start']).astimezone(zone):%m-%d %H:%M}" for one in visits]


def doctors(visits: Any) -> set[str]:
    return {one["participant"][1]["actor"]["reference"] for one in visits}


def take(desk: Series, at: datetime, doctor: int, patient: str = "wang", service: str = "dialysis") -> Any:
    actor = f"PractitionerRole/{service}-{doctor}"
    start = utc(at, SHANGHAI)
    return desk.book(Wish(f"{at}{doctor}", f"Patient/{patient}", offered(desk.store, service, start, actor)[1]))


def test_a_course_is_booked_as_one_with_one_doctor_and_each_visit_names_it(desk: Series, store: Store):
    made = desk.book_all("hd", "Patient/li", THREE_A_WEEK)

    assert local(made.visits) == [
        "03-02 09:00",
        "03-04 09:00",
        "03-06 09:00",
        "03-09 09:00",
        "03-11 09:00",
        "03-13 09:00",
    ]
    assert {series_of(one) for one in made.visits} == {made.id} and made.missed == ()
    assert [part_of(one)["number"] for one in made.visits] == [1, 2, 3, 4, 5, 6]
    assert part_of(made.visits[1])["planned"] == made.visits[1]["start"]
    assert doctors(made.visits) == {"PractitionerRole/dialysis-1"}
    records = store.open(desk.actor, desk.purpose)
    assert len(records.search("Appointment", [("identifier", f"{SERIES}|{made.id}")]).versions) == 6


def test_the_same_request_again_is_the_same_course_and_another_under_its_key_is_refused(desk: Series):
    made = desk.book_all("hd", "Patient/li", THREE_A_WEEK)
    desk.cancel(made.visits[1]["id"])

    assert [one["id"] for one in desk.book_all("hd", "Patient/li", THREE_A_WEEK).visits] == [
        one["id"] for one in made.visits
    ]
    with pytest.raises(Conflict, match="key 'hd'"):
        desk.book_all("hd", "Patient/li", Course("dialysis", MONDAY, "FREQ=WEEKLY;COUNT=2"))


def test_the_doctor_who_is_free_most_often_gives_it(desk: Series):
    take(desk, MONDAY, 1)

    assert doctors(desk.book_all("hd", "Patient/li", THREE_A_WEEK).visits) == {"PractitionerRole/dialysis-2"}


def test_all_or_nothing_and_what_is_near_is_told(desk: Series):
    take(desk, MONDAY + timedelta(days=2), 1)
    take(desk, MONDAY + timedelta(days=4), 2)
    with pytest.raises(NotAllFree) as refused:
        desk.book_all("hd", "Patient/li", THREE_A_WEEK)

    (issue,) = refused.value.issues
    assert issue.path == "occurrence[2]"
    assert "2026-03-04 09:00 (Asia/Shanghai): its doctor is not free; near it:" in issue.text
    assert "09:00 (PractitionerRole/dialysis-2), 2026-03-04 08:00 (PractitionerRole/dialysis-1)" in issue.text
    assert desk.visits(series_id("hd", "Patient/li")) == []


def test_what_is_free_is_booked_when_that_is_asked_for_and_the_rest_is_told(desk: Series):
    take(desk, MONDAY + timedelta(days=2), 1)
    take(desk, MONDAY + timedelta(days=2), 2)
    made = desk.book_all("hd", "Patient/li", THREE_A_WEEK, partly=True)

    assert len(made.visits) == 5
    assert [(one.occurrence.number, one.why) for one in made.missed] == [(2, "taken")]
    assert f"{made.missed[0].near[0].start.astimezone(SHANGHAI):%H:%M}" in ("08:00", "10:00")


def test_public_holidays_refuse_skip_or_move_a_visit(desk: Series):
    """Spring Festival 2026: off from 15 to 23 February; Saturday 14 is worked for Friday 20."""

    def course(holidays: str, day: int) -> Course:
        return Course("dialysis", datetime(2026, 2, day, 9), "FREQ=WEEKLY;COUNT=3", holidays=holidays)

    with pytest.raises(NotAllFree, match="1 times") as refused:
        desk.book_all("a", "Patient/li", course("refuse", 13))
    assert "it is a public holiday" in refused.value.issues[0].text
    assert local(desk.book_all("b", "Patient/li", course("skip", 13)).visits) == ["02-13 09:00", "02-27 09:00"]
    assert local(desk.book_all("c", "Patient/wang", course("move", 13)).visits) == [
        "02-13 09:00", "02-14 09:00", "02-27 09:00",
    ]  # fmt: skip
    with pytest.raises(Invalid, match="can be chosen"):
        desk.book_all("d", "Patient/li", course("ignore", 13))


def test_a_weekly_visit_stays_on_the_clock_when_summer_time_comes(desk: Series, store: Store, laid: Any):
    laid(store, "physio", "Europe/Berlin", "DE")
    made = desk.book_all("p", "Patient/li", Course("physio", datetime(2026, 3, 19, 9), "FREQ=WEEKLY;COUNT=4"))

    assert [one[6:] for one in local(made.visits, BERLIN)] == ["09:00"] * 4
    assert [one["start"][11:13] for one in made.visits] == ["08", "08", "07", "07"]


def test_a_time_that_the_clock_jumps_over_is_said_and_one_that_comes_twice_is_the_first(
    desk: Series, store: Store, laid: Any
):
    laid(store, "night", "Europe/Berlin", "DE")
    jumped = Course("night", datetime(2026, 3, 22, 2, 30), "FREQ=WEEKLY;COUNT=2")
    with pytest.raises(NotAllFree) as refused:
        desk.book_all("n", "Patient/li", jumped)
    assert "2026-03-29 02:30 (Europe/Berlin): the clock jumps over that time" in refused.value.issues[0].text
    twice = desk.book_all("t", "Patient/li", Course("night", datetime(2026, 10, 18, 2, 30), "FREQ=WEEKLY;COUNT=3"))
    assert [one["start"] for one in twice.visits] == [
        "2026-10-18T00:30:00.000Z", "2026-10-25T00:30:00.000Z", "2026-11-01T01:30:00.000Z",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=WEEKLY", "has an end"),
        ("FREQ=DAILY;COUNT=161", "more than 160"),
        ("FREQ=MONTHLY;COUNT=14", "more than 366 days"),
        ("FREQ=WEEKLY;UNTIL=20280101", "more than 366 days"),
        ("FREQ=HOURLY;COUNT=3", "FREQ=HOURLY"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;UNTIL=20260601", "has no time"),
        ("FREQ=WEEKLY;COUNT=2;UNTIL=20260601", "not both"),
    ],
)
def test_a_course_that_cannot_be_is_refused_with_why(desk: Series, rule: str, words: str):
    with pytest.raises(Invalid, match=words):
        desk.book_all("x", "Patient/li", Course("dialysis", MONDAY, rule))


def test_one_goes_alone_or_with_those_after_it_or_all_go(desk: Series):
    made = desk.book_all("hd", "Patient/li", THREE_A_WEEK)

    def standing() -> list[str]:
        return local(one for one in desk.visits(made.id) if one["status"] == "booked")

    desk.cancel(made.visits[0]["id"])
    assert len(standing()) == 5
    assert len(desk.cancel_all(made.visits[3]["id"], "following", "prov")) == 3
    assert standing() == ["03-04 09:00", "03-06 09:00"]
    assert len(desk.cancel_all(made.visits[1]["id"], "series")) == 2
    with pytest.raises(Conflict, match="Nothing of the series"):
        desk.cancel_all(made.visits[1]["id"])
    assert len([one for one in plan(desk.store, THREE_A_WEEK) if one.offer]) == 6


def test_a_course_moves_over_its_own_times_and_one_that_went_elsewhere_goes_along(desk: Series):
    made = desk.book_all("hd", "Patient/li", THREE_A_WEEK)
    offer = offered(desk.store, "dialysis", utc(datetime(2026, 3, 5, 10), SHANGHAI), "PractitionerRole/dialysis-1")[1]
    alone = desk.move(made.visits[1]["id"], offer)
    assert part_of(alone)["planned"] == made.visits[1]["start"] and series_of(alone) == made.id

    moved = desk.move_all(made.visits[1]["id"], datetime(2026, 3, 5, 10, 30), "following")
    assert local(moved) == ["03-05 10:30", "03-06 09:30", "03-09 09:30", "03-11 09:30", "03-13 09:30"]
    back = desk.move_all(made.visits[0]["id"], datetime(2026, 3, 2, 8, 30), "series")
    assert local(back) == ["03-02 08:30", "03-05 10:00", "03-06 09:00", "03-09 09:00", "03-11 09:00", "03-13 09:00"]


def test_a_course_that_cannot_move_whole_stays_where_it_was(desk: Series):
    made = desk.book_all("hd", "Patient/li", THREE_A_WEEK)
    take(desk, datetime(2026, 3, 10, 9), 1)
    with pytest.raises(NotAllFree) as refused:
        desk.move_all(made.visits[0]["id"], datetime(2026, 3, 3, 9), "series")
    assert [issue.path for issue in refused.value.issues] == ["occurrence[3]", "occurrence[4]", "occurrence[6]"]
    assert local(desk.visits(made.id)) == local(made.visits)
    other = desk.move_all(made.visits[0]["id"], datetime(2026, 3, 2, 10), "series", "PractitionerRole/dialysis-2")
    assert doctors(other) == {"PractitionerRole/dialysis-2"} and len(other) == 6


def test_a_patient_books_a_course_for_themselves_and_sees_no_other(desk: Series, li: Series):
    own = li.book_all("mine", "Patient/li", Course("dialysis", MONDAY, "FREQ=WEEKLY;COUNT=2"))
    others = desk.book_all("his", "Patient/wang", Course("dialysis", MONDAY, "FREQ=WEEKLY;COUNT=2"))

    assert len(li.visits(own.id)) == 2 and li.visits(others.id) == []
    with pytest.raises(Forbidden):
        li.book_all("x", "Patient/wang", Course("dialysis", MONDAY, "FREQ=WEEKLY;COUNT=2"))
    for unseen in (
        lambda: li.cancel_all(others.visits[0]["id"]),
        lambda: li.move_all(others.visits[0]["id"], MONDAY + timedelta(hours=2)),
    ):
        with pytest.raises(Missing):
            unseen()
    assert len(li.cancel_all(own.visits[0]["id"])) == 2
