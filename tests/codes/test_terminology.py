"""Code systems, value sets and maps without a server."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.base.errors import Invalid, Missing, Unsupported
from salus.codes import tables
from salus.codes.terminology import R4, Terminology, concept_map_of, expand, holds, system_of, translate, value_set_of
from salus.codes.terminology.filters import filtered, safe
from salus.codes.terminology.mapping import ConceptMap
from salus.codes.terminology.shapes import System, ValueSet

ANIMALS = system_of(
    {
        "resourceType": "CodeSystem",
        "url": "urn:animals",
        "version": "2",
        "content": "complete",
        "concept": [
            {
                "code": "animal",
                "display": "Animal",
                "property": [{"code": "notSelectable", "valueBoolean": True}],
                "concept": [
                    {
                        "code": "cat",
                        "display": "Cat",
                        "property": [{"code": "legs", "valueInteger": 4}],
                        "designation": [{"language": "zh-CN", "value": "家猫"}, {"language": "de", "value": "Katze"}],
                        "concept": [{"code": "manx", "display": "Manx cat"}],
                    },
                    {"code": "hen", "display": "Hen", "property": [{"code": "legs", "valueInteger": 2}]},
                    {"code": "dodo", "display": "Dodo", "property": [{"code": "status", "valueCode": "retired"}]},
                ],
            },
            {"code": "pet", "display": "Pet", "property": [{"code": "child", "valueCode": "cat"}]},
        ],
    }
)


class Zoo:
    """A source of the animals and the value sets of a test."""

    def __init__(self, *sets: ValueSet) -> None:
        self.sets = sets

    def systems(self, url: str) -> list[System]:
        return [ANIMALS] if url == ANIMALS.url else []

    def value_sets(self, url: str) -> list[ValueSet]:
        return [one for one in self.sets if one.url == url]

    def maps(self) -> list[ConceptMap]:
        return []


def named(url: str, *include: dict[str, Any], exclude: tuple[dict[str, Any], ...] = ()) -> ValueSet:
    return value_set_of({"url": url, "compose": {"include": list(include), "exclude": list(exclude)}})


def codes(
    *include: dict[str, Any], exclude: tuple[dict[str, Any], ...] = (), sets: tuple[ValueSet, ...] = (), **more: Any
) -> list[str]:
    found = expand(Terminology([Zoo(*sets)]), named("urn:it", *include, exclude=exclude), **more)
    return [system.codes[row] for system, row in found.concepts]


def by(op: str, value: str, name: str = "concept") -> dict[str, Any]:
    return {"system": "urn:animals", "filter": [{"property": name, "op": op, "value": value}]}


ALL = {"system": "urn:animals"}
ROWS = [
    ("is-a", "cat", "concept", ["cat", "manx"]),
    ("descendent-of", "animal", "concept", ["cat", "manx", "hen", "dodo"]),
    ("is-not-a", "animal", "concept", ["pet"]),
    ("generalizes", "manx", "concept", ["animal", "cat", "manx", "pet"]),
    ("=", "4", "legs", ["cat"]),
    ("=", "animal", "parent", ["cat", "hen", "dodo"]),
    ("=", "manx", "child", ["cat"]),
    ("in", "hen, cat", "concept", ["cat", "hen"]),
    ("not-in", "hen,cat,pet", "code", ["animal", "manx", "dodo"]),
    ("exists", "true", "legs", ["cat", "hen"]),
    ("exists", "false", "legs", ["animal", "manx", "dodo", "pet"]),
    ("regex", "[a-d].*", "code", ["animal", "cat", "dodo"]),
    ("regex", "Man.*|Hen", "display", ["manx", "hen"]),
]


@pytest.mark.parametrize(("op", "value", "name", "expected"), ROWS)
def test_each_filter_lets_through_what_it_says(op: str, value: str, name: str, expected: list[str]) -> None:
    assert expected == codes(by(op, value, name))


def test_includes_add_up_excludes_take_away_and_nested_sets_intersect() -> None:
    cats, legs = named("urn:cats", by("is-a", "cat")), named("urn:legs", by("exists", "true", "legs"))

    assert ["cat", "manx", "pet"] == codes(
        by("is-a", "cat"), {"system": "urn:animals", "concept": [{"code": "pet"}, {"code": "cat"}]}
    )
    assert ["manx"] == codes(by("is-a", "cat"), exclude=({"system": "urn:animals", "concept": [{"code": "cat"}]},))
    assert ["cat"] == codes({"valueSet": ["urn:cats", "urn:legs"]}, sets=(cats, legs))
    assert ["hen"] == codes(
        by("is-a", "animal"), exclude=({"valueSet": ["urn:cats"]}, by("in", "animal,dodo")), sets=(cats,)
    )
    assert ["manx"] == codes(
        {
            "system": "urn:animals",
            "filter": [
                *by("is-a", "cat")["filter"],
                *by("is-not-a", "hen")["filter"],
                *by("exists", "false", "legs")["filter"],
            ],
        }
    )


def test_a_value_set_may_list_codes_of_a_system_that_is_not_here() -> None:
    lists = {
        "system": "urn:elsewhere",
        "concept": [{"code": "x", "display": "Ex"}, {"code": "y"}, {"code": "x", "display": "Ex"}],
    }

    assert ["x", "y"] == codes(lists)
    assert ["x"] == codes(lists, text="ex")


def test_pages_of_an_expansion_make_the_whole() -> None:
    whole = codes(ALL)

    assert 6 == len(whole)
    assert whole == [code for offset in range(0, 6, 4) for code in codes(ALL, offset=offset, count=4)]
    assert ["animal", "cat", "manx", "hen", "pet"] == codes(ALL, active_only=True)


@pytest.mark.parametrize(
    ("part", "kind", "told"),
    [
        (by("is-a", "unicorn"), Invalid, "unicorn"),
        (by("=", "1", "wings"), Invalid, "legs"),
        (by("near", "cat"), Unsupported, "is-a"),
        ({"system": "urn:none"}, Missing, "salus codes load"),
        ({"valueSet": ["urn:none"]}, Missing, "ValueSet"),
        ({"system": "urn:animals", "version": "1"}, Missing, "held here as 2"),
        ({}, Invalid, "neither"),
        (by("regex", "(a+)+b", "code"), Invalid, "repeats"),
        (by("regex", "((a|a)b?)*", "code"), Invalid, "repeats"),
        (by("regex", "(a)\\1", "code"), Invalid, "repeats"),
        (by("regex", "[a", "code"), Invalid, "cannot be read"),
    ],
)
def test_what_cannot_be_made_out_is_refused_with_what_to_do(part: dict[str, Any], kind: type, told: str) -> None:
    with pytest.raises(kind, match=told):
        codes(part)


def test_a_value_set_within_itself_is_refused() -> None:
    ring = [named("urn:a", {"valueSet": ["urn:b"]}), named("urn:b", {"valueSet": ["urn:a"]})]

    with pytest.raises(Invalid, match="part of itself"):
        codes({"valueSet": ["urn:a"]}, sets=tuple(ring))


def test_a_slow_pattern_ends() -> None:
    many = System("urn:long", codes=["a" * 200 + str(number) for number in range(2000)])
    began = time.process_time()
    with pytest.raises(Invalid, match="too long"):
        filtered(many, {"op": "regex", "property": "code", "value": "a*a*a*b"})

    assert time.process_time() - began < 5
    assert safe(r"\(+[*+]?").fullmatch("((*")


def test_a_name_is_found_by_words_in_any_order_code_and_chinese() -> None:
    assert ["manx"] == codes(ALL, text="cat MAN")
    assert ["cat"] == codes(ALL, text="猫")
    assert ["cat"] == codes(ALL, text="jm")
    assert [] == codes(ALL, text="anx")


@given(st.sets(st.sampled_from(ANIMALS.codes)), st.sets(st.sampled_from(ANIMALS.codes)))
def test_membership_is_that_of_the_expansion(listed: set[str], excluded: set[str]) -> None:
    value_set = named(
        "urn:it", by("in", ",".join(listed)), exclude=({**ALL, "concept": [{"code": code} for code in excluded]},)
    )
    terms = Terminology([Zoo()])

    assert listed - excluded == {code for code in ANIMALS.codes if holds(terms, value_set, "urn:animals", code)}


def test_a_circle_in_a_hierarchy_ends() -> None:
    system = System("urn:ring", codes=["a", "b"], displays=["", ""], parents={0: [1], 1: [0]})

    assert {1} == system.below(0) == system.above(0)


def test_every_code_system_and_value_set_of_r4_is_here() -> None:
    systems, sets = R4.addresses()

    assert 1000 < len(systems) and 1290 < len(sets)
    assert 19_000 < sum(len(system.codes) for url in systems for system in R4.systems(url))


def test_nearly_every_value_set_of_r4_expands_or_says_what_is_missing() -> None:
    terms, missing, broken = Terminology(), [], []
    for url in R4.addresses()[1]:
        try:
            expand(terms, terms.value_set(url), count=10)
        except Missing:
            missing.append(url)
        except Invalid:
            broken.append(url)

    assert len(missing) < 90
    assert [] == broken


def test_r4_knows_its_codes_and_our_tables_their_chinese() -> None:
    terms = Terminology()
    gender = terms.system("http://hl7.org/fhir/administrative-gender")
    diabetes = terms.system(tables.SNOMED)
    row = diabetes.row("44054006")

    assert ["male", "female", "other", "unknown"] == gender.codes
    assert row is not None and "2型糖尿病" == terms.display(diabetes, row, "zh")
    assert "fragment" == diabetes.content
    emergency = holds(
        terms,
        terms.value_set("http://terminology.hl7.org/ValueSet/v3-ActEncounterCode"),
        "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "EMER",
    )
    assert emergency is not None


def test_no_name_of_snomed_or_loinc_stands_in_the_file() -> None:
    sets = [one for url in R4.addresses()[1] for one in R4.value_sets(url)]
    theirs = [
        part
        for one in sets
        for part in one.include
        if part.get("system") in ("http://snomed.info/sct", "http://loinc.org")
    ]

    assert 50 < len(theirs)
    assert [] == [name for part in theirs for _, *names in part.get("concept", []) for name in names if name]


def test_a_diagnosis_is_translated_both_ways() -> None:
    maps = Terminology().maps()
    there = translate(maps, tables.SNOMED, "44054006", tables.ICD10)
    back = translate(maps, tables.ICD10, "I10", tables.SNOMED)
    reversed_ = translate(maps, tables.ICD10, "I10", tables.SNOMED, reverse=True)

    assert [("relatedto", "E11")] == [(match.equivalence, match.code) for match in there]
    assert {"59621000", "38341003"} == {match.code for match in back} == {match.code for match in reversed_}
    assert {"narrower"} == {match.equivalence for match in back} == {match.equivalence for match in reversed_}
    assert ["A10BA02"] == [match.code for match in translate(maps, tables.RXNORM, "6809")]


def test_a_map_may_say_what_becomes_of_the_unmapped() -> None:
    def of(unmapped: dict[str, Any]) -> ConceptMap:
        return concept_map_of(
            {"url": "urn:m", "group": [{"source": "urn:a", "target": "urn:b", "element": [], "unmapped": unmapped}]}
        )

    assert ["z"] == [match.code for match in translate([of({"mode": "provided"})], "urn:a", "z")]
    assert [("inexact", "q")] == [
        (m.equivalence, m.code) for m in translate([of({"mode": "fixed", "code": "q"})], "urn:a", "z")
    ]


def test_concepts_within_concepts_may_lie_deep() -> None:
    concept: dict[str, Any] = {"code": "0"}
    for depth in range(1, 3000):
        concept = {"code": str(depth), "concept": [concept, {"code": f"beside {depth}"}]}
    system = system_of({"url": "urn:deep", "concept": [concept]})

    assert ["2999", "2998", "2997"] == system.codes[:3]
    assert 5998 == len(system.below(0))
    assert [0] == system.parents[system.codes.index("beside 2999")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4548-4", ["4548-4"]), ("4548", ["4548-4"]), ("+", ["+"]), ("1/2 TAB", ["1/2 tab"]), ("-", []), ("  ", [])],
)
def test_a_code_with_signs_in_it_is_found(text: str, expected: list[str]) -> None:
    system = System("urn:s", codes=["4548-4", "+", "1/2 tab", "3 4"], displays=["", "", "", ""])

    assert expected == [system.codes[row] for row in system.index.find(text, range(4))] or not text.strip()


WORDS = st.lists(st.sampled_from(["type", "2", "diabetes", "dia", "typhoid", "病", "糖尿病", "e11", "e1"]), max_size=3)


@given(st.lists(st.tuples(st.sampled_from(["E11", "E11.2", "A01"]), WORDS), unique_by=lambda row: row[0]), WORDS)
def test_finding_is_that_of_a_plain_reading(rows: list[tuple[str, list[str]]], asked: list[str]) -> None:
    system = System("urn:s", codes=[code for code, _ in rows], displays=[" ".join(words) for _, words in rows])

    def has(code: str, words: list[str], word: str) -> bool:
        there = [code.lower(), code.lower().replace(".", ""), *words]
        return any(one.startswith(word) if word.isascii() else word in one for one in there)

    expected = {row for row, (code, words) in enumerate(rows) if all(has(code, words, word) for word in asked)}
    assert expected == set(system.index.find(" ".join(asked), range(len(rows))))


def test_a_code_twice_is_refused() -> None:
    with pytest.raises(Invalid, match="twice"):
        system_of({"url": "urn:a", "concept": [{"code": "a"}, {"code": "b", "concept": [{"code": "a"}]}]})


def test_an_expansion_alone_makes_a_value_set(tmp_path: Path) -> None:
    contains = [{"system": "urn:z", "code": "a", "contains": [{"system": "urn:z", "code": "b"}]}]
    value_set = value_set_of(json.loads(json.dumps({"url": "urn:e", "expansion": {"contains": contains}})))
    found = expand(Terminology(), value_set)

    assert ["a", "b"] == [system.codes[row] for system, row in found.concepts]


@pytest.mark.parametrize(
    ("url", "code", "en", "zh"),
    [
        ("urn:iso:std:iso:3166", "CN", "China", "中国"),
        ("urn:iso:std:iso:4217", "CNY", "Chinese Yuan", "人民币"),
        ("urn:ietf:bcp:47", "fr", "French", "法语"),
        (tables.UCUM, "mm[Hg]", "mmHg", "mmHg"),
        (tables.LOINC, "4548-4", "Haemoglobin A1c", "糖化血红蛋白"),
        (tables.RXNORM, "6809", "Metformin", "二甲双胍"),
        (tables.ATC, "A10BA02", "Metformin", "二甲双胍"),
    ],
)
def test_systems_that_r4_only_points_at_are_held_in_part(url: str, code: str, en: str, zh: str) -> None:
    terms = Terminology()
    system = terms.system(url)
    row = system.row(code)
    assert row is not None

    assert ("fragment", en, zh) == (system.content, terms.display(system, row, "en"), terms.display(system, row, "zh"))


def test_no_country_is_one_that_only_cldr_knows() -> None:
    countries = Terminology().system("urn:iso:std:iso:3166").codes

    assert 249 == len(countries)  # https://www.iso.org/iso-3166-country-codes.html
    assert not {"EU", "XK", "ZZ"} & set(countries)


def test_membership_asks_only_the_parts_of_the_codes_own_system() -> None:
    mixed = named("urn:it", {"system": "urn:none"}, by("is-a", "cat"), exclude=({"system": "urn:none"},))
    terms = Terminology([Zoo()])

    assert holds(terms, mixed, "urn:animals", "manx")
    assert not holds(terms, mixed, "urn:elsewhere", "manx")
    with pytest.raises(Missing):
        holds(terms, mixed, "urn:none", "manx")
