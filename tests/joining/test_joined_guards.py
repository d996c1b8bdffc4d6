"""What must hold of joined records whoever writes, deletes or asks: nothing is lost to the one, nor left with the
other."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from salus.analytics.events import patient_events
from salus.assistants.recommend import choice as recommending
from salus.base import clock
from salus.base.errors import Conflict, Missing
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store, signed
from salus.records.checking import check
from salus.services.appointments.booking import Booking
from salus.services.reception.joining.joining import join
from salus.services.reception.joining.kept import joining
from salus.services.reception.joining.parting import part
from salus.services.reminders.choice import choose, consent, refused

DESK = Actor("Practitioner/desk", Role.DESK)
WHY, TWO = "the same identity card", "two sisters"
Resource = dict[str, Any]


def reads(store: Store, account: str, name: str, version: int) -> bool:
    """Whether a patient's own account sees a version."""
    type, _, id = name.partition("/")
    try:
        store.open(Actor(f"Patient/{account}", Role.PATIENT, account), Purpose.PATIENT_REQUEST).vread(type, id, version)
    except Missing:
        return False
    return True


def test_after_parting_nobody_reads_what_was_the_others_in_past_versions(
    new_place: Callable[[], str], fill: Callable[[Store], None]
):
    moved = ["Observation/r1", "Composition/n1", "Invoice/b1", "Appointment/k1", "Patient/old", "Patient/new"]
    place = new_place()
    with Store(place) as store:
        fill(store)
        desk = store, DESK, Purpose.OPERATIONS
        done = join(*desk, "old", "new", WHY)
        assert all(reads(store, "new", name, 1 if name == "Patient/new" else 2) for name in moved)
        part(*desk, done.id, TWO)

        assert [] == [name for name in moved if reads(store, "new", name, 2)]
        assert moved[:-1] == [name for name in moved if reads(store, "old", name, 2)]
        assert reads(store, "new", "Patient/new", 1) and reads(store, "new", "Observation/r2", 1)
    assert [] == check(place).faults


def test_what_was_deleted_while_they_were_joined_is_not_read_by_the_other(desk, store):
    done = join(*desk, "old", "new", WHY)
    store.open(SYSTEM, Purpose.OPERATIONS).delete("Observation", "r1")
    part(*desk, done.id, TWO)

    assert not reads(store, "new", "Observation/r1", 2)


def test_the_end_of_a_chain_parts_with_all_that_came_over_it(desk, store, put, of, shapes):
    for made in (shapes["who"]("first", "333"), shapes["note"]("nf", "first"), shapes["result"]("rf", "first")):
        put(made)
    join(*desk, "first", "old", WHY)
    done = join(*desk, "old", "new", WHY)
    put(shapes["result"]("later", "first"))
    part(*desk, done.id, TWO)

    assert ["Composition/n2", "Observation/r2"] == of("new")
    assert {"Composition/nf", "Observation/rf", "Observation/later", "Observation/r1"} <= set(of("old"))


def test_a_message_that_writes_the_replaced_patient_anew_does_not_free_it(desk, put, shapes, store):
    put(shapes["who"]("third", "333"))
    join(*desk, "old", "new", WHY)
    put(shapes["who"]("old", "111"))  # without its link, and active again

    for pair in (("old", "third"), ("third", "old")):
        with pytest.raises(Conflict, match="was joined into Patient/new already"):
            join(*desk, *pair, WHY)


@pytest.mark.parametrize("id", ["old", "new"])
def test_joined_patients_are_not_deleted(desk, store, put, of, shapes, id: str):
    done = join(*desk, "old", "new", WHY)
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    with pytest.raises(Conflict, match="part them first"):
        records.delete("Patient", id)
    put(shapes["result"]("late", "old"))
    assert "Observation/late" in of("new")
    part(*desk, done.id, TWO)

    assert records.delete("Patient", id).deleted


def test_whoever_asks_by_the_old_number_is_told_the_allergies(desk, store, put):
    for id, whose in (("a1", "old"), ("a2", "new")):
        allergy = {"resourceType": "AllergyIntolerance", "id": id, "patient": {"reference": f"Patient/{whose}"}}
        put(allergy)
    join(*desk, "old", "new", WHY)
    records = store.open(Actor("Practitioner/doc", Role.CLINICIAN), Purpose.TREATMENT)

    for id in ("old", "new"):
        found = records.compartment(id, ["AllergyIntolerance", "Patient"])
        assert {"AllergyIntolerance/a1", "AllergyIntolerance/a2", "Patient/new"} == {one.reference for one in found}
    assert patient_events(records, "new").equals(patient_events(records, "old"))
    assert patient_events(records, "old").num_rows


def test_whom_somebody_named_since_stays_when_they_are_parted(desk, put, read, shapes):
    put(shapes["who"]("third", "333"))
    talk = {"resourceType": "Communication", "id": "t", "status": "completed"}

    def told(subject: str, *about: str) -> Resource:
        named = [{"reference": f"Patient/{one}"} for one in (subject, *about)]
        return talk | {"subject": named[0], "about": named[1:]}

    put(told("old", "new", "new"))
    done = join(*desk, "old", "new", WHY)
    put(told("new", "third", "new"))
    part(*desk, done.id, TWO)

    now = read("Communication/t")
    assert told("old", "third", "new") == {
        name: now[name] for name in ("resourceType", "id", "status", "subject", "about")
    }


def test_what_cannot_be_brought_back_is_counted(desk, store, put, read):
    done = join(*desk, "old", "new", WHY)
    put(read("Observation/r1") | {"extension": [signed.mark("r1")]})  # signed for the one that stood
    part(*desk, done.id, TWO)

    assert 1 == (joining(store, done.id).counts or {}).get("left")


def test_who_looked_at_the_record_before_it_was_joined_is_told_still(desk, store):
    doctor = Actor("Practitioner/nosy", Role.CLINICIAN)
    records = store.open(doctor, Purpose.TREATMENT)
    records.read("Patient", "old")
    records.search("Observation", "patient=old")
    join(*desk, "old", "new", WHY)
    own = store.open(Actor("Patient/new", Role.PATIENT, "new"), Purpose.PATIENT_REQUEST)

    assert {"read", "search"} <= {one.act for one in own.looks() if one.who == doctor.reference}


def test_a_booking_that_comes_late_for_the_old_number_is_let_go_by_the_one_that_stands(desk, store, put, read, shapes):
    join(*desk, "old", "new", WHY)
    put(shapes["booking"]("late", "old", 10))
    account = Actor("Patient/new", Role.PATIENT, "new")
    Booking(store, account, Purpose.PATIENT_REQUEST).cancel("late")

    assert "cancelled" == read("Appointment/late")["status"]


def test_who_refused_in_one_record_may_agree_in_the_one_that_stands(desk, store, put, of):
    put(consent("Patient/old", "bill", False))
    put(recommending.consent("old", False))
    join(*desk, "old", "new", WHY)
    records = store.open(SYSTEM, Purpose.OPERATIONS)

    def refuses() -> tuple[bool, bool]:
        said = [one.json() for one in records.compartment("new", ["Consent"])]
        return "bill" in refused(said), not recommending.wants(said)

    assert (True, True) == refuses()
    with clock.stopped_at(clock.now() + timedelta(minutes=1)):
        choose(store, SYSTEM, Purpose.OPERATIONS, "Patient/new", "bill", True)
        recommending.choose(store, records, "new", True)
    assert (False, False) == refuses()
