"""Search values by the generated functions, against a slow evaluator that reads the expressions as they stand."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from salus.fhir import RESOURCE_TYPES, Indexed, compartment, dates, decode, index, normalize, parameters
from salus.fhir.extraction import source
from salus.fhir.path import path_key, split_union, steps_of

Json = dict[str, Any]
Item = tuple[str, Any]  # (type as far as the JSON tells it, value)


def rows(body: Json) -> Indexed:
    found = decode(orjson.dumps(body))
    return index(found.type, found.resource)


def values(body: Json, name: str) -> list[tuple[Any, ...]]:
    """The rows of one parameter, without path numbers."""
    wanted = parameters(body["resourceType"])[name].paths
    return [row[1:] for table in rows(body) for row in table if row[0] in wanted]


# The naive evaluator: plain JSON, one regular expression, no definitions.

STEP = re.compile(
    r"\.?(as|ofType)\((\w+)\)|\.?where\((\w+)='([^']*)'\)|\.?where\(resolve\(\) is \w+\)|\[(\d+)\]|\.?(\w+)"
)


def naive(part: str, body: Json) -> list[Item]:
    """The values of one part of a union, with the type that a choice's field name tells."""
    if found := re.fullmatch(r"\(([\w.]+) as (\w+)\)(.*)", part):
        part = f"{found[1]}.as({found[2]}){found[3]}"
    first, rest = re.match(r"(\w+)(.*)", part).groups()  # type: ignore[union-attr]
    items: list[Item] = [(first, body)] if first in (body["resourceType"], "Resource", "DomainResource") else []
    for step in STEP.finditer(rest):
        items = advance(step, items)
    return items


def advance(step: re.Match[str], items: list[Item]) -> list[Item]:
    if step[6]:
        return [below for _, item in items for below in child(item, step[6])]
    if step[2]:
        return [item for item in items if item[0] in (step[2], "")]
    if step[3]:
        return [item for item in items if item[1].get(step[3]) == step[4]]
    return items[int(step[5]) : int(step[5]) + 1] if step[5] else items


def child(item: Any, name: str) -> Iterator[Item]:
    for key, value in item.items() if isinstance(item, dict) else ():
        choice = re.fullmatch(name + r"([A-Z]\w*)", key)
        if key == name or (choice and choice[1] in SIMPLE | DATATYPES):
            kind = "" if key == name else choice[1]  # type: ignore[index]
            kind = kind[0].lower() + kind[1:] if kind in SIMPLE else kind
            yield from ((kind, one) for one in (value if isinstance(value, list) else [value]) if one is not None)


SIMPLE = {"String", "Boolean", "Integer", "DateTime", "Date", "Uri", "Canonical", "Instant"}
DATATYPES = {
    "Quantity",
    "CodeableConcept",
    "Period",
    "Range",
    "Age",
    "Reference",
    "SampledData",
    "Timing",
    "Attachment",
}
MONEY = "urn:iso:std:iso:4217"


def tokens(item: Any, name: str) -> Iterator[tuple[Any, ...]]:
    if isinstance(item, bool):
        yield None, "true" if item else "false"
    elif isinstance(item, str):
        yield "any", item
    elif "coding" in item:
        yield from ((c.get("system"), c["code"]) for c in item["coding"] if "code" in c)
    elif name == "telecom" and "value" in item:
        yield None, item["value"]
    elif "code" in item or "value" in item:
        yield item.get("system"), item.get("code", item.get("value"))


def strings(item: Any, name: str) -> Iterator[tuple[Any, ...]]:
    keys = ("family", "given", "prefix", "suffix", "text", "line", "city", "district", "state", "postalCode", "country")
    found = [item] if isinstance(item, str) else [item[key] for key in keys if key in item]
    for text in found:
        for one in text if isinstance(text, list) else [text]:
            yield normalize(one), one


def moments(item: Any, name: str) -> Iterator[tuple[Any, ...]]:
    if isinstance(item, str):
        yield dates.bounds(item)
    elif "start" in item or "end" in item:
        low = dates.bounds(item["start"])[0] if "start" in item else dates.EARLIEST
        yield low, dates.bounds(item["end"])[1] if "end" in item else dates.LATEST


def links(item: Any, name: str) -> Iterator[tuple[Any, ...]]:
    text = item if isinstance(item, str) else item.get("reference", "#")
    local = re.fullmatch(r"(\w+)/([\w.\-]+)", text)
    if not text.startswith("#"):
        yield local.groups() if local else (None, text)


def quantities(item: Any, name: str) -> Iterator[tuple[Any, ...]]:
    for end in [item[key] for key in ("low", "high") if key in item] or [item]:
        if "currency" in end:
            yield end["value"], MONEY, end["currency"]
        elif "value" in end:
            yield end["value"], end.get("system") if "code" in end else None, end.get("code", end.get("unit"))


def plain(item: Any, name: str) -> Iterator[tuple[Any, ...]]:
    yield (item,)


READERS = {
    "token": tokens,
    "string": strings,
    "date": moments,
    "reference": links,
    "quantity": quantities,
    "number": plain,
    "uri": plain,
}


def naive_rows(body: Json) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """The rows of each (kind, path) of the resource's parameters."""
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for parameter in parameters(body["resourceType"]).values():
        if not parameter.paths or parameter.name == "deceased":
            continue
        for part in split_union(parameter.expression):
            name = re.sub(r"\.?where\(.*|\).*", "", part).split(".")[-1]
            kept = [row for _, item in naive(part, body) for row in READERS[parameter.kind](item, name)]
            found[parameter.kind, path_key(steps_of(part))] = kept
    return found


def fast_rows(body: Json) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    numbers = {
        number: path_key(steps_of(part))
        for parameter in parameters(body["resourceType"]).values()
        for number, part in zip(parameter.paths, own_parts(body, parameter.expression), strict=False)
    }
    kinds = ("token", "string", "date", "reference", "quantity", "number", "uri")
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for kind, table in zip(kinds, rows(body), strict=True):
        for number, *row in table:
            found.setdefault((kind, numbers[number]), []).append(tuple(row))
    return found


def own_parts(body: Json, expression: str) -> list[str]:
    wanted = (body["resourceType"], "Resource", "DomainResource")
    return [part for part in split_union(expression) if steps_of(part)[0] in wanted]


def comparable(found: dict[tuple[str, str], list[tuple[Any, ...]]], naive_side: Any) -> dict[Any, Any]:
    """Rows as sorted texts; a bound code's implied system, which JSON does not tell, stands as "any"."""
    bare = {key for key, kept in naive_side.items() for row in kept if row[0] == "any"}
    return {
        key: sorted(str(("any", row[1]) if key in bare else row) for row in kept)
        for key, kept in found.items()
        if kept and key[1] != "Patient.=deceased"
    }


RARE = ("Patient", "CarePlan", "Goal", "AllergyIntolerance", "ImagingStudy", "Organization")


def test_the_generated_functions_find_what_a_naive_evaluator_finds(ten_patients: list[Json]) -> None:
    sample = ten_patients[::7] + [body for body in ten_patients if body["resourceType"] in RARE]

    for body in sample:
        slow = naive_rows(body)
        assert comparable(slow, slow) == comparable(fast_rows(body), slow)


CONDITION = {"resourceType": "Condition", "subject": {"reference": "Patient/1"}}
OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
PATIENT = {"resourceType": "Patient"}
RISK = {"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": "Patient/1"}}
INVOICE = {"resourceType": "Invoice", "status": "issued"}
REPORT = {"resourceType": "MeasureReport", "status": "complete", "type": "summary", "period": {"start": "2026"}}
DOCUMENT = {"resourceType": "Bundle", "type": "document"}
TELECOM = [{"system": "email", "value": "a@b"}, {"system": "phone", "value": "1"}]
ENTRIES = [{"resource": OBSERVATION | {"id": "o"}}, {"resource": OBSERVATION | {"id": "p"}}]
TABLE: list[tuple[Json, str, list[tuple[Any, ...]]]] = [
    (OBSERVATION, "status", [("http://hl7.org/fhir/observation-status", "final")]),
    (
        OBSERVATION | {"code": {"coding": [{"system": "s", "code": "a"}, {"code": "b"}, {"system": "s"}]}},
        "code",
        [("s", "a"), (None, "b")],
    ),
    (OBSERVATION | {"valueString": "Ünruhe 不安"}, "value-string", [("unruhe 不安", "Ünruhe 不安")]),
    (OBSERVATION | {"valueCodeableConcept": {"text": "Red"}}, "value-string", [("red", "Red")]),
    (OBSERVATION | {"valueQuantity": {"value": 5, "unit": "kg"}}, "value-quantity", [(5.0, None, "kg")]),
    (OBSERVATION | {"valueQuantity": {"value": 5, "code": "kg"}}, "value-quantity", [(5.0, None, "kg")]),
    (OBSERVATION | {"valueQuantity": {"unit": "kg"}}, "value-quantity", []),
    (OBSERVATION | {"effectivePeriod": {"start": "1970"}}, "date", [(0, dates.LATEST)]),
    (OBSERVATION | {"effectivePeriod": {"end": "1970-01-01"}}, "date", [(dates.EARLIEST, 86_400 * dates.SECOND)]),
    (
        OBSERVATION | {"effectiveTiming": {"event": ["1970-01-03", "1970-01-01"]}},
        "date",
        [(0, 3 * 86_400 * dates.SECOND)],
    ),
    (
        OBSERVATION | {"effectiveTiming": {"repeat": {"boundsPeriod": {"start": "1970-01-01", "end": "1970-01-01"}}}},
        "date",
        [(0, 86_400 * dates.SECOND)],
    ),
    (CONDITION | {"onsetAge": {"value": 61, "unit": "a"}}, "onset-age", [(61.0, None, "a")]),
    (
        CONDITION | {"onsetRange": {"low": {"value": 1}, "high": {"value": 2}}},
        "onset-age",
        [(1.0, None, None), (2.0, None, None)],
    ),
    (CONDITION | {"onsetString": "Spring"}, "onset-info", [("spring", "Spring")]),
    (CONDITION | {"subject": {"reference": "Group/7/_history/2"}}, "subject", [("Group", "7")]),
    (CONDITION | {"subject": {"reference": "http://a.b/Patient/7"}}, "patient", [(None, "http://a.b/Patient/7")]),
    (CONDITION | {"subject": {"reference": "urn:uuid:7"}}, "subject", [(None, "urn:uuid:7")]),
    (CONDITION | {"subject": {"reference": "#p"}}, "subject", []),
    (CONDITION | {"subject": {"display": "someone"}}, "subject", []),
    (PATIENT | {"active": True}, "active", [(None, "true")]),
    (PATIENT, "deceased", [(None, "false")]),
    (PATIENT | {"deceasedBoolean": False}, "deceased", [(None, "false")]),
    (PATIENT | {"deceasedBoolean": True}, "deceased", [(None, "true")]),
    (PATIENT | {"deceasedDateTime": "1970"}, "deceased", [(None, "true")]),
    (PATIENT | {"deceasedDateTime": "1970-01-01"}, "death-date", [(0, 86_400 * dates.SECOND)]),
    (PATIENT | {"telecom": TELECOM}, "email", [(None, "a@b")]),
    (PATIENT | {"name": [{"given": ["梅", None], "_given": [None, {"id": "x"}]}]}, "given", [("梅", "梅")]),
    (PATIENT | {"identifier": [{"value": "7"}, {"system": "s"}]}, "identifier", [(None, "7")]),
    ({"resourceType": "ValueSet", "status": "draft", "url": "http://a"}, "url", [("http://a",)]),
    (RISK | {"prediction": [{"probabilityDecimal": 0.5}]}, "probability", [(0.5,)]),
    (INVOICE | {"totalNet": {"value": 3, "currency": "CNY"}}, "totalnet", [(3.0, MONEY, "CNY")]),
    (REPORT | {"measure": "http://m|1"}, "measure", [(None, "http://m|1"), (None, "http://m")]),
    (DOCUMENT | {"entry": ENTRIES}, "composition", [("Observation", "o")]),
]


@pytest.mark.parametrize(("body", "name", "expected"), TABLE)
def test_each_datatype_gives_its_rows(body: Json, name: str, expected: list[tuple[Any, ...]]) -> None:
    assert expected == values(body, name)


def test_every_type_has_its_function_and_every_path_its_lines() -> None:
    for type_name in RESOURCE_TYPES:
        written = source(type_name)
        paths = {number for parameter in parameters(type_name).values() for number in parameter.paths}
        assert [] == [number for number in paths if f"({number}," not in written and f" {number}," not in written]


def test_the_patient_of_an_observation_is_its_subject_where_that_is_a_patient() -> None:
    found = parameters("Observation")

    assert found["subject"].paths == found["patient"].paths
    assert ("Patient",) == found["patient"].targets
    assert {"Patient", "Group", "Device", "Location"} == set(found["subject"].targets)


def test_a_composite_names_its_components_and_their_paths() -> None:
    found = parameters("Observation")["component-code-value-quantity"]

    assert ["component-code", "component-value-quantity"] == [part.name for part in found.components]
    assert ["token", "quantity"] == [part.kind for part in found.components]
    assert all(part.paths for part in found.components)


def test_what_the_store_keeps_beside_a_resource_has_no_paths() -> None:
    assert ((), ()) == (parameters("Patient")["_id"].paths, parameters("Patient")["_lastUpdated"].paths)
    assert "phonetic" not in parameters("Patient")


def test_the_patient_compartment_is_found_by_reference_parameters() -> None:
    named = [parameters(name)[key] for name in RESOURCE_TYPES for key in compartment(name)]

    assert ("subject", "performer") == compartment("Observation")
    assert () == compartment("Organization")
    assert {"reference"} == {parameter.kind for parameter in named}
    assert all(parameter.paths for parameter in named)
