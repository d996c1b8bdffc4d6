"""The International Patient Summary: its own examples keep its profiles, and mutants of them do not.

https://hl7.org/fhir/uv/ips/  The package is no part of the house: `.ci/examples` puts it into the user's cache.
"""

import copy
import json
import os
import tarfile
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from salus.codes.terminology import Package, Terminology, packages
from salus.fhir import validate
from salus.fhir.places import Place, named, places
from salus.fhir.profiles import Profiles
from salus.fhir.profiles.checks import Check
from salus.fhir.profiles.rules import Rule
from salus.fhir.profiles.slices import slicing_of

Json = dict[str, Any]
FILE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "salus/hl7.fhir.uv.ips-2.0.0.tgz"
EXAMPLES = "package/example/"
LARGEST = 1 << (30 if os.environ.get("SALUS_FHIR_PACKAGE") else 14)  # bytes of an example of which mutants are made


@cache
def package() -> Package:
    if not FILE.is_file():
        pytest.skip("the npm package hl7.fhir.uv.ips 2.0.0 is not here: run .ci/examples")
    taken = packages.take(FILE)
    assert [] == taken.bad
    return taken.package


@cache
def examples() -> dict[str, bytes]:
    package()
    with tarfile.open(FILE) as tar:
        files = {m.name: tar.extractfile(m) for m in tar if m.name.startswith(EXAMPLES) and m.name.endswith(".json")}
        bodies = {name.removeprefix(EXAMPLES): file.read() for name, file in files.items() if file}
    return {name: body for name, body in bodies.items() if b'"resourceType"' in body}


@cache
def profiles() -> Profiles:
    held = package()
    return Profiles(held.structures, Terminology([held]))


def errors(body: bytes) -> list[str]:
    return [issue.text for issue in validate(body, profiles=profiles()) if issue.severity == "error"]


def test_its_examples_keep_its_profiles() -> None:
    found = {name: issues for name, body in examples().items() if (issues := errors(body))}

    assert 44 == len(examples())
    assert {} == found


def mutants(name: str, body: bytes) -> Iterator[tuple[str, str, Json]]:
    """(what was done, where, the mutant): what a profile demands left out, what it fixes changed."""
    read = json.loads(body, parse_float=Decimal)
    for url in read.get("meta", {}).get("profile", []):
        (place, *_) = places(read)
        for kind, path in demands(profiles().rule(url), place):
            mutant = copy.deepcopy(read)
            change(mutant, kind, path.split(".")[1:])
            yield kind, path, mutant


def demands(rule: Rule, place: Place) -> Iterator[tuple[str, str]]:
    for name, child in rule.children.items():
        found = named(place, name)
        if child.least and found:
            yield "left out", f"{place.path}.{name}"
        for part in found:
            if child.value is not None and isinstance(part.node.value, str):
                yield "changed", part.path
            yield from demands(child, part)
        order, _ = Check(profiles()).sorted(child, slicing_of(child), found)
        for number, slice in enumerate(child.slices.values()):
            if slice.least and number in order.values():
                yield "slice left out", f"{place.path}.{name}"


def change(body: Any, kind: str, steps: list[str]) -> None:
    *way, last = steps
    for step in way:
        field, _, place = step.partition("[")
        body = body[field] if not place else body[field][int(place[:-1])]
    for field in [key for key in body if key.lstrip("_") == last or is_choice(key.lstrip("_"), last)]:
        if kind == "changed":
            body[field] = "changed-by-us"
        else:
            del body[field]


def is_choice(field: str, name: str) -> bool:
    return field.startswith(name) and field[len(name) : len(name) + 1].isupper()


def test_every_mutant_of_its_examples_is_refused() -> None:
    made, passed = Counter[str](), []
    for name, body in examples().items():
        if len(body) > LARGEST:
            continue
        for kind, path, mutant in mutants(name, body):
            made[kind] += 1
            if not errors(orjson.dumps(mutant, default=float)):
                passed.append((name, kind, path))

    print(made.total(), dict(made))
    assert [] == passed
    assert made.total() > 150
