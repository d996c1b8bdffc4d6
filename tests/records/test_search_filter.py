"""`_filter`: what its expressions find, beside a naive evaluation, and what is refused where.

https://hl7.org/fhir/R4/search_filter.html
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.base.errors import Forbidden, Malformed, SalusError, Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store

LOINC = "http://loinc.org"


def person(id: str, family: str, given: list[str], gender: str, birth: str) -> dict[str, Any]:
    name = [{"family": family, "given": given}]
    return {"resourceType": "Patient", "id": id, "name": name, "gender": gender, "birthDate": birth}


def measured(id: str, patient: str, code: str, value: float | None, when: str, **more: Any) -> dict[str, Any]:
    body = {"resourceType": "Observation", "id": id, "status": "final", "code": {"coding": [coding(code)]}, **more}
    if value is not None:
        body["valueQuantity"] = {"value": value, "unit": "mmHg"}
    return {**body, "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": when}


def coding(code: str) -> dict[str, str]:
    return {"system": LOINC, "code": code, "display": f"test {code}"}


PEOPLE = [
    person("p1", "Petersen", ["Peter", "James"], "male", "1980-05-01"),
    person("p2", "Müller", ["Eva"], "female", "1990-01-15"),
    person("p3", "李", ["梅"], "female", "2001-12-31"),
    {"resourceType": "Patient", "id": "p4"},
]
SEEN = [
    measured("o1", "p1", "a", 120, "2026-01-01"),
    measured("o2", "p1", "b", 80, "2026-02-01"),
    measured("o3", "p2", "a", 140.5, "2026-02-15T10:00:00Z"),
    measured("o4", "p3", "c", None, "2026-03"),
    measured("o5", "p2", "b", 95, "2026-03-01", hasMember=[{"reference": "Observation/o3"}]),
]


@pytest.fixture(scope="module")
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for body in [*PEOPLE, *SEEN]:
            records.update(body["resourceType"], body["id"], body)
        yield opened


@pytest.fixture(scope="module")
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def ids(records: Records, type: str, *pairs: tuple[str, str]) -> list[str]:
    return [version.id for version in records.search(type, pairs).versions]


FOUND = [
    ("Patient", 'name co "pet"', "p1"),
    ("Patient", "given eq peter and birthdate ge 1980-01-01", "p1"),
    ("Patient", 'given eq "pet"', ""),
    ("Patient", "given sw pet", "p1"),
    ("Patient", "given ew er", "p1"),
    ("Patient", "family ew ler", "p2"),
    ("Patient", "family co %", ""),
    ("Patient", "family ew _", ""),
    ("Patient", "name eq 梅", "p3"),
    ("Patient", "given ne peter", "p1 p2 p3"),
    ("Patient", "family gt müller", "p1 p3"),
    ("Patient", "family le müller", "p2"),
    ("Patient", "gender ne female", "p1"),
    ("Patient", "not (gender eq female)", "p1 p4"),
    ("Patient", "gender pr false", "p4"),
    ("Patient", "gender pr true and not(family pr false)", "p1 p2 p3"),
    ("Patient", "gender eq male or gender eq female and family eq 李", "p3"),
    ("Patient", "gender eq male or (gender eq female and family eq 李)", "p1 p3"),
    ("Patient", "not (not (gender eq male))", "p1"),
    ("Patient", "_id eq p1 or _id eq p4", "p1 p4"),
    ("Patient", "_id ne p1", "p2 p3 p4"),
    ("Patient", "_lastUpdated ge 2020-01-01 and _id eq p1", "p1"),
    ("Patient", "_lastUpdated po 2020-01-01", ""),
    ("Patient", "birthdate po 1990", "p2"),
    ("Patient", "birthdate eq 1990", "p2"),
    ("Patient", "birthdate sa 1990-12-31", "p3"),
    ("Patient", "birthdate eb 1990-01-01", "p1"),
    ("Observation", f"code eq {LOINC}|a", "o1 o3"),
    ("Observation", f"code ne {LOINC}|a", "o2 o4 o5"),
    ("Observation", "value-quantity gt 100", "o1 o3"),
    ("Observation", "value-quantity eq 120||mmHg", "o1"),
    ("Observation", "value-quantity ne 120", "o2 o3 o5"),
    ("Observation", "date po 2026-02", "o2 o3"),
    ("Observation", 'subject.name co "pet"', "o1 o2"),
    ("Observation", "subject:Patient.name eq 李 or code eq b", "o2 o4 o5"),
    ("Observation", "not (subject.gender eq female)", "o1 o2"),
    ("Observation", "subject[gender eq female].birthdate lt 2000", "o3 o5"),
    ("Observation", "subject:Patient[not (gender eq female) and birthdate pr true].name sw p", "o1 o2"),
    ("Observation", "subject eq Patient/p1", "o1 o2"),
    ("Observation", "subject re Patient/p1 and code eq b", "o2"),
    ("Observation", "patient ne Patient/p1", "o3 o4 o5"),
    ("Observation", "has-member[value-quantity gt 140].code eq a", "o5"),
    ("Observation", "code-value-quantity eq a$gt130", "o3"),
    ("Observation", "not (code-value-quantity eq a$gt130) and value-quantity pr true", "o1 o2 o5"),
    ("Observation", "code-value-quantity eq a$gt130 or code eq c", "o3 o4"),
]


@pytest.mark.parametrize(("type", "text", "expected"), FOUND)
def test_a_filter_finds(records: Records, type: str, text: str, expected: str) -> None:
    assert expected.split() == ids(records, type, ("_filter", text))


def test_a_filter_stands_beside_other_conditions_and_pages(records: Records) -> None:
    page = records.search(
        "Observation", [("_filter", "code eq a or code eq b"), ("patient", "p2"), ("_count", "1"), ("_sort", "-date")]
    )
    rest = records.search("Observation", page.next or "")

    assert (["o5"], ["o3"]) == ([v.id for v in page.versions], [v.id for v in rest.versions])


def test_a_filter_is_asked_of_several_types(records: Records) -> None:
    assert ["p1", "o1"] == ids(records, "", ("_type", "Patient,Observation"), ("_filter", "_id eq p1 or _id eq o1"))


REFUSED: list[tuple[str, type[SalusError], str]] = [
    ("", Malformed, "character 1"),
    ("given", Malformed, "character 6: found 'the end' where an operator"),
    ("given eq", Malformed, "where a value"),
    ("given is peter", Malformed, "character 7: 'is' is no operator"),
    ("given eq peter)", Malformed, "character 15"),
    ("(given eq peter", Malformed, "'\\)' should stand"),
    ("given eq peter or", Malformed, "character 18"),
    ("given eq a xor given eq b", Malformed, "'and', 'or' or the end"),
    ("not given eq peter", Malformed, "followed by '\\('"),
    ('given eq "pet', Malformed, "ends in quotes"),
    ('given eq "\\x"', Malformed, "as in JSON"),
    ("shoe eq 43", Unsupported, "character 1: 'shoe' is not a search parameter"),
    ("given eq a and (gender co b)", Unsupported, "character 17: 'co' is not served for gender"),
    ("given gt a and birthdate ge soon", Malformed, "character 16: birthdate=gesoon is not a date"),
    ("given pr maybe", Malformed, "say true or false"),
    ("name:exact eq x", Malformed, "a modifier stands in no filter"),
    ("gender.x eq y", Unsupported, "no reference: nothing follows"),
    ("general-practitioner:Patient.name eq y", Unsupported, "does not refer to Patient"),
    ("general-practitioner[name eq x] eq y", Malformed, "after the brackets"),
    ("general-practitioner.general-practitioner.name eq y", Unsupported, "is not a search parameter"),
    ("(" * 31 + "given eq a" + ")" * 31, Malformed, "more than 30 parentheses"),
    ("(" * 7000, Malformed, "more than 30 parentheses"),
    ("not(" * 1900, Malformed, "more than 30 parentheses"),
    ("link[" * 1500, Malformed, "parentheses"),
    ("given eq " + "a" * 8000, Unsupported, "8000 are the most"),
    (" or ".join(["given eq a"] * 400), Unsupported, "more than 300 conditions"),
    ("link:Patient." * 9 + "name eq a", Unsupported, "goes on after 6 references"),
    ("language in http://example.org/none", Unsupported, "is not served"),
]


@pytest.mark.parametrize(("text", "error", "words"), REFUSED)
def test_what_is_not_served_is_refused_with_its_place(
    records: Records, text: str, error: type[SalusError], words: str
) -> None:
    with pytest.raises(error, match=words) as fault:
        records.search("Patient", [("_filter", text)])

    assert "_filter" == fault.value.issues[0].path


def test_the_modifiers_of_filters_are_not_for_addresses(records: Records) -> None:
    for key in ("gender:~ne", "name:~is", "birthdate:~po", "_filter:not"):
        with pytest.raises(Unsupported):
            records.search("Patient", [(key, "x")])


def test_a_patient_finds_only_its_own_by_a_filter(store: Store) -> None:
    eva = store.open(Actor("Patient/p2", Role.PATIENT, "p2"), Purpose.PATIENT_REQUEST)

    assert ["o3", "o5"] == ids(eva, "Observation", ("_filter", "not (code eq z)"))
    assert ["p2"] == ids(eva, "Patient", ("_filter", "gender pr true or not (gender eq male)"))
    assert [] == ids(eva, "Observation", ("_filter", "subject.name sw pet"))


def test_a_filter_looks_only_where_the_role_may(store: Store) -> None:
    desk = store.open(Actor("Practitioner/1", Role.DESK), Purpose.OPERATIONS)
    with pytest.raises(Forbidden, match="Condition"):
        desk.search("Encounter", [("_filter", "status eq planned or not (diagnosis:Condition.code eq x)")])


# --- the naive evaluation ---

Test = Callable[[dict[str, Any]], bool]


def given_of(one: dict[str, Any]) -> list[str]:
    return [text.lower() for name in one.get("name", []) for text in name["given"]]


def subject_of(one: dict[str, Any]) -> dict[str, Any]:
    return next(p for p in PEOPLE if f"Patient/{p['id']}" == one["subject"]["reference"])


ON_PATIENT: list[tuple[str, Test]] = [
    ("gender eq female", lambda p: p.get("gender") == "female"),
    ("gender ne female", lambda p: "gender" in p and p["gender"] != "female"),
    ("gender pr false", lambda p: "gender" not in p),
    ("given sw e", lambda p: any(text.startswith("e") for text in given_of(p))),
    ("given ne peter", lambda p: any(text != "peter" for text in given_of(p))),
    ("given co a", lambda p: any("a" in text for text in given_of(p))),
    ("birthdate gt 1985", lambda p: p.get("birthDate", "") > "1985-12-31"),
    ("_id eq p4", lambda p: p["id"] == "p4"),
]
ON_OBSERVATION: list[tuple[str, Test]] = [
    ("code eq a", lambda o: o["code"]["coding"][0]["code"] == "a"),
    ("code ne a", lambda o: o["code"]["coding"][0]["code"] != "a"),
    ("value-quantity ge 95", lambda o: "valueQuantity" in o and o["valueQuantity"]["value"] >= 95),
    ("value-quantity pr false", lambda o: "valueQuantity" not in o),
    ("date lt 2026-02", lambda o: o["effectiveDateTime"] < "2026-02"),
    ("code-value-quantity eq b$lt90", lambda o: o["id"] == "o2"),
    ("subject eq Patient/p2", lambda o: o["subject"]["reference"] == "Patient/p2"),
    ("patient.gender eq female", lambda o: subject_of(o).get("gender") == "female"),
]
Pair = tuple[str, Test]


def both(one: Pair, word: str, other: Pair) -> Pair:
    tests: dict[str, Test] = {
        "and": lambda r: one[1](r) and other[1](r),
        "or": lambda r: one[1](r) or other[1](r),
    }
    return f"({one[0]}) {word} ({other[0]})", tests[word]


def trees(leaves: list[Pair]) -> st.SearchStrategy[Pair]:
    return st.recursive(
        st.sampled_from(leaves),
        lambda inner: st.one_of(
            st.builds(both, inner, st.sampled_from(["and", "or"]), inner),
            inner.map(lambda one: (f"not ({one[0]})", lambda r: not one[1](r))),
        ),
        max_leaves=8,
    )


def chained(one: Pair) -> Pair:
    return f"subject:Patient[{one[0]}]._id ne none", lambda o: one[1](subject_of(o))


@settings(max_examples=150, deadline=None)
@given(trees(ON_PATIENT))
def test_a_filter_of_patients_is_what_a_naive_evaluation_says(records: Records, pair: Pair) -> None:
    assert [p["id"] for p in PEOPLE if pair[1](p)] == ids(records, "Patient", ("_filter", pair[0]))


@settings(max_examples=150, deadline=None)
@given(trees([*ON_OBSERVATION, *map(chained, ON_PATIENT)]), st.booleans())
def test_a_filter_of_observations_is_what_a_naive_evaluation_says(records: Records, pair: Pair, totals: bool) -> None:
    expected = [o["id"] for o in SEEN if pair[1](o)]
    page = records.search("Observation", [("_filter", pair[0]), ("_total", "accurate" if totals else "none")])

    assert expected == [version.id for version in page.versions]
    assert page.total == (len(expected) if totals else None)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='abgender eqnot()[]."\\|:-_019李\x00', max_size=60))
def test_any_text_is_found_by_or_refused(records: Records, text: str) -> None:
    try:
        records.search("Patient", [("_filter", text)])
    except (Malformed, Unsupported) as fault:
        assert fault.issues[0].text


def test_a_conditional_write_takes_a_filter_and_still_nothing_that_shows(new_place: Callable[[], str]) -> None:
    with Store(new_place()) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        query = f"_filter={quote('gender eq male and family eq Weiss')}"
        body = {"resourceType": "Patient", "gender": "male", "name": [{"family": "Weiss"}]}
        first, again = (records.create("Patient", body, if_none_exist=query) for _ in range(2))

        assert (first.id, True) == (again.id, again.unchanged)
        for more in ("_count=0", "_sort=_id", "_compartment=Patient/1", "_total=none"):
            with pytest.raises(Unsupported, match="no condition"):
                records.create("Patient", body, if_none_exist=f"{query}&{more}")


BESIDE: list[tuple[str, str, Test]] = [
    ("patient", "p1", lambda o: o["subject"]["reference"] == "Patient/p1"),
    ("_compartment", "Patient/p2", lambda o: o["subject"]["reference"] == "Patient/p2"),
    ("code", "a,b", lambda o: o["code"]["coding"][0]["code"] in "ab"),
    ("code:text", "test a", lambda o: o["code"]["coding"][0]["code"] == "a"),
    ("_content", "test b", lambda o: o["code"]["coding"][0]["code"] == "b"),
    ("patient.gender", "female", lambda o: subject_of(o).get("gender") == "female"),
]
OF_BODIES: list[Pair] = [
    ("_content eq mmhg", lambda o: "valueQuantity" in o),
    ("_text eq nothing", lambda o: False),
]


@settings(max_examples=150, deadline=None)
@given(trees([*ON_OBSERVATION, *OF_BODIES]), st.sampled_from(BESIDE), st.sampled_from(["_id", "-date", "_lastUpdated"]))
def test_a_filter_joins_every_other_condition(
    records: Records, pair: Pair, beside: tuple[str, str, Test], sort: str
) -> None:
    name, value, holds = beside
    expected = {o["id"] for o in SEEN if pair[1](o) and holds(o)}
    found = ids(records, "Observation", ("_filter", pair[0]), (name, value), ("_sort", sort))

    assert (sorted(expected), len(expected)) == (sorted(found), len(found))


@settings(max_examples=80, deadline=None)
@given(trees([*ON_OBSERVATION, *OF_BODIES]))
def test_a_patients_filter_is_its_own_part_of_the_whole(store: Store, pair: Pair) -> None:
    eva = store.open(Actor("Patient/p2", Role.PATIENT, "p2"), Purpose.PATIENT_REQUEST)
    expected = [o["id"] for o in SEEN if pair[1](o) and o["subject"]["reference"] == "Patient/p2"]

    assert expected == ids(eva, "Observation", ("_filter", pair[0]))
