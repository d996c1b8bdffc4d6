"""A note is written, signed with all that belongs to it, and stays; what is said later is said beside it."""

import base64
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import orjson
import pytest

from salus.assistants.suggestion import Name
from salus.assistants.treatment.drafting import Written, draft
from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Gone, Invalid, Missing, Stale
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import erasing, patches
from salus.records.signed import URL, Signed
from salus.services.visits import addenda, notes, orders, provenance
from salus.services.visits.diagnoses import Diagnosis
from salus.services.visits.narrative import plain
from salus.services.visits.signing import Incomplete

ICD10 = "http://hl7.org/fhir/sid/icd-10"
POTASSIUM = Name("Potassium", "钾")
HTN = Diagnosis(ICD10, "I10", "原发性高血压")
COLD = Diagnosis(ICD10, "J00", "急性鼻咽炎", "provisional")
TEXTS = {
    "chief": "头晕3天",
    "present": "3天前起头晕",
    "exam": "BP 152/94",
    "advice": "继续用药 <script>alert(1)</script>",
}


def written(as_, encounter: str = "e1"):
    """Everything that a signature needs, with a test and a prescription."""
    pen = as_()
    pen.writing.save(encounter, TEXTS)
    pen.writing.diagnose(encounter, HTN)
    pen.writing.diagnose(encounter, COLD)
    orders.lay_test(pen.writing, encounter, "2823-3", POTASSIUM)
    prescribe(pen, encounter, "amlodipine")
    return pen


def prescribe(pen, encounter: str, medicine: str):
    visit = pen.writing.records.read("Encounter", encounter).json()
    patient = visit["subject"]["reference"].removeprefix("Patient/")
    made = draft(Written(medicine, "5", days="28"), patient, pen.writing.actor.reference)
    return pen.prescribing.sign(pen.writing.records, patient, orders.prescribed(made, visit), {})


def everything(store):
    """What stands in the store, without when it was written."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    return {version.reference: version.body for version in records.compartment("li")}


def test_a_signature_ends_the_visit_and_lets_its_orders_stand(as_, store):
    signed = written(as_).sign("e1")

    records = store.open(SYSTEM, Purpose.OPERATIONS)
    note = records.read("Composition", signed.id).json()
    assert ("final", "Practitioner/chen") == (note["status"], note["attester"][0]["party"]["reference"])
    visit = records.read("Encounter", "e1").json()
    assert ("finished", "2026-11-23T01:30:00.000Z", 2) == (
        visit["status"],
        visit["period"]["end"],
        len(visit["diagnosis"]),
    )
    assert "completed" == records.read("Task", "t1").json()["status"]
    medicine = records.search("MedicationRequest", "encounter=Encounter/e1").versions[0].json()
    assert ("active", 140, signed.id) == (
        medicine["status"],
        medicine["dispenseRequest"]["quantity"]["value"],
        medicine["groupIdentifier"]["value"],
    )
    assert "active" == records.search("ServiceRequest", "encounter=Encounter/e1").versions[0].json()["status"]
    found = [version.json() for version in records.search("Condition", "encounter=Encounter/e1&_sort=code").versions]
    assert {"I10": "confirmed", "J00": "provisional"} == {
        one["code"]["coding"][0]["code"]: one["verificationStatus"]["coding"][0]["code"] for one in found
    }


def test_what_was_typed_is_text_whatever_it_looks_like(as_, store):
    signed = written(as_).sign("e1")
    body = store.open(SYSTEM, Purpose.OPERATIONS).read("Composition", signed.id).body.decode()

    assert "<script>" not in body and "&lt;script&gt;" in body
    assert TEXTS == {key: signed.texts[key] for key in TEXTS}


def test_who_reads_the_words_alone_reads_diagnoses_and_orders_too(as_, store):
    signed = written(as_).sign("e1")
    told = store.open(SYSTEM, Purpose.OPERATIONS).read("Composition", signed.id).json()
    words = {notes.key_of(one): plain(one["text"]["div"]) for one in told["section"]}

    assert "I10 原发性高血压\nJ00 急性鼻咽炎 (suspected)" == words["diagnoses"]
    assert ["Amlodipine 5 mg × 1/d", "Potassium"] == words["orders"].split("\n")


CHANGES = (
    ("Composition", lambda one: one | {"title": "Something else"}),
    ("Composition", lambda one: one | {"status": "entered-in-error"}),
    ("Composition", lambda one: {key: value for key, value in one.items() if key != "extension"}),
    ("Condition", lambda one: one | {"code": {"text": "another disease"}}),
    ("Encounter", lambda one: one | {"status": "in-progress"}),
    ("MedicationRequest", lambda one: one | {"dispenseRequest": {"quantity": {"value": 999}}}),
    ("MedicationRequest", lambda one: one | {"status": "draft"}),
    ("ServiceRequest", lambda one: one | {"status": "entered-in-error"}),
    ("Provenance", lambda one: one | {"recorded": "2020-01-01T00:00:00Z"}),
)


def signed_of(records, type: str) -> str:
    found = [one for one in records.search(type, "_count=50").versions if URL.encode() in one.body]
    return found[0].id


def test_what_is_signed_cannot_be_changed_by_any_way_in(as_, store):
    written(as_).sign("e1")
    doctor = as_().writing.records
    machine = store.open(SYSTEM, Purpose.OPERATIONS)
    before = everything(store)

    for type, change in CHANGES:
        id = signed_of(machine, type)
        body = change(machine.read(type, id).json())
        entry = {"resource": body, "request": {"method": "PUT", "url": f"{type}/{id}"}}
        for records in (doctor, machine):
            with pytest.raises(Signed, match=r"addendum|cannot become"):
                records.update(type, id, body)
            with pytest.raises(Signed):
                records.bundle({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
            with pytest.raises(Signed):
                records.delete(type, id)
        told = machine.put_many([(type, id, orjson.dumps(body))]).result()
        assert ["refused"] == [one.act for one in told]
    change = patches.patch("application/json-patch+json", b'[{"op": "replace", "path": "/title", "value": "x"}]')
    with pytest.raises(Signed):
        doctor.patch("Composition", signed_of(machine, "Composition"), change)

    assert before == everything(store)


def test_the_same_file_again_is_no_change(as_, store):
    signed = written(as_).sign("e1")
    machine = store.open(SYSTEM, Purpose.OPERATIONS)
    same = machine.read("Composition", signed.id).body

    assert ["unchanged"] == [one.act for one in machine.put_many([("Composition", signed.id, same)]).result()]


def test_a_signed_order_is_still_dispensed_or_stopped_and_a_disease_ends(as_, store):
    written(as_).sign("e1")
    records = as_().writing.records
    for type, more in (
        ("MedicationRequest", {"status": "completed"}),
        ("MedicationRequest", {"note": [{"text": "dose as meant"}]}),
        ("ServiceRequest", {"status": "completed"}),
        ("Condition", {"clinicalStatus": {"coding": [{"code": "resolved"}]}, "abatementDateTime": "2026-12-01"}),
    ):
        id = signed_of(records, type)
        records.update(type, id, records.read(type, id).json() | more)
        assert 2 <= records.read(type, id).version


def test_nobody_signs_by_writing_the_mark_of_a_signature(as_):
    records = as_().writing.records
    forged = notes.composition(as_().writing.note("e1"), clock.now())
    forged["extension"].append({"url": URL, "valueReference": {"reference": f"Composition/{forged['id']}"}})
    with pytest.raises(Invalid, match="set by signing"):
        records.update("Composition", forged["id"], forged)
    with pytest.raises(Invalid, match="set by signing"):
        records.create("Composition", {key: value for key, value in forged.items() if key != "id"})


def test_without_what_it_needs_it_is_not_signed_and_nothing_is_half_done(as_, store):
    pen = as_()
    pen.writing.save("e1", {"chief": "头晕", "present": "", "exam": "T __"})
    orders.lay_test(pen.writing, "e1", "2823-3", POTASSIUM)
    before = everything(store)

    with pytest.raises(Incomplete) as refused:
        pen.sign("e1")

    assert ["section.present", "section.exam", "section.advice", "diagnosis"] == [
        one.path for one in refused.value.lacks
    ]
    assert "请至少选择一个诊断" == refused.value.lacks[-1].in_("zh")
    assert before == everything(store)


def test_a_grave_finding_of_the_screen_must_be_decided_before_the_signature(as_, store):
    pen = written(as_)
    for medicine in ("phenelzine", "sertraline"):
        visit = pen.writing.records.read("Encounter", "e1").json()
        made = draft(Written(medicine, "5", days="28"), "li", "Practitioner/chen")
        pen.writing.records.update("MedicationRequest", made["id"], orders.prescribed(made, visit))

    with pytest.raises(Incomplete) as refused:
        pen.sign("e1")

    assert {"prescription"} == {one.path for one in refused.value.lacks}
    assert "in-progress" == pen.writing.records.read("Encounter", "e1").json()["status"]


def test_it_is_signed_once(as_):
    pen = written(as_)
    pen.sign("e1")
    with pytest.raises(Signed, match="addendum"):
        pen.sign("e1")
    with pytest.raises((Signed, Conflict)):
        pen.writing.save("e1", TEXTS)


def test_a_visit_that_is_closed_or_not_there_or_anothers_is_not_written_in(as_):
    with pytest.raises(Conflict, match="finished"):
        as_().writing.save("closed", TEXTS)
    with pytest.raises(Missing):
        as_().writing.save("nobody", TEXTS)
    with pytest.raises(Forbidden, match="visit of Practitioner/chen"):
        as_("zhou").writing.save("e1", TEXTS)
    with pytest.raises(Forbidden):
        as_("lin", Role.NURSE).writing.save("e1", TEXTS)
    written(as_)
    with pytest.raises(Forbidden):
        as_("zhou").sign("e1")


def test_a_supervisor_signs_for_another_and_both_are_named(as_, store):
    written(as_)
    signed = as_("head").sign("e1")
    told = store.open(SYSTEM, Purpose.OPERATIONS).read("Composition", signed.id).json()

    assert "Practitioner/chen" == told["author"][0]["reference"]
    assert "Practitioner/head" == told["attester"][0]["party"]["reference"]


def test_two_windows_do_not_undo_each_other(as_):
    writing = as_().writing
    begun = writing.note("e1").words
    first = writing.save("e1", {"chief": "a"}, begun)
    writing.diagnose("e1", HTN)
    writing.save("e1", {"chief": "b"}, first.words)
    with pytest.raises(Stale, match="another window"):
        writing.save("e1", {"chief": "c"}, first.words)
    with pytest.raises(Stale, match="another window"):
        as_().sign("e1", TEXTS, begun)
    assert "b" == writing.note("e1").texts["chief"]


def test_a_note_that_is_too_long_is_refused_and_the_draft_stays(as_):
    writing = as_().writing
    writing.save("e1", TEXTS)
    with pytest.raises(Invalid, match="200,0"):
        writing.save("e1", {"chief": "x" * 200_000})
    assert TEXTS["chief"] == writing.note("e1").texts["chief"]


def test_the_same_words_again_make_no_version(as_):
    writing = as_().writing
    first = writing.save("e1", TEXTS)
    assert first.version == writing.save("e1", TEXTS, "what was seen long ago").version


def test_an_addendum_stands_beside_the_note_and_both_are_kept(as_, store):
    pen = written(as_)
    note = pen.sign("e1").id
    first = addenda.add(pen.writing, note, "血钾5.9", "结果晚到")
    addenda.add(as_("zhou").writing, note, "右侧，不是左侧", "写错侧别", "replaces")

    told = addenda.story(pen.writing.records, first)

    assert [("appends", "Practitioner/chen"), ("replaces", "Practitioner/zhou")] == [
        (one.kind, one.author) for one in told.addenda
    ]
    assert (note, "结果晚到", "血钾5.9", True) == (
        told.note.id,
        told.addenda[0].reason,
        told.addenda[0].text,
        told.replaced,
    )
    with pytest.raises(Signed):
        pen.writing.records.delete("Composition", first)
    for bad in (("", "why"), ("text", ""), ("x" * 20_001, "why")):
        with pytest.raises(Invalid):
            addenda.add(pen.writing, note, *bad)
    with pytest.raises(Conflict):
        addenda.add(pen.writing, first, "text", "why")


def test_to_a_draft_nothing_is_added(as_):
    pen = as_()
    note = pen.writing.save("e1", TEXTS)
    with pytest.raises(Conflict, match="go on writing"):
        addenda.add(pen.writing, note.id, "text", "why")


def test_a_signature_can_be_checked_and_another_can_be_laid_beside_it(as_):
    pen = written(as_)
    note = pen.sign("e1").id
    addenda.cosign(as_("zhou").writing, note)
    with pytest.raises(Conflict, match="already"):
        addenda.cosign(as_("zhou").writing, note)
    with pytest.raises(Forbidden):
        addenda.cosign(pen.writing, note)

    told = provenance.signs(pen.writing.records, note)

    assert [("sign", 6, ()), ("co-sign", 1, ())] == [(one.act, one.targets, one.broken) for one in told]


def test_a_house_lays_its_own_signature_over_the_digest(as_):
    pen = written(as_)
    note = pen.sign("e1").id
    kind = {"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}

    def seal(digest: bytes):
        return {
            "type": [kind],
            "when": "2026-11-23T01:31:00Z",
            "who": {"reference": "Practitioner/chen"},
            "data": base64.b64encode(digest).decode(),
        }

    addenda.cosign(pen.writing, note, seal)

    assert [False, True] == [one.sealed for one in provenance.signs(pen.writing.records, note)]


def test_another_template_loses_no_words(as_):
    writing = as_().writing
    writing.save("e1", TEXTS)
    made = writing.choose("e1", "soap", {})

    assert "soap" == made.template.key
    everything = "\n".join(made.texts.values())
    assert all(text in everything for text in TEXTS.values())
    with pytest.raises(Invalid, match="no template"):
        writing.choose("e1", "nonsense", {})


def test_a_note_begins_with_what_the_record_says_and_names_where_it_is_from(as_):
    note = as_().writing.note("e1", "zh")

    assert "过敏史（取自病历）：Penicillin <V>。" in note.texts["past"]
    assert "152/94" in note.texts["exam"]
    assert ("Observation/bp",) == note.sources["exam"]


def test_a_diagnosis_is_put_on_changed_moved_and_taken_off(as_):
    writing = as_().writing
    writing.diagnose("e1", HTN)
    writing.diagnose("e1", COLD)
    made = writing.diagnose("e1", replace(HTN, certainty="provisional"))
    assert [("I10", "provisional"), ("J00", "provisional")] == [(one.code, one.certainty) for one in made.diagnoses]
    assert "J00" == writing.lead("e1", ICD10, "J00").diagnoses[0].code
    assert ["J00"] == [one.code for one in writing.drop("e1", ICD10, "I10").diagnoses]
    with pytest.raises(Invalid):
        Diagnosis(ICD10, "I10", "x", "perhaps")


def test_of_many_who_press_sign_at_once_one_has_signed(as_, store):
    pen = written(as_)

    def press(_: int) -> str:
        try:
            return pen.sign("e1").status
        except Signed:
            return "signed before"

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(press, range(16)))

    assert {"final": 1, "signed before": 15} == Counter(told)
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    assert 2 == len(records.search("Condition", "encounter=Encounter/e1").versions)
    assert 1 == len(provenance.signs(records, notes.id_of("e1")))


def test_who_calls_the_patient_later_goes_on_with_the_draft(as_, store):
    as_().writing.save("e1", TEXTS)
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    visit = records.read("Encounter", "e1").json()
    records.update("Encounter", "e1", visit | {"participant": [{"individual": {"reference": "Practitioner/zhou"}}]})

    made = as_("zhou").writing.diagnose("e1", HTN)

    assert ("Practitioner/zhou", TEXTS["chief"]) == (made.author, made.texts["chief"])
    with pytest.raises(Forbidden):
        as_("chen").writing.save("e1", {"chief": "mine"})


def test_a_visit_that_names_nobody_belongs_to_who_began_its_note(as_, store):
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    visit = records.read("Encounter", "e1").json()
    del visit["participant"]
    records.update("Encounter", "e1", visit)
    as_().writing.save("e1", TEXTS)
    with pytest.raises(Forbidden, match="chen's"):
        as_("zhou").writing.save("e1", {"chief": "mine"})


def test_a_medicine_is_renewed_in_the_place_of_the_order_that_stands(as_, store):
    pen = written(as_)
    pen.sign("e1")
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    before = records.search("MedicationRequest", "encounter=Encounter/e1").versions[0].json()
    visit = {**records.read("Encounter", "closed").json(), "id": "e3", "status": "in-progress"}
    records.update("Encounter", "e3", visit)
    pen.writing.save("e3", TEXTS)
    pen.writing.diagnose("e3", HTN)
    made = orders.prescribed(orders.renewed(before, "e3", "Practitioner/chen", 14, clock.now()), visit)
    orders.lay_medicine(pen.writing, "e3", made)
    orders.lay_medicine(pen.writing, "e3", made)
    orders.cancel(pen.writing, "e3", "MedicationRequest", made["id"])
    orders.lay_medicine(pen.writing, "e3", made)
    pen.sign("e3")

    assert 70 == made["dispenseRequest"]["quantity"]["value"]
    assert "completed" == records.read("MedicationRequest", before["id"]).json()["status"]
    assert "active" == records.read("MedicationRequest", made["id"]).json()["status"]
    for days in (0, -3, 400):
        with pytest.raises(Invalid):
            orders.renewed(before, "e3", "Practitioner/chen", days, clock.now())


def test_the_law_may_erase_what_was_signed(as_, store):
    note = written(as_).sign("e1").id
    officer = store.open(Actor("Practitioner/officer", Role.ADMINISTRATOR), Purpose.ADMINISTRATION)
    erasing.erase(officer, erasing.Wish("Patient", "li", erasing.What.PATIENT), "the patient's request, case 7")
    with pytest.raises((Missing, Gone)):
        store.open(SYSTEM, Purpose.OPERATIONS).read("Composition", note)


def test_what_is_ordered_twice_is_ordered_once_and_can_be_taken_off_and_ordered_again(as_):
    writing = as_().writing
    for _ in range(2):
        made = orders.lay_test(writing, "e1", "2823-3", POTASSIUM)
    assert [made["id"]] == [one["id"] for one in orders.drafted(writing.records, "e1")]
    orders.cancel(writing, "e1", "ServiceRequest", made["id"])
    assert [] == orders.drafted(writing.records, "e1")
    assert "stat" == orders.lay_test(writing, "e1", "2823-3", POTASSIUM, "stat")["priority"]
    with pytest.raises(Invalid):
        orders.lay_test(writing, "e1", "2823-3", POTASSIUM, "whenever")


def test_what_stands_in_the_place_of_a_note_and_is_none_is_told_so(as_, store):
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    other = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"text": "letter"},
        "date": "2020",
        "title": "Letter",
        "author": [{"display": "somebody"}],
    }
    records.update("Composition", notes.id_of("e1"), other)
    with pytest.raises(Conflict, match="no note"):
        as_().writing.save("e1", TEXTS)
