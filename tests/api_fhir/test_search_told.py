"""The CapabilityStatement and the pages say of searches what is served, and nothing else."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from salus import fhir
from salus.api.fhir.capabilities import statement
from salus.base.errors import Unsupported
from salus.records.search import parse
from salus.records.search.filtering import OPERATORS
from salus.records.search.matching import MAKERS
from salus.records.search.meaning import BY_KIND
from salus.records.search.query import ANCHOR, COMPARTMENT, CONTROLS, IGNORED
from salus.records.search.ranges import RANGES
from salus.records.search.terms import WORDS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [(DOCS / name).read_text("utf-8") for name in ("fhir-search.md", "fhir-search.zh.md")]
REST: dict[str, Any] = orjson.loads(statement(()))["rest"][0]
RESOURCES: dict[str, dict[str, Any]] = {one["type"]: one for one in REST["resource"]}
VALUES = {"_filter": "_id eq 1", "_list": "1"}


def named(type: str) -> list[str]:
    return [one["name"] for one in RESOURCES[type]["searchParam"]]


def test_all_that_is_named_is_served() -> None:
    for type in RESOURCES:
        for name in named(type):
            assert parse(type, [(name, VALUES.get(name, "1"))]).terms, (type, name)


def test_all_that_is_served_is_named_once() -> None:
    for type, found in RESOURCES.items():
        names = [one["name"] for one in found["searchParam"]]
        wanted = {*fhir.parameters(type), "_filter", "_list", "_content"}

        assert len(names) == len(set(names))
        assert wanted == set(names) - {"_text"}


def test_what_is_not_named_is_refused() -> None:
    for type in ("Patient", "Observation", "Binary"):
        for name in ("phonetic", "_query", "_score", "_graph", "_maxresults", "_containedType", "_text"):
            if name not in named(type):
                with pytest.raises(Unsupported, match=name):
                    parse(type, [(name, "x")])


def test_includes_that_are_named_are_served() -> None:
    for type in ("Patient", "Observation", "Encounter", "Location"):
        for link in RESOURCES[type]["searchInclude"]:
            assert parse(type, [("_include", link)]).includes
        for link in RESOURCES[type]["searchRevInclude"]:
            assert parse(type, [("_revinclude", link)]).includes


def test_compartments_that_are_named_are_served() -> None:
    names = [url.rpartition("/")[2] for url in REST["compartment"]]

    assert ["patient", "device", "encounter", "practitioner", "relatedperson"] == names
    for name in fhir.compartments():
        assert parse("Observation", [(COMPARTMENT, f"{name}/1")])


def test_modifiers_are_those_that_are_told() -> None:
    told = dict(re.findall(r"(\w+) ((?::[\w-]+(?:, )?)+)", REST["documentation"]))
    known = {name for _, found, _ in MAKERS.values() for name in found} | {"missing"}
    examples = {"token": "code", "string": "value-string", "date": "date", "quantity": "value-quantity"}
    for kind, name in (examples | {"reference": "device"}).items():
        said = {one.strip(" :") for one in told[kind].split(",")}
        for modifier in known:
            try:
                parse("Observation", [(f"{name}:{modifier}", "true")])
                served = True
            except Unsupported:
                served = False
            assert served == (modifier in said), (kind, modifier)


@pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])
def test_the_page_names_every_word(page: str) -> None:
    words = {*CONTROLS, *IGNORED, *WORDS, "_has", "_type", "_explain", "near"} - {ANCHOR, COMPARTMENT}
    modifiers = {f":{name}" for _, known, _ in MAKERS.values() for name in known} | {":iterate", ":missing"}

    assert [] == [word for word in sorted(words) if f"`{word}" not in page]
    assert [] == [word for word in sorted(modifiers) if f"`{word}`" not in page]
    assert [] == [word for word in sorted(set(RANGES) | OPERATORS) if f"`{word}`" not in page]
    assert [] == [kind for kind in (*BY_KIND, *MAKERS) if f"| {kind}" not in page and f", {kind}" not in page]


def test_the_operators_of_each_kind_are_told() -> None:
    for page in PAGES:
        rows = dict(re.findall(r"^\| (string|token|uri|reference|date) \| ((?:`\w\w` ?)+)", page, re.M))
        for kind, told in rows.items():
            assert {*BY_KIND[kind], "pr"} == set(re.findall(r"\w\w", told)), kind
        assert 5 == len(rows)


def test_both_pages_have_the_same_rows() -> None:
    rows = [[line.count("|") for line in page.splitlines() if line.startswith("|")] for page in PAGES]

    assert rows[0] == rows[1]
