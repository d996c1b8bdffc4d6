"""Whatever is asked, of either engine: an answer in words, soon, never a fault of ours, and a store that is whole."""

import random
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from salus import fhir
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

SEED, COUNT, SOON = 7, 700, 5.0  # requests of each kind; seconds
TYPES = ("Patient", "Observation", "Location", "List", "RiskAssessment", "AuditEvent")
OTHERS = ("_id", "_lastUpdated", "_tag", "_list", "_content", "_filter", "_sort", "_count", "_include", "_elements",
          "_has:Observation:patient:code", "_cursor", "_since", "_total", "_summary", "_type", "near")  # fmt: skip
MODIFIERS = ("", "", "", ":exact", ":contains", ":text", ":not", ":missing", ":in", ":below", ":of-type", ":identifier",
             ":iterate", ":Patient.name", ".name", ":x", ":")  # fmt: skip
ODD = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "'",
    "''; DROP TABLE resource;--",
    '"',
    "\\",
    "|",
    "||",
    "$",
    ",",
    "%",
    "_",
    "*",
    "(" * 500,
    "İ",
    "ß" * 300,
    "\U0010ffff",
    "\u202e",
    "٣",
    "a" * 5000,
    "9" * 400,
    "1e400",
    "-1e308",
    "1e-400",
    "9223372036854775808",
    "2147483648",
    "NaN",
    "-0",
    "0000",
    "0001-01-01",
    "9999-12-31T23:59:60-14:00",
    "10000",
    "2020-13",
    "ge0001",
    "ap9999",
    "2020-01-01T24:00:00Z",
    "Patient/",
    "Patient/a/b",
    "../..",
    "Patient/%00",
    "http://x/" + "y" * 3000,
    "91|0|1|km",
    "nan|nan",
    "0|0|1e400|km",
    "5.4|http://unitsofmeasure.org|mg",
    "a eq b",
    "not (a eq b",
    'name co "\x00"',
    "a.b.c.d",
]
Wards = Any  # of conftest
Json = dict[str, Any]


def bodies() -> list[Json]:
    who = {"reference": "Patient/p"}
    return [
        {"resourceType": "Patient", "id": "p", "name": [{"family": "A", "given": ["B"]}], "birthDate": "2001-02-03",
         "identifier": [{"system": "urn:a", "value": "1"}], "address": [{"city": "C"}], "multipleBirthInteger": 2},
        {"resourceType": "Observation", "id": "o", "status": "final", "subject": who,
         "code": {"coding": [{"system": "s", "code": "c"}]},
         "effectiveDateTime": "2026-01-01T00:00:00Z",
         "valueQuantity": {"value": 1.5, "unit": "mg"}},
        {"resourceType": "Location", "id": "l", "position": {"longitude": 1, "latitude": 2}, "name": "L"},
        {"resourceType": "List", "id": "i", "status": "current", "mode": "working", "entry": [{"item": who}]},
        {"resourceType": "RiskAssessment", "id": "r", "status": "final", "subject": who,
         "prediction": [{"probabilityDecimal": 0.5}]},
    ]  # fmt: skip


def value(draw: random.Random) -> str:
    return draw.choice(["", "", "ge", "ne", "ap", "sa"]) + draw.choice(ODD)


def broken(draw: random.Random, plain: Any) -> Any:
    """The same with something odd somewhere."""
    if isinstance(plain, dict) and plain:
        key = draw.choice(list(plain))
        if draw.random() < 0.15:
            return {name: inner for name, inner in plain.items() if name != key}
        if draw.random() < 0.1:
            return plain | {draw.choice(["_" + key, "extension", "x\x00", "", "contained"]): odd(draw)}
        return plain | {key: broken(draw, plain[key])}
    if isinstance(plain, list) and plain and draw.random() < 0.9:
        return [broken(draw, plain[0]), *plain[1:]] * draw.choice([1, 1, 40])
    return odd(draw)


def odd(draw: random.Random) -> Any:
    return draw.choice(
        [value(draw), value(draw), None, True, -1, 10**18, 1e300, [], {}, [[]], {"a": {}}, [value(draw)]]
    )


def searches(draw: random.Random) -> Iterator[tuple[str, str, Any]]:
    for _ in range(COUNT):
        type = draw.choice(TYPES)
        names = [draw.choice([*fhir.parameters(type), *OTHERS]) for _ in range(draw.choice([1, 1, 2, 3]))]
        query = "&".join(f"{name}{draw.choice(MODIFIERS)}={quote(value(draw), safe='')}" for name in names)
        yield (
            "GET",
            draw.choice([f"/{type}?", f"/{type}?", "/?_type=Patient&", f"/Patient/p/{type}?", f"/{type}/_history?"])
            + query,
            None,
        )


def writes(draw: random.Random) -> Iterator[tuple[str, str, Any]]:
    for _ in range(COUNT):
        whole = draw.choice(bodies())
        body, type = broken(draw, whole), whole["resourceType"]
        id = draw.choice(["p", "o", "l", "new", "a" * 65])
        entry = {"request": {"method": draw.choice(["POST", "PUT", "x"]), "url": draw.choice([type, value(draw)])}}
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry | {"resource": body}]}
        yield draw.choice([("POST", f"/{type}", body), ("PUT", f"/{type}/{id}", body), ("POST", "/", bundle),
                           ("PUT", f"/{type}?_id={quote(value(draw), safe='')}", body)])  # fmt: skip


@pytest.mark.parametrize("kind", [searches, writes])
def test_nothing_that_is_asked_breaks_anything(
    kind: Callable[[random.Random], Iterator[tuple[str, str, Any]]], new_place: Callable[[], str], wards_of: type[Wards]
) -> None:
    with Store(new_place()) as store:
        staff = store.open(SYSTEM, Purpose.OPERATIONS)
        for body in bodies():
            staff.update(body["resourceType"], body["id"], body)
        ward = wards_of([store], SYSTEM, Purpose.OPERATIONS)
        for method, path, body in kind(random.Random(SEED)):
            began = time.process_time()
            [told] = ward.ask(method, path, None if body is None else orjson.dumps(body))

            assert told["status"] < 500, (method, path, body)
            assert told["status"] < 400 or told["text"].startswith('{"resourceType":"OperationOutcome"'), (method, path)
            assert time.process_time() - began < SOON, (method, path)
        ward.close()
        store.verify()
