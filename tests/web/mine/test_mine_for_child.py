"""A mother acts for her children on her pages: attacks first. The family is that of the demonstration."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from salus.base import clock
from salus.demo import family
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.privacy.guardian import DEPARTMENTS
from salus.records import Records, Store
from salus.services.acting import Acting
from salus.services.appointments.brochure import USUAL
from salus.services.family.relations import again, end, register, relation_id

MIND = "of-the-mind"
DESK = Actor("Practitioner/demo-desk", Role.DESK)


@pytest.fixture(scope="module")
def home(ward: Store) -> Store:
    """The ward with the family, and a clinic that parents of a youth are not told of."""
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    service = next(one.json() for one in records.search("HealthcareService", "_count=1").versions)
    specialty = [{"coding": [{"system": DEPARTMENTS, "code": "psychiatry"}]}]
    records.update("HealthcareService", MIND, service | {"id": MIND, "specialty": specialty})
    role = next(one.json() for one in records.search("PractitionerRole", "_count=1").versions)
    gives = {"healthcareService": [{"reference": f"HealthcareService/{MIND}"}]}
    records.update("PractitionerRole", "mind-doctor", role | {"id": "mind-doctor"} | gives)
    family.settle(ward)
    return ward


@pytest.fixture
def mother(home: Store, at: Callable[..., Any]) -> "Family":
    made = Family(at("mother"))
    desk, today = Acting(home, DESK, Purpose.OPERATIONS), clock.today(USUAL)
    for child in (family.CHILD, family.TEEN):
        again(desk, child, relation_id(family.MOTHER, child), today)
    return made


class Family:
    """The mother at her pages."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def see(self, address: str, status: int = 200) -> str:
        answer = self.browser.get(address)
        assert status == answer.status_code, (address, answer.status_code, answer.headers.get("location"))
        return str(answer.text).split("</style>")[-1]

    def send(self, page: str, address: str, **fields: str) -> Any:
        token = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
        return self.browser.post(address, data={"form_token": token[1] if token else "", **fields})

    def act_for(self, who: str, status: int = 303) -> "Family":
        assert status == self.send(self.see("/mine/for"), "/mine/for", who=who).status_code
        return self

    def download(self) -> str:
        return self.see("/mine/record/download")


@pytest.fixture
def records(home: Store) -> Records:
    return home.open(SYSTEM, Purpose.OPERATIONS)


# --- attacks ---


@pytest.mark.parametrize("who", ["showcase-1", "11", "showcase-mother", "nobody", "", "../showcase-1"])
def test_nobody_acts_for_another_child_by_its_id(mother: Family, who: str) -> None:
    mother.act_for(who, 404)

    assert "Gao Yun" in mother.see("/mine") and 'class="acting' not in mother.see("/mine")


@pytest.mark.parametrize("altered", ["", "x", "showcase-1", "another account", "a session"])
def test_an_altered_cookie_acts_for_nobody_and_says_so(mother: Family, home: Store, altered: str) -> None:
    from salus.web import session
    from salus.web.accounts import ACCOUNTS

    secret = b"s" * 64
    made = {
        "": "",
        "x": session.chosen(secret, ACCOUNTS["mother"], family.CHILD)[:-3] + "AAA",
        "showcase-1": session.chosen(secret, ACCOUNTS["mother"], "showcase-1"),
        "another account": session.chosen(secret, ACCOUNTS["patient"], family.CHILD),
        "a session": session.opened(secret, ACCOUNTS["mother"]),
    }
    mother.browser.cookies.set("salus_for", made[altered], domain="salus.example")
    answer = mother.browser.get("/mine/record")

    assert (303, "/mine/for?over") == (answer.status_code, answer.headers["location"])
    assert "do not act for that person" in mother.see("/mine/for?over")


def test_a_relation_that_ended_ends_at_once_and_its_form_does_nothing(
    mother: Family, home: Store, records: Records
) -> None:
    page = mother.act_for(family.CHILD).see("/mine/waiting?service=cardiology-centre")
    desk, today = Acting(home, DESK, Purpose.OPERATIONS), clock.today(USUAL)
    before = records.search("Appointment", "_summary=count").total
    end(desk, family.CHILD, relation_id(family.MOTHER, family.CHILD), today)
    answer = mother.send(page, "/mine/waiting", service="cardiology-centre", half="any")

    assert (303, "/mine/for?over") == (answer.status_code, answer.headers["location"])
    assert before == records.search("Appointment", "_summary=count").total
    mother.act_for(family.CHILD, 404)


def test_it_ends_at_midnight_of_the_house_when_the_child_comes_of_age(
    mother: Family, records: Records, at: Callable[..., Any]
) -> None:
    teen, birthday = records.read("Patient", family.TEEN).json(), first_of_next_month()
    born = birthday.replace(year=birthday.year - 18).date().isoformat()
    records.update("Patient", family.TEEN, teen | {"birthDate": born})
    try:
        with clock.stopped_at(birthday - timedelta(minutes=1)):
            late = Family(at("mother")).act_for(family.TEEN)
            assert "Chen Ruoxi" in late.see("/mine")
        with clock.stopped_at(birthday):
            assert "/mine/for?over" == late.browser.get("/mine").headers["location"]
    finally:
        records.update("Patient", family.TEEN, teen)


def first_of_next_month() -> datetime:
    """Midnight by the clock of the house; the first of a month is there in every year."""
    later = clock.today(USUAL).replace(day=1) + timedelta(days=32)
    return datetime(later.year, later.month, 1, tzinfo=USUAL)


def test_what_a_youth_keeps_is_on_no_page_and_in_no_download(mother: Family) -> None:
    mother.act_for(family.TEEN)
    for address in ("/mine/record?results", "/mine/record/visits", "/mine/record/notes"):
        assert "3016-3" not in mother.see(address), address
    told = mother.download()

    assert "family-skin-result" in told and "family-mind" not in told
    assert "TSH" not in mother.see("/mine/record?results")
    mother.see("/mine/record/trends/3016-3", 404)
    mother.see("/mine/record/seen", 403)
    mother.see("/calendar", 403)


def test_a_department_that_a_youth_keeps_is_neither_found_nor_booked_for_them(mother: Family, home: Store) -> None:
    mother.act_for(family.TEEN)

    mother.see(f"/mine/find?service={MIND}", 404)
    mother.see(f"/mine/waiting?service={MIND}", 404)
    assert "department=psychiatry" not in mother.see("/mine/find")
    mother.act_for(family.CHILD)
    assert "department=psychiatry" in mother.see("/mine/find")


def test_a_guessed_id_of_what_is_kept_is_as_none(mother: Family, home: Store, records: Records) -> None:
    soon = clock.now() + timedelta(days=3)
    kept = {
        "resourceType": "Appointment",
        "id": "kept",
        "status": "booked",
        "start": clock.instant(soon),
        "end": clock.instant(soon + timedelta(minutes=20)),
        "supportingInformation": [{"reference": f"HealthcareService/{MIND}"}],
        "participant": [{"actor": {"reference": f"Patient/{family.TEEN}"}, "status": "accepted"}],
    }
    records.update("Appointment", "kept", kept)
    page = mother.act_for(family.TEEN).see("/mine/appointments")

    assert "/mine/appointments/kept" not in page
    mother.see("/mine/appointments/kept", 404)
    mother.see("/calendar/appointments/kept.ics", 404)
    for verb in ("cancel", "confirm", "restore"):
        assert 404 == mother.send(page, f"/mine/appointments/kept/{verb}").status_code
    for verb in ("accept", "decline", "leave"):
        assert 404 == mother.send(page, f"/mine/waiting/kept/{verb}").status_code
    assert "booked" == records.read("Appointment", "kept").json()["status"]
    records.delete("Appointment", "kept")


def test_a_form_opened_for_one_does_nothing_for_another(mother: Family, records: Records) -> None:
    own = mother.see("/mine/waiting?service=cardiology-centre")
    mother.act_for(family.CHILD)
    answer = mother.send(own, "/mine/waiting", service="cardiology-centre", half="any")

    assert 403 == answer.status_code
    found = records.search("Appointment", f"patient={family.CHILD}&status=waitlist&_summary=count")
    assert 0 == found.total


def test_who_is_staff_or_acts_for_nobody_has_no_use_of_the_choice(home: Store, at: Callable[..., Any]) -> None:
    other = Family(at("patient"))

    other.act_for(family.CHILD, 404)
    assert "only" in other.see("/mine/for") or "for yourself" in other.see("/mine/for")
    assert 403 == at("clinician").get("/mine/for").status_code


def test_a_youth_settles_their_notices_themselves(mother: Family) -> None:
    page = mother.act_for(family.TEEN).see("/mine/inbox")

    assert 'id="kinds"' not in page
    assert 403 == mother.send(page, "/mine/inbox/kinds", kinds="all").status_code
    assert 'id="kinds"' in mother.act_for(family.CHILD).see("/mine/inbox")


# --- what a parent does ---


def test_every_page_says_for_whom_it_is_and_leads_back(mother: Family) -> None:
    home = mother.see("/mine")
    assert "Whom is this for?" in home and "Chen Yinuo" in home and "Chen Ruoxi" in home
    mother.act_for(family.CHILD)
    for address in ("/mine", "/mine/find", "/mine/appointments", "/mine/bills", "/mine/record", "/mine/inbox",
                    "/services", "/settings", "/mine/for"):  # fmt: skip
        assert "You are acting for Chen Yinuo, 6" in mother.see(address), address
    assert 'href="/calendar"' not in mother.see("/mine")

    assert 'class="acting' not in mother.act_for("me").see("/mine")


def test_a_mother_books_and_lets_go_for_her_child_and_the_audit_names_her_relation(
    mother: Family, home: Store, records: Records
) -> None:
    page = mother.act_for(family.CHILD).see("/mine/find?department=cardiology")
    key, at = (re.search(rf'name="{name}" value="([^"]+)"', page) for name in ("key", "at"))
    assert key and at
    held = mother.send(page, "/mine/hold", key=key[1], at=at[1]).headers["location"]
    page = mother.see(held)
    assert "<dt>For</dt><dd>Chen Yinuo</dd>" in page
    assert 303 == mother.send(page, f"{held}/confirm", reason="").status_code
    made = records.read("Appointment", held.rpartition("/")[2]).json()

    assert f"Patient/{family.CHILD}" in str(made["participant"])
    assert f"Patient/{family.MOTHER}" not in str(made)
    lines = [one for one in home.audited(None, 400) if one.what == f"Appointment/{made['id']}" and one.act != "read"]
    assert {f"RelatedPerson/{relation_id(family.MOTHER, family.CHILD)}"} == {one.who for one in lines}
    acts = [one for one in home.audited(None, 4000) if one.act == "act-for"]
    assert acts[0].who == f"Patient/{family.MOTHER}" and f"Patient/{family.CHILD} as RelatedPerson/" in acts[0].what
    assert "(MTH)" in acts[0].what
    assert 303 == mother.send(mother.see(held), f"{held}/cancel").status_code
    assert "cancelled" == records.read("Appointment", made["id"]).json()["status"]


def test_her_own_token_opens_no_child(home: Store) -> None:
    """The machines' door leaves a patient's token to that patient alone."""
    own = home.open(Actor(f"Patient/{family.MOTHER}", Role.PATIENT, family.MOTHER), Purpose.PATIENT_REQUEST)

    assert 0 == own.search("Patient", f"_id={family.CHILD}&_summary=count").total
    assert 0 == own.search("Observation", "_summary=count").total


# --- the desk ---


def test_the_desk_registers_a_guardian_ends_it_and_takes_that_back(home: Store, at: Callable[..., Any]) -> None:
    desk, address = Family(at("desk")), f"/reception/people/{family.CHILD}/guardians"
    page = desk.see(f"{address}?find=Gao")
    assert "Household register" in page and "may act today" in page
    relation = relation_id(family.MOTHER, family.CHILD)
    assert 303 == desk.send(page, f"{address}/{relation}/end").status_code
    assert "Undo" in desk.see(f"{address}?done=ended")
    assert 303 == desk.send(page, f"{address}/{relation}/again").status_code
    assert "may act today" in desk.see(address)
    assert 404 == desk.send(page, f"/reception/people/{family.TEEN}/guardians/{relation}/end").status_code


@pytest.mark.parametrize(
    ("child", "parent", "role", "proof", "status", "said"),
    [
        (family.CHILD, family.TEEN, "FTH", "court", 409, "under age"),
        (family.CHILD, family.CHILD, "FTH", "court", 409, "no guardian of themselves"),
        (family.CHILD, "showcase-1", "GRMTH", "court", 422, "Choose what they are"),
        (family.CHILD, "showcase-1", "FTH", "word", 422, "Choose what was shown"),
        (family.CHILD, "", "FTH", "court", 422, "Choose who the guardian is"),
        ("showcase-1", family.MOTHER, "MTH", "court", 409, "full age"),
        (family.CHILD, "nobody", "FTH", "court", 404, ""),
    ],
)
def test_the_desk_is_told_what_stands_in_the_way(
    home: Store, at: Callable[..., Any], child: str, parent: str, role: str, proof: str, status: int, said: str
) -> None:
    desk, address = Family(at("desk")), f"/reception/people/{child}/guardians"
    answer = desk.send(desk.see(f"{address}?find=Gao"), address, parent=parent, role=role, proof=proof, find="Gao")

    assert status == answer.status_code
    assert said in answer.text


def test_a_registration_again_is_the_same_and_the_proof_is_signed(home: Store, records: Records) -> None:
    desk, today = Acting(home, DESK, Purpose.OPERATIONS), clock.today(USUAL)
    made = [register(desk, family.CHILD, family.MOTHER, "MTH", "household-register", today) for _ in range(2)]
    name = f"RelatedPerson/{made[0]['id']}"

    assert made[0] == made[1]
    assert 2 == len(records.read("Patient", family.MOTHER).json()["link"])
    assert records.search("Provenance", f"target={name}&_summary=count").total
    assert isinstance(today, date)
