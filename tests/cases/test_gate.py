"""From a chart to a released case: identities out, days for dates, k people alike, a human, a record, and back."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.assistants.cases.gate import Gate, gate_of, swept
from salus.assistants.cases.gate.anonymity import K, One, Population, band
from salus.assistants.cases.gate.consents import refuses
from salus.assistants.cases.gate.shapes import Decision
from salus.assistants.cases.gate.shifts import Shifts
from salus.base.errors import Conflict, Forbidden, Invalid
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store, erasing
from salus.records.erasing import What, Wish

SECRET = b"s" * 64
CURATOR = Actor("Practitioner/curator", Role.CURATOR)
ICD10, LOINC, ATC = "http://hl7.org/fhir/sid/icd-10", "http://loinc.org", "http://www.whocc.no/atc"
NOTE = "A 42-year-old with cough, no fever. "
NOTE += "Mrs Okonkwo (phone 617-555-0123) came on 3/2/2026 with Dr. Nowak. She keeps a heron at Walla."


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def person(id: str, born: str, name: str, city: str = "Kangcheng") -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id,
        "name": [{"text": name, "family": name.split()[-1], "given": name.split()[:-1]}],
        "gender": "female",
        "birthDate": born,
        "telecom": [{"system": "phone", "value": "617 555 0123"}],
        "address": [{"city": city, "country": "CN"}],
    }


def chart(id: str) -> list[dict[str, Any]]:
    subject = {"reference": f"Patient/{id}"}
    return [
        {
            "resourceType": "Encounter",
            "id": f"stay-{id}",
            "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
            "subject": subject,
            "period": {"start": "2026-03-02T08:00:00Z", "end": "2026-03-09T08:00:00Z"},
        },
        {
            "resourceType": "Condition",
            "id": f"t2-{id}",
            "subject": subject,
            "code": coded(ICD10, "E11"),
            "encounter": {"reference": f"Encounter/stay-{id}"},
            "recordedDate": "2026-03-02",
        },
        {
            "resourceType": "Observation",
            "id": f"a1c-{id}",
            "status": "final",
            "code": coded(LOINC, "4548-4"),
            "subject": subject,
            "effectiveDateTime": "2026-03-05T08:00:00Z",
            "valueQuantity": {"value": 9.1, "unit": "%"},
        },
        {
            "resourceType": "MedicationRequest",
            "id": f"metformin-{id}",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": coded(ATC, "A10BA02"),
            "subject": subject,
            "authoredOn": "2026-03-06",
        },
        {
            "resourceType": "ClinicalImpression",
            "id": f"note-{id}",
            "status": "completed",
            "subject": subject,
            "date": "2026-03-02",
            "summary": NOTE,
        },
    ]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "salus.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        staff = {"resourceType": "Practitioner", "id": "nowak", "name": [{"family": "Nowak", "given": ["Ewa"]}]}
        people = [person(f"p{at}", f"198{at}-05-01", f"Ada{at} Brown") for at in range(7)]
        for body in (staff, *people, person("okonkwo", "1983-05-01", "Ngozi Okonkwo"), *chart("okonkwo")):
            records.update(body["resourceType"], body["id"], body)
        for at in range(5):
            other = chart(f"p{at}")[1] | {"encounter": {"reference": f"Encounter/stay-p{at}"}}
            records.update("Encounter", f"stay-p{at}", chart(f"p{at}")[0])
            records.update("Condition", f"t2-p{at}", other)
        yield opened


@pytest.fixture
def gate(store: Store, tmp_path: Path) -> Gate:
    return gate_of(store, tmp_path / "salus.db", SECRET)


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(CURATOR, Purpose.OPERATIONS)


def decided(gate: Gate, records: Records) -> str:
    """The id of a draft about which all is decided."""
    draft = gate.begin(records, "okonkwo")
    while draft.open:
        part = next(one for one in draft.parts if one.open)
        place = part.open[0]
        draft = gate.decide(
            records, draft.id, Decision(part.source.key, part.source.version, place.start, place.end, "keep")
        )
    return draft.id


def test_a_draft_names_nobody_and_tells_days(gate: Gate, records: Records):
    draft = gate.begin(records, "okonkwo")
    shift = gate.shifts.of("okonkwo")
    moved = date(2026, 3, 2) + timedelta(days=shift)

    assert "Mrs [PATIENT] (phone [PHONE]) came on" in draft.case.text
    assert f"{moved.month}/{moved.day}/{moved.year}" in draft.case.text
    assert "with Dr. [STAFF]." in draft.case.text
    assert "Woman, 40 to 44 years, Kangcheng." in draft.case.text
    assert "A 40-44-year-old with cough" in draft.case.text
    assert not [word for word in ("Okonkwo", "Nowak", "555", "2026-03") if word in str(draft.case)]
    findings = [(one.concept, one.status, one.day) for one in draft.case.findings]
    assert ("LOINC//4548-4", "present", 3) == findings[0]
    assert {("HP:0012735", "present", 0), ("HP:0001945", "absent", 0)} == set(findings[1:])
    assert ["ICD10//E11"] == [one.code for one in draft.case.diagnoses]
    assert ["ATC//A10BA02"] == [one.code for one in draft.case.treatments]
    assert {"Walla"} == {part.source.text[one.start : one.end] for part in draft.parts for one in part.open}


def test_a_case_is_released_by_a_person_once_all_is_decided(gate: Gate, records: Records, store: Store):
    draft = gate.begin(records, "okonkwo")
    with pytest.raises(Invalid, match="1 places are undecided"):
        gate.release(records, draft.id)
    released = gate.release(records, decided(gate, records))
    found = gate.casebook.get(draft.id)
    proof = records.search("Provenance", [("target", f"DocumentReference/{draft.id}")]).versions

    assert "released" == released.state
    assert ("own", f"DocumentReference/{draft.id}") == (found.source, found.released)
    assert "Practitioner/curator" == proof[0].json()["agent"][0]["who"]["reference"]
    assert "deidentify" == proof[0].json()["activity"]["coding"][0]["code"]
    assert any(line.what == f"DocumentReference/{draft.id}" for line in store.audit(limit=10_000))


def test_no_other_role_drafts_or_releases(gate: Gate, store: Store):
    purpose = {Role.CLINICIAN: Purpose.TREATMENT, Role.NURSE: Purpose.TREATMENT, Role.DATA_SCIENTIST: Purpose.RESEARCH}
    purpose |= {Role.PATIENT: Purpose.PATIENT_REQUEST, Role.PHARMACIST: Purpose.TREATMENT}
    purpose |= {Role.TECHNICIAN: Purpose.TREATMENT, Role.CASHIER: Purpose.PAYMENT, Role.AUDITOR: Purpose.PAYMENT}
    for role in (role for role in Role if role is not Role.CURATOR):
        who = Actor("Practitioner/x", role, "okonkwo" if role is Role.PATIENT else None)
        mine = store.open(who, purpose.get(role, Purpose.OPERATIONS))
        for verb, words in ((gate.begin, ["okonkwo"]), (gate.listed, []), (gate.release, ["x"])):
            with pytest.raises(Forbidden):
                verb(mine, *words)


def test_a_machine_releases_nothing(gate: Gate, records: Records, store: Store):
    id = decided(gate, records)
    with pytest.raises(Forbidden, match="is no person"):
        gate.release(store.open(Actor("Device/terminal", Role.CURATOR), Purpose.OPERATIONS), id)


def test_words_taken_out_by_hand_go_wherever_they_stand_and_come_back(gate: Gate, records: Records):
    draft = gate.begin(records, "okonkwo")
    less = gate.redact(records, draft.id, "keeps a heron")
    taken = less.review.decisions[0]

    assert "She [REMOVED] at Walla" in less.case.text
    assert "keeps a heron" in gate.undecide(records, draft.id, taken.source, taken.start, taken.end).case.text
    with pytest.raises(Invalid, match="nowhere"):
        gate.redact(records, draft.id, "no such words")


def test_a_text_that_changed_must_be_looked_at_again(gate: Gate, records: Records, store: Store):
    id = decided(gate, records)
    note = chart("okonkwo")[-1] | {"summary": NOTE + " Walla again."}
    store.open(SYSTEM, Purpose.OPERATIONS).update("ClinicalImpression", "note-okonkwo", note)

    assert 1 == gate.open(records, id).open


def test_a_withdrawn_case_leaves_the_library_and_may_be_drafted_again(gate: Gate, records: Records):
    id = decided(gate, records)
    gate.release(records, id)
    with pytest.raises(Invalid, match="Say why"):
        gate.withdraw(records, id, " ")
    gate.withdraw(records, id, "a neighbour knew")

    assert [] == gate.casebook.ids("own")
    assert ("withdrawn", "a neighbour knew") == (gate.open(records, id).state, gate.open(records, id).reason)
    assert "draft" == gate.again(records, id).state
    with pytest.raises(Conflict):
        gate.withdraw(records, id, "twice")


def test_a_refused_case_says_why(gate: Gate, records: Records):
    id = gate.begin(records, "okonkwo").id
    gate.refuse(records, id, "too well known")

    assert "refused" == gate.open(records, id).state
    with pytest.raises(Conflict):
        gate.release(records, id)


def test_erasing_the_patient_withdraws_the_case_and_forgets_the_shift(gate: Gate, records: Records, store: Store):
    id = decided(gate, records)
    gate.release(records, id)
    name = gate.shifts.name("okonkwo")
    admin = store.open(Actor("Practitioner/admin", Role.ADMINISTRATOR), Purpose.ADMINISTRATION)
    erasing.erase(admin, Wish("Patient", "okonkwo", What.PATIENT), "the law")
    erasing.finish(store, [swept(lambda _: gate)])

    assert [] == gate.casebook.ids("own")
    assert name not in (gate.shifts.folder / "shifts.json").read_text()


def test_a_patient_who_says_no_has_no_case(gate: Gate, records: Records, store: Store):
    id = decided(gate, records)
    gate.release(records, id)
    consent = {
        "resourceType": "Consent",
        "status": "active",
        "scope": coded("http://terminology.hl7.org/CodeSystem/consentscope", "research"),
        "category": [coded("http://loinc.org", "59284-0")],
        "patient": {"reference": "Patient/okonkwo"},
        "dateTime": "2026-04-01",
        "policyRule": coded("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTOUT"),
        "provision": {"type": "deny"},
    }
    store.open(SYSTEM, Purpose.OPERATIONS).create("Consent", consent)

    assert (0, 1) == gate.settle()
    gate.withdraw(records, id, "asked for")
    gate.again(records, id)
    with pytest.raises(Invalid, match="said that"):
        gate.release(records, id)


def test_nobody_releases_by_writing_a_resource(gate: Gate, records: Records, store: Store):
    id = decided(gate, records)
    gate.release(records, id)
    body = records.read("DocumentReference", id).json()
    clinician = store.open(Actor("Practitioner/c", Role.CLINICIAN), Purpose.TREATMENT)
    forged = body | {"id": "forged"}
    clinician.update("DocumentReference", "forged", forged)

    assert (0, 0) == gate.settle()
    assert [id] == gate.casebook.ids("own")


def test_a_lost_library_is_made_again_from_the_records(gate: Gate, records: Records):
    id = decided(gate, records)
    gate.release(records, id)
    gate.casebook.remove([id])

    assert (1, 0) == gate.settle()
    assert [id] == gate.casebook.ids("own")


def test_a_rare_diagnosis_is_asked_about(gate: Gate, records: Records, store: Store):
    rare = chart("okonkwo")[1] | {"id": "rare", "code": coded(ICD10, "E84")}
    store.open(SYSTEM, Purpose.OPERATIONS).update("Condition", "rare", rare)
    draft = gate.begin(records, "okonkwo")

    assert [("ICD10//E84", 1)] == [(one.code, one.people) for one in draft.rare]
    assert () == gate.settle_rare(records, draft.id, "ICD10//E84", "redact").rare
    assert ["ICD10//E11"] == [one.code for one in gate.open(records, draft.id).case.diagnoses]


def test_a_shift_is_whole_weeks_stays_and_cannot_be_told_from_the_patient(tmp_path: Path):
    one, same, other = (Shifts(tmp_path / name, SECRET) for name in ("a", "a", "b"))
    drawn = [one.of(f"p{at}") for at in range(20)]

    assert drawn == [same.of(f"p{at}") for at in range(20)]
    assert drawn != [other.of(f"p{at}") for at in range(20)]
    assert {0} == {days % 7 for days in drawn}
    assert 0o600 == (tmp_path / "a" / "shifts.json").stat().st_mode & 0o777
    assert "p1" not in (tmp_path / "a" / "shifts.json").read_text()


people = st.builds(
    One,
    st.uuids().map(str),
    st.none() | st.dates(date(1925, 1, 1), date(2025, 1, 1)),
    st.sampled_from(["female", "male"]),
    st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from(["x", ""]), st.sampled_from(["cn", ""])),
)


@given(st.lists(people, min_size=1, max_size=40, unique_by=lambda one: one.id))
def test_what_is_told_fits_as_many_as_counting_says(everybody: list[One]):
    at = date(2026, 2, 28)
    level, ids = Population(everybody).coarsened(everybody[0], at)
    places = dict(zip(("city", "state", "country"), range(3), strict=True))

    def fits(one: One) -> bool:
        place = not level.place_level or one.places[places[level.place_level]] == level.place
        years = band(one.born, at, 1)[0]
        age = level.low is None or (one.born is not None and years is not None and level.low <= years < level.high)
        return place and age and (not level.sex or one.sex == level.sex)

    assert sorted(one.id for one in everybody if fits(one)) == sorted(ids)
    assert everybody[0].id in ids
    assert level.enough or len(everybody) < K


def test_the_last_word_of_a_patient_counts():
    no = {"status": "active", "dateTime": "2026-01-01", "provision": {"type": "deny"}}
    yes = {"status": "active", "dateTime": "2026-02-01", "provision": {"type": "permit"}}
    other = {
        "status": "active",
        "dateTime": "2026-03-01",
        "provision": {"type": "deny", "purpose": [{"code": "HMARKT"}]},
    }

    assert [True, False, False, True] == [refuses(each) for each in ([no], [no, yes], [other], [no, other])]
