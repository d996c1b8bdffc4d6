"""What happens is told once to whom it concerns, in their language; it leaves the house only where the site says so."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.base import clock
from salus.base.errors import Forbidden, Invalid
from salus.base.words import LANGUAGES
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.services.appointments.booking import Booking
from salus.services.appointments.finding import Offer
from salus.services.appointments.planning import Course
from salus.services.appointments.series import Series
from salus.services.appointments.states import BOOKING
from salus.services.appointments.waiting import rounds
from salus.services.reminders import listening, notices, sending
from salus.services.reminders.choice import choose
from salus.services.reminders.coming import remind
from salus.services.reminders.facts import WORDS
from salus.services.reminders.occasions import ALL, DONE, KINDS, table
from salus.services.reminders.site import Site, site
from salus.services.rounds import catch_up

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 23, 8, tzinfo=ZONE)
DESK = Actor("Practitioner/desk", Role.DESK)
LI = Actor("Patient/li", Role.PATIENT, "li")
SECRET = ("HIV", "heart", "Heart", "心")


def hear(clinic: Any) -> None:
    catch_up(clinic.house, [rounds.LISTENER, listening.LISTENER])
    catch_up(clinic.house, [rounds.LISTENER, listening.LISTENER])


def told(clinic: Any, who: str = "li") -> list[str]:
    """The codes of somebody's notices, the first first."""
    records = clinic.store.open(SYSTEM, Purpose.OPERATIONS)
    found = notices.notices_of(records, f"Patient/{who}")
    return [one.code for one in sorted(found, key=lambda one: one.at)]


def texts(clinic: Any, who: str = "li") -> list[str]:
    records = clinic.store.open(SYSTEM, Purpose.OPERATIONS)
    return [one.text for one in notices.notices_of(records, f"Patient/{who}")]


def put(clinic: Any, type: str, id: str, **body: Any) -> None:
    clinic.store.open(SYSTEM, Purpose.OPERATIONS).update(type, id, {"resourceType": type, "id": id, **body})


def later(minutes: float) -> Any:
    return clock.stopped_at(clock.now() + timedelta(minutes=minutes))


def test_what_happens_to_a_booking_is_told_once_in_the_language_of_the_person(clinic: Any):
    service = {"name": "Heart clinic", "_name": chinese("心内科"), "location": [{"reference": "Location/a"}]}
    put(clinic, "HealthcareService", "heart", **service)
    put(clinic, "Location", "a", name="East Hospital", alias=["城东医院"])
    put(clinic, "Patient", "wang", communication=[spoken("en"), spoken("zh-CN") | {"preferred": True}])
    for one in ("li", "wang"):
        made = clinic.book(one, MONDAY + timedelta(minutes=30 * (one == "wang")))
        hear(clinic)
        with later(1):
            clinic.desk().move(made["id"], offer(MONDAY + timedelta(days=1, minutes=30 * (one == "wang"))))
            hear(clinic)
        with later(2):
            clinic.cancel(made)
            hear(clinic)

    assert ["booked", "moved", "called-off"] == told(clinic) == told(clinic, "wang")
    assert "Heart clinic: 23 Nov 2026, 08:00, East Hospital." == texts(clinic)[-1]
    assert "心内科：2026年11月23日 08:30，城东医院。" == texts(clinic, "wang")[-1]
    found = notices.notices_of(clinic.desk_records(), "Patient/li")[0]
    assert ("find", "HealthcareService/heart") == (found.leads, found.service)


def chinese(text: str) -> dict[str, Any]:
    parts = [{"url": "lang", "valueCode": "zh"}, {"url": "content", "valueString": text}]
    return {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/translation", "extension": parts}]}


def spoken(code: str) -> dict[str, Any]:
    return {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": code}]}}


def offer(start: datetime, role: int = 1) -> Offer:
    begins = start.astimezone(UTC)
    return Offer(begins, begins + timedelta(minutes=30), (f"PractitionerRole/role-{role}",))


def test_what_the_person_cancels_is_no_apology_and_what_is_over_is_no_news(clinic: Any):
    made = clinic.book("li", MONDAY)
    hear(clinic)
    with later(1):
        Booking(clinic.store, LI, Purpose.PATIENT_REQUEST).cancel(made["id"])
        hear(clinic)
    past = {"start": "2026-11-01T08:00:00Z", "end": "2026-11-01T08:30:00Z", "status": "booked"}
    who = [{"actor": {"reference": "Patient/sun"}, "status": "accepted"}]
    put(clinic, "Appointment", "past", **past, participant=who)
    hear(clinic)

    assert ["booked", "cancelled"] == told(clinic)
    assert [] == told(clinic, "sun")


def test_the_waiting_list_tells_of_offers_and_of_their_end(clinic: Any):
    place = clinic.join("li", last=MONDAY.date())
    hear(clinic)
    hear(clinic)
    held = clinic.told(place.id)
    assert ["offered"] == told(clinic) and "held for you until" in texts(clinic)[0]
    with clock.stopped_at(datetime(2026, 11, 23, 3, tzinfo=UTC)):
        rounds.sweep(clinic.house)
        hear(clinic)
    with clock.stopped_at(datetime(2026, 11, 24, 3, tzinfo=UTC)):
        rounds.sweep(clinic.house)
        hear(clinic)

    assert ["offered", "offer-over", "place-over"] == told(clinic)
    assert "23 Nov 2026, 08:00" in texts(clinic)[1] and held["start"] == "2026-11-23T00:00:00.000Z"


def test_bills_refunds_and_results_are_told_without_what_is_in_them(clinic: Any):
    subject = {"reference": "Patient/li"}
    put(clinic, "Invoice", "i", status="draft", subject=subject, date="2026-11-20")
    hear(clinic)
    assert [] == told(clinic)
    with later(1):
        put(clinic, "Invoice", "i", status="issued", subject=subject, date="2026-11-20")
        hear(clinic)
    with later(2):
        put(clinic, "Invoice", "i", status="balanced", subject=subject, date="2026-11-20")
        hear(clinic)
    detail = {"type": {"coding": [{"code": "refund"}]}, "request": {"reference": "Invoice/i"}}
    refund = {"created": "2026-11-20T00:00:00Z", "paymentDate": "2026-11-20", "detail": [detail]}
    refund |= {"paymentAmount": {"value": 12.5, "currency": "CNY"}}
    with later(3):
        put(clinic, "PaymentReconciliation", "p", status="draft", **refund)
        put(clinic, "PaymentReconciliation", "p", status="active", **refund)
        put(clinic, "Invoice", "i", status="issued", subject=subject, date="2026-11-20")
        hear(clinic)
    report = {"code": {"text": "HIV"}, "subject": subject, "conclusion": "HIV", "issued": "2026-11-20T00:00:00Z"}
    with later(4):
        put(clinic, "DiagnosticReport", "r", status="preliminary", **report)
        put(clinic, "DiagnosticReport", "r", status="final", **report)
        put(clinic, "DiagnosticReport", "old", status="final", **report | {"issued": "2020-11-20T00:00:00Z"})
        hear(clinic)

    assert ["bill", "paid", "refunded", "result"] == told(clinic)
    assert "¥12.50 was given back to you." == texts(clinic)[1]
    for one in clinic.desk_records().compartment("li", ["Communication"]):
        assert not any(word.encode() in one.body for word in SECRET if word != "heart")


def test_who_refuses_a_kind_is_told_only_what_cannot_be_left_out(clinic: Any):
    records = clinic.store.open(LI, Purpose.PATIENT_REQUEST)
    choose(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li", "booking", False)
    made = clinic.book("li", MONDAY)
    hear(clinic)
    assert [] == told(clinic)
    with later(1):
        clinic.cancel(made)
        hear(clinic)
    assert ["called-off"] == told(clinic)
    choose(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li", "booking", True)
    with later(2):
        clinic.book("li", MONDAY, key="again")
        hear(clinic)
    assert ["called-off", "booked"] == told(clinic)
    with pytest.raises(Forbidden):
        choose(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/wang", "booking", False)
    with pytest.raises(Invalid):
        choose(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li", "gossip", False)
    assert 2 == len(notices.notices_of(records, "Patient/li"))


def test_notices_are_read_by_their_own_person_alone(clinic: Any):
    for one in ("li", "wang"):
        clinic.book(one, MONDAY, role=1 + (one == "wang"))
    hear(clinic)
    records = clinic.desk_records()
    mine, others = (notices.notices_of(records, f"Patient/{one}")[0] for one in ("li", "wang"))
    own = clinic.store.open(LI, Purpose.PATIENT_REQUEST)
    assert 1 == notices.unread(own, "Patient/li")
    for patient in ("Patient/li", "Patient/wang"):
        assert 0 == notices.mark_read(clinic.store, LI, Purpose.PATIENT_REQUEST, patient, [others.id, "nobody"])
    assert 1 == notices.mark_read(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li", [mine.id, mine.id])
    assert 0 == notices.mark_all_read(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li")
    assert [clock.now(), None] == [notices.notices_of(records, f"Patient/{one}")[0].read for one in ("li", "wang")]
    hear(clinic)
    assert 0 == notices.unread(own, "Patient/li") and [] == notices.notices_of(own, "Patient/wang")


def test_people_are_reminded_in_time_by_day_and_once(clinic: Any):
    clinic.book("li", MONDAY)  # at 8 in the morning: two hours before is night
    hear(clinic)
    seen = []
    for hour in range(72):
        with later(60 * hour):
            if remind(clinic.house):
                seen.append(clock.now().astimezone(ZONE).strftime("%a %H"))
            assert 0 == remind(clinic.house)

    assert ["Sun 08", "Sun 20"] == seen


def test_who_has_just_booked_is_not_reminded_of_what_they_know(clinic: Any):
    with clock.stopped_at(MONDAY - timedelta(hours=12)):
        clinic.book("li", MONDAY)
    for hour in range(-11, 2):
        with clock.stopped_at(MONDAY + timedelta(hours=hour)):
            assert 0 == remind(clinic.house)


def test_at_night_what_is_told_waits_for_the_morning_and_what_reminds_comes_the_evening_before():
    usual, late = Site(), Site(evening=time(1), morning=time(7))

    def at(day: int, hour: int) -> datetime:
        return datetime(2026, 11, day, hour, tzinfo=ZONE)

    assert at(23, 12) == usual.by_day(at(23, 12), ZONE) == usual.before_night(at(23, 12), ZONE)
    assert at(23, 8) == usual.by_day(at(23, 3), ZONE) == usual.by_day(at(22, 22), ZONE)
    assert at(22, 20) == usual.before_night(at(23, 3), ZONE) == usual.before_night(at(22, 22), ZONE)
    assert (at(23, 7), at(23, 0)) == (late.by_day(at(23, 3), ZONE), late.before_night(at(23, 3), ZONE))
    assert at(22, 23) == late.by_day(at(22, 23), ZONE)


# --- out of the house ---


class Gateway(HTTPServer):
    """What a site's own messages go to: notes what comes, and answers as it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.came: list[dict[str, Any]] = []
        self.answer = 200


class Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.came.append(body | {"path": self.path})
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def gateway(clinic: Any, tmp_path: Path) -> Iterator[Gateway]:
    with serving() as server:
        file = tmp_path / "reminders.toml"
        file.write_text(f'[[send]]\ncontact = "sms"\nurl = "json://127.0.0.1:{server.server_port}/{{address}}"\n')
        clinic.house = replace(clinic.house, settings=replace(clinic.house.settings, reminders=file))
        put(clinic, "Patient", "li", telecom=[{"system": "sms", "value": "+86 138 0000"}])
        yield server


@contextmanager
def serving() -> Iterator[Gateway]:
    server = Gateway()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def status(clinic: Any) -> list[str]:
    found = clinic.desk_records().compartment("li", ["Communication"])
    return [f"{one.json()['status']} {one.json().get('statusReason', {}).get('text', '')}".strip() for one in found]


def test_what_the_site_wishes_leaves_the_house_once_and_without_a_word_of_medicine(clinic: Any, gateway: Gateway):
    put(clinic, "HealthcareService", "heart", name="Heart clinic")
    clinic.book("li", MONDAY)
    clinic.book("wang", MONDAY, role=2)
    hear(clinic)
    assert ["preparation"] == status(clinic)
    assert 1 == sending.send_due(clinic.house) and 0 == sending.send_due(clinic.house)
    assert ["completed"] == status(clinic)
    (message,) = gateway.came
    assert "/+86%20138%200000" == message["path"]
    assert "You have an appointment on 23 Nov 2026, 08:00. Sign in to see more." == message["message"]
    assert not any(word in json.dumps(message, ensure_ascii=False) for word in SECRET)


def test_what_fails_is_tried_a_few_times_and_then_given_up(clinic: Any, gateway: Gateway):
    gateway.answer = 500
    clinic.book("li", MONDAY + timedelta(days=7))
    hear(clinic)
    for minutes in (0, 1, 3, 60, 300, 1500, 3000, 6000):
        with later(minutes):
            sending.send_due(clinic.house)

    assert ["stopped not delivered"] == status(clinic) and sending.MOST == len(gateway.came)
    assert ["booked"] == told(clinic)


@pytest.mark.parametrize(("change", "why"), [("gone", "no address"), ("refused", "not wanted"), ("late", "too late")])
def test_what_must_not_be_sent_any_more_is_not(clinic: Any, gateway: Gateway, change: str, why: str):
    clinic.book("li", MONDAY)
    hear(clinic)
    if change == "gone":
        put(clinic, "Patient", "li", telecom=[{"system": "sms", "value": "call my\nmother"}])
    elif change == "refused":
        choose(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li", "booking", False)
    with clock.stopped_at(MONDAY if change == "late" else clock.now()):
        assert 0 == sending.send_due(clinic.house)

    assert [f"stopped {why}"] == status(clinic) and [] == gateway.came


def test_nobody_is_woken_but_for_what_cannot_wait(clinic: Any, gateway: Gateway):
    night = datetime(2026, 11, 20, 23, tzinfo=ZONE)
    with clock.stopped_at(night):
        clinic.book("li", MONDAY)
        hear(clinic)
        assert 0 == sending.send_due(clinic.house)
    with clock.stopped_at(night + timedelta(hours=9)):
        assert 1 == sending.send_due(clinic.house)
    put(clinic, "HealthcareService", "heart", name="Heart clinic")
    put(clinic, "PractitionerRole", "role-1", **night_hours())
    with clock.stopped_at(night):
        clinic.join("li", closes=time(1))
        hear(clinic)
        hear(clinic)
        assert 1 == sending.send_due(clinic.house)
    assert "offered" in told(clinic)


def night_hours() -> dict[str, Any]:
    hours = {"daysOfWeek": ["sat"], "availableStartTime": "00:00:00", "availableEndTime": "00:30:00"}
    of = {"healthcareService": [{"reference": "HealthcareService/heart"}], "availableTime": [hours]}
    return of | {"practitioner": {"reference": "Practitioner/doc-1"}}


def test_a_notice_that_was_being_sent_when_a_process_died_is_sent_again(clinic: Any, gateway: Gateway):
    clinic.book("li", MONDAY)
    hear(clinic)
    (found,) = clinic.desk_records().compartment("li", ["Communication"])
    assert sending.claim(clinic.store, found.id) is not None
    assert sending.claim(clinic.store, found.id) is None
    assert 0 == sending.send_due(clinic.house)
    with later(3):
        assert 1 == sending.send_due(clinic.house)
    assert ["completed"] == status(clinic)


@pytest.mark.parametrize(
    "told",
    [
        {"hours": [1]},
        {"hours_before": ["soon"]},
        {"hours_before": [0]},
        {"night": ["21:00"]},
        {"night": [21, 8]},
        {"send": [{"contact": "pigeon", "url": "json://x/{address}"}]},
        {"send": [{"contact": "sms", "url": "json://x/"}]},
        {"send": [{"contact": "sms", "url": "{address}"}]},
    ],
)
def test_a_site_is_told_what_is_wrong_in_its_file(told: dict[str, Any]):
    with pytest.raises(Invalid):
        site(told)


# --- the table ---


def test_every_notice_has_its_words_in_every_language_and_every_verb_is_in_the_table_of_states():
    for one in ALL:
        for part in ("title", "text", "outside"):
            assert all(f"{one.code}.{part}" in WORDS and WORDS.table[f"{one.code}.{part}"][to] for to in LANGUAGES)
        assert one.kind in KINDS and f"kind.{one.kind}" in WORDS
    assert set(DONE) - set(BOOKING.table) == {"book", "call off", "end"}


def test_a_course_of_visits_is_told_of_as_one(clinic: Any):
    series = Series(clinic.store, DESK, Purpose.OPERATIONS)
    start = MONDAY.replace(tzinfo=None)
    course = Course("heart", start, "FREQ=WEEKLY;COUNT=2", "PractitionerRole/role-1")
    booked = series.book_all("c", "Patient/li", course)
    hear(clinic)
    with later(1):
        clinic.cancel(booked.visits[0])
        hear(clinic)

    assert ["booked", "called-off"] == told(clinic)
    assert "Your appointment: 23 Nov 2026, 08:00 (and 1 more)." == texts(clinic)[1]
    assert "more" not in texts(clinic)[0].partition("cannot")[0]


@pytest.mark.parametrize("language", ["", ".zh"])
def test_the_table_in_the_manual_is_the_one_that_is_followed(language: str):
    manual = Path(__file__).resolve().parents[2] / "docs" / "how-to" / f"wait-and-be-told{language}.md"
    assert table() in manual.read_text("utf-8")


def test_medicines_are_told_of_once_a_visit_and_a_bad_sample_each_time(clinic: Any):
    subject = {"subject": {"reference": "Patient/li"}}
    medicine = {"medicationCodeableConcept": {"text": "HIV"}, "context": {"reference": "Encounter/e"}, **subject}
    for n in range(3):
        put(clinic, "MedicationDispense", f"m{n}", status="preparation", **medicine)
    put(clinic, "MedicationDispense", "m0", status="completed", **medicine)
    hear(clinic)
    with later(1):
        for n in range(2):
            put(clinic, "Specimen", f"s{n}", status="unsatisfactory", **subject)
        hear(clinic)

    assert ["medicine", "sample", "sample"] == told(clinic)
    assert not any("HIV" in text for text in texts(clinic))
