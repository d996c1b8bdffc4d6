"""A time that is freed is offered to the person whose turn it is, who accepts or declines, or it passes to the next."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Gone, Invalid, Missing
from salus.privacy import SYSTEM, Purpose
from salus.services.appointments.booking import Wish
from salus.services.appointments.finding import Offer
from salus.services.appointments.video import VIRTUAL, link_of
from salus.services.appointments.waiting import rounds
from salus.services.appointments.waiting.line import ahead, line, waiting_of
from salus.services.appointments.waiting.offers import hand_out
from salus.services.appointments.waiting.terms import Terms, place_of
from salus.services.appointments.waiting.turns import HEAD_START, in_turn

SERVICE = "HealthcareService/heart"


@pytest.fixture
def full(clinic: Any) -> Iterator[Any]:
    """The clinic with no time left; `bookings` by their order in the week."""
    clinic.bookings = clinic.full()
    clinic.hear()
    yield clinic


def later(clinic: Any, **time: float) -> Any:
    return clock.stopped_at(clock.now() + timedelta(**time))


def joined(clinic: Any, *people: str) -> list[Any]:
    """They join one after the other, a minute apart."""
    made = []
    for minutes, one in enumerate(people):
        with later(clinic, minutes=minutes):
            made.append(clinic.join(one))
    return made


def test_a_freed_time_is_held_for_who_has_waited_longest(full: Any):
    first, second = joined(full, "li", "wang")
    full.hear()
    assert ["waitlist", "waitlist"] == full.state(first, second)
    full.cancel(full.bookings[0])
    full.hear()

    assert ["pending", "waitlist"] == full.state(first, second)
    place = place_of(full.told(first.id))
    assert place.offer.start == datetime(2026, 11, 23, tzinfo=UTC) and place.until > clock.now()
    with pytest.raises(Conflict):
        full.book("sun", place.offer.start)


def test_who_accepts_has_the_booking_once(full: Any):
    (place,) = joined(full, "li")
    full.cancel(full.bookings[0])
    full.hear()
    made = full.by("li").accept(place.id)

    assert ("booked", "2026-11-23T00:00:00.000Z") == (made["status"], made["start"])
    assert made == full.by("li").accept(place.id)
    assert [] == waiting_of(full.store.open(SYSTEM, Purpose.OPERATIONS), "Patient/li")
    assert "extension" not in made and made["created"] == clock.instant(place.since)


def test_what_is_declined_passes_to_the_next_without_having_been_free(full: Any):
    first, second, third = joined(full, "li", "wang", "zhao")
    full.cancel(full.bookings[0])
    full.hear()
    with later(full, hours=1):
        full.by("li").decline(first.id)
        assert ["waitlist", "pending", "waitlist"] == full.state(first, second, third)
        full.hear()
        assert ["waitlist", "pending", "waitlist"] == full.state(first, second, third)
        full.by("wang").leave(second.id)
        assert ["waitlist", "cancelled", "pending"] == full.state(first, second, third)
        full.by("zhao").decline(third.id)
        full.hear()

    assert ["waitlist", "cancelled", "waitlist"] == full.state(first, second, third)
    assert full.book("sun", datetime(2026, 11, 23, tzinfo=UTC))["status"] == "booked"


def unanswered(clinic: Any, place: Any) -> None:
    """The time to answer goes by."""
    with clock.stopped_at(place_of(clinic.told(place.id)).until):
        rounds.answers(clinic.house)
    clinic.hear()


def test_what_nobody_answers_passes_on_and_who_does_not_look_goes_behind(full: Any):
    first, second = joined(full, "li", "wang")
    full.cancel(full.bookings[0])
    full.hear()
    unanswered(full, first)
    assert ["waitlist", "pending"] == full.state(first, second)
    full.by("wang").decline(second.id)

    assert [second.id, first.id] == [one.id for one in line(full.desk_records(), SERVICE)]


def test_who_never_answers_is_taken_off(full: Any):
    (place,) = joined(full, "li")
    for number in (0, 2, 4):
        assert "waitlist" == full.told(place.id)["status"]
        full.cancel(full.bookings[number])
        full.hear()
        unanswered(full, place)

    assert "cancelled" == full.told(place.id)["status"]


def test_an_offer_that_is_over_cannot_be_accepted_and_waits_on(full: Any):
    (place,) = joined(full, "li")
    full.cancel(full.bookings[0])
    full.hear()
    with clock.stopped_at(place_of(full.told(place.id)).until):
        with pytest.raises(Gone, match="waits on in its place"):
            full.by("li").accept(place.id)
        rounds.answers(full.house)
        with pytest.raises(Gone, match="waits on in its place"):
            full.by("li").accept(place.id)
    assert ["waitlist"] == full.state(place)


def test_what_was_held_and_not_confirmed_is_offered_and_stays_gone(full: Any):
    full.cancel(full.bookings[0])
    start = datetime(2026, 11, 23, tzinfo=UTC)
    held = full.desk().hold(Wish("h", "Patient/sun", offer(start), SERVICE))
    (place,) = joined(full, "li")
    full.hear()
    assert ["waitlist"] == full.state(place)
    with later(full, minutes=11):
        rounds.answers(full.house)
        full.hear()
        with pytest.raises(Gone):
            full.desk().confirm(held["id"])

        assert ["pending"] == full.state(place)


def offer(start: datetime) -> Offer:
    return Offer(start, start + timedelta(minutes=30), ("PractitionerRole/role-1",))


def test_new_hours_and_a_move_free_times_too(full: Any):
    first, second = joined(full, "li", "wang")
    records = full.store.open(SYSTEM, Purpose.OPERATIONS)
    role = records.read("PractitionerRole", "role-1").json()
    more = {"daysOfWeek": ["wed"], "availableStartTime": "10:00:00", "availableEndTime": "10:30:00"}
    records.update("PractitionerRole", "role-1", role | {"availableTime": [*role["availableTime"], more]})
    full.hear()
    place = place_of(full.told(first.id))
    assert place.offer.start == datetime(2026, 11, 25, 2, tzinfo=UTC)

    place = place_of(full.told(second.id))
    assert place.offer.start == datetime(2026, 12, 2, 2, tzinfo=UTC)


def test_urgent_goes_first_and_nobody_is_passed_over_for_ever(clinic: Any):
    first, urgent = clinic.join("li"), clinic.join("wang", "urgent")
    assert [urgent.id, first.id] == [one.id for one in line(clinic.desk_records(), SERVICE)]
    assert (0, 1) == (ahead(clinic.store, urgent), ahead(clinic.store, first))
    with later(clinic, days=HEAD_START["urgent"].days, seconds=1):
        last = clinic.join("zhao", "urgent")
    assert [urgent.id, first.id, last.id] == [one.id for one in in_turn([last, first, urgent])]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"doctors": ("PractitionerRole/role-2",)}, "2026-11-23T00:00:00.000Z"),
        ({"days": frozenset({"tue"})}, "2026-11-24T00:00:00.000Z"),
        ({"opens": time(8, 30)}, "2026-11-23T00:30:00.000Z"),
        ({"closes": time(8, 30), "days": frozenset({"tue"})}, "2026-11-24T00:00:00.000Z"),
        ({"first": datetime(2026, 11, 25).date()}, "2026-11-30T00:00:00.000Z"),
        ({"last": datetime(2026, 11, 22).date()}, None),
        ({"days": frozenset({"wed"})}, None),
    ],
)
def test_only_what_is_waited_for_is_offered(clinic: Any, terms: dict[str, Any], expected: str | None):
    place = clinic.join("li", **terms)
    clinic.hear()
    told = clinic.told(place.id)
    assert expected == told.get("start")
    if "doctors" in terms:
        assert "PractitionerRole/role-2" in [one["actor"]["reference"] for one in told["participant"]]


def test_an_earlier_time_replaces_the_later_booking_in_one_step(full: Any):
    mine = full.book_instead(full.bookings[6], "li")
    place = full.join("li", instead=f"Appointment/{mine['id']}")
    full.cancel(full.bookings[-1])
    full.hear()
    assert ["waitlist"] == full.state(place)
    full.cancel(full.bookings[0])
    full.hear()
    made = full.by("li").accept(place.id)

    assert ("booked", "cancelled") == (made["status"], full.told(mine["id"])["status"])


def test_who_keeps_the_later_booking_has_both_and_one_that_was_moved_forward_is_not_given_up(full: Any):
    mine = full.book_instead(full.bookings[6], "li")
    place = full.join("li", instead=f"Appointment/{mine['id']}")
    full.cancel(full.bookings[2])
    full.hear()
    assert ["pending"] == full.state(place)
    full.cancel(full.bookings[0])
    full.desk().move(mine["id"], offer(datetime(2026, 11, 23, tzinfo=UTC)))
    with pytest.raises(Conflict, match="decline, or accept and keep both"):
        full.by("li").accept(place.id)
    assert "booked" == full.by("li").accept(place.id, keep=True)["status"]
    assert "booked" == full.told(mine["id"])["status"]


def test_nobody_is_offered_a_time_at_which_they_are_booked_elsewhere(full: Any):
    first, second = joined(full, "li", "wang")
    full.elsewhere("li", datetime(2026, 11, 23, tzinfo=UTC))
    full.cancel(full.bookings[0])
    full.hear()

    assert ["waitlist", "pending"] == full.state(first, second)


def test_joining_twice_is_one_place_and_on_other_terms_a_conflict(clinic: Any):
    first = clinic.by("li").join("Patient/li", Terms(SERVICE))
    with later(clinic, minutes=5):
        assert first == clinic.by("li").join("Patient/li", Terms(SERVICE))
        with pytest.raises(Conflict, match="change it"):
            clinic.by("li").join("Patient/li", Terms(SERVICE, days=frozenset({"tue"})))
        changed = clinic.by("li").change(first.id, Terms(SERVICE, days=frozenset({"tue"})))
        assert (first.since, first.id) == (changed.since, changed.id)
        clinic.by("li").leave(first.id)
        again = clinic.by("li").join("Patient/li", Terms(SERVICE), key="a")
        clinic.by("li").leave(again.id)
        assert again.id == clinic.by("li").join("Patient/li", Terms(SERVICE), key="a").id
    assert first.id != again.id and again.since > first.since


@pytest.mark.parametrize(
    ("terms", "fault"),
    [
        ({"service": "HealthcareService/none"}, Missing),
        ({"service": "Patient/li"}, Missing),
        ({"service": SERVICE, "doctors": ("PractitionerRole/role-9",)}, Invalid),
        ({"service": SERVICE, "last": datetime(2026, 11, 1).date()}, Invalid),
        ({"service": SERVICE, "last": datetime(2029, 11, 1).date()}, Invalid),
        ({"service": SERVICE, "instead": "Appointment/none"}, Missing),
    ],
)
def test_what_cannot_be_waited_for_is_refused_and_nothing_is_written(clinic: Any, terms: dict[str, Any], fault: Any):
    before = clinic.store.last_transaction()
    with pytest.raises(fault):
        clinic.by("li").join("Patient/li", Terms(**terms))
    assert before == clinic.store.last_transaction()


@pytest.mark.parametrize(
    "terms",
    [
        {"days": frozenset({"monday"})},
        {"opens": time(9), "closes": time(9)},
        {"first": datetime(2026, 12, 2).date(), "last": datetime(2026, 12, 1).date()},
    ],
)
def test_terms_that_nothing_can_meet_are_refused(terms: dict[str, Any]):
    with pytest.raises(Invalid):
        Terms(SERVICE, **terms)


def test_a_patient_has_their_own_place_alone_and_does_not_say_how_urgent_it_is(full: Any):
    (place,) = joined(full, "wang")
    full.cancel(full.bookings[0])
    full.hear()
    mine = full.by("li")
    for verb in (mine.accept, mine.decline, mine.leave, lambda id: mine.change(id, Terms(SERVICE))):
        for id in (place.id, "nobody"):
            with pytest.raises(Missing, match="There is no Appointment"):
                verb(id)
    with pytest.raises(Missing, match="There is no booking"):
        mine.join("Patient/li", Terms(SERVICE, instead=f"Appointment/{full.bookings[3]['id']}"))
    with pytest.raises(Forbidden):
        mine.join("Patient/wang", Terms(SERVICE))
    with pytest.raises(Forbidden, match="staff"):
        mine.join("Patient/li", Terms(SERVICE), "urgent")
    with pytest.raises(Invalid):
        full.desk().join("Patient/li", Terms(SERVICE), "mortal")


def test_an_offer_is_accepted_not_confirmed_and_a_booking_is_not_left(full: Any):
    (place,) = joined(full, "li")
    full.cancel(full.bookings[0])
    full.hear()
    with pytest.raises(Conflict, match="accept or decline"):
        full.by("li").confirm(place.id)
    full.by("li").accept(place.id)
    with pytest.raises(Conflict, match="waits no more"):
        full.by("li").leave(place.id)
    with pytest.raises(Conflict):
        full.by("li").decline(place.id)


def test_a_place_ends_when_its_last_day_or_the_later_booking_is_over(full: Any):
    mine = full.book_instead(full.bookings[0], "wang")
    dated = full.join("li", last=datetime(2026, 11, 23).date())
    instead = full.join("wang", instead=f"Appointment/{mine['id']}")
    open_ = full.join("zhao")
    rounds.sweep(full.house)
    assert ["waitlist"] * 3 == full.state(dated, instead, open_)
    with clock.stopped_at(datetime(2026, 11, 24, 1, tzinfo=UTC)):
        rounds.sweep(full.house)

    assert ["cancelled", "cancelled", "waitlist"] == full.state(dated, instead, open_)


def test_what_was_missed_while_nobody_listened_is_found_by_the_clock(full: Any):
    first, second = joined(full, "li", "wang")
    full.cancel(full.bookings[0])
    rounds.sweep(full.house)
    assert ["pending", "waitlist"] == full.state(first, second)
    with later(full, days=1, hours=12):
        full.book("sun", datetime(2026, 11, 23, tzinfo=UTC))  # sweeps away what was held
        rounds.sweep(full.house)
        full.hear()
    assert ["waitlist", "waitlist"] == full.state(first, second)
    assert 1 == place_of(full.told(first.id)).lapsed


def test_times_that_a_hospital_lays_out_are_offered_and_used_up(clinic: Any):
    records = clinic.store.open(SYSTEM, Purpose.OPERATIONS)
    role = records.read("PractitionerRole", "role-1").json()
    records.delete("PractitionerRole", "role-2")
    del role["availableTime"]
    records.update("PractitionerRole", "role-1", role)
    schedule = {"resourceType": "Schedule", "actor": [{"reference": "PractitionerRole/role-1"}]}
    records.update("Schedule", "s", schedule)
    first, second = joined(clinic, "li", "wang")
    clinic.hear()
    times = {"start": "2026-11-23T00:00:00Z", "end": "2026-11-23T00:30:00Z"}
    slot = {"resourceType": "Slot", "schedule": {"reference": "Schedule/s"}, "status": "free", **times}
    records.update("Slot", "a", slot)
    clinic.hear()
    assert ["pending", "waitlist"] == clinic.state(first, second)
    clinic.desk().decline(first.id)
    assert ["waitlist", "pending"] == clinic.state(first, second)
    assert "busy" == records.read("Slot", "a").json()["status"]
    clinic.desk().decline(second.id)

    assert "free" == records.read("Slot", "a").json()["status"]


def test_who_has_waited_longest_for_any_service_of_a_doctor_is_first(full: Any):
    records = full.desk_records()
    records.update("HealthcareService", "a-lungs", {"resourceType": "HealthcareService"})
    role = records.read("PractitionerRole", "role-1").json()
    both = [{"reference": "HealthcareService/a-lungs"}, {"reference": SERVICE}]
    records.update("PractitionerRole", "role-1", role | {"healthcareService": both})
    full.hear()
    first = full.join("li")
    with later(full, minutes=1):
        second = full.desk().join("Patient/wang", Terms("HealthcareService/a-lungs"))
        full.cancel(full.bookings[0])
        full.hear()

    assert ["pending", "waitlist"] == full.state(first, second)


def test_a_place_that_says_nonsense_holds_up_nobody(full: Any):
    (good,) = joined(full, "li")
    told = full.told(good.id)
    for n, part in enumerate(({"url": "closes", "valueTime": "00:00:00"}, {"url": "day", "valueCode": "someday"})):
        parts = [one for one in told["extension"][0]["extension"] if one["url"] != part["url"]]
        broken = told | {"id": f"broken-{n}", "extension": [told["extension"][0] | {"extension": [*parts, part]}]}
        full.desk_records().update("Appointment", f"broken-{n}", broken)
    full.cancel(full.bookings[0])
    full.hear()
    rounds.sweep(full.house)

    assert ["pending"] == full.state(good)


def test_nothing_is_offered_to_who_is_no_more(full: Any):
    first, second, third = joined(full, "li", "wang", "zhao")
    full.desk_records().update("Patient", "li", {"resourceType": "Patient", "deceasedBoolean": True})
    full.desk_records().delete("Patient", "wang")
    full.cancel(full.bookings[0])
    full.hear()

    assert ["waitlist", "waitlist", "pending"] == full.state(first, second, third)


def test_a_service_that_is_given_no_more_is_not_waited_for(clinic: Any):
    place = clinic.join("li", days=frozenset({"sun"}))
    told = clinic.desk_records().read("HealthcareService", "heart").json()
    clinic.desk_records().update("HealthcareService", "heart", told | {"active": False})
    with pytest.raises(Missing, match="not given any more"):
        clinic.join("wang")
    assert 0 == hand_out(clinic.store, [SERVICE], clock.now(), clock.now() + timedelta(days=9))
    clinic.desk_records().delete("HealthcareService", "heart")
    rounds.sweep(clinic.house)

    assert ["cancelled"] == clinic.state(place)


def test_who_joins_before_a_time_is_let_go_is_not_asked_before_others_because_it_is_heard_of_first(full: Any):
    first, second = full.join("li"), None
    full.hear()
    with later(full, minutes=1):
        second = full.join("wang")
        full.cancel(full.bookings[0])
        full.hear()

    assert ["pending", "waitlist"] == full.state(first, second)


def test_an_offer_of_a_service_that_is_no_more_can_be_declined_and_lapses(clinic: Any):
    first, second = joined(clinic, "li", "wang")
    clinic.hear()
    assert ["pending", "pending"] == clinic.state(first, second)
    clinic.desk_records().delete("HealthcareService", "heart")
    clinic.by("li").decline(first.id)
    with clock.stopped_at(place_of(clinic.told(second.id)).until):
        rounds.answers(clinic.house)

    assert ["waitlist", "waitlist"] == clinic.state(first, second)


def test_an_offer_of_a_video_visit_has_its_link_once_it_is_accepted(full: Any):
    records = full.desk_records()
    service = records.read("HealthcareService", "heart").json()
    virtual = {"url": VIRTUAL, "valueBoolean": True}
    records.update("HealthcareService", "heart", service | {"extension": [*service["extension"], virtual]})
    place = full.desk().join("Patient/li", Terms(SERVICE), key="k")
    full.cancel(full.bookings[0])
    full.hear()
    assert link_of(full.told(place.id)) is None

    link = link_of(full.by("li").accept(place.id))

    assert link is not None and link == link_of(full.by("li").accept(place.id))
    assert link == link_of(full.told(place.id))


def test_a_request_to_join_that_comes_again_after_the_offer_was_accepted_takes_no_new_place(full: Any):
    place = full.desk().join("Patient/li", Terms(SERVICE), key="k")
    full.cancel(full.bookings[0])
    full.hear()
    full.by("li").accept(place.id)

    again = full.desk().join("Patient/li", Terms(SERVICE), key="k")

    assert (place.id, "booked", False) == (again.id, again.status, again.waits)


def test_the_desk_says_how_urgent_a_place_is_and_an_offer_stays(full: Any):
    first, second = joined(full, "li", "wang")
    for _ in range(2):
        full.desk().rate(second.id, "urgent")
    assert [second.id, first.id] == [one.id for one in line(full.desk_records(), SERVICE)]
    assert "2" == full.told(second.id)["meta"]["versionId"]
    full.cancel(full.bookings[0])
    full.hear()

    full.desk().rate(second.id, "soon")

    place = place_of(full.told(second.id))
    assert "soon" == place.urgency and place.offer is not None
    with pytest.raises(Forbidden):
        full.by("li").rate(first.id, "urgent")
    with pytest.raises(Invalid):
        full.desk().rate(first.id, "now")
    full.by("li").leave(first.id)
    with pytest.raises(Conflict):
        full.desk().rate(first.id, "soon")
