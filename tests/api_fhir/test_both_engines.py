"""SQLite and PostgreSQL answer the same: statuses, headers, bodies, pages; searches and writes drawn at random."""

import random
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from salus import fhir
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

SEED, SEARCHES, WRITES = 20, 600, 200
NAMES = ["Zoe", "zoé", "Żoe", "ab", "Ab", "李", "Ünal", "O'Hara", "a%b", "a_b", "A\\b"]
TYPES = ("Patient", "Observation", "Observation", "Encounter")
VALUES = {
    "token": ["a", "urn:n|b", "|a", "urn:n|", "final", "true", "male"],
    "string": ["z", "ZOE", "o'", "a%", "a_", "李", "a\\\\"],
    "reference": ["Patient/p1", "p2", "Encounter/e1", "Patient/none", "http://elsewhere/Patient/1"],
    "date": ["2026", "ge2026-01-10", "lt2026-01-05", "ne2026-01-03", "sa2026-01", "eb2026-01-20", "0001", "9999-12-31"],
    "number": ["1", "gt0.5", "1e3", "99999999999999999999"],
    "quantity": ["5", "gt3|urn:u|mg", "le4.5", "2||mg", "1e308"],
    "uri": ["urn:n", "urn:none"],
    "composite": ["a$gt3", "urn:n|b$5", "final$1"],
    "special": ["Zoe", "1|1|5|km"],
}
ODD = ["", "'", "\x00", "%", "a,b", "-1", "x" * 3000, "\U0010ffff", "|", "$"]
Wards = Any  # of conftest


def resource(draw: random.Random, type: str, id: str) -> dict[str, Any]:
    code = {"coding": [{"system": "urn:n", "code": draw.choice("abc")}]}
    patient, day = {"reference": f"Patient/p{draw.randrange(6)}"}, f"2026-01-{draw.randrange(1, 29):02}"
    bodies: dict[str, dict[str, Any]] = {
        "Patient": {
            "name": [{"family": draw.choice(NAMES), "given": [draw.choice(NAMES)]}],
            "gender": draw.choice(["male", "female"]),
            "birthDate": f"19{draw.randrange(10, 99)}",
        },
        "Observation": {
            "status": draw.choice(["final", "registered"]),
            "code": code,
            "subject": patient,
            "encounter": {"reference": f"Encounter/e{draw.randrange(4)}"},
            "effectiveDateTime": day,
            "valueQuantity": {"value": draw.randrange(20) / 2, "unit": "mg", "system": "urn:u", "code": "mg"},
        },
        "Encounter": {"status": "finished", "class": {"code": "AMB"}, "subject": patient, "period": {"start": day}},
    }
    return {"resourceType": type, "id": id, **bodies[type]}


def query(draw: random.Random, type: str) -> str:
    known = fhir.parameters(type)
    name = draw.choice(sorted(known))
    value = draw.choice(VALUES[known[name].kind]) if draw.random() < 0.85 else draw.choice(ODD)
    modifier = draw.choice(["", "", "", ":not", ":missing", ":exact", ":contains", ":text"])
    parts = [f"{name}{modifier}={quote('true' if modifier == ':missing' else value)}"]
    parts += [f"_sort={draw.choice(['', '-'])}{draw.choice(sorted(known))}"] * (draw.random() < 0.6)
    parts += [f"_count={draw.choice([1, 3, 20])}"] * (draw.random() < 0.5)
    parts += ["_total=accurate"] * (draw.random() < 0.5)
    more = ["_include=*", "subject.name=z", "_has:Observation:patient:code=a", "_content=zoe", "_filter=_id%20eq%20p1"]
    return "&".join([*parts, *[draw.choice(more)] * (draw.random() < 0.3)])


@pytest.fixture(scope="module")
def wards(new_file: Callable[[], str], new_schema: Callable[[], str], wards_of: type[Wards]) -> Iterator[Wards]:
    with Store(new_file()) as one, Store(new_schema()) as other:
        for store in (one, other):
            draw, staff = random.Random(SEED), store.open(SYSTEM, Purpose.OPERATIONS)
            for type, count in (("Patient", 6), ("Encounter", 4), ("Observation", 60)):
                for n in range(count):
                    staff.update(type, f"{type[0].lower()}{n}", resource(draw, type, f"{type[0].lower()}{n}"))
        made = wards_of([one, other], SYSTEM, Purpose.OPERATIONS)
        yield made
        made.close()


def check(wards: Wards, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> None:
    sqlite, postgres = wards.ask(method, path, body, headers)

    assert sqlite == postgres, (method, path)
    assert sqlite["status"] < 500, (method, path)


def test_searches_find_the_same_in_the_same_order(wards: Wards) -> None:
    draw = random.Random(SEED)
    for _ in range(SEARCHES):
        type = draw.choice(TYPES)
        check(wards, "GET", f"/{type}?{query(draw, type)}")


def test_writes_are_answered_alike_and_leave_the_same(wards: Wards) -> None:
    draw = random.Random(SEED + 1)
    for _ in range(WRITES):
        type = draw.choice(TYPES)
        id = f"{type[0].lower()}{draw.randrange(8)}"
        body, match = resource(draw, type, id), draw.choice([{}, {}, {"if-match": f'W/"{draw.randrange(4)}"'}])
        for question in draw.sample(
            [
                ("PUT", f"/{type}/{id}", body, match),
                ("PUT", f"/{type}?{query(draw, type)}", body, match),
                ("DELETE", f"/{type}/{id}", None, match),
                ("POST", f"/{type}", body, {"if-none-exist": query(draw, type).partition("&")[0]}),
                ("GET", f"/{type}/{id}/_history", None, {}),
                ("GET", f"/{type}/{id}", None, {}),
            ],
            2,
        ):
            check(wards, *question)
    for type in dict.fromkeys(TYPES):
        check(wards, "GET", f"/{type}?_sort=_id&_count=1000&_total=accurate")
        check(wards, "GET", f"/{type}/_history?_count=1000")
