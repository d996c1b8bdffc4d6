"""Two records of one person become one: what moves, what stays, who sees it."""

import pytest

from salus.base.errors import Conflict, Forbidden, Invalid, Missing, Stale
from salus.privacy import Actor, Purpose, Role
from salus.records import bills, signed
from salus.services.reception.joining import kept
from salus.services.reception.joining.joining import join
from salus.services.reception.joining.looking import look
from salus.services.reception.joining.parting import part, written_since

WHY = "the same identity card"
ALL = ["Appointment/k1", "Composition/n1", "Composition/n2", "Invoice/b1", "Observation/r1", "Observation/r2"]


def test_what_belongs_to_the_source_belongs_to_the_target(desk, read, of):
    done = join(*desk, "old", "new", WHY)

    assert kept.JOINED == done.stage
    assert {"rewritten": 2, "marked": 2} == done.counts
    assert ALL == of("new")
    assert "Patient/new" == read("Observation/r1")["subject"]["reference"]
    assert "Patient/new" == read("Appointment/k1")["participant"][0]["actor"]["reference"]


def test_the_two_patients_say_who_stands(desk, read):
    join(*desk, "old", "new", WHY)
    old, new = read("Patient/old"), read("Patient/new")

    assert old["active"] is False
    assert [{"other": {"reference": "Patient/new"}, "type": "replaced-by"}] == old["link"]
    assert [{"other": {"reference": "Patient/old"}, "type": "replaces"}] == new["link"]
    assert [("222", None), ("111", "old")] == [(one["value"], one.get("use")) for one in new["identifier"]]


def test_what_is_signed_or_booked_keeps_its_content(desk, read):
    before = {name: read(name) for name in ("Composition/n1", "Invoice/b1")}
    join(*desk, "old", "new", WHY)
    after = {name: read(name) for name in before}

    for name, body in before.items():
        assert set() == signed.differing(body, after[name]) - {"meta"}
    assert "2" == after["Invoice/b1"]["meta"]["versionId"]


@pytest.mark.parametrize("asked", ["patient=Patient/new", "subject=Patient/new", "patient.identifier=111"])
def test_a_search_for_the_target_finds_what_was_signed_for_the_source(desk, store, asked):
    join(*desk, "old", "new", WHY)
    found = store.open(Actor("Practitioner/doc", Role.CLINICIAN), Purpose.TREATMENT).search("Composition", asked)

    assert {"n1", "n2"} == {one.id for one in found.versions}


def test_the_sign_in_of_the_source_leads_to_the_target(desk, store):
    join(*desk, "old", "new", WHY)
    records = store.open(Actor("Patient/old", Role.PATIENT, "old"), Purpose.PATIENT_REQUEST)

    assert "new" == records.actor.patient
    assert {"r1", "r2"} == {one.id for one in records.search("Observation", "").versions}
    assert "n1" == records.read("Composition", "n1").id


def test_what_was_withheld_from_the_source_is_withheld_from_the_target(desk, store, put, shapes):
    put(shapes["result"]("draft", "old", status="preliminary"))
    put(shapes["result"]("draft", "old", status="entered-in-error"))
    join(*desk, "old", "new", WHY)
    records = store.open(Actor("Patient/new", Role.PATIENT, "new"), Purpose.PATIENT_REQUEST)

    with pytest.raises(Missing):
        records.read("Observation", "draft")


def test_what_comes_later_for_the_source_comes_to_the_target(desk, store, put, of, shapes):
    join(*desk, "old", "new", WHY)
    put(shapes["result"]("late", "old"))
    item = ("Observation", "loaded", store_bytes(shapes["result"]("loaded", "old")))
    store.open(Actor("Device/salus", Role.SYSTEM), Purpose.OPERATIONS).put_many([item]).result()

    assert {"Observation/late", "Observation/loaded"} <= set(of("new"))


def store_bytes(body):
    import orjson

    return orjson.dumps(body)


def test_nobody_writes_the_mark_by_hand(store, put, of, shapes):
    mark = {
        "extension": [
            {"url": signed.URL.replace("signed-in", "also-of"), "valueReference": {"reference": "Patient/new"}}
        ]
    }
    clinician = store.open(Actor("Practitioner/doc", Role.CLINICIAN), Purpose.TREATMENT)
    clinician.update("Observation", "r1", shapes["result"]("r1", "old", meta=mark))

    assert "Observation/r1" not in of("new")


def test_a_joined_record_is_whole(desk, store):
    join(*desk, "old", "new", WHY)

    assert store.verify() > 0


# --- refusals ---


def test_one_record_is_not_joined_with_itself(desk):
    with pytest.raises(Invalid, match="one record"):
        join(*desk, "old", "old", WHY)


def test_a_replaced_record_is_not_joined_again(desk, put, shapes):
    put(shapes["who"]("third", "333"))
    join(*desk, "old", "new", WHY)

    for source, target in (("old", "third"), ("third", "old"), ("new", "old"), ("old", "new")):
        with pytest.raises(Conflict, match="was joined into Patient/new already"):
            join(*desk, source, target, WHY)


def test_a_chain_leads_to_its_end(desk, store, put, of, shapes):
    put(shapes["who"]("third", "333"))
    join(*desk, "old", "new", WHY)
    join(*desk, "new", "third", WHY)

    assert ALL == of("third")
    assert "third" == store.led(Actor("Patient/old", Role.PATIENT, "old")).patient
    put(shapes["result"]("late", "old"))
    assert "Observation/late" in of("third")


def test_where_they_differ_somebody_says_which_holds(desk, put, read, shapes):
    put(shapes["who"]("old", "111", birthDate="1952-04-14", deceasedDateTime="2026-10-01"))
    with pytest.raises(Invalid) as refused:
        join(*desk, "old", "new", WHY)
    join(*desk, "old", "new", WHY, {"birthDate": "source", "deceased": "target"})

    assert ["birthDate", "deceased"] == [one.path for one in refused.value.issues]
    assert "1952-04-14" == read("Patient/new")["birthDate"]
    assert "deceasedDateTime" not in read("Patient/new")


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.NURSE, Role.CASHIER, Role.DATA_SCIENTIST])
def test_only_the_desk_joins(store, role):
    purpose = {Role.CASHIER: Purpose.PAYMENT, Role.DATA_SCIENTIST: Purpose.RESEARCH}.get(role, Purpose.TREATMENT)
    with pytest.raises(Forbidden):
        join(store, Actor("Practitioner/x", role), purpose, "old", "new", WHY)


def test_a_joining_needs_a_reason(desk):
    with pytest.raises(Invalid, match="reason"):
        join(*desk, "old", "new", " ")


def test_who_looked_at_other_versions_looks_again(desk, put, shapes):
    seen = look(*desk, "old", "new")
    put(shapes["who"]("old", "111", gender="male"))
    with pytest.raises(Stale):
        join(*desk, "old", "new", WHY, {}, (seen.source.version, seen.target.version))


def test_an_unknown_record_is_not_there(desk):
    with pytest.raises(Missing):
        join(*desk, "old", "nobody", WHY)


# --- the look ---


def test_the_look_counts_and_warns(desk, put, shapes):
    put(shapes["bill"]("b2", "new"))
    put(shapes["booking"]("k2", "new", 8))
    put(allergy("a1", "old", "716186003"))
    put(allergy("a2", "new", "91936005"))
    seen = look(*desk, "old", "new")

    assert {"Appointment": 1, "Observation": 1, "AllergyIntolerance": 1} == seen.source.moves
    assert {"Composition": 1, "Invoice": 1} == seen.source.stays
    assert ["allergies", "bookings", "bills"] == [one.kind for one in seen.warnings]
    assert ("Appointment/k1", "Appointment/k2") == seen.warnings[1].references
    assert () == seen.contests


def allergy(id, patient, code):
    return {
        "resourceType": "AllergyIntolerance",
        "id": id,
        "clinicalStatus": {
            "coding": [
                {"code": "active", "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"}
            ]
        },
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": code}]},
        "patient": {"reference": f"Patient/{patient}"},
    }


# --- parting ---


def test_parting_brings_everything_back(desk, read, of):
    before = {name: read(name) for name in ("Patient/old", "Patient/new", "Observation/r1", "Appointment/k1")}
    mine, theirs = of("old"), of("new")
    part(*desk, join(*desk, "old", "new", WHY).id, "two sisters")

    assert (mine, theirs) == (of("old"), of("new"))
    for name, body in before.items():
        assert set() == signed.differing(body, read(name)) - {"meta"}
    assert "extension" not in read("Composition/n1")["meta"]


def test_what_was_changed_since_keeps_the_change(desk, put, read):
    done = join(*desk, "old", "new", WHY)
    put(read("Observation/r1") | {"status": "amended"})
    part(*desk, done.id, "two sisters")

    assert ("amended", "Patient/old") == (
        read("Observation/r1")["status"],
        read("Observation/r1")["subject"]["reference"],
    )


def test_what_was_written_since_stays_unless_it_is_given(desk, put, of, shapes):
    done = join(*desk, "old", "new", WHY)
    for id, patient in (("stays", "new"), ("goes", "new"), ("own", "old")):
        put(shapes["result"](id, patient))
    put(shapes["note"]("fixed", "new"))
    since = written_since(*desk, done.id)

    assert [("Composition/fixed", True), ("Observation/goes", False), ("Observation/stays", False)] == sorted(
        (one.reference, one.fixed) for one in since
    )
    with pytest.raises(Conflict):
        part(*desk, done.id, "two sisters", ["Composition/fixed"])
    with pytest.raises(Invalid):
        part(*desk, done.id, "two sisters", ["Observation/r2"])
    part(*desk, done.id, "two sisters", ["Observation/goes"])
    assert {"Observation/goes", "Observation/own", "Observation/r1"} <= set(of("old"))
    assert ["Composition/fixed", "Composition/n2", "Observation/r2", "Observation/stays"] == of("new")


def test_a_parted_pair_may_be_joined_again(desk, of):
    part(*desk, join(*desk, "old", "new", WHY).id, "two sisters")
    join(*desk, "old", "new", "they were one after all")

    assert ALL == of("new")


def test_an_inner_link_of_a_chain_is_not_parted(desk, put, shapes):
    put(shapes["who"]("third", "333"))
    first = join(*desk, "old", "new", WHY)
    join(*desk, "new", "third", WHY)

    with pytest.raises(Conflict, match="Patient/third"):
        part(*desk, first.id, "two sisters")


def test_what_is_parted_is_not_parted_again(desk):
    done = join(*desk, "old", "new", WHY)
    part(*desk, done.id, "two sisters")

    with pytest.raises(Conflict, match="parted"):
        part(*desk, done.id, "two sisters")


def test_the_books_are_not_touched(desk, store, read):
    with store.readers.one() as reader:
        before = reader.connection.execute("SELECT count(*) FROM posting").fetchone()
    join(*desk, "old", "new", WHY)
    with store.readers.one() as reader:
        after = reader.connection.execute("SELECT count(*) FROM posting").fetchone()

    assert tuple(before) == tuple(after)
    assert bills.TOLD in store_bytes(read("Invoice/b1"))
