"""A patient is erased with all versions; nobody else's record, nor the proof, suffers."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from two_people import OFFICER, SECRET, bodies, json, observation, patient, put, traces

from salus.base.errors import Conflict, Forbidden, Gone, Invalid, Missing
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store, erasing
from salus.records.checking import check
from salus.records.desk import Desk
from salus.records.drafts import Draft, draft
from salus.records.erasing import What, Wish
from salus.records.writer import Request

LI = Wish("Patient", "li-forgotten", What.PATIENT)
REASON = "case 2026/17, on request"


def gone(store: Store) -> erasing.Report:
    """Erased and finished."""
    report = erasing.erase(store.open(OFFICER, Purpose.ADMINISTRATION), LI, REASON)
    assert [] == erasing.finish(store)
    return report


def test_nothing_of_an_erased_patient_is_left_in_any_file(store: Store, tmp_path: Path) -> None:
    assert traces(tmp_path / "site")

    gone(store)

    assert {} == traces(tmp_path / "site")


def test_what_would_go_is_told_before_and_nothing_has_gone_then(store: Store, officer: Records) -> None:
    before = bodies(store)
    told = erasing.preview(officer, LI)

    assert {"Patient": 1, "Observation": 4, "Binary": 1} == {
        name: told.resources[name] for name in ("Patient", "Observation", "Binary")
    }
    assert ["Group/both"] == told.rewritten
    assert before == bodies(store)


def test_a_report_says_what_went_as_the_preview_said(store: Store, officer: Records) -> None:
    told = erasing.preview(officer, LI)
    report = gone(store)

    assert (told.resources, told.versions, told.rewritten) == (report.resources, report.versions, report.rewritten)
    assert report.audited > 0
    assert store.last_transaction() >= (report.transaction or 0) > 0


def test_erasing_again_does_nothing(store: Store, officer: Records) -> None:
    gone(store)
    last = store.last_transaction()

    assert erasing.Report(None, {}, 0, [], 0) == erasing.erase(officer, LI, REASON)
    assert last == store.last_transaction()


def test_the_records_of_others_stay_byte_for_byte(store: Store) -> None:
    before = bodies(store)
    gone(store)
    after = bodies(store)

    assert {"Patient/wang/1", "Observation/hers/1", "Observation/mixed/2"} <= before.keys() & after.keys()
    assert {} == {address: body for address, body in after.items() if body and before.get(address, body) != body}
    assert not any(word.encode() in body for body in after.values() for word in SECRET)


def test_searches_find_the_others_as_before_and_the_erased_no_more(store: Store, records: Records) -> None:
    gone(store)

    assert [] == records.search("Patient", "name=zhangzhang").versions
    assert [] == records.search("Patient", "phone=13977770002").versions
    assert ["wang"] == [v.id for v in records.search("Patient", "name=wang").versions]
    assert 4 == len(records.search("Observation", "code=8302-2").versions)
    assert 4 == len(records.search("Observation", "subject=Patient/wang").versions)
    with pytest.raises(Missing):
        records.read("Patient", "li-forgotten")


def test_the_chain_holds_and_the_store_is_whole_afterwards(store: Store) -> None:
    report = gone(store)

    assert store.verify() >= (report.transaction or 0)
    path = store.path
    store.close()
    found = check(path)
    assert [] == found.faults
    assert (report.versions, 0) == (found.erased, found.unfinished)


def test_a_group_stays_without_the_erased_member(store: Store, records: Records) -> None:
    gone(store)
    group = records.read("Group", "both").json()

    assert [{"entity": {"display": "erased"}}, {"entity": {"reference": "Patient/wang"}}] == group["member"]
    with pytest.raises(Missing):
        records.vread("Group", "both", 1)


def test_of_a_mix_up_only_the_version_of_the_erased_goes(store: Store, records: Records) -> None:
    gone(store)

    assert "Patient/wang" == records.read("Observation", "mixed").json()["subject"]["reference"]
    with pytest.raises(Missing):
        records.vread("Observation", "mixed", 1)


def test_a_measurement_moved_to_the_erased_goes_and_stays_with_its_first_owner(store: Store, records: Records) -> None:
    put(records, observation("moved", "wang", 8), observation("moved", "li-forgotten", 8, "SECRETNOTE"))
    gone(store)

    with pytest.raises(Gone):
        records.read("Observation", "moved")
    assert "Patient/wang" == records.vread("Observation", "moved", 1).json()["subject"]["reference"]


def test_what_is_about_nothing_else_goes_along(store: Store, records: Records) -> None:
    gone(store)

    for type, id in (("Provenance", "who-measured"), ("Binary", "scan"), ("DocumentReference", "letter")):
        with pytest.raises(Missing):
            records.read(type, id)


@pytest.mark.parametrize(("whose", "left"), [("li-forgotten", False), ("wang", True)])
def test_what_was_to_be_done_for_somebody_goes_with_them(
    store: Store, records: Records, whose: str, left: bool
) -> None:
    about = {"for": {"reference": f"Patient/{whose}"}, "focus": {"reference": "Observation/mine"}}
    note = {"note": [{"text": "SECRETNOTE: call them"}]}
    put(records, {"resourceType": "Task", "id": "todo", "status": "requested", "intent": "order", **about, **note})
    gone(store)

    assert left is bool(records.search("Task").versions)


def test_the_audit_says_that_it_was_done_by_whom_and_why_and_who_had_looked(store: Store) -> None:
    report = gone(store)
    lines = store.audit(0, 10_000)
    [erasure] = [line for line in lines if line.act == "erase" and line.t == report.transaction]

    assert ("Practitioner/officer", "HSYSADMIN") == (erasure.who, erasure.purpose)
    assert REASON in erasure.what
    name = erasure.what.partition(",")[0]
    assert [name] == [line.what for line in lines if line.act == "read"]
    assert ["Patient?phone=erased"] == [line.what for line in lines if line.act == "search"]


def test_a_patients_own_account_is_struck_out_of_the_audit(store: Store) -> None:
    own = Actor("Patient/li-forgotten", Role.PATIENT, "li-forgotten")
    store.open(own, Purpose.PATIENT_REQUEST).search("Observation", "code=8302-2")
    gone(store)

    assert not any("li-forgotten" in line.who for line in store.audit(0, 10_000))
    assert store.verify()


def test_what_a_patients_own_account_wrote_goes_with_its_hand(store: Store, records: Records) -> None:
    """A Subscription stands in no compartment, and the transaction names who wrote it."""
    subscription = {
        "resourceType": "Subscription",
        "id": "tell-me",
        "status": "off",
        "reason": "SECRETNOTE",
        "criteria": "Observation?patient=li-forgotten",
        "channel": {"type": "rest-hook", "endpoint": "https://example.org/li-forgotten"},
    }

    class Steward:
        """Lets every Subscription in."""

        def check(self, desk: Desk, id: str) -> None:
            """Everybody may."""

        def admit(self, desk: Desk, draft: Draft, id: str) -> Draft:
            return draft

        def release(self, desk: Desk, id: str) -> None:
            """Nothing hangs on it."""

    def work(desk: Desk) -> None:
        desk.stewards = {"Subscription": Steward()}
        desk.update(draft(orjson.dumps(subscription), "Subscription"))
        desk.update(draft(orjson.dumps(patient("kin", "Wang")), "Patient"))

    own = Actor("Patient/li-forgotten", Role.PATIENT, "li-forgotten")
    store.writer.submit(Request(work, own, Purpose.PATIENT_REQUEST, "update", "Subscription/tell-me")).result()
    report = gone(store)

    assert 1 == report.resources["Subscription"]
    assert "Wang" in records.read("Patient", "kin").json()["name"][0]["family"]
    assert {} == traces(store.path.parent)
    path = store.path
    store.close()
    assert [] == check(path).faults
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE txn SET who='Patient/other' WHERE who LIKE 'Patient/%'")
    assert [] == check(path).faults  # whose hand it was is no more to be proved, only that it was a patient's own
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE txn SET who='Practitioner/other' WHERE who LIKE 'Patient/%'")
    assert ["chain"] == [fault.kind for fault in check(path).faults]


def test_who_names_them_where_no_index_looks_is_found(store: Store, records: Records) -> None:
    """In an old version outside of the compartment, in an extension, in an address within a text."""
    extension = {"url": "https://a.example/kin", "valueReference": {"reference": "Patient/li-forgotten"}}
    practitioner = {"resourceType": "Practitioner", "id": "doc", "active": True}
    place = {"resourceType": "Location", "id": "bed", "description": "see https://a.example/Patient/li-forgotten."}
    put(records, {**practitioner, "extension": [extension]}, practitioner, {**practitioner, "extension": [extension]})
    put(records, place, {**place, "id": "chair", "description": "Patient/li-forgotten-not"})
    gone(store)

    assert [{"url": "https://a.example/kin", "valueReference": {"display": "erased"}}] == records.read(
        "Practitioner", "doc"
    ).json()["extension"]
    assert [4, 2] == [version.version for version in records.history("Practitioner", "doc").versions]
    assert "see https://a.example/erased." == records.read("Location", "bed").json()["description"]
    assert 1 == records.read("Location", "chair").version
    assert store.verify()


def test_a_document_about_nobody_else_goes_and_one_about_several_stays_without_his_records(
    store: Store, records: Records
) -> None:
    def document(id: str, *people: str) -> dict[str, Any]:
        entries = [
            {"fullUrl": f"https://a.example/Patient/{who}", "resource": patient(who, "Somebody")} for who in people
        ]
        return {"resourceType": "Bundle", "id": id, "type": "collection", "entry": entries}

    put(records, document("own", "li-forgotten"), document("several", "li-forgotten", "wang"))
    gone(store)

    with pytest.raises(Gone):
        records.read("Bundle", "own")
    entries = records.read("Bundle", "several").json()["entry"]
    assert ["https://a.example/Patient/wang"] == [entry["fullUrl"] for entry in entries]
    assert {} == traces(store.path.parent, ["li-forgotten"])


def test_an_id_that_is_a_uuid_is_found_by_itself(store: Store, records: Records) -> None:
    id = "0199a5f4-5b2c-7def-8123-456789abcdef"
    put(records, patient(id, "Uuid"))
    put(records, {"resourceType": "Location", "id": "bed", "description": f"Observation?patient={id}&x=1"})
    erasing.erase(store.open(OFFICER, Purpose.ADMINISTRATION), Wish("Patient", id, What.PATIENT), REASON)
    assert [] == erasing.finish(store)

    assert "Observation?patient=erased&x=1" == records.read("Location", "bed").json()["description"]


def test_a_legal_hold_forbids_it_until_it_is_lifted(store: Store, records: Records, officer: Records) -> None:
    system = "https://salus.example/fhir/CodeSystem/flag"
    flag = {
        "resourceType": "Flag",
        "id": "hold",
        "status": "active",
        "code": {"coding": [{"system": system, "code": "legal-hold"}]},
        "subject": {"reference": "Patient/li-forgotten"},
    }
    put(records, flag)

    assert ["Flag/hold"] == erasing.preview(officer, LI).held
    with pytest.raises(Conflict, match="legal hold"):
        erasing.erase(officer, LI, REASON)
    assert records.read("Patient", "li-forgotten")

    put(records, {**flag, "status": "inactive"})
    assert gone(store).versions


@pytest.mark.parametrize(
    ("role", "purpose"),
    [
        (Role.CLINICIAN, Purpose.TREATMENT),
        (Role.DATA_SCIENTIST, Purpose.RESEARCH),
        (Role.ADMINISTRATOR, Purpose.OPERATIONS),
    ],
)
def test_who_may_not_erase_may_not_even_ask_what_would_go(store: Store, role: Role, purpose: Purpose) -> None:
    records = store.open(Actor("Practitioner/7", role), purpose)

    with pytest.raises(Forbidden):
        erasing.preview(records, LI)
    with pytest.raises(Forbidden):
        erasing.erase(records, LI, REASON)


@pytest.mark.parametrize("reason", ["", "why", "for Zhangzhang", "asked by MRN-66077", "Patient/li-forgotten asked"])
def test_a_reason_is_needed_that_names_nobody(officer: Records, reason: str) -> None:
    with pytest.raises(Invalid):
        erasing.erase(officer, LI, reason)


def test_others_read_and_write_while_somebody_is_erased(store: Store, records: Records) -> None:
    stop, faults, written = threading.Event(), list[BaseException](), list[int]()

    def write() -> None:
        while not stop.is_set():
            try:
                family = f"Wang{threading.get_ident()}-{len(written)}"
                written.append(records.update("Patient", "wang", patient("wang", family)).version)
                records.search("Observation", "subject=Patient/wang")
                records.search("Observation", "subject=Patient/li-forgotten")
            except BaseException as fault:
                faults.append(fault)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        gone(store)
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert [] == faults
    assert len(written) == len(set(written))
    assert store.verify()


def test_another_process_gives_codes_that_were_erased_new_numbers(store: Store, records: Records) -> None:
    with Store(store.path) as other:
        theirs = other.open(SYSTEM, Purpose.OPERATIONS)
        phone = [{"system": "phone", "value": "13977770002"}]
        put(theirs, patient("li-forgotten", "Zhangzhang", telecom=phone))  # now its writer knows the number
        gone(store)
        put(theirs, patient("new", "New", telecom=phone))

        assert ["new"] == [v.id for v in records.search("Patient", "phone=13977770002").versions]
    path = store.path
    store.close()
    assert [] == check(path).faults


def test_a_patient_may_come_back_under_the_same_id(store: Store, records: Records) -> None:
    gone(store)
    put(records, patient("li-forgotten", "Zhangzhang"))

    assert 1 == records.read("Patient", "li-forgotten").version
    assert 1 == len(records.history("Patient", "li-forgotten").versions)
    assert json(records.read("Patient", "li-forgotten").body)["name"][0]["family"] == "Zhangzhang"
