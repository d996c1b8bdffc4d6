"""A patient's account sees its compartment and nothing else, by every path; every look is written down."""

from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest

from salus.base.errors import Forbidden, Missing
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store
from salus.records.desk import Desk
from salus.records.writer import Request

EVA = Actor("Patient/eva", Role.PATIENT, "eva")
STRANGER = Actor("Patient/none", Role.PATIENT, "none")


def observation(patient: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"code": "k"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2026-01-01",
        **more,
    }


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        staff = opened.open(SYSTEM, Purpose.TREATMENT)
        staff.update("Practitioner", "doc", {"resourceType": "Practitioner"})
        for name in ("eva", "adam"):
            doctor = [{"reference": "Practitioner/doc"}]
            staff.update("Patient", name, {"resourceType": "Patient", "generalPractitioner": doctor})
            staff.update("Observation", f"of-{name}", observation(name))
        staff.update("Observation", "moved", observation("eva", note=[{"text": "eva's"}]))
        staff.update("Observation", "moved", observation("adam"))
        staff.update("Observation", "left", observation("adam"))
        staff.delete("Observation", "left")
        yield opened


@pytest.fixture
def staff(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.TREATMENT)


@pytest.fixture
def eva(store: Store) -> Records:
    return store.open(EVA, Purpose.PATIENT_REQUEST)


def test_the_own_records_are_seen(eva: Records) -> None:
    assert "eva" == eva.read("Patient", "eva").id
    assert "of-eva" == eva.vread("Observation", "of-eva", 1).id
    assert ["of-eva"] == [version.id for version in eva.search("Observation").versions]
    assert {"eva", "of-eva"} == {version.id for version in eva.compartment("eva")}
    assert 1 == eva.search("Observation", "_summary=count").total


@pytest.mark.parametrize("id", ["of-adam", "moved", "left"])
def test_what_is_another_patients_is_missing_by_every_path(eva: Records, id: str) -> None:
    with pytest.raises(Missing):
        eva.read("Observation", id)
    with pytest.raises(Missing):
        eva.vread("Observation", id, 2 if id == "moved" else 1)
    for query in (f"_id={id}", "subject=Patient/adam", "code=k", "code:not=x", "subject:missing=false", "date=2026"):
        assert id not in [version.id for version in eva.search("Observation", query).versions], query
    assert [] == eva.compartment("adam")
    assert 0 == eva.search("Observation", f"_id={id}&_total=accurate").total


def test_of_a_resource_that_changed_hands_each_sees_the_own_versions(eva: Records, store: Store) -> None:
    adam = store.open(Actor("Patient/adam", Role.PATIENT, "adam"), Purpose.PATIENT_REQUEST)

    assert [1] == [version.version for version in eva.history("Observation", "moved").versions]
    assert [2] == [version.version for version in adam.history("Observation", "moved").versions]
    assert b"eva's" in eva.vread("Observation", "moved", 1).body
    with pytest.raises(Missing):
        adam.vread("Observation", "moved", 1)


def test_includes_stay_within_the_compartment(eva: Records, staff: Records) -> None:
    query = "_include=Patient:general-practitioner&_revinclude=Observation:subject"

    assert {"doc", "of-eva", "of-adam", "moved"} == {v.id for v in staff.search("Patient", query).included}
    assert {"of-eva"} == {version.id for version in eva.search("Patient", query).included}


def test_who_has_no_compartment_sees_nothing(store: Store) -> None:
    with pytest.raises(Forbidden):
        store.open(Actor("Patient/x", Role.PATIENT), Purpose.PATIENT_REQUEST)
    records = store.open(STRANGER, Purpose.PATIENT_REQUEST)
    assert [] == records.search("Observation").versions
    assert [] == records.compartment("none") == records.compartment("eva")
    assert 0 == records.search("Patient", "_summary=count").total
    with pytest.raises(Missing):
        records.read("Patient", "eva")


def test_an_account_bound_to_a_patient_writes_nothing_whatever_its_role(store: Store) -> None:
    records = store.open(Actor("Practitioner/1", Role.CLINICIAN, "eva"), Purpose.TREATMENT)
    entry = {"resource": observation("eva"), "request": {"method": "POST", "url": "Observation"}}
    for attempt in (
        lambda: records.create("Observation", observation("eva")),
        lambda: records.update("Observation", "of-eva", observation("eva")),
        lambda: records.delete("Observation", "of-eva"),
        lambda: records.put_many([("Observation", "x", b"{}")]),
        lambda: records.bundle({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}),
    ):
        with pytest.raises(Forbidden):
            attempt()
    batch = records.bundle({"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    assert ["403 Forbidden"] == [answer["response"]["status"] for answer in batch["entry"]]


def test_a_bundle_opens_no_second_door(store: Store, eva: Records) -> None:
    gets = [{"request": {"method": "GET", "url": url}} for url in ("Observation/of-adam", "Observation", "Patient/eva")]
    for kind in ("batch", "transaction"):
        answer = eva.bundle({"resourceType": "Bundle", "type": kind, "entry": gets})
        statuses = [entry["response"]["status"] for entry in answer["entry"]]
        assert ["404 Not Found", "200 OK", "200 OK"] == statuses
        assert ["of-eva"] == [entry["resource"]["id"] for entry in answer["entry"][1]["resource"]["entry"]]


def test_roles_see_only_their_types_even_by_include(store: Store) -> None:
    desk = store.open(Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS)

    assert [] == desk.search("Patient", "_revinclude=Observation:subject").included
    assert {"Patient"} == {version.type for version in desk.compartment("eva")}
    with pytest.raises(Forbidden):
        desk.search("Observation")


def test_every_look_and_every_refusal_is_in_the_audit(new_place: Callable[[], str]) -> None:
    path = new_place()
    with Store(path) as store:
        staff = store.open(SYSTEM, Purpose.TREATMENT)
        staff.update("Patient", "eva", {"resourceType": "Patient"})
        staff.read("Patient", "eva")
        eva = store.open(EVA, Purpose.PATIENT_REQUEST)
        eva.search("Observation", "code=k")
        eva.compartment("eva")
        eva.history("Patient", "eva")
        with pytest.raises(Missing):
            eva.read("Patient", "adam")
        with pytest.raises(Forbidden):
            eva.delete("Patient", "eva")
    with Store(path) as store:
        lines = [(line.who, line.act, line.what) for line in store.audit()]
        assert 1 == store.verify()

    assert [
        ("Device/salus", "update", "Patient/eva"),
        ("Device/salus", "read", "Patient/eva"),
        ("Patient/eva", "search", "Observation?code=k"),
        ("Patient/eva", "compartment", "Patient/eva"),
        ("Patient/eva", "history", "Patient/eva"),
        ("Patient/eva", "read", "Patient/adam"),
        ("Patient/eva", "refused", "delete Patient"),
    ] == lines


def test_outbox_audit_and_log_tell_the_same_story(store: Store, staff: Records) -> None:
    entry = {"resource": observation("eva"), "request": {"method": "POST", "url": "Observation"}}
    staff.bundle({"resourceType": "Bundle", "type": "transaction", "entry": [entry] * 3})
    changes = store.outbox(0)
    written = [line.t for line in store.audit() if line.t is not None]

    assert list(range(1, store.last_transaction() + 1)) == written
    assert set(written) == {change.t for change in changes}
    assert 3 == sum(change.t == written[-1] for change in changes)
    assert "delete" == changes[-4].act


def test_only_administrators_read_the_audit(store: Store, eva: Records) -> None:
    with pytest.raises(Forbidden):
        eva.audit()
    admin = store.open(Actor("Practitioner/admin", Role.ADMINISTRATOR), Purpose.ADMINISTRATION)
    assert admin.audit(count=2)[0].n > admin.audit(count=2)[1].n


def test_a_condition_is_a_look_too(store: Store) -> None:
    desk = store.open(Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS)
    appointment = {
        "resourceType": "Appointment",
        "status": "proposed",
        "reasonReference": [{"reference": "Observation?code=k"}],
        "participant": [{"status": "accepted", "actor": {"reference": "Patient/eva"}}],
    }
    entry = {"resource": appointment, "request": {"method": "POST", "url": "Appointment"}}

    with pytest.raises(Forbidden, match="may not read Observation"):
        desk.bundle({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})


def test_reads_beside_a_long_write_and_after_it_are_audited_soon(new_place: Callable[[], str], eventually) -> None:
    begun, done = Event(), Event()

    def work(desk: Desk) -> None:
        begun.set()
        done.wait()

    with Store(new_place()) as store:
        writing = store.writer.submit(Request(work, SYSTEM, Purpose.OPERATIONS, "wait", "for nothing"))
        begun.wait()
        for what in ("beside", "after"):
            store.writer.note(SYSTEM, Purpose.OPERATIONS, "read", what)
            done.set()
            writing.result()
            eventually(lambda what=what: what in [line.what for line in store.audit()])
