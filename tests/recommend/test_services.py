"""Doctors for a need: who has room, who suits and why; the same for everybody who wants it so; nothing sensitive."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from salus.assistants.recommend import learning
from salus.assistants.recommend.choice import choose, consent, is_choice, wants
from salus.assistants.recommend.departments import departments
from salus.assistants.recommend.learning import People
from salus.assistants.recommend.ranking import Wish, fits, limited, plain, ranked
from salus.assistants.recommend.seeker import Seeker, bookings, seeker
from salus.assistants.recommend.services import SUITED, Recommending, services
from salus.assistants.recommend.voices import Frame, features, personal
from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid, Missing
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store

PRESSURE = "血压高，想看看"


def at_the_phone(store: Store, patient: str) -> Records:
    return store.open(Actor(f"Patient/{patient}", Role.PATIENT, patient), Purpose.PATIENT_REQUEST)


@pytest.fixture
def phone(clinics: Store) -> Records:
    """Somebody with bookings, signed in as a patient."""
    return at_the_phone(clinics, "showcase-1")


def test_a_need_leads_to_doctors_of_the_department_who_have_room_each_with_why(house: Recommending, phone: Records):
    told = house.services(phone, "showcase-1", PRESSURE, "zh")

    assert told.personal and told.learned and told.wanted
    assert {"cardiology"} == {row.offer.department.code for row in told.rows}
    assert all(row.first >= clock.now() and row.days <= 28 for row in told.rows)
    assert [row.score for row in told.rows] == sorted((row.score for row in told.rows), reverse=True)
    assert all(row.why and row.why[0].zh and row.why[0].en for row in told.rows[:2])
    assert all(row.km is not None and row.km < 20 for row in told.rows)


def test_red_flags_come_before_any_doctor(house: Recommending, phone: Records):
    told = house.services(phone, "showcase-1", "胸口疼，出冷汗", "zh")

    assert "heart" == told.routing.flags[0].code
    assert () == told.rows
    assert house.services(phone, "showcase-1", "胸口疼，出冷汗", "zh", despite=True).rows


def test_who_is_unknown_to_the_house_is_answered_too(house: Recommending, booked: People):
    offers = [one for one in booked.offers if one.department.code == "dermatology" and one.next(clock.now())]
    rows = ranked(learning.load(house.folder / SUITED), offers, Seeker(), "皮肤痒", clock.now())

    assert len(offers) == len(rows) > 2
    assert all(row.km is None and row.insured is None for row in rows)


def test_who_said_no_gets_the_order_that_everybody_gets(house: Recommending, clinics: Store):
    one, other = (at_the_phone(clinics, id) for id in ("p00003", "p00004"))
    for records, id in ((one, "p00003"), (other, "p00004")):
        choose(clinics, records, id, personal=False)
    told = [house.services(records, id, PRESSURE) for records, id in ((one, "p00003"), (other, "p00004"))]

    assert not told[0].personal and not told[0].wanted
    assert told[0].rows == told[1].rows
    assert all(row.km is None and row.insured is None for row in told[0].rows)
    assert all(before.first <= after.first for before, after in pairwise(told[0].rows))
    choose(clinics, one, "p00003", personal=True)
    assert house.services(one, "p00003", PRESSURE).personal


def test_the_choice_is_a_consent_under_the_name_of_who_chose_and_learning_heeds_it(clinics: Store, booked: People):
    choose(clinics, at_the_phone(clinics, "p00005"), "p00005", personal=False)
    system = clinics.open(SYSTEM, Purpose.OPERATIONS)
    kept = [one.json() for one in system.compartment("p00005", ["Consent"])]

    assert [True] == [is_choice(one) for one in kept]
    assert not wants(kept) and wants([]) and wants([consent("p00005", personal=True)])
    assert "Patient/p00005" in [line.who for line in system.audit(count=20) if "Consent" in line.what]
    assert "p00005" in booked.seekers
    assert "p00005" not in learning.people(system).seekers
    assert "p00005" not in {one.patient for one in learning.people(system).bookings}


def test_nobody_chooses_or_asks_for_another(house: Recommending, clinics: Store, phone: Records):
    with pytest.raises(Forbidden, match="may not choose"):
        choose(clinics, phone, "p00001", personal=False)
    with pytest.raises((Forbidden, Missing)):
        house.services(phone, "p00001", PRESSURE)


def test_nothing_sensitive_is_learned_or_foretold(house: Recommending, booked: People):
    sensitive = {one.id for one in booked.offers if one.department.sensitive}
    learned = learning.load(house.folder / SUITED).learned

    assert sensitive and not sensitive & set(learned.items)
    assert not {one.role for one in booked.bookings} & sensitive
    assert not {id for who in booked.seekers.values() for id in who.booked} & sensitive
    minds = [one for one in booked.offers if one.department.code == "psychiatry"]
    said = Frame(learned, minds).voices(Seeker(booked=tuple(one.id for one in booked.offers[:9])), "抑郁")
    assert not said["others"].any() and not said["popular"].any()


def test_a_visit_to_a_sensitive_department_is_not_even_read():
    visit = {
        "resourceType": "Appointment",
        "status": "fulfilled",
        "start": "2026-01-01T08:00:00Z",
        "specialty": [
            {"coding": [{"system": "https://salus.example/fhir/CodeSystem/department", "code": "psychiatry"}]}
        ],
        "participant": [{"actor": {"reference": one}} for one in ("Patient/x", "PractitionerRole/doctor-1")],
    }

    assert 1 == len(list(bookings([visit])))
    assert () == seeker({"resourceType": "Patient", "id": "x"}, [visit]).booked


def test_what_is_used_is_declared(booked: People, house: Recommending):
    suited = learning.load(house.folder / SUITED)
    said = Frame(suited.learned, booked.offers).voices(Seeker(), "咳嗽")

    assert set(features()) == set(said) == set(suited.hybrid.of(True)) == set(suited.hybrid.of(False))
    assert {"own", "others", "near", "insured", "tongue"} == personal()
    assert all(row["en"] and row["zh"] for row in features().values())


def test_hard_limits_are_kept_and_told(booked: People):
    now, home = clock.now(), (31.226, 120.525)
    some = [one for one in booked.offers if one.department.code == "cardiology"]
    some = [replace(some[0], free=()), *some[1:]]
    who = Seeker(home=home, insurance=frozenset({"resident"}))
    left, out = limited(some, who, now, Wish(insured=True, within_km=3.0), personal=True)

    assert left and all(one.insurance & who.insurance and one.next(now) for one in left)
    assert ["without", "not", "farther"] == [one.why.en.split()[0] for one in out]
    assert len(some) == len(left) + sum(one.count for one in out)
    full, _ = limited([replace(one, free=()) for one in some], who, now, Wish(), personal=True)
    assert [] == full == ranked(None, full, who, "", now) == plain(full, now)  # type: ignore[arg-type]


def test_a_doctor_who_is_new_stands_in_the_middle_of_the_department(house: Recommending, booked: People):
    suited = learning.load(house.folder / SUITED)
    some = [one for one in booked.offers if one.department.code == "paediatrics"]
    said = Frame(suited.learned, [replace(some[0], id="doctor-new"), *some[1:]]).voices(Seeker(), "儿童疾病")

    heard = [suited.learned.taken[suited.learned.place[one.id]] >= 5 for one in some[1:]]
    assert np.mean(said["popular"][0, 1:][heard]) == pytest.approx(said["popular"][0, 0])
    assert 0 < said["words"][0, 0]


def test_departments_for_some_are_not_offered_to_others():
    today = date(2026, 11, 1)
    child, grown = Seeker(born=date(2016, 1, 1), sex="male"), Seeker(born=date(1976, 1, 1), sex="female")
    told = {
        one: (fits(departments()[one], child, today), fits(departments()[one], grown, today)) for one in departments()
    }

    assert (True, False) == told["paediatrics"]
    assert (False, True) == told["gynaecology"]
    assert (True, True) == told["cardiology"]
    assert fits(departments()["gynaecology"], Seeker(), today)


def test_waiting_costs_and_even_prices_move_an_offer_and_nothing_else(house: Recommending, booked: People):
    suited, now = learning.load(house.folder / SUITED), clock.now()
    one = next(one for one in booked.offers if one.department.code == "dermatology")
    soon = replace(one, free=(now + timedelta(days=1),))
    late = replace(one, free=(now + timedelta(days=21),))
    scores = [ranked(suited, [offer], Seeker(), "皮疹", now)[0].score for offer in (soon, late)]

    assert 20 * 0.05 == pytest.approx(scores[0] - scores[1])
    assert np.abs(suited.prices).max() <= 0.5
    assert suited.said.figures.gini_even <= suited.said.figures.gini


def test_what_was_learned_comes_back_with_the_same_bits_and_a_changed_file_is_refused(booked: People, tmp_path: Path):
    suited = learning.learn(booked)
    suited.save(tmp_path / "a")
    again = learning.load(tmp_path / "a")
    now, offers = clock.now(), [one for one in booked.offers if one.free][:9]
    who = replace(booked.seekers["p00007"], booked=tuple(one.id for one in booked.offers[:5]))

    assert [row.score for row in ranked(suited, offers, who, "头痛", now)] == [
        row.score for row in ranked(again, offers, who, "头痛", now)
    ]
    (tmp_path / "a" / "said.json").write_bytes((tmp_path / "a" / "said.json").read_bytes() + b" ")
    with pytest.raises(Conflict):
        learning.load(tmp_path / "a")


def test_it_orders_better_than_how_often_each_is_booked(booked: People):
    said = learning.learn(booked).said
    figures = said.figures

    shares: dict[str, list[float]] = {}
    for one in booked.offers:
        if one.id in said.attention:
            shares.setdefault(one.department.code, []).append(said.attention[one.id])

    assert [1.0] * len(shares) == pytest.approx([np.mean(some) for some in shares.values()], abs=0.02)
    assert figures.ndcg > 0.6
    assert figures.ndcg_even >= 0.98 * figures.ndcg


def test_too_few_bookings_are_refused(booked: People):
    with pytest.raises(Invalid, match="too few"):
        learning.learn(replace(booked, bookings=booked.bookings[:10]))


def test_a_house_that_has_learned_nothing_offers_who_is_free_first(clinics: Store, phone: Records, tmp_path: Path):
    told = Recommending(clinics, tmp_path).services(phone, "showcase-1", PRESSURE)

    assert told.rows and not told.personal and not told.learned and told.wanted


def test_one_call_without_a_house_gives_the_same(house: Recommending, phone: Records):
    now = clock.now()

    assert house.services(phone, "showcase-1", PRESSURE, at=now) == services(phone, "showcase-1", PRESSURE, at=now)
