"""Which changes are events: the topics that come with the program, and a site's own, checked when they are read."""

import copy
from pathlib import Path

import pytest

from salus.base.errors import Invalid
from salus.records import Store
from salus.subscriptions.following import happening
from salus.subscriptions.topics import read, topics

URL = "https://salus.example/SubscriptionTopic/"
ALL = topics()
LABORATORY = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}
VITAL = {**LABORATORY, "code": "vital-signs"}
EVA = {"reference": "Patient/eva"}


def encounter(status: str, kind: str = "AMB") -> dict:
    clazz = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": kind}
    return {"resourceType": "Encounter", "status": status, "class": clazz, "subject": EVA}


def observation(status: str = "final", value: float = 5.0, category: dict = LABORATORY, **more: object) -> dict:
    return {
        "resourceType": "Observation",
        "status": status,
        "category": [{"coding": [category]}],
        "code": {"text": "Glucose"},
        "subject": EVA,
        "valueQuantity": {"value": value},
        **more,
    }


def marked(code: str) -> dict:
    system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    return {"interpretation": [{"coding": [{"system": system, "code": code}]}]}


def medicine(status: str = "active", intent: str = "order", dose: str = "1") -> dict:
    return {
        "resourceType": "MedicationRequest",
        "status": status,
        "intent": intent,
        "medicationCodeableConcept": {"text": "Metformin"},
        "subject": EVA,
        "dosageInstruction": [{"text": dose}],
    }


def document(signed: str | None) -> dict:
    made = {"resourceType": "DocumentReference", "status": "current", "content": [{"attachment": {"title": "x"}}]}
    return made | ({"docStatus": signed} if signed else {})


def composition(status: str) -> dict:
    return {
        "resourceType": "Composition",
        "status": status,
        "type": {"text": "x"},
        "date": "2026-01-01",
        "author": [EVA],
        "title": "x",
    }


RANGE = {"referenceRange": [{"low": {"value": 4}, "high": {"value": 6}}]}
# before (None: nothing), after (None: deleted), the topics that are about it
CHANGES = [
    (None, encounter("in-progress"), {"encounter-start"}),
    (encounter("planned"), encounter("in-progress"), {"encounter-start"}),
    (encounter("in-progress"), encounter("in-progress", "EMER"), set()),
    (encounter("in-progress"), encounter("finished"), {"encounter-end"}),
    (None, encounter("finished"), {"encounter-end"}),
    (encounter("finished"), None, set()),
    (None, encounter("in-progress", "IMP"), {"encounter-start", "patient-admitted"}),
    (encounter("planned", "IMP"), encounter("arrived", "IMP"), {"patient-admitted"}),
    (encounter("arrived", "IMP"), encounter("in-progress", "IMP"), {"encounter-start"}),
    (encounter("in-progress"), encounter("in-progress", "IMP"), {"patient-admitted"}),
    (None, observation(), {"lab-result"}),
    (None, observation("preliminary"), set()),
    (None, observation(category=VITAL), set()),
    (observation("preliminary"), observation(), {"lab-result"}),
    (observation(), observation(note=[{"text": "seen"}]), set()),
    (observation(), observation("corrected", 6), {"lab-result"}),
    (None, observation(value=9, **RANGE), {"lab-result", "abnormal-result"}),
    (None, observation(value=5, **RANGE), {"lab-result"}),
    (None, observation(value=3, category=VITAL, **RANGE), {"abnormal-result"}),
    (None, observation(**marked("H")), {"lab-result", "abnormal-result"}),
    (None, observation(**marked("N")), {"lab-result"}),
    (None, observation(**marked("HH")), {"lab-result", "abnormal-result", "critical-result"}),
    (None, observation("preliminary", **marked("LL")), {"critical-result"}),
    (observation(**marked("N")), observation(**marked("AA")), {"abnormal-result", "critical-result"}),
    (None, medicine(), {"order"}),
    (None, medicine("draft"), set()),
    (None, medicine(intent="proposal"), set()),
    (medicine(), medicine("stopped"), {"order"}),
    (medicine(), medicine(dose="2"), {"order"}),
    (medicine(), medicine() | {"note": [{"text": "x"}]}, set()),
    (None, document(None), set()),
    (document(None), document("final"), {"document-signed"}),
    (document("preliminary"), document("final"), {"document-signed"}),
    (document("final"), document("final") | {"description": "x"}, set()),
    (composition("preliminary"), composition("final"), {"document-signed"}),
    (composition("final"), composition("amended"), set()),
]


@pytest.mark.parametrize(("before", "after", "about"), CHANGES)
def test_a_change_is_an_event_of_the_topics_that_are_about_it(house, before, after, about):
    store: Store = house.store
    type = (before or after)["resourceType"]
    for body in (before, after):
        if body:
            house.records.update(type, "x", copy.deepcopy(body) | {"id": "x"})
    if after is None:
        house.records.delete(type, "x")
    with store.readers.one() as reader:
        what = happening(reader, store.outbox(0)[-1])

        assert about == {topic.name for topic in ALL.values() if topic.fires(what)}


# --- a site's own ---

QUERY = "[resourceTrigger.queryCriteria]"
OWN = """
url = "https://ward.example/topic/flag"
[title]
en = "Flag"
zh = "标记"
[description]
en = "A flag goes."
zh = "标记移除。"
[[resourceTrigger]]
resource = "Flag"
supportedInteraction = ["delete"]
[resourceTrigger.queryCriteria]
previous = "patient=Patient/eva"
[[canFilterBy]]
resource = "Flag"
filterParameter = ["subject"]
modifier = ["missing"]
"""


def test_a_site_adds_topics_of_its_own(tmp_path: Path):
    (tmp_path / "flag.toml").write_text(OWN)

    assert {*ALL, "https://ward.example/topic/flag"} == set(topics(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('resource = "Flag"\nsupported', 'resource = "Flagg"\nsupported', "not a resource type"),
        ('["delete"]', '["vanish"]', "use create, update, delete"),
        ("patient=Patient/eva", "colour=red", "not a search parameter"),
        ("patient=Patient/eva", "patient.name=eva", "without chains"),
        ("patient=Patient/eva", "", "give previous, current or both"),
        ('["subject"]', '["colour"]', "not a search parameter"),
        ('["missing"]', '["in"]', "cannot be asked"),
        ('zh = "标记"', "", "give both"),
        ("[[canFilterBy]]", "[[canFilterBi]]", "unknown field"),
        ("[title]", "[title", "is no topic"),
        ("url = ", "url = 1 #", "is no topic"),
        (QUERY, 'fhirPathCriteria = "%current.("\n' + QUERY, "FHIRPath"),
        (QUERY, 'fhirPathCriteria = "%nothing = 1"\n' + QUERY, "unknown here"),
        ("topic/flag", "topic/order", "called order already"),
    ],
)  # fmt: skip
def test_a_topic_that_cannot_be_served_is_refused_when_it_is_read_by_its_file(tmp_path: Path, old, new, why):
    (tmp_path / "own.toml").write_text(OWN.replace(old, new))
    with pytest.raises(Invalid, match=why) as refusal:
        topics(tmp_path)
    assert "own.toml" in str(refusal.value)


def test_both_criteria_or_one_of_them_may_be_required(house):
    text = OWN.replace("Flag", "Encounter").replace('["delete"]', '["create", "update"]').replace(
        'previous = "patient=Patient/eva"', 'previous = "status=planned"\ncurrent = "status=arrived"\nrequireBoth = {}'
    )  # fmt: skip
    both, either = (read("x", text.replace("{}", one)) for one in ("true", "false"))
    found = []
    for status in ("planned", "arrived", "cancelled"):
        house.records.update("Encounter", "e", encounter(status))
        with house.store.readers.one() as reader:
            what = happening(reader, house.store.outbox(0)[-1])
            found.append((both.fires(what), either.fires(what)))

    # nothing was there before the first: `resultForCreate` says that the test of what was there passes
    assert [(False, True), (True, True), (False, False)] == found
