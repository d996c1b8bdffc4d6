"""Resource in, events out: the table is the manual."""

from datetime import UTC, datetime
from typing import Any

import pytest

from salus.analytics.events import EVENT_SCHEMA, OUTPUT_TAG, events_of, in_order, table_of
from salus.analytics.events.concepts import short
from salus.codes.tables import SYSTEMS
from salus.fhir.tags import SYNTHETIC

LOINC, SNOMED, RXNORM = "http://loinc.org", "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm"
NOON = "2026-03-01T12:00:00Z"
LATER = "2026-03-01T15:30:00+00:00"
IMPORTED = {"lastUpdated": "2026-11-22T09:00:00Z"}


def concept(system: str, code: str, *more: dict[str, str]) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}, *more]}


def about(kind: str, **elements: Any) -> dict[str, Any]:
    who = "patient" if kind in ("AllergyIntolerance", "Immunization", "FamilyMemberHistory") else "subject"
    return {"resourceType": kind, "id": "1", who: {"reference": "Patient/7"}, **elements}


def observation(**elements: Any) -> dict[str, Any]:
    return about(
        "Observation", status="final", effectiveDateTime=NOON, **({"code": concept(LOINC, "4548-4")} | elements)
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def said(resource: dict[str, Any]) -> list[tuple[str, float | None, str | None, str | None]]:
    return [(event.code, event.numeric_value, event.text_value, event.unit) for event in events_of(resource)]


CONDITION = concept(SNOMED, "44054006")
VALUES: list[tuple[dict[str, Any], tuple[float | None, str | None, str | None]]] = [
    ({"valueQuantity": {"value": 7, "unit": "percent", "code": "%"}}, (7.0, None, "%")),
    ({"valueQuantity": {"value": 7.5, "unit": "percent"}}, (7.5, None, "percent")),
    ({"valueQuantity": {"value": 5, "comparator": "<", "code": "mg/L"}}, (5.0, "<", "mg/L")),
    ({"valueCodeableConcept": concept(SNOMED, "10828004")}, (None, "SNOMED//10828004", None)),
    ({"valueCodeableConcept": {"text": "positive"}}, (None, "TEXT//positive", None)),
    ({"valueString": "Former smoker"}, (None, "Former smoker", None)),
    ({"valueBoolean": True}, (1.0, "true", None)),
    ({"valueBoolean": False}, (0.0, "false", None)),
    ({"valueInteger": 3}, (3.0, None, None)),
    ({"valueRange": {"low": {"value": 3, "unit": "g"}, "high": {"value": 5}}}, (None, "3..5", "g")),
    ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, (1 / 128, "1:128", None)),
    ({}, (None, None, None)),
]


@pytest.mark.parametrize(("value", "row"), VALUES)
def test_an_observation_gives_its_value_as_number_words_and_unit(value: dict[str, Any], row: tuple[Any, ...]):
    assert [("LOINC//4548-4", *row)] == said(observation(**value))


def test_each_component_is_an_event_of_its_own_and_the_panel_is_none():
    parts = [
        {"code": concept(LOINC, "8480-6"), "valueQuantity": {"value": 141, "code": "mm[Hg]"}},
        {"code": concept(LOINC, "8462-4"), "valueQuantity": {"value": 90, "code": "mm[Hg]"}},
        {"code": concept(LOINC, "8478-0"), "dataAbsentReason": {"text": "not asked"}},
    ]

    assert [("LOINC//8480-6", 141.0, None, "mm[Hg]"), ("LOINC//8462-4", 90.0, None, "mm[Hg]")] == said(
        observation(code=concept(LOINC, "85354-9"), component=parts)
    )


ORDERED = {"status": "active", "intent": "order", "authoredOn": NOON}
ORDER = ORDERED | {"medicationCodeableConcept": concept(RXNORM, "6809")}
DOSE = {"dosage": {"dose": {"value": 500, "code": "mg"}}}
DRUG = {"medicationCodeableConcept": concept(RXNORM, "6809"), "effectiveDateTime": NOON}
CONTAINED = {"contained": [{"id": "m", "code": concept(RXNORM, "6809")}], "medicationReference": {"reference": "#m"}}
OTHERS: list[tuple[dict[str, Any], list[str]]] = [
    (about("Condition", code=CONDITION, onsetDateTime=NOON, recordedDate=NOON), ["SNOMED//44054006"]),
    (about("MedicationRequest", **ORDER), ["RXNORM//6809"]),
    (about("MedicationRequest", **ORDERED, **CONTAINED), ["RXNORM//6809"]),
    (about("MedicationAdministration", status="completed", **DRUG, **DOSE), ["RXNORM//6809"]),
    (about("MedicationStatement", status="active", dateAsserted=NOON, **DRUG), ["RXNORM//6809"]),
    (about("Procedure", status="completed", code=CONDITION, performedDateTime=NOON), ["SNOMED//44054006"]),
    (about("Immunization", status="completed", vaccineCode=concept("http://hl7.org/fhir/sid/cvx", "140"),
           occurrenceDateTime=NOON), ["CVX//140"]),
    (about("AllergyIntolerance", code=concept(RXNORM, "1191"), recordedDate=NOON), ["ALLERGY//RXNORM//1191"]),
    (about("DiagnosticReport", status="final", code=concept(LOINC, "58410-2"), conclusionCode=[CONDITION],
           effectiveDateTime=NOON), ["LOINC//58410-2", "SNOMED//44054006"]),
    (about("FamilyMemberHistory", status="completed", date=NOON, condition=[{"code": CONDITION}]),
     ["FAMILY//SNOMED//44054006"]),
    (about("Encounter", status="finished", period={"start": NOON, "end": LATER}, type=[concept(SNOMED, "424441002")],
           **{"class": {"code": "AMB"}}), ["ENCOUNTER//AMB", "SNOMED//424441002", "ENCOUNTER_END//AMB"]),
    (about("Encounter", status="finished", partOf={"reference": "Encounter/1"}, period={"start": NOON, "end": NOON},
           **{"class": {"code": "IMP"}}), ["ENCOUNTER_PART//IMP", "ENCOUNTER_PART_END//IMP"]),
    (about("ClinicalImpression", status="completed", date=NOON, finding=[{"itemCodeableConcept": CONDITION}],
           code=concept("https://salus.example/suggestion-answer", "changed")),
     ["suggestion-answer//changed", "SNOMED//44054006"]),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "codes"), OTHERS, ids=[row[0]["resourceType"] for row in OTHERS])
def test_each_type_gives_its_codes(resource: dict[str, Any], codes: list[str]):
    assert codes == [event.code for event in events_of(resource)]


def test_a_dose_given_is_the_value_of_its_event():
    given = about("MedicationAdministration", status="completed", **DRUG, **DOSE)

    assert [("RXNORM//6809", 500.0, None, "mg")] == said(given)


def test_a_patient_who_is_made_up_is_marked_so():
    patient = {"resourceType": "Patient", "id": "7", "meta": {"tag": [SYNTHETIC]}}

    assert ["SYNTHETIC"] == [event.code for event in events_of(patient)]


def test_a_patient_has_a_sex_a_birth_and_may_have_a_death():
    patient = {"resourceType": "Patient", "id": "7", "gender": "female", "birthDate": "1950-05"}
    died = patient | {"deceasedDateTime": "2020-02-03"}
    told_dead = patient | {"deceasedBoolean": True, "meta": IMPORTED}

    assert [("SEX//female", None, None), ("MEDS_BIRTH", utc("1950-05-01"), utc("1950-05-01"))] == [
        (event.code, event.time, event.recorded_time) for event in events_of(patient)
    ]
    assert ("MEDS_DEATH", utc("2020-02-03"), utc("2020-02-03T23:59:59.999999")) == tuple(
        getattr(events_of(died)[-1], name) for name in ("code", "time", "recorded_time")
    )
    assert utc(IMPORTED["lastUpdated"]) == events_of(told_dead)[-1].time


NO_EVENTS = [
    observation(valueInteger=3) | {"status": "entered-in-error"},
    observation(valueInteger=3) | {"status": "cancelled"},
    observation() | {"status": "registered"},
    observation(dataAbsentReason={"text": "clotted"}),
    observation(valueInteger=3, subject={"reference": "Group/1"}),
    observation(valueInteger=3, meta={"tag": [{"system": OUTPUT_TAG[0], "code": OUTPUT_TAG[1]}]}),
    observation(valueInteger=3, method=concept("https://salus.example/methods", "diabetes-risk/3")),
    about("Condition", code=CONDITION, recordedDate=NOON, verificationStatus=concept("v", "refuted")),
    about("Condition", code=CONDITION, recordedDate=NOON, verificationStatus=concept("v", "entered-in-error")),
    about("Condition", code=CONDITION),
    about("MedicationRequest", **(ORDER | {"status": "cancelled"})),
    about("MedicationRequest", **(ORDER | {"intent": "proposal"})),
    about("MedicationRequest", **ORDER, doNotPerform=True),
    about("Procedure", code=CONDITION, status="not-done", performedDateTime=NOON),
    about("Immunization", vaccineCode=CONDITION, status="not-done", occurrenceDateTime=NOON),
    about("Encounter", status="planned", period={"start": NOON}),
    about("RiskAssessment", status="final", occurrenceDateTime=NOON),
    {"resourceType": "Organization", "id": "1"},
    {},
]


@pytest.mark.parametrize("resource", NO_EVENTS)
def test_what_did_not_happen_or_what_salus_itself_said_is_no_event(resource: dict[str, Any]):
    assert [] == events_of(resource)


KNOWN: list[tuple[str, dict[str, Any], str, str]] = [
    ("issued, not imported", observation(issued=LATER, meta=IMPORTED), NOON, LATER),
    ("a measurement is known when it ended", observation(meta=IMPORTED), NOON, NOON),
    ("no time at all: when our store held it", about("Observation", status="final", code=CONDITION, meta=IMPORTED),
     IMPORTED["lastUpdated"], IMPORTED["lastUpdated"]),
    ("recorded long after it began", about("Condition", code=CONDITION, onsetDateTime="2001", recordedDate=NOON),
     "2001-01-01T00:00:00Z", NOON),
    ("told some time later, nobody wrote when", about("Condition", code=CONDITION, onsetDateTime="2001", meta=IMPORTED),
     "2001-01-01T00:00:00Z", IMPORTED["lastUpdated"]),
    ("a day means its end", about("Condition", code=CONDITION, onsetDateTime=NOON, recordedDate="2026-03-02"),
     NOON, "2026-03-02T23:59:59.999999Z"),
    ("but our store held it that day",
     about("Condition", code=CONDITION, onsetDateTime=NOON, recordedDate="2026-11-22", meta=IMPORTED),
     NOON, IMPORTED["lastUpdated"]),
    ("never before it happened", observation(issued="2026-02-28T00:00:00Z"), NOON, NOON),
    ("a procedure is known when it ended",
     about("Procedure", code=CONDITION, status="completed", performedPeriod={"start": NOON, "end": LATER}),
     NOON, LATER),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "resource", "time", "recorded"), KNOWN, ids=[row[0] for row in KNOWN])
def test_an_event_is_known_only_from_its_record_on(rule: str, resource: dict[str, Any], time: str, recorded: str):
    event = events_of(resource)[0]

    assert (utc(time), utc(recorded)) == (event.time, event.recorded_time), rule


def test_of_two_codes_both_known_systems_count_and_a_local_one_only_when_alone():
    local = {"system": "https://hospital.example/codes/lab", "code": "GLU"}
    icd = {"system": "http://hl7.org/fhir/sid/icd-10", "code": "E11"}
    both = about("Condition", code=concept(SNOMED, "44054006", local, icd), recordedDate=NOON)
    alone = about("Condition", code={"coding": [local]}, recordedDate=NOON)

    assert ["SNOMED//44054006", "ICD10//E11"] == [event.code for event in events_of(both)]
    assert ["lab//GLU"] == [event.code for event in events_of(alone)]


def test_events_point_at_their_visit_and_their_source():
    event = events_of(observation(valueInteger=3, encounter={"reference": "Encounter/9"}))[0]

    assert ("7", "9", "Observation/1") == (event.subject_id, event.encounter_id, event.source_id)


def test_a_table_of_no_events_still_has_the_schema_and_unchanging_ones_come_first():
    patient = {"resourceType": "Patient", "id": "7", "gender": "male", "birthDate": "1950"}
    table = table_of(in_order([*events_of(observation(valueInteger=3)), *events_of(patient)]))

    assert EVENT_SCHEMA == table_of([]).schema
    assert EVENT_SCHEMA == table.schema
    assert ["SEX//male", "MEDS_BIRTH", "LOINC//4548-4"] == table["code"].to_pylist()


def test_events_name_systems_as_the_tables_of_codes_do():
    assert {name: name for name in SYSTEMS} == {name: short(url) for name, url in SYSTEMS.items()}


def booking(status: str, **elements: Any) -> dict[str, Any]:
    people = [{"actor": {"reference": "PractitionerRole/3"}}, {"actor": {"reference": "Patient/7"}}]
    times = {"start": "2026-03-02T09:30:00+08:00", "created": "2026-02-27T20:00:00+08:00"}
    return {"resourceType": "Appointment", "id": "b", "status": status, "participant": people, **times, **elements}


def test_a_booking_is_told_when_it_is_made_and_when_the_visit_was_to_be():
    made = [
        ("BOOKING//made", 2.5625, None, "d"),
        ("BOOKING//hour", 1.5, None, "h"),
        ("BOOKING//weekday", 1.0, None, None),
    ]

    assert made == said(booking("booked"))
    assert [*made, ("BOOKING//missed", None, None, None)] == said(booking("noshow"))
    assert {("7", "b")} == {(event.subject_id, event.encounter_id) for event in events_of(booking("noshow"))}
    assert [utc("2026-02-27T12:00:00Z")] * 3 + [utc("2026-03-02T01:30:00Z")] == [
        event.recorded_time for event in events_of(booking("fulfilled"))
    ]


@pytest.mark.parametrize("status", ["proposed", "waitlist", "entered-in-error"])
def test_what_was_never_booked_is_no_event(status: str):
    assert [] == events_of(booking(status))
