"""Reads by GraphQL: what comes back, who sees what, what is refused. https://hl7.org/fhir/R4/graphql.html"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.api.fhir.graphql.answering import understood
from salus.base.errors import Malformed, Unsupported
from salus.privacy import SYSTEM, Purpose
from salus.records import Store


def observation(n: int, patient: str) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": f"k{n % 2}"}, {"system": "urn:other", "code": "x"}]}
    body = {"resourceType": "Observation", "id": f"o{n}", "status": "final", "code": code}
    value = {"valueQuantity": {"value": 100 + n, "unit": "mmHg"}, "effectiveDateTime": f"2026-01-0{n + 1}"}
    return {**body, **value, "subject": {"reference": f"Patient/{patient}"}}


WORLD: list[dict[str, Any]] = [
    {"resourceType": "Practitioner", "id": "doc", "name": [{"family": "Weiss"}]},
    {
        "resourceType": "Patient",
        "id": "eva",
        "active": True,
        "name": [
            {"use": "official", "family": "Müller", "given": ["Eva", "Maria"]},
            {"use": "nickname", "given": ["Evi"]},
        ],
        "generalPractitioner": [
            {"reference": "Practitioner/doc"},
            {"reference": "Practitioner/gone"},
            {"display": "x"},
        ],
    },
    {"resourceType": "Patient", "id": "adam", "name": [{"family": "Klein"}], "birthDate": "1990-01-01"},
    *[observation(n, "eva" if n < 4 else "adam") for n in range(6)],
]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory, client_of: Any) -> Iterator[Any]:
    with Store(tmp_path_factory.mktemp("graphql") / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for body in WORLD:
            records.update(body["resourceType"], body["id"], body)
        client = client_of(store)
        yield client
        client.close()


def query(ask: Any, text: str, where: str = "", who: str = "clinician", **more: Any) -> Any:
    return ask("POST", f"{where}/$graphql", {"query": text, **more}, who=who)


FOUND: list[tuple[str, dict[str, Any]]] = [
    ('{Patient(id: "adam") {resourceType birthDate name {family}}}',
     {"Patient": {"resourceType": "Patient", "birthDate": "1990-01-01", "name": [{"family": "Klein"}]}}),
    ("{Patient(id: eva) {name(use: official) {given} active}}",
     {"Patient": {"name": [{"given": ["Eva", "Maria"]}], "active": True}}),
    ('{Patient(id: eva) {name(fhirpath: "given.count() = 1") {use}}}', {"Patient": {"name": [{"use": "nickname"}]}}),
    ("{Patient(id: eva) {name(_offset: 1, _count: 5) {use} telecom {value}}}",
     {"Patient": {"name": [{"use": "nickname"}], "telecom": None}}),
    ('{PatientList(name: "mül") {id}}', {"PatientList": [{"id": "eva"}]}),
    ("{PatientList(_sort: _id, _count: 1) {id}}", {"PatientList": [{"id": "adam"}]}),
    ('{ObservationList(value_quantity: ["gt100", "lt103"], patient: "eva") {id}}',
     {"ObservationList": [{"id": "o1"}, {"id": "o2"}]}),
    ('{ObservationList(_filter: "code eq k1 and not (value-quantity gt 102)") {id}}',
     {"ObservationList": [{"id": "o1"}]}),
    ("{Observation(id: o1) {subject {reference resource {...on Patient {name {family}}}}}}",
     {"Observation": {"subject": {"reference": "Patient/eva",
                                  "resource": {"name": [{"family": "Müller"}, {"family": None}]}}}}),
    ("{Observation(id: o1) {code {coding(system: \"urn:other\") {code}} valueQuantity {value}}}",
     {"Observation": {"code": {"coding": [{"code": "x"}]}, "valueQuantity": {"value": 101.0}}}),
    ("{Patient(id: eva) {ObservationList(_reference: patient, code: k0) {id}}}",
     {"Patient": {"ObservationList": [{"id": "o0"}, {"id": "o2"}]}}),
    ("{Patient(id: eva) {generalPractitioner {resource(optional: true) {...on Practitioner {name {family}}}}}}",
     {"Patient": {"generalPractitioner": [
         {"resource": {"name": [{"family": "Weiss"}]}}, {"resource": None}, {"resource": None}]}}),
    ("{Patient(id: eva) {a: name(use: official) {...n} b: name(use: nickname) {...n}}} "
     "fragment n on HumanName {family}",
     {"Patient": {"a": [{"family": "Müller"}], "b": [{"family": None}]}}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_what_is_asked_for_comes_back_and_nothing_else(ask: Any, text: str, expected: dict[str, Any]) -> None:
    answer = query(ask, text)

    assert (200, {"data": expected}) == (answer.status_code, answer.json())


def test_pages_are_walked_by_cursors(ask: Any) -> None:
    text = (
        "query p($at: Value) {ObservationConnection(_count: 2, _cursor: [$at]) {count next edges {mode resource {id}}}}"
    )
    text = text.replace("[$at]", "$at")
    seen, at = [], None
    while True:
        page = query(ask, text, variables={"at": at} if at else {}).json()["data"]["ObservationConnection"]
        seen += [edge["resource"]["id"] for edge in page["edges"]]
        at = page["next"]
        assert 6 == page["count"]
        if not at:
            break

    assert [f"o{n}" for n in range(6)] == seen


def test_a_query_is_asked_of_one_resource_and_by_get(ask: Any) -> None:
    by_get = ask("GET", f"/Patient/eva/$graphql?{urlencode({'query': '{id name(use: $u) {family}}'})}", who="clinician")
    text = "query q($u: Value) {id name(use: $u) {family}}"
    named = urlencode({"query": text, "variables": '{"u": "official"}', "operationName": "q"})

    assert 400 == by_get.status_code
    assert {"data": {"id": "eva", "name": [{"family": "Müller"}]}} == ask(
        "GET", f"/Patient/eva/$graphql?{named}", who="clinician"
    ).json()
    assert {"data": {"id": "eva"}} == ask(
        "POST", "/Patient/eva/$graphql", "{id}", who="clinician", content_type="application/graphql"
    ).json()
    assert 404 == query(ask, "{id}", "/Patient/nobody").status_code


def test_a_patient_sees_its_own_only(ask: Any) -> None:
    mine = query(ask, "{PatientList {id} ObservationList {id} ObservationConnection {count}}", who="eva").json()["data"]
    other = query(ask, "{Patient(id: adam) {id} mine: Patient(id: eva) {id}}", who="eva").json()

    assert {"PatientList": [{"id": "eva"}], "ObservationConnection": {"count": 4}} == {
        name: mine[name] for name in ("PatientList", "ObservationConnection")
    }
    assert 4 == len(mine["ObservationList"])
    assert {"Patient": None, "mine": {"id": "eva"}} == other["data"]
    assert "not-found" == other["errors"][0]["extensions"]["resource"]["issue"][0]["code"]
    assert 404 == query(ask, "{id}", "/Patient/adam", who="eva").status_code


def test_a_role_reads_only_what_it_may(ask: Any) -> None:
    answer = query(ask, "{PatientList(_id: adam) {id ObservationList(_reference: patient) {id}}}", who="desk").json()

    assert {"PatientList": [{"id": "adam", "ObservationList": None}]} == answer["data"]
    assert ["forbidden"] == [error["extensions"]["resource"]["issue"][0]["code"] for error in answer["errors"]]
    assert ["PatientList", 0, "ObservationList"] == answer["errors"][0]["path"]


def test_every_read_and_search_is_audited(tmp_path: Path, client_of: Any) -> None:
    with Store(tmp_path / "audited.db") as store:
        for body in WORLD:
            store.open(SYSTEM, Purpose.OPERATIONS).update(body["resourceType"], body["id"], body)
        client = client_of(store)
        query(client, "{ObservationList(patient: eva, _count: 1) {subject {resource {...on Patient {id}}}}}")
        client.close()
    with Store(tmp_path / "audited.db") as store:
        lines = [(line.act, line.what) for line in store.audit() if line.who == "Practitioner/doc"]

    assert [("search", "Observation?patient=eva&_count=1"), ("read", "Patient/eva")] == lines


def chained(body: str) -> str:
    """Sixty fragments, each of which spreads the next."""
    fragments = [f"fragment f{n} on Patient {{{body.format(n + 1, n + 1)}}}" for n in range(60)]
    return " ".join(["{Patient(id: eva) {...f0}}", *fragments, "fragment f60 on Patient {id}"])


PIECES = ["{", "}", "(", ")", "[", "]", ":", "$a", "...", "on", "Patient", "PatientList", "(id: eva)", "name", "id"]
PIECES += [
    "fragment f",
    "query q",
    '"x',
    '"x"',
    "@skip(if: true)",
    "1e9999",
    "-",
    "!",
    "\x00",
    "家",
    "_reference: patient",
]
REFUSED = [
    ("", "no query"),
    ("{", "Syntax Error"),
    ("{shoe}", "Cannot query field 'shoe'"),
    ("{Patient {id}}", "is required"),
    ("{Patient(id: eva) {id} Patient(id: adam) {id}}", "conflict"),
    ("mutation {a}", "mutation"),
    ("subscription {a}", "subscription"),
    ("{Patient(id: eva) {name {...f}}} fragment f on HumanName {...g} fragment g on HumanName {...f}", "itself"),
    ("{" * 2000, "brackets"),
    ("{a" * 40 + "}" * 40, "20 are the most"),
    ("{" + "a " * 15000 + "}", "20000 are the most"),
    ("{" + "a " * 5000 + "}", "2000 tokens"),
    (chained("id ...f{} ...f{}"), "more than 2000 fields"),
    (chained("contained {{...f{}}}"), "20 are the most"),
    ("{Patient(id: eva) {ObservationList(_reference: patient, shoe: 1) {id}}}", "shoe"),
    ("{__schema {types {name}}}", "introspection"),
    ('{__type(name: "Patient") {name}}', "introspection"),
    ("{Patient(id: eva) {" + "id " * 1900 + "}}", "too much in this query"),
    ('{ObservationList(_sort: ["_id", {a: 1}]) {id}}', "simple value"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_is_no_query_is_refused_as_a_whole(ask: Any, text: str, words: str) -> None:
    answer = query(ask, text)

    assert 400 == answer.status_code
    assert words in answer.text


IN_A_FIELD = [
    ('{Patient(id: eva) {name(fhirpath: "((") {family}}}', "invalid"),
    ("{Patient(id: eva) {name(_count: -1) {family}}}", "structure"),
    ("{Patient(id: eva) {generalPractitioner {resource {...on Practitioner {id}}}}}", "not-found"),
    ("{Patient(id: eva) {ObservationList(_reference: code) {id}}}", "not-supported"),
    ('{ObservationList(date: "yesterday") {id}}', "structure"),
    ('{ObservationList(_filter: "(") {id}}', "structure"),
]


@pytest.mark.parametrize(("text", "code"), IN_A_FIELD)
def test_a_field_that_cannot_be_filled_says_why(ask: Any, text: str, code: str) -> None:
    answer = query(ask, text).json()

    assert code == answer["errors"][0]["extensions"]["resource"]["issue"][0]["code"]


def test_a_query_reads_no_more_than_it_may(ask: Any) -> None:
    many = " ".join(f"a{n}: Patient(id: eva) {{id}}" for n in range(150))
    twice = f"{{{many}}}"
    lists = " ".join(f"l{n}: ObservationList(_reference: patient) {{id}}" for n in range(120))
    deep = f"{{ObservationList {{subject {{resource {{...on Patient {{{lists}}}}}}}}}}}"

    assert 200 == query(ask, twice).status_code
    assert 413 == query(ask, deep).status_code
    assert "500 reads and searches" in query(ask, deep).text


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_any_pieces_are_a_query_or_refused(pieces: list[str]) -> None:
    try:
        assert understood("", " ".join(pieces))
    except (Malformed, Unsupported) as fault:
        assert all(issue.text for issue in fault.issues)


def test_a_body_that_is_none_is_refused(ask: Any) -> None:
    assert 400 == ask("POST", "/$graphql", "{", who="clinician").status_code
    assert 400 == ask("POST", "/$graphql", [1], who="clinician").status_code
    assert 400 == ask("POST", "/$graphql", {"query": 5}, who="clinician").status_code
    assert 400 == ask("POST", "/$graphql", {"query": "{id}", "variables": 5}, who="clinician").status_code
    assert 415 == ask("POST", "/$graphql", "{id}", who="clinician", content_type="text/plain").status_code
    assert 401 == ask("POST", "/$graphql", {"query": "{id}"}, who="nobody").status_code
