"""A condition asked of a change says what the search would say of the same resource."""

import pytest

from salus.base.errors import SalusError
from salus.subscriptions.conditions import Seen, conditions

OBSERVATION = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "identifier": [{"system": "http://lis.example", "value": "7"}],
    "category": [{"coding": [{"system": "http://c.example", "code": "laboratory"}]}],
    "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}], "text": "Glucose"},
    "subject": {"reference": "Patient/eva"},
    "performer": [{"reference": "https://other.example/Practitioner/1"}],
    "effectiveDateTime": "2026-03-01T08:30:00Z",
    "valueQuantity": {"value": 5.4, "system": "http://unitsofmeasure.org", "code": "mmol/L", "unit": "mmol/L"},
}
PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "name": [{"family": "Müller", "given": ["Eva Maria"]}],
    "birthDate": "1980-05-06",
}
ASKED = [
    *(("Observation", one) for one in (
        "status=final", "status=preliminary,final", "status:not=final", "status:not=preliminary",
        "code=2345-7", "code=http://loinc.org|2345-7", "code=|2345-7", "code=http://loinc.org|", "code=http://x|2345-7",
        "identifier=http://lis.example|7", "subject=Patient/eva", "subject=eva", "patient=eva", "patient=Patient/wang",
        "subject=Group/eva", "performer=https://other.example/Practitioner/1", "date=2026-03-01", "date=ge2026-03-02",
        "date=lt2026-03-02", "date=sa2026-02", "date=ne2026-03", "value-quantity=5.4", "value-quantity=gt5",
        "value-quantity=lt5", "value-quantity=5.4|http://unitsofmeasure.org|mmol/L", "value-quantity=5.4||mg/dL",
        "value-quantity=5", "encounter:missing=true", "encounter:missing=false", "code:missing=true", "_id=o",
        "_id=x,o", "status=final&code=2345-7", "status=final&code=1",
    )),
    *(("Patient", one) for one in (
        "name=mull", "name=eva m", "name:exact=Müller", "name:exact=muller", "name:contains=ulle", "family=eva",
        "birthdate=1980", "birthdate=gt1980-05-06", "gender:missing=true",
    )),
]  # fmt: skip


@pytest.mark.parametrize(("type", "query"), ASKED)
def test_a_condition_says_what_the_search_says(house, type, query):
    version = house.records.update(type, *{"Observation": ("o", OBSERVATION), "Patient": ("p", PATIENT)}[type])
    found = [one.id for one in house.records.search(type, query).versions]
    seen = Seen(version)

    assert (version.id in found) == all(test(seen) for test in conditions(type, query))


@pytest.mark.parametrize(
    "query",
    ["patient.name=eva", "_has:Observation:has-member:code=1", "code:in=http://x", "code-value-quantity=1$gt5",
     "status=", "colour=red", "date=soon", "value-quantity=much", "subject=a/b/c/d"],
)  # fmt: skip
def test_what_cannot_be_asked_of_a_change_is_refused(query):
    with pytest.raises(SalusError):
        conditions("Observation", query)
