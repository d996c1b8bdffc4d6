"""`$closure` over HTTP. https://hl7.org/fhir/R4/terminology-service.html#closure"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salus.base.errors import Full, Invalid
from salus.codes.terminology import System, Terminology, closures
from salus.codes.terminology.closures import Closures
from salus.records import Store

Client = Callable[..., httpx.Response]  # of conftest.py
# code -> its parents
PARENTS: dict[str, list[str]] = {"a": [], "b": ["a"], "c": ["b"], "d": ["b", "x"], "x": [], "y": ["x"]}
URL = "urn:tree"


def concept(code: str) -> dict[str, Any]:
    rows = [{"code": "parent", "valueCode": above} for above in PARENTS[code]]
    return {"code": code} | ({"property": rows} if rows else {})


def code_system(version: str) -> dict[str, Any]:
    return {"resourceType": "CodeSystem", "id": "tree", "url": URL, "version": version, "status": "active",
            "content": "complete", "property": [{"code": "parent", "type": "code"}],
            "concept": [concept(code) for code in PARENTS]}  # fmt: skip


@pytest.fixture
def ward(tmp_path_factory: pytest.TempPathFactory, client_of: Callable[[Store], Any]) -> Iterator[Client]:
    with Store(tmp_path_factory.mktemp("ward") / "records.db") as store:
        client = client_of(store)
        assert 201 == client("PUT", "/CodeSystem/tree", code_system("1")).status_code
        yield client
        client.close()


def asked(name: str, *codes: str, version: str | None = None, system: str = URL) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"name": "name", "valueString": name}]
    parts += [{"name": "concept", "valueCoding": {"system": system, "code": code}} for code in codes]
    parts += [{"name": "version", "valueString": version}] if version is not None else []
    return {"resourceType": "Parameters", "parameter": parts}


def links(answer: httpx.Response) -> set[tuple[str, str]]:
    """(code, what subsumes it)."""
    assert 200 == answer.status_code, answer.text
    rows = [row for group in answer.json().get("group", []) for row in group["element"]]
    assert {"subsumes"} >= {target["equivalence"] for row in rows for target in row["target"]}
    return {(row["code"], target["code"]) for row in rows for target in row["target"]}


def test_a_table_grows_and_tells_only_what_is_new(ward: Client) -> None:
    answers = [
        ward("POST", "/$closure", asked("mine", *codes))
        for codes in ((), ("c",), ("a",), ("d", "x"), ("c",), ("b",))
    ]  # fmt: skip

    assert [set(), set(), {("c", "a")}, {("d", "a"), ("d", "x")}, set(), {("b", "a"), ("c", "b"), ("d", "b")}] == [
        links(answer) for answer in answers
    ]
    assert ["0", "1", "2", "3", "3", "4"] == [answer.json()["version"] for answer in answers]


def test_what_was_told_since_a_version_is_told_again(ward: Client) -> None:
    for codes in ((), ("a", "b"), ("c",)):
        ward("POST", "/$closure", asked("mine", *codes))

    assert {("b", "a"), ("c", "a"), ("c", "b")} == links(ward("POST", "/$closure", asked("mine", version="0")))
    assert {("c", "a"), ("c", "b")} == links(ward("POST", "/$closure", asked("mine", version="1")))
    assert set() == links(ward("POST", "/$closure", asked("mine", version="2")))
    assert 400 == ward("POST", "/$closure", asked("mine", version="3")).status_code
    assert set() == links(ward("POST", "/$closure", asked("mine")))  # begun anew
    assert set() == links(ward("POST", "/$closure", asked("mine", version="0")))


def test_a_table_belongs_to_who_made_it(ward: Client) -> None:
    ward("POST", "/$closure", asked("mine"), who="clinician")

    assert 404 == ward("POST", "/$closure", asked("mine", "a"), who="nurse").status_code
    assert 200 == ward("POST", "/$closure", asked("mine", "a"), who="clinician").status_code
    assert 403 == ward("POST", "/$closure", asked("mine"), who="eva").status_code


def test_another_edition_of_a_code_system_asks_for_a_new_table(ward: Client) -> None:
    ward("POST", "/$closure", asked("mine"))
    ward("POST", "/$closure", asked("mine", "a"))
    assert 200 == ward("PUT", "/CodeSystem/tree", code_system("2")).status_code
    answer = ward("POST", "/$closure", asked("mine", "b"))

    assert 409 == answer.status_code
    assert "make it anew" in answer.text


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    (asked("x" * 300), 422, "1 to 200 characters"),
    (asked("none", "a"), 404, "make it anew"),
    (asked("mine", "nothing"), 422, "no code 'nothing'"),
    (asked("mine", "a", system="urn:unknown"), 404, "urn:unknown"),
    (asked("mine", *["a"] * 1001), 400, "1000 are the most"),
    (asked("mine", version="x"), 400, "whole number"),
    ({"resourceType": "Parameters", "parameter": [{"name": "name", "valueString": "mine"},
      {"name": "concept", "valueString": "a"}]}, 400, "valueCoding"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    ward: Client, body: dict[str, Any], status: int, words: str
) -> None:
    ward("POST", "/$closure", asked("mine"))
    answer = ward("POST", "/$closure", body)

    assert (status, True) == (answer.status_code, words in answer.text)
    assert "0" == ward("POST", "/$closure", asked("mine", version="0")).json()["version"]


class Tree:
    """A source with the one system."""

    def systems(self, url: str) -> list[System]:
        rows = {code: n for n, code in enumerate(PARENTS)}
        parents = {rows[code]: [rows[one] for one in above] for code, above in PARENTS.items() if above}
        return [System(URL, codes=list(PARENTS), displays=[""] * len(PARENTS), parents=parents)] if url == URL else []

    def value_sets(self, url: str) -> list[Any]:
        return []

    def maps(self) -> list[Any]:
        return []


def above(code: str) -> set[str]:
    return {one for parent in PARENTS[code] for one in {parent} | above(parent)}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(sorted(PARENTS)), max_size=3), max_size=5))
def test_in_whatever_order_codes_come_the_closure_is_whole(
    tmp_path_factory: pytest.TempPathFactory, additions: list[list[str]]
) -> None:
    folder, terms = tmp_path_factory.mktemp("closures"), Terminology([Tree()])
    Closures(folder).start("me", "mine")
    for codes in additions:
        Closures(folder).add("me", "mine", terms, [(URL, code) for code in codes])
    known = {code for codes in additions for code in codes}
    links = Closures(folder).table("me", "mine").since(0)

    assert {(code, one) for code in known for one in above(code) & known} == {(x.code, x.above) for x in links}
    assert len(links) == len({(x.code, x.above) for x in links})


def test_tables_are_bounded(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Closures(tmp_path_factory.mktemp("closures"))
    monkeypatch.setattr(closures, "MOST_TABLES", 2)
    monkeypatch.setattr(closures, "MOST_CODES", 2)
    tables.start("me", "one")
    tables.start("you", "one")
    tables.start("me", "one")

    with pytest.raises(Full):
        tables.start("me", "two")
    with pytest.raises(Invalid, match="2 codes"):
        tables.add("me", "one", Terminology([Tree()]), [(URL, code) for code in "abc"])
