"""A diagnosis is found as it is typed."""

import pytest

from salus.codes.terminology import Site
from salus.codes.terminology.loading import load
from salus.codes.terminology.nearby import begun_like
from salus.codes.terminology.site import FOLDER
from salus.services.visits import finding
from salus.services.visits.diagnoses import Diagnosis
from salus.services.visits.finding import SYSTEMS, Vocabulary, ours

ICD10 = "http://hl7.org/fhir/sid/icd-10"
TYPED = (
    ("I10", "I10"),
    ("i10", "I10"),
    ("gxy", "I10"),
    ("高血压", "I10"),
    ("高血鸭", "I10"),
    ("gaoxueya", "I10"),
    ("hypertension", "I10"),
    ("hypertnesion", "I10"),
    ("hyperten", "I10"),
    ("astma", "J45"),
    ("xc", "J45"),
    ("哮喘", "J45"),
    ("2xtnb", "E11"),
    ("diabetes 2", "E11"),
    ("e11", "E11"),
    ("n18.3", "N18.3"),
    ("n183", "N18.3"),
)


@pytest.fixture
def shipped(tmp_path) -> Vocabulary:
    return Vocabulary(tmp_path, SYSTEMS, ours)


@pytest.mark.parametrize(("typed", "code"), TYPED)
def test_what_ships_is_found_by_words_codes_initials_and_with_slips(shipped, typed, code):
    assert code == shipped.find(typed, "zh")[0].code


@pytest.mark.parametrize("typed", ["", "   ", "()", "xyzzyx", "\x00", "龘龘龘", "a" * 10_000, "'; DROP", "%_"])
def test_nonsense_finds_nothing_and_breaks_nothing(shipped, typed):
    assert [] == shipped.find(typed, "en")


def test_every_condition_of_ours_is_found_by_each_of_its_names(shipped):
    for one in finding.codes.CONDITIONS.values():
        if code := one.more.get("icd10"):
            assert code in [hit.code for hit in shipped.find(one.en, "en")], one.en
            assert code in [hit.code for hit in shipped.find(one.zh, "zh")], one.zh


def test_a_house_that_loads_its_own_list_finds_its_names_by_ours_too(tmp_path):
    table = tmp_path / "list.csv"
    table.write_text("code,名称\nI10,特发性(原发性)高血压\nI10.x00x002,高血压病1级\nA00,霍乱\n", "utf-8")
    site = Site(tmp_path / FOLDER)
    site.keep(load(table, ICD10, "zh").system)
    house = Vocabulary(tmp_path, SYSTEMS, ours)

    assert "特发性(原发性)高血压" == house.find("i10", "zh")[0].name
    assert "A00" == house.find("hl", "zh")[0].code
    assert {"I10", "I10.x00x002"} == {hit.code for hit in house.find("gxy", "zh") if hit.code.startswith("I10")}


def test_what_is_used_often_comes_first_among_what_fits(shipped):
    plain = [hit.code for hit in shipped.find("diabet", "en")]
    last = plain[-1]
    assert last == shipped.find("diabet", "en", {(ICD10, last): 60})[0].code
    assert "I10" == shipped.find("i10", "en", {(ICD10, last): 1000})[0].code


def test_what_a_doctor_and_their_colleagues_put_down_is_counted(as_, store):
    pen = as_()
    pen.writing.save("e1", {"chief": "a", "present": "b", "exam": "c", "advice": "d"})
    pen.writing.diagnose("e1", Diagnosis(ICD10, "I10", "高血压"))
    pen.sign("e1")
    for who in ("chen", "zhou"):
        role = {"resourceType": "PractitionerRole", "id": who, "practitioner": {"reference": f"Practitioner/{who}"}}
        pen.writing.records.update(
            "PractitionerRole", who, role | {"healthcareService": [{"reference": "HealthcareService/cardiology"}]}
        )

    assert {(ICD10, "I10"): 3} == finding.used(pen.writing.records, "Practitioner/chen")
    assert {(ICD10, "I10"): 1} == finding.used(pen.writing.records, "Practitioner/zhou")
    assert {} == finding.used(pen.writing.records, "Practitioner/head")


def slips(one: str, other: str) -> int:
    """The distance of Damerau and Levenshtein (neighbours that change places), plainly."""
    table = {(i, 0): i for i in range(len(one) + 1)} | {(0, j): j for j in range(len(other) + 1)}
    for i, a in enumerate(one, 1):
        for j, b in enumerate(other, 1):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[len(one), len(other)]


def test_words_near_to_one_are_those_that_a_plain_comparison_finds():
    words = sorted({word.casefold() for one in finding.codes.CONDITIONS.values() for word in one.en.split()})
    for typed in ("hypertensoin", "diabtes", "chornic", "kidny", "asthma", "fialure", "pneumonai"):
        for most in (1, 2):
            near = [
                one
                for one in words
                if one[0] in typed[:2] and any(slips(typed, one[:end]) <= most for end in range(len(one) + 1))
            ]
            if near:
                break
        assert near == sorted(begun_like(typed, words)), typed
