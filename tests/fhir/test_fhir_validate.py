"""The second stage of validation: bindings and invariants. https://hl7.org/fhir/R4/validation.html"""

from typing import Any

import orjson
import pytest

from salus.base.errors import Malformed, Unsupported
from salus.fhir import validate
from salus.fhir.definitions import definitions, elements
from salus.fhir.fhirpath import compile

Json = dict[str, Any]
LOINC = "http://loinc.org"
V3 = "http://terminology.hl7.org/CodeSystem/"


def told(body: Json, level: str = "invariants", severity: str = "error") -> list[tuple[str, str]]:
    """(path, rule or code) of the issues of one severity."""
    issues = [issue for issue in validate(orjson.dumps(body), level) if issue.severity == severity]
    return [
        (i.path, i.text.split(" breaks ")[1].partition(":")[0] if i.code == "invariant" else i.code) for i in issues
    ]


def test_every_constraint_of_r4_compiles_and_speaks_of_a_type_or_an_element() -> None:
    rules = definitions()["constraints"]
    types = definitions()["types"]
    known = set(types) | {f"{name}.{e.name}" for name in types for e in elements(name)}
    compiled = [compile(row[2]) for rows in rules.values() for row in rows]

    assert 237 == len(compiled)
    # logical models, and two parts that take the content of another
    assert set() == {name for name in rules if name not in known and name.partition(".")[0] in types}


def test_a_sound_resource_has_no_issue_but_advice(observation: Json, patient: Json) -> None:
    assert [] == told(observation) + told(patient)
    assert [("Observation", "dom-6")] == told(observation, severity="warning")


OBSERVATION: list[tuple[Json, str, str]] = [
    ({"dataAbsentReason": {"text": "lost"}}, "Observation", "obs-6"),
    ({"component": [{"code": {"coding": [{"system": LOINC, "code": "29463-7", "display": "Body weight"}]}}]},
     "Observation", "obs-7"),
    ({"referenceRange": [{"appliesTo": [{"text": "women"}]}]}, "Observation.referenceRange[0]", "obs-3"),
    ({"valueQuantity": {"value": 1, "code": "kg"}}, "Observation.valueQuantity", "qty-3"),
    ({"subject": {"reference": "#nobody"}}, "Observation.subject", "ref-1"),
    ({"contained": [{"resourceType": "Patient", "id": "p", "meta": {"versionId": "1"}}],
      "subject": {"reference": "#p"}}, "Observation", "dom-4"),
    ({"contained": [{"resourceType": "Patient", "id": "p"}]}, "Observation", "dom-3"),
    ({"text": {"status": "generated", "div": "<div><video/>x</div>"}}, "Observation.text.div", "txt-1"),
    ({"text": {"status": "generated", "div": "<div> </div>"}}, "Observation.text.div", "txt-1"),
    ({"code": {"id": "only"}}, "Observation.code", "ele-1"),
    ({"_status": {"id": "x"}, "bodySite": {"_text": {"id": "x"}}}, "Observation.bodySite.text", "ele-1"),
    ({"extension": [{"url": "urn:a"}]}, "Observation.extension[0]", "ext-1"),
    ({"extension": [{"url": "urn:a", "valueCode": "b", "extension": [{"url": "urn:c", "valueCode": "d"}]}]},
     "Observation.extension[0]", "ext-1"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "path", "rule"), OBSERVATION, ids=range(len(OBSERVATION)))
def test_a_broken_invariant_of_an_observation_is_named_with_its_path(
    observation: Json, change: Json, path: str, rule: str
) -> None:
    assert [(path, rule)] == told(observation | change)


SUBJECT = {"reference": "Patient/1"}
OTHERS: list[tuple[Json, list[tuple[str, str]]]] = [
    ({"resourceType": "Patient", "contact": [{"gender": "male"}]}, [("Patient.contact[0]", "pat-1")]),
    ({"resourceType": "Patient", "telecom": [{"value": "1"}]}, [("Patient.telecom[0]", "cpt-2")]),
    ({"resourceType": "Organization"}, [("Organization", "org-1")]),
    ({"resourceType": "Organization", "name": "A", "telecom": [{"system": "phone", "value": "1", "use": "home"}]},
     [("Organization.telecom[0]", "org-3")]),
    ({"resourceType": "Encounter", "status": "planned", "class": {"code": "AMB", "system": V3 + "v3-ActCode"},
      "period": {"start": "2026-03-02", "end": "2026-03-01"}}, [("Encounter.period", "per-1")]),
    ({"resourceType": "Encounter", "status": "planned", "class": {"code": "AMB", "system": V3 + "v3-ActCode"},
      "period": {"start": "2026-03-02", "end": "2026-03"}}, []),
    ({"resourceType": "Condition", "subject": SUBJECT, "abatementString": "gone",
      "clinicalStatus": {"coding": [{"system": V3 + "condition-clinical", "code": "active"}]}},
     [("Condition", "con-4")]),
    ({"resourceType": "Condition", "subject": SUBJECT, "clinicalStatus": {"coding": [
        {"system": V3 + "condition-clinical", "code": "active"}]},
      "verificationStatus": {"coding": [{"system": V3 + "condition-ver-status", "code": "entered-in-error"}]}},
     [("Condition", "con-5")]),
    ({"resourceType": "RiskAssessment", "status": "final", "subject": SUBJECT,
      "prediction": [{"probabilityDecimal": 101}, {"outcome": {"text": "fall"}}]},
     [("RiskAssessment.prediction[0]", "ras-2")]),
    ({"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": {"resourceType": "Patient"}}]},
     [("Bundle", "bdl-3")]),
    ({"resourceType": "Bundle", "type": "collection", "entry": [
        {"resource": {"resourceType": "Patient", "contact": [{"gender": "male"}]}}]},
     [("Bundle.entry[0].resource.contact[0]", "pat-1")]),
    ({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": "#p"},
        "contained": [{"resourceType": "Patient", "id": "p", "extension": [
            {"url": "urn:a", "valueReference": {"reference": "#"}}]}]}}]}, []),
    ({"resourceType": "Questionnaire", "status": "active", "item": [
        {"linkId": "1", "type": "display", "required": True}, {"linkId": "1", "type": "group"}]},
     [("Questionnaire", "que-2"), ("Questionnaire.item[0]", "que-6"), ("Questionnaire.item[1]", "que-1")]),
    ({"resourceType": "Task", "status": "draft", "intent": "plan", "authoredOn": "2026-03-01T10:00:00Z",
      "lastModified": "2026-03-01T09:00:00Z"}, [("Task", "inv-1")]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "issues"), OTHERS, ids=range(len(OTHERS)))
def test_a_broken_invariant_is_named_with_its_path(body: Json, issues: list[tuple[str, str]]) -> None:
    assert issues == told(body)


def test_a_required_binding_wants_the_code_of_its_own_system() -> None:
    coding = {"system": "urn:mine", "code": "active"}
    body = {"resourceType": "Condition", "subject": SUBJECT, "clinicalStatus": {"coding": [coding]}}

    assert [] == told(body, "structure")
    assert [("Condition.clinicalStatus", "code-invalid")] == told(body, "bindings")
    coding["system"] = V3 + "condition-clinical"
    assert [] == told(body, "bindings")


def test_an_extensible_binding_is_advice_and_says_which_codes_belong() -> None:
    body: Json = {"resourceType": "Patient", "maritalStatus": {"coding": [{"system": "urn:mine", "code": "M"}]}}
    (issue,) = validate(orjson.dumps(body), "bindings")

    assert ("warning", "code-invalid", "Patient.maritalStatus") == (issue.severity, issue.code, issue.path)
    assert "urn:mine|M" in issue.text
    assert "v3-MaritalStatus|M" in issue.text
    assert [] == validate(orjson.dumps(body | {"maritalStatus": {"text": "married"}}), "bindings")


TARGETS: list[tuple[Json, str]] = [
    ({"subject": {"reference": "Practitioner/1"}}, "Observation.subject.reference is 'Practitioner/1' (Practitioner)"),
    ({"performer": [{"reference": "https://other.example/fhir/Encounter/1"}]}, "Observation.performer[0].reference is"),
    ({"contained": [{"resourceType": "Location", "id": "l"}], "subject": {"reference": "#l"}}, ""),
    ({"contained": [{"resourceType": "Medication", "id": "m"}], "subject": {"reference": "#m"}}, "(Medication)"),
    ({"subject": {"reference": "urn:uuid:8b5a4c5c-7a0e-4f0c-9a5e-0d1c3a2b4c5d"}}, ""),
]


@pytest.mark.parametrize(("change", "words"), TARGETS, ids=range(len(TARGETS)))
def test_a_reference_points_at_a_type_that_its_element_allows(observation: Json, change: Json, words: str) -> None:
    body = orjson.dumps(observation | change)
    found = [issue.text for issue in validate(body, "bindings") if issue.severity == "error"]

    assert [] == validate(body, "structure")
    assert bool(words) == bool(found)
    assert words in "".join(found)


def test_advice_hides_no_error_that_comes_after_it() -> None:
    plain: Json = {"resourceType": "Organization", "name": "A"}
    entries = [{"resource": plain}] * 300 + [{"resource": {"resourceType": "Organization"}}]
    body = {"resourceType": "Bundle", "type": "collection", "entry": entries}

    assert [("Bundle.entry[300].resource", "org-1")] == told(body)
    assert 100 == len(told(body, severity="warning"))


def test_levels_hold_those_before_them(observation: Json) -> None:
    body = observation | {"dataAbsentReason": {"text": "lost"}}
    broken = orjson.dumps(body | {"status": "x"})

    assert [[], [], ["invariant"]] == [
        [issue.code for issue in validate(orjson.dumps(body), level) if issue.severity == "error"]
        for level in ("structure", "bindings", "invariants")
    ]
    assert ["code-invalid"] == [issue.code for issue in validate(broken)]
    with pytest.raises(Unsupported, match="structure, bindings, invariants"):
        validate(broken, "deep")
    with pytest.raises(Malformed):
        validate(b"{")


def test_synthea_keeps_the_invariants(ten_patients: list[Json]) -> None:
    bodies = [body for body in ten_patients if body["resourceType"] != "Claim"][:400]
    rules = {rule for body in bodies for _, rule in told(body)}

    assert set() == rules
