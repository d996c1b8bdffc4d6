"""The official R4 examples are accepted, and mutants of them refused. https://hl7.org/fhir/R4/examples.html

The package (191 MB) is no part of the house: `.ci/examples` puts it into the user's cache. Then those that speak of
people and their care are looked at, without the largest, and a share of the rest. All are where SALUS_FHIR_PACKAGE
names the folder of the unpacked package: that takes a minute.
"""

import copy
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from salus.base.errors import SalusError
from salus.fhir import decode, validate
from salus.fhir.definitions import Element, codes, elements
from salus.fhir.primitives import PRIMITIVES

Json = dict[str, Any]
MACHINERY = {
    "CapabilityStatement", "CodeSystem", "CompartmentDefinition", "ConceptMap", "GraphDefinition",
    "ImplementationGuide", "MessageDefinition", "NamingSystem", "OperationDefinition", "SearchParameter",
    "StructureDefinition", "StructureMap", "TerminologyCapabilities", "TestReport", "TestScript", "ValueSet",
}  # fmt: skip
NO_BASE = "SearchParameter.base (1..*) is missing"
NO_GUIDE = "ImplementationGuide.name and .status (1..1) are missing"
# Examples that break R4 themselves; src/salus/fhir/README.md names them too.
BROKEN = {
    "Questionnaire-qs1": "Questionnaire.item.linkId (1..1) is missing",
    "ImplementationGuide-fhir": NO_GUIDE,
    "ig-r4": NO_GUIDE,
    "SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject": "its id has 67 characters, "
    "R4 allows 64",
    **{
        f"SearchParameter-{kind.lower()}-extensions-{kind}-{name}": NO_BASE
        for kind in ("CodeSystem", "ValueSet")
        for name in ("author", "effective", "end", "keyword", "workflow")
    },
}


NO_CONTENT = "a narrative without content (txt-2)"
NO_BASE_TYPE = "a structure that is not abstract, without its base (sdf-4)"
# Accepted examples in which the second stage finds an error.
UNSOUND = {
    "DeviceMetric-example": "DeviceMetric.parent points at a DeviceDefinition, R4 allows Device",
    "DeviceUseStatement-example": "DeviceUseStatement.reasonReference points at a Procedure, which R4 does not allow",
    "MedicationRequest-medrx0301": "MedicationRequest.dispenseRequest.performer points at a Practitioner, R4 allows "
    "Organization",
    "Observation-clinical-gender": "Observation.performer points at an Encounter, which R4 does not allow",
    "ActivityDefinition-blood-tubes-supply": NO_CONTENT,
    "ActivityDefinition-heart-valve-replacement": NO_CONTENT,
    "Bundle-dataelements": "the same fullUrl twice (bdl-7)",
    "EventDefinition-example": NO_CONTENT,
    "Questionnaire-zika-virus-exposure-assessment": NO_CONTENT,
    **{f"StructureDefinition-{name}": NO_BASE_TYPE for name in ("Definition", "Event", "FiveWs", "Request")},
}
CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "salus/hl7.fhir.r4.examples-4.0.1/package"
NAMED = os.environ.get("SALUS_FHIR_PACKAGE")
SHARE = 1 if NAMED else 25  # of the resources that are no people and care, one in so many
LARGEST = 64 << 20 if NAMED else 1 << 20  # bytes
EACH = 3 if NAMED else 1  # mutants of a kind for each example, at most


@cache
def examples() -> dict[str, bytes]:
    """The examples by the names of their files."""
    folder = Path(NAMED) if NAMED else CACHE
    if not folder.is_dir():
        pytest.skip("HL7's examples are not here: run .ci/examples, or name their folder in SALUS_FHIR_PACKAGE")
    files = [file for file in sorted(folder.glob("*.json")) if file.stem != "package"]
    machinery = [file for file in files if file.stem.partition("-")[0] in MACHINERY]
    left_out = set(machinery) - set(machinery[::SHARE]) - {file for file in machinery if is_told_of(file.stem)}
    bodies = {file.stem: file.read_bytes() for file in files if file not in left_out}
    return {name: body for name, body in bodies.items() if b'"resourceType"' in body and len(body) <= LARGEST}


def is_told_of(name: str) -> bool:
    return name in BROKEN | UNSOUND


@cache
def clinical() -> dict[str, Json]:
    """The accepted examples of resources that speak of people and their care."""
    read = {name: orjson.loads(body) for name, body in examples().items() if name not in BROKEN}
    return {name: body for name, body in read.items() if body["resourceType"] not in MACHINERY}


def is_refused(body: bytes) -> bool:
    try:
        decode(body)
    except SalusError:
        return True
    return False


def test_every_official_example_is_accepted_but_those_that_break_r4_themselves() -> None:
    refused = {name for name, body in examples().items() if is_refused(body)}

    assert set(BROKEN) & examples().keys() == refused
    assert (712 if NAMED else 702) == len(clinical())
    assert ["Questionnaire-qs1"] == [name for name in refused if name.partition("-")[0] == "Questionnaire"]
    assert not NAMED or len(examples()) == 5306


def test_the_second_stage_finds_no_error_in_them_but_where_they_break_r4() -> None:
    found = {name: validate(body) for name, body in examples().items() if name not in BROKEN}
    unsound = {name for name, issues in found.items() if any(issue.severity == "error" for issue in issues)}

    assert set(UNSOUND) & examples().keys() == unsound
    assert not [issue for issues in found.values() for issue in issues if issue.code == "processing"]


class Spot(NamedTuple):
    """A place in an example: the object, the field, what R4 says of it, and the type of its value."""

    holder: Json
    owner: str
    field: str
    element: Element
    kind: str


def spots(owner: str, body: Json) -> Iterator[Spot]:
    for element in elements(owner):
        for field, kind in element.fields:
            if field not in body:
                continue
            yield Spot(body, owner, field, element, kind)
            if kind in PRIMITIVES:
                continue
            for part in body[field] if element.repeats else [body[field]]:
                yield from spots(part["resourceType"] if kind == "Resource" else kind, part)


def in_place(spot: Spot, value: Any) -> None:
    spot.holder[spot.field] = [value] if spot.element.repeats else value
    spot.holder.pop(f"_{spot.field}", None)


def is_date(spot: Spot) -> bool:
    return spot.kind in ("date", "dateTime", "instant")


def is_bound(spot: Spot) -> bool:
    return spot.kind == "code" and bool(spot.element.binding and codes(spot.element.binding))


def is_alone(spot: Spot) -> bool:
    return spot.element.least > 0 and f"_{spot.field}" not in spot.holder


def is_choice(spot: Spot) -> bool:
    return len(spot.element.fields) > 1


def second_choice(spot: Spot) -> None:
    other = next(field for field, kind in spot.element.fields if field != spot.field)
    spot.holder[other] = copy.deepcopy(spot.holder[spot.field])


def is_any(_: Spot) -> bool:
    return True


# What is done to an example: which places it needs, and the deed.
MUTANTS: dict[str, tuple[Callable[[Spot], bool], Callable[[Spot], Any]]] = {
    "unknown field": (is_any, lambda spot: spot.holder.__setitem__("colourOfIt", "red")),
    "wrong type": (is_any, lambda spot: in_place(spot, {"colourOfIt": 1})),
    "a list for a value": (
        lambda spot: not spot.element.repeats,
        lambda spot: spot.holder.__setitem__(spot.field, [spot.holder[spot.field]]),
    ),
    "bad date": (is_date, lambda spot: in_place(spot, "2021-02-30")),
    "bad code": (is_bound, lambda spot: in_place(spot, "no-such-code")),
    "missing required": (is_alone, lambda spot: spot.holder.pop(spot.field)),
    "choice twice": (is_choice, second_choice),
    "empty list": (
        lambda spot: spot.element.repeats,
        lambda spot: spot.holder.__setitem__(spot.field, []),
    ),
}


def test_every_mutant_of_an_example_is_refused() -> None:
    chance, made, passed = random.Random(7), Counter[str](), []
    for name, body in clinical().items():
        if len(examples()[name]) > 100_000:
            continue
        places = len(list(spots(body["resourceType"], body)))
        for kind, (fits, change) in MUTANTS.items():
            fitting = [i for i, spot in enumerate(spots(body["resourceType"], body)) if fits(spot)]
            for place in chance.sample(fitting, min(EACH, len(fitting))):
                mutant = copy.deepcopy(body)
                spot = list(spots(body["resourceType"], mutant))[place]
                change(spot)
                made[kind] += 1
                if not is_refused(orjson.dumps(mutant)):
                    passed.append((name, kind, spot.owner, spot.field))
        assert places

    print(len(clinical()), made.total(), dict(made))
    assert [] == passed
    assert made.keys() == MUTANTS.keys()
