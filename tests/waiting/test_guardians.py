"""Parents are told of their child, and whom a grown-up has named of them: nobody else, and not of everything."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.assistants.recommend.departments import SYSTEM as DEPARTMENTS
from salus.base import clock
from salus.base.errors import Missing
from salus.places.minors import law
from salus.privacy import Actor, Purpose, Role
from salus.privacy.guardian import FLAGS, NO_GUARDIAN
from salus.services.appointments.waiting import rounds
from salus.services.reminders import listening, notices, sending
from salus.services.reminders.choice import choose
from salus.services.reminders.coming import remind
from salus.services.reminders.guardians import LABELS, ROLES, answer, consent, let
from salus.services.rounds import catch_up

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 23, 8, tzinfo=ZONE)
LI = Actor("Patient/li", Role.PATIENT, "li")
CHILD, YOUTH, GROWN = "2018-05-01", "2011-05-01", "1990-05-01"
MOTHER = {
    "relationship": [{"coding": [{"system": ROLES, "code": "MTH"}]}],
    "telecom": [{"system": "email", "value": "mother@home.example"}],
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "zh-CN"}]}}],
}
AUNT = MOTHER | {"relationship": [{"coding": [{"system": ROLES, "code": "AUNT"}]}]}


class Letterbox(HTTPServer):
    """Where what leaves the house arrives."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Slot)
        self.came: list[str] = []


class Slot(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.came.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def letterbox(clinic: Any, tmp_path: Path) -> Iterator[Letterbox]:
    """The site sends short messages and letters; the clinic is that of a department which is told of."""
    server = Letterbox()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"json://127.0.0.1:{server.server_port}/{{address}}"
    file = tmp_path / "reminders.toml"
    file.write_text("".join(f'[[send]]\ncontact = "{one}"\nurl = "{url}"\n' for one in ("sms", "email")))
    clinic.house = replace(clinic.house, settings=replace(clinic.house.settings, reminders=file))
    of_department(clinic, "paediatrics")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def put(clinic: Any, type: str, id: str, **body: Any) -> None:
    clinic.desk_records().update(type, id, {"resourceType": type, "id": id, **body})


def of_department(clinic: Any, code: str) -> None:
    specialty = [{"coding": [{"system": DEPARTMENTS, "code": code}]}]
    extension = clinic.desk_records().read("HealthcareService", "heart").json().get("extension", [])
    put(clinic, "HealthcareService", "heart", extension=extension, specialty=specialty)


def family(clinic: Any, born: str | None, id: str = "mother", **told: Any) -> None:
    """Li, who has a telephone, and somebody of the family."""
    said = {"birthDate": born} if born else {}
    put(clinic, "Patient", "li", telecom=[{"system": "sms", "value": "+86 138 0000"}], **said)
    put(clinic, "RelatedPerson", id, patient={"reference": "Patient/li"}, **(told or MOTHER))


def hear(clinic: Any) -> None:
    for _ in range(2):
        catch_up(clinic.house, [rounds.LISTENER, listening.LISTENER])


def written(clinic: Any, to: str = "RelatedPerson/mother") -> list[dict[str, Any]]:
    found = (one.json() for one in clinic.desk_records().compartment("li", ["Communication"]))
    return [one for one in found if one["recipient"] == [{"reference": to}]]


def told(clinic: Any, to: str = "RelatedPerson/mother") -> list[str]:
    """What somebody was told of, the first first."""
    return [notices.notice_of(one).code for one in sorted(written(clinic, to), key=lambda one: one["sent"])]


def test_of_a_small_child_the_mother_is_told_instead_in_her_language_and_on_her_channel(clinic, letterbox):
    family(clinic, CHILD)
    clinic.book("li", MONDAY)
    hear(clinic)
    hear(clinic)

    (letter,) = written(clinic)
    assert "zh" == letter["language"] and "致您照护的人（2018年出生）" in letter["payload"][0]["contentString"]
    assert "请咨询前台" in letter["payload"][1]["contentString"]
    assert 1 == sending.send_due(clinic.house)
    assert ["/mother@home.example"] == letterbox.came
    (own,) = written(clinic, "Patient/li")
    assert "completed" == own["status"] and "medium" not in own


def test_of_a_child_whose_parents_have_no_address_the_child_is_told_as_ever(clinic, letterbox):
    family(clinic, CHILD, **{key: value for key, value in MOTHER.items() if key != "telecom"})
    clinic.book("li", MONDAY)
    hear(clinic)

    assert [] == told(clinic) and 1 == sending.send_due(clinic.house)
    assert ["/+86%20138%200000"] == letterbox.came


def test_from_fourteen_on_both_are_told_and_the_patients_page_shows_their_own_alone(clinic, letterbox):
    family(clinic, YOUTH)
    clinic.book("li", MONDAY)
    hear(clinic)

    assert 2 == sending.send_due(clinic.house) and 2 == len(letterbox.came)
    records = clinic.desk_records()
    assert 1 == len(notices.notices_of(records, "Patient/li")) == notices.unread(records, "Patient/li")
    ids = [written(clinic)[0]["id"]]
    assert 0 == notices.mark_read(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li", ids)
    assert 1 == notices.mark_all_read(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li")


@pytest.mark.parametrize(("country", "letters"), [("CN", 1), ("US", 2)])
def test_the_law_of_the_sites_country_says_who_is_told_beside_their_parents(clinic, letterbox, country, letters):
    clinic.house = replace(clinic.house, settings=replace(clinic.house.settings, country=country))
    family(clinic, "2013-05-01")
    clinic.book("li", MONDAY)
    hear(clinic)

    assert letters == sending.send_due(clinic.house) == len(letterbox.came)


@pytest.mark.parametrize(
    ("born", "department", "is_told"),
    [
        (CHILD, "paediatrics", True), (CHILD, "psychiatry", True), (CHILD, "sexual_health", False),
        (YOUTH, "paediatrics", True), (YOUTH, "psychiatry", False), (YOUTH, "sexual_health", False),
        (YOUTH, "gynaecology", False), (YOUTH, "infection", False), (YOUTH, "", False), (CHILD, "", True),
    ],
)  # fmt: skip
def test_what_is_sensitive_is_told_to_the_patient_alone(clinic, letterbox, born, department, is_told):
    of_department(clinic, department) if department else put(clinic, "HealthcareService", "heart")
    family(clinic, born)
    clinic.book("li", MONDAY)
    hear(clinic)

    assert (["booked"] if is_told else []) == told(clinic)
    assert ["booked"] == told(clinic, "Patient/li")


@pytest.mark.parametrize(
    "over",
    [
        {"period": {"end": "2026-11-19"}}, {"period": {"start": "2026-11-21"}}, {"active": False},
        {"period": {"end": "2026-10"}}, {"relationship": AUNT["relationship"]}, {"relationship": []},
    ],
)  # fmt: skip
def test_who_is_no_guardian_or_no_more_is_told_nothing(clinic, letterbox, over):
    family(clinic, CHILD, **{key: value for key, value in (MOTHER | over).items() if value != []})
    clinic.book("li", MONDAY)
    hear(clinic)

    assert [] == told(clinic) and ["booked"] == told(clinic, "Patient/li")


COURT = {"category": [{"text": "court"}]}
KEPT_AWAY = {
    "by the relation": ("Consent", consent("Patient/li", "RelatedPerson/mother", False) | COURT),
    "by their own record": ("Consent", consent("Patient/li", "Patient/mo", False) | COURT),
    "all guardians": ("Flag", {"status": "active", "code": {"coding": [{"system": FLAGS, "code": NO_GUARDIAN}]},
                               "subject": {"reference": "Patient/li"}}),
}  # fmt: skip


@pytest.mark.parametrize("case", KEPT_AWAY)
def test_whom_a_court_or_a_clinician_keeps_away_is_told_nothing(clinic, letterbox, case):
    kind, said = KEPT_AWAY[case]
    family(clinic, CHILD)
    put(clinic, "Patient", "mo", link=[{"other": {"reference": "RelatedPerson/mother"}, "type": "seealso"}])
    put(clinic, kind, "away", **{name: value for name, value in said.items() if name not in ("resourceType", "id")})
    clinic.book("li", MONDAY)
    hear(clinic)

    assert [] == told(clinic) and ["booked"] == told(clinic, "Patient/li")


def test_a_relation_that_ended_before_the_letter_was_sent_ends_the_letter(clinic, letterbox):
    family(clinic, CHILD)
    clinic.book("li", MONDAY)
    hear(clinic)
    family(clinic, CHILD, **MOTHER, period={"end": "2026-11-19"})

    assert 0 == sending.send_due(clinic.house) and [] == letterbox.came
    assert "not wanted" == written(clinic)[0]["statusReason"]["text"]


@pytest.mark.parametrize("born", [GROWN, None])
def test_of_somebody_of_full_age_or_of_an_age_not_known_others_are_told_by_consent_alone(clinic, letterbox, born):
    family(clinic, born)
    clinic.book("li", MONDAY)
    hear(clinic)
    assert [] == told(clinic)

    let(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li", "RelatedPerson/mother", True, law("CN"))
    with clock.stopped_at(clock.now() + timedelta(minutes=1)):
        clinic.book("li", MONDAY + timedelta(days=1), key="again")
        hear(clinic)
        assert ["booked"] == told(clinic)
        let(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li", "RelatedPerson/mother", False, law("CN"))
        clinic.book("li", MONDAY + timedelta(days=7), key="third")
        hear(clinic)

    assert ["booked"] == told(clinic) and 3 == len(told(clinic, "Patient/li"))
    with pytest.raises(Missing):
        let(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li", "RelatedPerson/stranger", True, law("CN"))


def test_a_child_chooses_nobody_and_a_no_outweighs_a_yes(clinic, letterbox):
    family(clinic, CHILD)
    with pytest.raises(Missing):
        let(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li", "RelatedPerson/mother", False, law("CN"))
    said = [consent("Patient/li", "RelatedPerson/mother", wanted) for wanted in (True, False)]
    assert answer(said, "RelatedPerson/mother") is False and answer(said[:1], "RelatedPerson/mother") is True
    ended = said[0] | {"provision": said[0]["provision"] | {"period": {"end": "2026-01-01"}}}
    assert answer([ended], "RelatedPerson/mother") is None


def test_reminders_freed_times_and_bills_are_told_and_what_is_refused_is_not(clinic, letterbox):
    family(clinic, YOUTH)
    clinic.join("li")
    hear(clinic)
    assert ["offered"] == told(clinic)
    subject = {"subject": {"reference": "Patient/li"}, "date": "2026-11-20"}
    service = {"serviceType": {"coding": [{"system": DEPARTMENTS, "code": "paediatrics"}]}, "status": "finished"}
    put(clinic, "Encounter", "e", **service, **{"class": {"code": "AMB"}}, subject=subject["subject"])
    of = [{"url": "https://salus.example/visit", "valueReference": {"reference": "Encounter/e"}}]
    secret = {"meta": {"security": [{"system": LABELS, "code": "SEX"}]}}
    with clock.stopped_at(clock.now() + timedelta(minutes=1)):
        put(clinic, "Invoice", "i", status="issued", extension=of, **subject)
        put(clinic, "Invoice", "s", status="issued", extension=of, **subject, **secret)
        put(clinic, "Invoice", "unknown", status="issued", **subject)
        hear(clinic)
    assert ["offered", "bill"] == told(clinic) and 3 == told(clinic, "Patient/li").count("bill")

    clinic.book("li", MONDAY + timedelta(days=8))
    choose(clinic.store, LI, Purpose.PATIENT_REQUEST, "Patient/li", "booking", False)
    hear(clinic)
    with clock.stopped_at(MONDAY + timedelta(days=7, hours=1)):
        remind(clinic.house)
    assert ["offered", "bill", "reminder"] == told(clinic)


@pytest.mark.parametrize("born", ["2008", "2008-11", "2008-11-20"])
def test_who_may_be_of_full_age_already_is_told_of_to_nobody_without_consent(clinic, letterbox, born):
    family(clinic, born)
    clinic.book("li", MONDAY)
    hear(clinic)

    assert [] == told(clinic) and ["booked"] == told(clinic, "Patient/li")


def test_a_department_in_the_codes_of_another_system_is_not_known(clinic, letterbox):
    extension = clinic.desk_records().read("HealthcareService", "heart").json().get("extension", [])
    psychiatry = [{"coding": [{"system": "http://snomed.info/sct", "code": "394587001"}]}]
    put(clinic, "HealthcareService", "heart", extension=extension, specialty=psychiatry)
    family(clinic, YOUTH)
    clinic.book("li", MONDAY)
    hear(clinic)

    assert [] == told(clinic) and ["booked"] == told(clinic, "Patient/li")


def report(clinic: Any, id: str, label: str = "", **more: Any) -> None:
    meta = {"meta": {"security": [{"system": LABELS, "code": label}]}} if label else {}
    of = {"subject": {"reference": "Patient/li"}, "encounter": {"reference": "Encounter/e"}, "code": {"text": "r"}}
    put(clinic, "DiagnosticReport", id, status="final", **of, **meta, **more)


@pytest.mark.parametrize("label", ["VIO", "DVD", "MST", "MH", "SUD", "PSYTHPN"])
def test_a_result_of_violence_or_of_the_mind_is_told_to_a_youth_alone(clinic, letterbox, label):
    service = {"serviceType": {"coding": [{"system": DEPARTMENTS, "code": "paediatrics"}]}, "status": "finished"}
    put(clinic, "Encounter", "e", **service, **{"class": {"code": "AMB"}}, subject={"reference": "Patient/li"})
    family(clinic, YOUTH)
    report(clinic, "plain")
    report(clinic, "labelled", label)
    hear(clinic)

    assert ["result"] == told(clinic) and ["result", "result"] == told(clinic, "Patient/li")


def test_of_a_result_that_is_kept_from_the_patient_nobody_is_told(clinic, letterbox):
    family(clinic, CHILD)
    report(clinic, "kept", "NOPAT")
    hear(clinic)

    assert [] == told(clinic) == told(clinic, "Patient/li")


def test_the_day_of_a_result_is_that_of_the_clocks_here(clinic, letterbox):
    family(clinic, GROWN)
    report(clinic, "night", issued="2026-11-18T23:46:00Z")
    hear(clinic)

    (own,) = written(clinic, "Patient/li")
    assert "19" in own["payload"][0]["contentString"] and "18" not in own["payload"][0]["contentString"]
