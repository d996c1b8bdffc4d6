"""A patient reads their own record: results in plain words, medicines, notes, who looked at it, all of it as a file."""

import json
from base64 import b64encode
from collections.abc import Iterator

import pytest

from salus.base.errors import Forbidden
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.visits.narrative import xhtml
from salus.web.accounts import ACCOUNTS

LOINC = "http://loinc.org"
ME, OTHER = {"reference": "Patient/showcase-1"}, {"reference": "Patient/showcase-10"}


def observed(id: str, who: dict, value: float, day: str) -> dict:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": LOINC, "code": "2823-3"}]},
        "subject": who,
        "effectiveDateTime": f"{day}T08:30:00+08:00",
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.1}}],
    }


def letter(id: str, who: dict, text: str, **more: object) -> dict:
    data = b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "id": id,
        "status": "current",
        "type": {"text": "Letter"},
        "subject": who,
        "date": "2026-08-01T10:00:00Z",
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
        **more,
    }


def note(id: str, status: str, text: str, **more: object) -> dict:
    return {
        "resourceType": "Composition",
        "id": id,
        "status": status,
        "type": {"text": "Outpatient note"},
        "title": f"Note {id}",
        "subject": ME,
        "date": "2026-08-02T10:00:00Z",
        "author": [{"reference": "Practitioner/demo-clinician"}],
        "section": [{"title": "Complaint", "text": {"status": "additional", "div": xhtml(text)}}],
        **more,
    }


AFTER_N1 = {"code": "replaces", "targetReference": {"reference": "Composition/n1"}}
BODIES = (
    {"resourceType": "Patient", "id": "showcase-1", "name": [{"text": "Wang Jianguo"}], "birthDate": "1968-03-01"},
    {"resourceType": "Patient", "id": "showcase-10", "name": [{"text": "Somebody Else"}]},
    observed("k1", ME, 4.2, "2026-01-10"),
    observed("k2", ME, 5.6, "2026-08-10"),
    observed("k3", OTHER, 9.9, "2026-08-11"),
    {
        "resourceType": "AllergyIntolerance",
        "id": "penicillin",
        "criticality": "high",
        "code": {"text": "Penicillin <V>"},
        "patient": ME,
    },
    letter("l1", ME, "Sleep more."),
    note("n1", "final", "Cough for <days>"),
    note("n2", "preliminary", "Not signed yet"),
    note(
        "n3",
        "final",
        "Cough for weeks",
        relatesTo=[{"code": "replaces", "targetReference": {"reference": "Composition/n1"}}],
    ),
    letter("l2", OTHER, "Another's letter."),
)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("own") / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for body in BODIES:
            records.update(body["resourceType"], body["id"], body)
        yield store


def test_results_are_told_in_plain_words_with_their_range_and_a_curve(phone, phone_in):
    page = phone.see("/mine/record")
    assert "Potassium" in page and "above" in page and "Penicillin &lt;V&gt;" in page and "severe" in page

    page = phone.see("/mine/record/trends/2823-3")
    assert "is above the usual range (3.5–5.1 mmol/L)" in page and "<svg" in page and "5.6" in page and "4.2" in page
    assert "9.9" not in page
    assert "高于通常范围" in phone_in("zh").see("/mine/record/trends/2823-3")
    phone.see("/mine/record/trends/nothing", 404)


def test_notes_of_oneself_are_shown_and_of_nobody_else(phone):
    page = phone.see("/mine/record/notes")

    assert "Sleep more." in page and "Letter" in page and "Another" not in page
    assert "Cough for &lt;days&gt;" in page and "Complaint" in page and ACCOUNTS["clinician"].en in page
    assert "Not signed yet" not in page
    assert 1 == page.count("A later version takes the place of this one.")


def test_everything_is_one_file_with_nothing_of_anybody_else(phone):
    answer = phone.browser.get("/mine/record/download")
    bundle = json.loads(answer.content)

    assert "attachment" in answer.headers["content-disposition"] and "Bundle" == bundle["resourceType"]
    names = {entry["fullUrl"].split("/fhir/")[1] for entry in bundle["entry"]}
    assert names == {
        "Patient/showcase-1", "Observation/k1", "Observation/k2", "AllergyIntolerance/penicillin",
        "DocumentReference/l1", "Composition/n1", "Composition/n3",
    }  # fmt: skip  # n2 is not signed yet


def test_who_looked_is_told_by_name_and_purpose_and_of_no_other_record(phone, at, eventually):
    at("nurse").get("/patients/showcase-1")
    at("clinician").get("/patients/showcase-10")
    phone.see("/mine/record")

    def seen() -> str:
        return phone.see("/mine/record/seen").split("<main")[1]

    eventually(lambda: ACCOUNTS["nurse"].en in seen())  # reads are audited a moment later
    page = seen()

    assert ACCOUNTS["nurse"].en in page and "Treatment" in page and "read the chart" in page
    assert ACCOUNTS["clinician"].en not in page and ACCOUNTS["patient"].en not in page


def test_what_happened_is_told_day_by_day(phone):
    assert "Nothing has happened yet." in phone.see("/mine/record/visits")


def test_only_the_patients_own_account_asks_who_looked(ward: Store):
    with pytest.raises(Forbidden, match="the patient may"):
        ward.open(Actor("Practitioner/x", Role.CLINICIAN), Purpose.TREATMENT).looks()
