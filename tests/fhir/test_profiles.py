"""Profiles: what a StructureDefinition asks beyond R4. https://hl7.org/fhir/R4/profiling.html"""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest

from salus.base.errors import Invalid, Missing
from salus.codes.terminology import Terminology
from salus.fhir import validate
from salus.fhir.profiles import Profiles

Json = dict[str, Any]
CORE = "http://hl7.org/fhir/StructureDefinition/"
OURS = "urn:salus:"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def profile(name: str, type: str, *elements: Json, base: str = "", part: str = "snapshot", **more: Any) -> Json:
    rows = [{"id": type, "path": type, **more.pop("root", {})}, *elements]
    about = {"url": OURS + name, "type": type, "kind": "resource", "derivation": "constraint"}
    return {**about, "baseDefinition": base or CORE + type, part: {"element": rows}, **more}


def row(id: str, **says: Any) -> Json:
    """An ElementDefinition; its path is the id without slices."""
    path = ".".join(step.partition(":")[0] for step in id.split("."))
    return (
        {"id": id, "path": path} | ({"sliceName": id.rpartition(":")[2]} if ":" in id.rpartition(".")[2] else {}) | says
    )


def slicing(type: str, path: str, rules: str = "open", **more: Any) -> Json:
    return {"slicing": {"discriminator": [{"type": type, "path": path}], "rules": rules, **more}}


def told(body: Json, *profiles: Json, severity: str = "error", **options: Any) -> list[str]:
    """The paths of the issues that profiles (of which the first is asked for) find."""
    return [issue.path for issue in found(body, *profiles, **options) if issue.severity == severity]


def found(body: Json, *profiles: Json, resolve: Callable[[str], Json | None] | None = None) -> list[Any]:
    known = Profiles(lambda url: [one for one in profiles if one["url"] == url], Terminology())
    read = json.loads(orjson.dumps(body), parse_float=Decimal)
    return list(known.issues(read, [profiles[0]["url"]] if profiles else [], resolve))


CODE = {"coding": [{"system": LOINC, "code": "8302-2"}]}
HEIGHT: Json = {"resourceType": "Observation", "status": "final", "code": CODE}
PATIENT: Json = {"resourceType": "Patient"}
MRN = {"system": "urn:mrn", "value": "7"}
IDENTIFIED = [
    row("Patient.identifier", **slicing("value", "system")),
    row("Patient.identifier:mrn", min=1, max="1"),
    row("Patient.identifier:mrn.system", min=1, fixedUri="urn:mrn"),
    row("Patient.identifier:mrn.value", min=1, maxLength=3),
]
ANY_CODE = row("Observation.code")
# the body, what the profile's elements say, and the paths that are wrong
CASES: list[tuple[Json, list[Json], list[str]]] = [
    # cardinality
    (PATIENT, [row("Patient.name", min=1)], ["Patient.name"]),
    (PATIENT | {"name": [{"text": "Li"}]}, [row("Patient.name", min=1)], []),
    (PATIENT | {"name": [{"text": "Li"}, {"text": "Wu"}]}, [row("Patient.name", max="1")], ["Patient.name[1]"]),
    (PATIENT | {"photo": [{"url": "urn:a"}]}, [row("Patient.photo", max="0")], ["Patient.photo[0]"]),
    (PATIENT | {"name": [{"text": "Li"}, {"family": "Wu"}]}, [row("Patient.name"), row("Patient.name.family", min=1)],
     ["Patient.name[0].family"]),
    (PATIENT, [row("Patient.name.family", min=1)], []),  # only where there is a name
    (PATIENT | {"_birthDate": {"extension": [{"url": "urn:x", "valueCode": "unknown"}]}},
     [row("Patient.birthDate", min=1)], []),
    # fixed values and patterns
    (HEIGHT, [row("Observation.code", patternCodeableConcept=CODE)], []),
    (HEIGHT | {"code": CODE | {"text": "height"}}, [row("Observation.code", patternCodeableConcept=CODE)], []),
    (HEIGHT | {"code": CODE | {"text": "height"}}, [row("Observation.code", fixedCodeableConcept=CODE)],
     ["Observation.code"]),
    (HEIGHT, [row("Observation.status", fixedCode="amended")], ["Observation.status"]),
    (HEIGHT | {"valueQuantity": {"value": 1.50}}, [row("Observation.value[x]", patternQuantity={"value": 1.5})], []),
    (HEIGHT | {"valueQuantity": {"value": 1.6}}, [row("Observation.value[x]", patternQuantity={"value": 1.5})],
     ["Observation.valueQuantity"]),
    # limits
    (HEIGHT | {"valueInteger": 7}, [row("Observation.value[x]", maxValueInteger=6)], ["Observation.valueInteger"]),
    (HEIGHT | {"effectiveDateTime": "2026-03"}, [row("Observation.effective[x]", minValueDateTime="2026-02")], []),
    (HEIGHT | {"effectiveDateTime": "2026-01"}, [row("Observation.effective[x]", minValueDateTime="2026-02")],
     ["Observation.effectiveDateTime"]),
    # types
    (HEIGHT | {"valueString": "tall"}, [row("Observation.value[x]", type=[{"code": "Quantity"}])],
     ["Observation.valueString"]),
    (HEIGHT | {"valueQuantity": {"value": 1}}, [row("Observation.value[x]", type=[{"code": "Quantity"}])], []),
    # bindings
    (PATIENT | {"maritalStatus": {"coding": [{"system": "urn:x", "code": "M"}]}},
     [row("Patient.maritalStatus", binding={"strength": "required",
      "valueSet": "http://hl7.org/fhir/ValueSet/marital-status|4.0.1"})], []),  # R4 says so, and is asked before
    (PATIENT | {"gender": "other"}, [row("Patient.gender", binding={"strength": "required",
      "valueSet": "http://hl7.org/fhir/ValueSet/name-use"})], ["Patient.gender"]),
    (PATIENT | {"maritalStatus": {"text": "married"}}, [row("Patient.maritalStatus", binding={"strength": "required",
      "valueSet": "http://hl7.org/fhir/ValueSet/name-use"})], ["Patient.maritalStatus"]),
    # constraints
    (PATIENT, [row("Patient", constraint=[{"key": "our-1", "severity": "error", "human": "a name",
      "expression": "name.exists()"}])], ["Patient"]),
    (PATIENT | {"name": [{"text": "Li"}]}, [row("Patient.name", constraint=[{"key": "our-2", "severity": "error",
      "human": "in full", "expression": "family.exists() or given.exists()"}])], ["Patient.name[0]"]),
    # slices by value
    (PATIENT, IDENTIFIED, ["Patient.identifier"]),
    (PATIENT | {"identifier": [{"system": "urn:other", "value": "12345"}, MRN]}, IDENTIFIED, []),
    (PATIENT | {"identifier": [MRN, MRN]}, IDENTIFIED, ["Patient.identifier[1]"]),
    (PATIENT | {"identifier": [MRN | {"value": "1234"}]}, IDENTIFIED, ["Patient.identifier[0].value"]),
    (PATIENT | {"identifier": [MRN, {"system": "urn:other"}]},
     [row("Patient.identifier", **slicing("value", "system", "closed")), *IDENTIFIED[1:]], ["Patient.identifier[1]"]),
    (PATIENT | {"identifier": [{"system": "urn:other"}, MRN]},
     [row("Patient.identifier", **slicing("value", "system", "openAtEnd")), *IDENTIFIED[1:]],
     ["Patient.identifier[0]"]),
    # slices by pattern, within a slice of codings
    (HEIGHT | {"component": [{"code": CODE, "valueString": "a"}]}, [
        row("Observation.component", **slicing("pattern", "code")),
        row("Observation.component:height", min=1, max="1"),
        row("Observation.component:height.code", patternCodeableConcept=CODE),
        row("Observation.component:height.value[x]", type=[{"code": "Quantity"}])],
     ["Observation.component[0].valueString"]),
    (HEIGHT | {"component": [{"code": CODE}]}, [
        row("Observation.component", **slicing("value", "code.coding.code")),
        row("Observation.component:height", min=1),
        row("Observation.component:height.code", patternCodeableConcept=CODE)], []),
    # slices by existence, by type, in order
    (PATIENT | {"name": [{"family": "Li"}]}, [
        row("Patient.name", **slicing("exists", "family")),
        row("Patient.name:whole"), row("Patient.name:whole.family", max="0"),
        row("Patient.name:parts"), row("Patient.name:parts.family", min=1), row("Patient.name:parts.given", min=1)],
     ["Patient.name[0].given"]),
    (HEIGHT | {"valueQuantity": {"value": 1}}, [
        row("Observation.value[x]", **slicing("type", "$this", "closed")),
        row("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}]),
        row("Observation.value[x]:valueQuantity.unit", min=1)], ["Observation.valueQuantity.unit"]),
    (HEIGHT | {"valueQuantity": {"value": 1}}, [row("Observation.valueQuantity.unit", min=1)],
     ["Observation.valueQuantity.unit"]),
    (PATIENT | {"identifier": [{"system": "urn:b"}, {"system": "urn:a"}]}, [
        row("Patient.identifier", **slicing("value", "system", ordered=True)),
        row("Patient.identifier:a"), row("Patient.identifier:a.system", fixedUri="urn:a"),
        row("Patient.identifier:b"), row("Patient.identifier:b.system", fixedUri="urn:b")], ["Patient.identifier"]),
    # slices of slices
    (PATIENT | {"identifier": [MRN | {"use": "old"}]}, [
        row("Patient.identifier", **slicing("value", "system")),
        row("Patient.identifier:mrn", **slicing("value", "use")),
        row("Patient.identifier:mrn.system", fixedUri="urn:mrn"),
        row("Patient.identifier:mrn/old"), row("Patient.identifier:mrn/old.use", fixedCode="old"),
        row("Patient.identifier:mrn/old.period", min=1)], ["Patient.identifier[0].period"]),
    # references
    (HEIGHT | {"subject": {"reference": "Group/1"}},
     [row("Observation.subject", type=[{"code": "Reference", "targetProfile": [CORE + "Patient"]}])],
     ["Observation.subject.reference"]),
    (HEIGHT | {"contained": [{"resourceType": "Device", "id": "d"}], "device": {"reference": "#d"}}, [
        row("Observation.subject", **slicing("type", "resolve()")),
        row("Observation.device", type=[{"code": "Reference", "targetProfile": [CORE + "Device"]}])], []),
    (HEIGHT | {"performer": [{"reference": "Practitioner/1"}]}, [
        row("Observation.performer", **slicing("type", "resolve()", "closed")),
        row("Observation.performer:org", type=[{"code": "Reference", "targetProfile": [CORE + "Organization"]}])],
     ["Observation.performer[0]"]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "elements", "paths"), CASES, ids=range(len(CASES)))
def test_what_a_profile_asks_is_looked_at(body: Json, elements: list[Json], paths: list[str]) -> None:
    kind = body["resourceType"]
    rows = {one["id"]: one for one in elements}
    root = rows.pop(kind, {})

    assert [] == [issue.text for issue in validate(orjson.dumps(body), "structure")]
    assert paths == told(body, profile("p", kind, *rows.values(), root=root))


@pytest.mark.parametrize(("body", "elements", "paths"), CASES, ids=range(len(CASES)))
def test_a_differential_alone_asks_the_same(body: Json, elements: list[Json], paths: list[str]) -> None:
    kind = body["resourceType"]
    rows = {one["id"]: one for one in elements}
    root = rows.pop(kind, {})
    bare = [{key: value for key, value in one.items() if key != "id"} for one in rows.values()]
    upper = profile("upper", kind, *bare, root=root, part="differential")
    lower = profile("lower", kind, base=OURS + "upper", part="differential")

    assert paths == told(body, lower, upper)


def test_a_differential_adds_to_what_stands_below_it() -> None:
    upper = profile("upper", "Patient", *IDENTIFIED)
    lower = profile("lower", "Patient", row("Patient.identifier:mrn.period", min=1), base=OURS + "upper",
                    part="differential")  # fmt: skip

    assert ["Patient.identifier[0].period"] == told(PATIENT | {"identifier": [MRN]}, lower, upper)
    with pytest.raises(Missing, match="urn:salus:upper is not held"):
        told(PATIENT, lower)
    with pytest.raises(Invalid, match="more than 20"):
        told(PATIENT, profile("turn", "Patient", base=OURS + "turn", part="differential"))


def test_a_slice_may_be_known_by_the_profile_that_its_resource_meets() -> None:
    tall = profile("tall", "Observation", row("Observation.interpretation", min=1))
    group = profile(
        "group",
        "Bundle",
        row("Bundle.entry", **slicing("profile", "resource")),
        row("Bundle.entry:tall", min=1),
        row("Bundle.entry:tall.resource", type=[{"code": "Observation", "profile": [tall["url"]]}]),
        row("Bundle.entry:tall.fullUrl", min=1),
    )
    bundle: Json = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": HEIGHT}]}
    fitting = [{"resource": HEIGHT | {"interpretation": [{"text": "tall"}]}}]

    assert ["Bundle.entry"] == told(bundle, group, tall)
    assert ["Bundle.entry[0].fullUrl"] == told(bundle | {"entry": fitting}, group, tall)


def test_a_reference_must_lead_to_a_resource_of_its_profile_where_that_is_at_hand() -> None:
    named = profile("named", "Patient", row("Patient.name", min=1))
    target = [{"code": "Reference", "targetProfile": [named["url"]]}]
    height = profile("height", "Observation", row("Observation.subject", type=target))
    body = HEIGHT | {"subject": {"reference": "Patient/1"}}
    contained = HEIGHT | {"contained": [PATIENT | {"id": "p"}], "subject": {"reference": "#p"}}

    assert [] == told(body, height, named)
    assert ["Observation.subject.reference"] == told(body, height, named, resolve=lambda _: PATIENT)
    assert [] == told(body, height, named, resolve=lambda _: PATIENT | {"name": [{"text": "Li"}]})
    assert ["Observation.subject.reference"] == told(contained, height, named)


ETHNIC = profile(
    "ethnic",
    "Extension",
    row("Extension.url", min=1, fixedUri="urn:salus:ethnic"),
    row("Extension.value[x]", min=1, type=[{"code": "Coding"}]),
    root={"isModifier": False},
)
WRONG = profile("wrong", "Extension", row("Extension.url", fixedUri="urn:salus:wrong"), root={"isModifier": True})


def test_extensions_are_what_their_definitions_say_and_unknown_ones_are_named() -> None:
    known = PATIENT | {"extension": [{"url": "urn:salus:ethnic", "valueCoding": {"code": "Han"}}]}
    odd = PATIENT | {"extension": [{"url": "urn:salus:ethnic", "valueString": "Han"}]}
    strange = {
        "extension": [{"url": "urn:x", "valueCode": "a"}],
        "modifierExtension": [{"url": "urn:y", "valueCode": "b"}],
    }
    swapped = {"extension": [{"url": "urn:salus:wrong", "valueCode": "a"}]}
    plain = profile("plain", "Patient")

    assert [] == found(known, plain, ETHNIC)
    assert ["Patient.extension[0].valueString"] == told(odd, plain, ETHNIC)
    assert ["Patient.extension[0]"] == told(PATIENT | strange, plain, severity="information")
    assert ["Patient.modifierExtension[0]"] == told(PATIENT | strange, plain, severity="warning")
    assert ["Patient.extension[0]"] == told(PATIENT | swapped, plain, WRONG)


def test_an_extension_is_a_slice_by_its_url() -> None:
    held = profile(
        "held",
        "Patient",
        row("Patient.extension:ethnic", min=1, max="1", type=[{"code": "Extension", "profile": [ETHNIC["url"]]}]),
    )
    body = PATIENT | {"extension": [{"url": "urn:salus:ethnic", "valueCoding": {"code": "Han"}}]}

    assert [] == told(body, held, ETHNIC)
    assert ["Patient.extension"] == told(PATIENT, held, ETHNIC)
    assert [] == told(body, held)  # the definition is not held: its address is enough to know it by


def test_a_claimed_profile_is_looked_at_and_one_that_is_not_held_is_named() -> None:
    named = profile("named", "Patient", row("Patient.name", min=1, mustSupport=True))
    body = PATIENT | {"meta": {"profile": [named["url"], "urn:salus:nowhere"]}}
    inner = HEIGHT | {"contained": [body | {"id": "p"}], "subject": {"reference": "#p"}}

    assert ["Patient.name"] == [
        i.path for i in found(body, profile("other", "Patient"), named) if i.severity == "error"
    ]
    assert ["Observation.contained[0].name"] == told(inner, profile("any", "Observation"), named)
    assert ["Patient.meta.profile"] == told(body, named, severity="warning")
    assert ["Patient"] == told(body, named, severity="information")  # must-support, and absent
    assert ["Observation"] == told(HEIGHT, named)  # another type's
    with pytest.raises(Missing, match="salus codes load"):
        list(Profiles(lambda url: [], Terminology()).issues(PATIENT, ["urn:salus:nowhere"]))


def test_a_binding_that_cannot_be_looked_at_is_told_as_such() -> None:
    elements = [row("Patient.maritalStatus", binding={"strength": "required", "valueSet": "urn:set:nowhere"})]
    body = PATIENT | {"maritalStatus": {"coding": [{"system": "urn:x", "code": "M"}]}}
    (issue,) = found(body, profile("p", "Patient", *elements))

    assert ("information", "not-found") == (issue.severity, issue.code)
    assert "urn:set:nowhere" in issue.text


def test_an_expression_that_cannot_be_compiled_is_told_as_such() -> None:
    rule = {"key": "our-3", "severity": "error", "human": "a member", "expression": "gender.memberOf('urn:a')"}
    (issue,) = found(PATIENT, profile("p", "Patient", root={"constraint": [rule]}))

    assert ("information", "processing") == (issue.severity, issue.code)
    assert "our-3" in issue.text


def test_profiles_that_lead_in_a_circle_come_to_an_end() -> None:
    first = profile("first", "Patient", row("Patient.link", **slicing("profile", "other.resolve()")),
                    row("Patient.link:a"), row("Patient.link:a.other", type=[
                        {"code": "Reference", "targetProfile": [OURS + "second"]}]))  # fmt: skip
    second = profile("second", "Patient", *first["snapshot"]["element"][1:])
    body = PATIENT | {"link": [{"other": {"reference": "#"}, "type": "seealso"}] * 30}

    assert [] == told(body, first, second)


def test_so_many_addresses_are_asked_for_and_no_more() -> None:
    asked: list[str] = []
    known = Profiles(lambda url: asked.append(url) or [], Terminology())
    body = PATIENT | {"extension": [{"url": f"urn:x:{n}", "valueCode": "a"} for n in range(3000)],
                      "meta": {"profile": [f"urn:y:{n}" for n in range(3000)]}}  # fmt: skip

    assert 200 == len(list(known.issues(body)))  # 100 warnings of claims, 100 words about extensions
    assert 1000 == len(asked)


def test_a_profile_without_end_is_bounded() -> None:
    many = [row(f"Patient.identifier:s{n}") for n in range(400)]
    rows = [row("Patient.identifier", **slicing("value", "system")), *many]
    fixed = [row(f"Patient.identifier:s{n}.system", fixedUri=f"urn:{n}") for n in range(400)]
    body = PATIENT | {"identifier": [{"system": "urn:none"}] * 800}
    issues = found(body, profile("p", "Patient", *rows, *fixed))

    assert {"too-costly"} == {issue.code for issue in issues}
