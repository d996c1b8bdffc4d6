"""FHIRPath Patch: what each operation makes of a resource, and what it refuses."""

import json
from typing import Any

import pytest

from salus.base.errors import Invalid, Malformed, SalusError
from salus.records import Records, Store, change_of

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "eva",
    "active": True,
    "name": [
        {"use": "official", "family": "Maier", "given": ["Eva", "Anna"]},
        {"use": "old", "family": "Huber"},
    ],
    "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@b"}],
    "birthDate": "1980-01-01",
    "_birthDate": {"extension": [{"url": "urn:time", "valueString": "noon"}]},
    "contact": [{"name": {"family": "Adam"}}],
    "deceasedBoolean": False,
    "extension": [{"url": "urn:one", "valueCode": "a"}, {"url": "urn:two", "valueInteger": 2}],
}


def part(name: str, **value: Any) -> dict[str, Any]:
    return {"name": name, **value}


def op(kind: str, path: str, *more: dict[str, Any]) -> dict[str, Any]:
    return part("operation", part=[part("type", valueCode=kind), part("path", valueString=path), *more])


def data(*operations: dict[str, Any]) -> bytes:
    return json.dumps({"resourceType": "Parameters", "parameter": list(operations)}).encode()


def change(*operations: dict[str, Any]) -> Any:
    return change_of("application/fhir+json", data(*operations))


def fresh() -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(PATIENT))
    return copy


def named(name: str) -> dict[str, Any]:
    return part("name", valueString=name)


MADE: list[tuple[dict[str, Any], str, Any]] = [
    (op("add", "Patient", named("gender"), part("value", valueCode="female")), "gender", "female"),
    (op("add", "Patient", named("multipleBirth"), part("value", valueInteger=2)), "multipleBirthInteger", 2),
    (
        op("add", "Patient", named("identifier"), part("value", valueIdentifier={"value": "7"})),
        "identifier",
        [{"value": "7"}],
    ),
    (
        op("add", "Patient.name[1]", named("given"), part("value", valueString="E")),
        "name",
        [PATIENT["name"][0], {**PATIENT["name"][1], "given": ["E"]}],
    ),
    (
        op(
            "add",
            "Patient",
            named("contact"),
            part("value", part=[part("name", valueHumanName={"family": "B"}), part("gender", valueCode="male")]),
        ),
        "contact",
        [*PATIENT["contact"], {"name": {"family": "B"}, "gender": "male"}],
    ),
    (
        op("insert", "Patient.telecom", part("index", valueInteger=1), part("value", valueContactPoint={"value": "2"})),
        "telecom",
        [PATIENT["telecom"][0], {"value": "2"}, PATIENT["telecom"][1]],
    ),
    (
        op("insert", "Patient.photo", part("index", valueInteger=0), part("value", valueAttachment={"title": "t"})),
        "photo",
        [{"title": "t"}],
    ),
    (op("delete", "Patient.telecom[0]"), "telecom", PATIENT["telecom"][1:]),
    (op("delete", "Patient.telecom.where(system = 'email')"), "telecom", PATIENT["telecom"][:1]),
    (op("delete", "Patient.contact[0]"), "contact", None),
    (op("delete", "Patient.birthDate"), "_birthDate", None),
    (op("delete", "Patient.deceased"), "deceasedBoolean", None),
    (op("delete", "Patient.photo"), "active", True),
    (op("delete", "Patient.extension('urn:one')"), "extension", PATIENT["extension"][1:]),
    (op("delete", "Patient.telecom.where(system.startsWith('em'))"), "telecom", PATIENT["telecom"][:1]),
    (op("delete", "Patient.telecom.tail()"), "telecom", PATIENT["telecom"][:1]),
    (op("delete", "%resource.telecom.skip(1) | Patient.photo"), "telecom", PATIENT["telecom"][:1]),
    (
        op("replace", "Patient.name.where(use='official' and family='Maier').given[1]", part("value", valueString="B")),
        "name",
        [{**PATIENT["name"][0], "given": ["Eva", "B"]}, PATIENT["name"][1]],
    ),
    (
        op("replace", "name.last().family", part("value", valueString="Gruber")),
        "name",
        [PATIENT["name"][0], {"use": "old", "family": "Gruber"}],
    ),
    (
        op("replace", "Patient.deceased", part("value", valueDateTime="2026-01-01")),
        "deceasedDateTime",
        "2026-01-01",
    ),
    (
        op("replace", "Patient.extension.where(value = 2).value", part("value", valueInteger=3)),
        "extension",
        [PATIENT["extension"][0], {"url": "urn:two", "valueInteger": 3}],
    ),
    (
        op("move", "Patient.name", part("source", valueInteger=1), part("destination", valueInteger=0)),
        "name",
        PATIENT["name"][::-1],
    ),
    (
        op("add", "Patient.name.first()", named("given"), part("value", _valueString={"id": "x"})),
        "name",
        [
            {**PATIENT["name"][0], "given": ["Eva", "Anna", None], "_given": [None, None, {"id": "x"}]},
            PATIENT["name"][1],
        ],
    ),
]


@pytest.mark.parametrize(("operation", "field", "value"), MADE)
def test_each_operation_does_what_the_standard_says(operation: dict[str, Any], field: str, value: Any) -> None:
    made = change(operation)(fresh())

    assert value == made.get(field)


def test_a_choice_that_takes_another_type_leaves_nothing_of_the_old_one() -> None:
    made = change(op("replace", "Patient.deceased", part("value", valueDateTime="2026")))(fresh())

    assert "deceasedBoolean" not in made


def test_operations_are_done_in_their_order() -> None:
    made = change(
        op("delete", "Patient.name[0]"),
        op("add", "Patient.name[0]", named("given"), part("value", valueString="Eva")),
        op("move", "Patient.telecom", part("source", valueInteger=0), part("destination", valueInteger=1)),
    )(fresh())

    assert [{**PATIENT["name"][1], "given": ["Eva"]}] == made["name"]
    assert PATIENT["telecom"][::-1] == made["telecom"]


FAILED: list[tuple[dict[str, Any], type[SalusError], str]] = [
    (op("add", "Patient", named("gnder"), part("value", valueCode="x")), Invalid, "'gnder' is no element of Patient"),
    (op("add", "Patient", named("active"), part("value", valueBoolean=True)), Invalid, "use replace"),
    (op("add", "Patient", named("deceased"), part("value", valueDateTime="2026")), Invalid, "use replace"),
    (op("add", "Patient.name", named("given"), part("value", valueString="x")), Invalid, "leads to 2 elements"),
    (op("add", "Patient.active", named("x"), part("value", valueString="x")), Invalid, "has no elements"),
    (op("replace", "Patient.name", part("value", valueString="x")), Invalid, "leads to 2 elements"),
    (op("replace", "Patient.photo", part("value", valueString="x")), Invalid, "leads to 0 elements"),
    (op("replace", "Patient", part("value", valueString="x")), Invalid, "the whole resource"),
    (op("replace", "Patient.deceased", part("value", valueCode="x")), Invalid, "does not take a value of type Code"),
    (op("delete", "Patient.telecom"), Invalid, "leads to 2 elements"),
    (op("delete", "Patient"), Invalid, "the whole resource"),
    (op("delete", "Patient.name.given | Patient.photo"), Invalid, "leads to 2 elements"),
    (op("delete", "Patient.name.count()"), Invalid, "makes a value"),
    (op("delete", "Patient.name.where(use)"), Invalid, "leads to 2 elements"),
    (op("delete", "(1 | 2).repeat($this + 1)"), Invalid, "takes too long"),
    (
        op("delete", "%resource.name.where(family.matches('(a+)+$') and use = 'x').given[0] | name[5] | 1"),
        Invalid,
        "makes a value",
    ),
    (
        op("insert", "Patient.name", part("index", valueInteger=3), part("value", valueHumanName={"family": "x"})),
        Invalid,
        "3 is no place",
    ),
    (
        op("insert", "Patient.active", part("index", valueInteger=0), part("value", valueBoolean=True)),
        Invalid,
        "is no list",
    ),
    (
        op("insert", "Patient.name", part("index", valueString="0"), part("value", valueHumanName={"family": "x"})),
        Malformed,
        "'index' is not a place",
    ),
    (
        op("move", "Patient.name", part("source", valueInteger=0), part("destination", valueInteger=2)),
        Invalid,
        "2 is no place",
    ),
]


@pytest.mark.parametrize(("operation", "error", "words"), FAILED)
def test_an_operation_that_cannot_be_done_names_itself(
    operation: dict[str, Any], error: type[SalusError], words: str
) -> None:
    with pytest.raises(error) as caught:
        change(op("delete", "Patient.photo"), operation)(fresh())

    assert words in str(caught.value)
    assert "Parameters.parameter[1]" == caught.value.issues[0].path


UNREADABLE = [
    data(part("op", valueString="x")),
    data(op("grow", "Patient")),
    data(part("operation", part=[part("type", valueCode="add")])),
    data(op("add", "Patient", named("gender"))),
    data(op("delete", "Patient.name[")),
    data(op("delete", "Patient.name.nonsense()")),
    data(op("delete", "x" * 30_000)),
    b'{"resourceType":"Patient"}',
    b"[]",
    data(*[op("delete", "Patient.photo")] * 1001),
]


@pytest.mark.parametrize("given", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_is_no_fhirpath_patch_is_refused(given: bytes) -> None:
    with pytest.raises((Malformed, Invalid)):
        change_of("application/fhir+json", given)


def test_what_a_patch_makes_is_checked_like_any_resource(records: Records, store: Store) -> None:
    records.update("Patient", "eva", PATIENT)
    with pytest.raises(Invalid) as caught:
        records.patch("Patient", "eva", change(op("add", "Patient", named("gender"), part("value", valueCode="blue"))))

    assert "Patient.gender" == caught.value.issues[0].path
    records.patch("Patient", "eva", change(op("delete", "Patient.birthDate")))
    assert [1, 2] == [change.version for change in store.outbox(0)]
