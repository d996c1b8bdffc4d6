"""The terminology operations over HTTP: what R4, our tables and stored resources say."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from salus.api import fhir
from salus.base.errors import Unauthorized
from salus.codes.terminology import Site, System
from salus.codes.terminology.loading import load
from salus.codes.terminology.site import FOLDER
from salus.fhir import decode
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store

SNOMED = "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
GENDER = "http://hl7.org/fhir/administrative-gender"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
ACTS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PEOPLE = {
    b"system": (SYSTEM, Purpose.OPERATIONS),
    b"desk": (Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS),
    b"eva": (Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST),
}
WARDS = {
    "resourceType": "CodeSystem",
    "url": "urn:wards",
    "version": "1",
    "status": "active",
    "content": "complete",
    "concept": [
        {
            "code": "med",
            "display": "Medicine",
            "designation": [{"language": "zh", "value": "内科"}],
            "concept": [{"code": "card", "display": "Cardiology"}, {"code": "neph", "display": "Nephrology"}],
        },
        {"code": "old", "display": "Old ward", "property": [{"code": "status", "valueCode": "retired"}]},
        {"code": "all", "display": "Any ward", "property": [{"code": "notSelectable", "valueBoolean": True}]},
    ],
}
INNER = {
    "resourceType": "ValueSet",
    "url": "urn:inner",
    "status": "active",
    "compose": {
        "include": [{"system": "urn:wards", "filter": [{"property": "concept", "op": "is-a", "value": "med"}]}]
    },
}
MAP = {
    "resourceType": "ConceptMap",
    "url": "urn:map",
    "status": "active",
    "group": [
        {
            "source": "urn:wards",
            "target": "urn:floors",
            "element": [{"code": "card", "target": [{"code": "3", "equivalence": "wider"}]}],
        }
    ],
}

ALL_WARDS = {"system": "urn:wards"}


def identify(headers: Mapping[bytes, bytes]) -> tuple[Actor, Purpose]:
    try:
        return PEOPLE[headers[b"authorization"]]
    except KeyError:
        raise Unauthorized("Say who you are") from None


class Terms:
    """A client of the terminology operations; whatever comes back is valid FHIR."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._transport = httpx.ASGITransport(fhir.door(store, identify))
        self._loop = asyncio.new_event_loop()

    def ask(self, method: str, path: str, body: Any = None, who: str = "system", **headers: str) -> httpx.Response:
        return self._loop.run_until_complete(self._ask(method, path, body, {"authorization": who, **headers}))

    async def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://ward") as client:
            answer = await client.request(method, f"/fhir{path}", headers=headers, json=body)
        decode(answer.content)
        return answer

    def __call__(self, path: str, who: str = "system", **query: Any) -> httpx.Response:
        return self.ask("GET", f"/{path}?{urlencode(query)}", who=who)

    def told(self, path: str, who: str = "system", **query: Any) -> dict[str, Any]:
        return values(self(path, who, **query))

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


def values(answer: httpx.Response) -> dict[str, Any]:
    """The simple parameters of an answer, by name."""
    assert 200 == answer.status_code, answer.text
    return {
        part["name"]: value
        for part in answer.json()["parameter"]
        for name, value in part.items()
        if name.startswith("value")
    }


def codes(answer: httpx.Response) -> list[str]:
    assert 200 == answer.status_code, answer.text
    return [entry["code"] for entry in answer.json()["expansion"].get("contains", [])]


@pytest.fixture(scope="module")
def terms(new_place: Callable[[], str]) -> Iterator[Terms]:
    with Store(new_place()) as store:
        client = Terms(store)
        for id, resource in (("wards", WARDS), ("inner", INNER), ("map", MAP)):
            client.ask("PUT", f"/{resource['resourceType']}/{id}", {**resource, "id": id}).raise_for_status()
        yield client
        client.close()


def test_a_code_is_looked_up_with_its_names_definition_and_place(terms: Terms) -> None:
    answer = terms("CodeSystem/$lookup", system=ACTS, code="EMER", displayLanguage="zh")
    parts = answer.json()["parameter"]
    properties = [{p["name"]: p.get("valueCode") for p in part["part"]} for part in parts if part["name"] == "property"]

    assert "emergency" == values(answer)["display"]
    assert values(answer)["definition"].startswith("A patient encounter")
    assert {"code": "parent", "value": "_ActEncounterCode"} in properties


def test_our_tables_speak_chinese(terms: Terms) -> None:
    asked = {"system": SNOMED, "code": "44054006"}
    by_header = terms.ask("GET", f"/CodeSystem/$lookup?{urlencode(asked)}", **{"accept-language": "zh-CN,zh;q=0.9"})

    assert "2型糖尿病" == terms.told("CodeSystem/$lookup", **asked, displayLanguage="zh-CN")["display"]
    assert "2型糖尿病" == values(by_header)["display"]
    assert "Type 2 diabetes" == terms.told("CodeSystem/$lookup", **asked)["display"]


def test_only_the_properties_asked_for_are_told(terms: Terms) -> None:
    answer = terms("CodeSystem/$lookup", system="urn:wards", code="card", property="parent").json()["parameter"]
    told = [part["part"][0]["valueCode"] for part in answer if part["name"] == "property"]

    assert ["parent"] == told
    assert "definition" not in {part["name"] for part in answer}


def test_a_coding_may_be_posted(terms: Terms) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "coding", "valueCoding": {"system": GENDER, "code": "male"}}],
    }

    assert "Male" == values(terms.ask("POST", "/CodeSystem/$lookup", body))["display"]


@pytest.mark.parametrize(
    ("path", "query", "status", "said"),
    [
        ("CodeSystem/$lookup", {"system": "urn:none", "code": "x"}, 404, "salus codes load"),
        ("CodeSystem/$lookup", {"system": GENDER, "code": "x"}, 404, "has no code"),
        ("CodeSystem/$lookup", {"system": SNOMED, "code": "1"}, 404, "in the part"),
        ("CodeSystem/$lookup", {"system": GENDER, "version": "9", "code": "male"}, 404, "4.0.1"),
        ("CodeSystem/$lookup", {"code": "male"}, 400, "system"),
        ("CodeSystem/$lookup", {"system": GENDER}, 400, "coding"),
        ("CodeSystem/$lookup", {"system": GENDER, "code": "male", "colour": "red"}, 400, "colour"),
        ("CodeSystem/$lookup", {"system": GENDER, "code": "male", "date": "2020"}, 400, "date"),
        ("CodeSystem/$validate-code", {"code": "male"}, 400, "url"),
        ("CodeSystem/$subsumes", {"system": "urn:wards", "codeA": "med", "codeB": "none"}, 404, "none"),
        ("ValueSet/$expand", {}, 400, "url"),
        ("ValueSet/$expand", {"url": "urn:none"}, 404, "POST /ValueSet"),
        ("ValueSet/$expand", {"url": GENDERS, "count": "-1"}, 400, "whole number"),
        ("ValueSet/$expand", {"url": GENDERS, "activeOnly": "perhaps"}, 400, "true or false"),
        ("ValueSet/$validate-code", {"url": GENDERS, "code": "male"}, 400, "system"),
        ("ValueSet/none/$expand", {}, 404, "ValueSet/none"),
        ("ConceptMap/$translate", {"url": "urn:none", "system": "urn:wards", "code": "card"}, 404, "concept map"),
        ("CodeSystem/$expand", {"url": GENDERS}, 404, "not served"),
        ("ValueSet/$expand", {"url": GENDERS, "valueSet": "text"}, 400, "POST Parameters"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_why(
    terms: Terms, path: str, query: dict[str, str], status: int, said: str
) -> None:
    answer = terms(path, **query)

    assert (status, "OperationOutcome") == (answer.status_code, answer.json()["resourceType"])
    assert said in answer.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    ("query", "result", "said"),
    [
        ({"url": GENDER, "code": "male"}, True, ""),
        ({"url": GENDER, "code": "male", "display": "MALE"}, True, ""),
        ({"url": GENDER, "code": "male", "display": "Man"}, False, "not called"),
        ({"url": GENDER, "code": "Male"}, False, "has no code"),
        ({"url": SNOMED, "code": "44054006", "display": "2型糖尿病"}, True, ""),
        ({"url": SNOMED, "code": "1"}, False, "in the part"),
        ({"url": "urn:wards", "code": "old"}, True, "no longer"),
        ({"url": "urn:wards", "code": "all"}, False, "abstract"),
        ({"url": "urn:wards", "code": "all", "abstract": "true"}, True, ""),
    ],
)
def test_a_code_is_valid_in_its_system_or_not(terms: Terms, query: dict[str, str], result: bool, said: str) -> None:
    told = terms.told("CodeSystem/$validate-code", **query)

    assert result is told["result"]
    assert said in told.get("message", "")
    assert bool(said) == ("message" in told)


def test_one_valid_coding_makes_a_concept_valid(terms: Terms) -> None:
    concept = {"coding": [{"system": "urn:else", "code": "x"}, {"system": GENDER, "code": "female"}]}
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "url", "valueUri": GENDERS},
            {"name": "codeableConcept", "valueCodeableConcept": concept},
        ],
    }

    assert {"result": True, "display": "Female"} == values(terms.ask("POST", "/ValueSet/$validate-code", body))


def test_a_code_is_in_a_value_set_or_not(terms: Terms) -> None:
    def result(code: str, system: str = "urn:wards", **more: str) -> bool:
        return bool(terms.told("ValueSet/$validate-code", url="urn:inner", system=system, code=code, **more)["result"])

    assert [True, True, False, False] == [result("med"), result("card"), result("old"), result("card", "urn:else")]
    assert [True, True, False] == [result("med", display=name) for name in ("内科", "medicine", "Surgery")]
    assert terms.told("ValueSet/inner/$validate-code", system="urn:wards", code="card")["result"]
    assert [True, False] == [result("card", systemVersion=version) for version in "12"]


def test_a_value_set_expands_to_its_concepts(terms: Terms) -> None:
    answer = terms("ValueSet/$expand", url=GENDERS).json()

    assert ["male", "female", "other", "unknown"] == [entry["code"] for entry in answer["expansion"]["contains"]]
    assert 4 == answer["expansion"]["total"]
    assert "extension" not in answer["expansion"]


def test_pages_and_filters_of_an_expansion(terms: Terms) -> None:
    whole = f"{ACTS}?fhir_vs"
    total = terms("ValueSet/$expand", url=whole, count=0).json()["expansion"]["total"]
    pages = [codes(terms("ValueSet/$expand", url=whole, count=400, offset=at)) for at in range(0, total, 400)]

    assert 1116 == total == len({code for page in pages for code in page})
    assert ["EMER"] == codes(terms("ValueSet/$expand", url=whole, filter="emer"))[:1]
    assert ["male"] == codes(terms("ValueSet/$expand", url=GENDERS, filter="mal", count=1))


def test_stored_systems_and_sets_expand_in_chinese_with_designations(terms: Terms) -> None:
    answer = terms("ValueSet/inner/$expand", displayLanguage="zh", includeDesignations="true").json()

    assert ["内科", "Cardiology", "Nephrology"] == [entry["display"] for entry in answer["expansion"]["contains"]]
    assert [{"language": "en", "value": "Medicine"}, {"language": "zh", "value": "内科"}] == answer["expansion"][
        "contains"
    ][0]["designation"]
    assert ["med"] == codes(terms("ValueSet/$expand", url="urn:inner", filter="nk"))


def test_only_active_concepts_where_that_is_asked(terms: Terms) -> None:
    whole = terms("ValueSet/$expand", url="urn:wards?fhir_vs")
    marked = {entry["code"]: entry for entry in whole.json()["expansion"]["contains"]}

    assert marked["old"]["inactive"] and marked["all"]["abstract"]
    assert "old" not in codes(terms("ValueSet/$expand", url="urn:wards?fhir_vs", activeOnly="true"))


def test_a_fragment_says_that_it_is_one(terms: Terms) -> None:
    expansion = terms("ValueSet/$expand", url=f"{SNOMED}?fhir_vs", filter="糖尿病").json()["expansion"]

    assert expansion["extension"][0]["valueBoolean"]
    assert "44054006" in [entry["code"] for entry in expansion["contains"]]


def test_a_value_set_may_be_sent_along(terms: Terms) -> None:
    sent = {**INNER, "compose": {"include": [{"valueSet": ["urn:inner"]}]}, "url": "urn:sent"}
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "valueSet", "resource": sent},
            {"name": "includeDefinition", "valueBoolean": True},
            {"name": "count", "valueInteger": 2},
        ],
    }
    answer = terms.ask("POST", "/ValueSet/$expand", body)

    assert ["med", "card"] == codes(answer)
    assert sent["compose"] == answer.json()["compose"]


@pytest.mark.parametrize(
    ("left", "right", "outcome"),
    [
        ("med", "card", "subsumes"),
        ("card", "med", "subsumed-by"),
        ("card", "card", "equivalent"),
        ("card", "neph", "not-subsumed"),
    ],
)
def test_one_concept_subsumes_another(terms: Terms, left: str, right: str, outcome: str) -> None:
    assert outcome == terms.told("CodeSystem/$subsumes", system="urn:wards", codeA=left, codeB=right)["outcome"]
    assert outcome == terms.told("CodeSystem/wards/$subsumes", codeA=left, codeB=right)["outcome"]


def matches(answer: httpx.Response) -> list[tuple[str, str, str]]:
    assert 200 == answer.status_code, answer.text
    parts = [part["part"] for part in answer.json()["parameter"] if part["name"] == "match"]
    return [(part[0]["valueCode"], part[1]["valueCoding"]["system"], part[1]["valueCoding"]["code"]) for part in parts]


def test_a_diagnosis_and_a_medicine_are_translated(terms: Terms) -> None:
    there = terms("ConceptMap/$translate", system=SNOMED, code="44054006", targetsystem=ICD10)
    back = terms("ConceptMap/$translate", system=ICD10, code="I10")
    medicine = terms("ConceptMap/$translate", system="http://www.nlm.nih.gov/research/umls/rxnorm", code="6809")

    assert [("relatedto", ICD10, "E11")] == matches(there)
    assert values(there)["result"]
    assert {"59621000", "38341003"} == {code for _, _, code in matches(back)}
    assert ["A10BA02"] == [code for _, _, code in matches(medicine)]


def test_a_stored_map_is_used_both_ways(terms: Terms) -> None:
    assert [("wider", "urn:floors", "3")] == matches(terms("ConceptMap/$translate", system="urn:wards", code="card"))
    assert [("wider", "urn:floors", "3")] == matches(
        terms("ConceptMap/map/$translate", system="urn:wards", code="card")
    )
    turned = terms("ConceptMap/$translate", url="urn:map", system="urn:floors", code="3", reverse="true")
    assert [("narrower", "urn:wards", "card")] == matches(turned)
    nowhere = terms.told("ConceptMap/$translate", system="urn:wards", code="neph")
    assert not nowhere["result"] and "POST /ConceptMap" in nowhere["message"]


def test_whoever_may_not_read_stored_terminology_still_has_r4s(terms: Terms) -> None:
    for who in ("desk", "eva"):
        assert "Male" == terms.told("CodeSystem/$lookup", who, system=GENDER, code="male")["display"]
        assert 404 == terms("CodeSystem/$lookup", who, system="urn:wards", code="card").status_code
    assert 403 == terms("ValueSet/inner/$expand", "desk").status_code


def test_a_change_of_a_stored_system_is_seen_at_once(tmp_path: Path) -> None:
    with Store(tmp_path / "records.db") as store:
        client, seen = Terms(store), []
        for name in ("Ward", "Station"):
            changed = {**WARDS, "id": "w", "concept": [{"code": "a", "display": name}]}
            client.ask("PUT", "/CodeSystem/w", changed).raise_for_status()
            seen.append(client("CodeSystem/$lookup", system="urn:wards", code="a"))
        client.close()

    assert ["Ward", "Station"] == [values(answer)["display"] for answer in seen]


def test_the_capability_statement_names_the_operations(terms: Terms) -> None:
    rest = terms("metadata").json()["rest"][0]
    named = {each["type"]: {one["name"] for one in each.get("operation", [])} for each in rest["resource"]}

    assert {"lookup", "validate-code", "subsumes"} <= named["CodeSystem"]
    assert {"expand", "validate-code"} <= named["ValueSet"]
    assert "translate" in named["ConceptMap"]


def test_what_a_site_loads_is_seen_without_starting_again(terms: Terms, tmp_path: Path) -> None:
    rooms = {"system": "urn:rooms", "code": "r1", "displayLanguage": "zh"}
    assert 404 == terms("CodeSystem/$lookup", **rooms).status_code

    table = tmp_path / "rooms.csv"
    table.write_text(
        "code,display,parent,zh\nr,Room,,病房\nr1,First room,r,第一病房\nr2,Second room,r,第二病房\n", "utf-8"
    )
    Site(terms.store.folder / FOLDER).keep(load(table, "urn:rooms").system)

    assert "第一病房" == terms.told("CodeSystem/$lookup", **rooms)["display"]
    assert ["r2"] == codes(terms("ValueSet/$expand", url="urn:rooms?fhir_vs", filter="sec roo"))
    assert ["r1"] == codes(terms("ValueSet/$expand", url="urn:rooms?fhir_vs", filter="dybf"))
    assert ["r", "r1", "r2"] == codes(terms("ValueSet/$expand", url="urn:rooms?fhir_vs=isa/r"))
    assert "subsumes" == terms.told("CodeSystem/$subsumes", system="urn:rooms", codeA="r", codeB="r2")["outcome"]


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"property": "code", "op": "regex", "value": "(a+)+$"}, 422),
        ({"property": "code", "op": "regex", "value": "a*" * 100}, 422),
        ({"property": "code", "op": "regex", "value": "["}, 422),
        ({"property": "code'; DROP TABLE x; --", "op": "=", "value": "1"}, 422),
        ({"property": "concept", "op": "is-a", "value": "x" * 10_000}, 422),
        ({"property": "concept", "op": "is-a", "value": "med"}, 200),
    ],
)
def test_a_hostile_filter_is_answered_soon(terms: Terms, row: dict[str, str], status: int) -> None:
    sent = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [{**ALL_WARDS, "filter": [row]}]}}
    body = {"resourceType": "Parameters", "parameter": [{"name": "valueSet", "resource": sent}]}
    answer = terms.ask("POST", "/ValueSet/$expand", body)

    assert status == answer.status_code
    assert len(answer.content) < 2000


def test_too_many_concepts_at_once_are_refused_with_what_to_do(terms: Terms) -> None:
    crowd = System("urn:crowd", codes=[str(number) for number in range(10_001)], displays=["One"] * 10_001)
    Site(terms.store.folder / FOLDER).keep(crowd)
    answer = terms("ValueSet/$expand", url="urn:crowd?fhir_vs")

    assert (422, "too-costly") == (answer.status_code, answer.json()["issue"][0]["code"])
    assert 10_000 == len(codes(terms("ValueSet/$expand", url="urn:crowd?fhir_vs", count=999_999)))
