"""The case library: found across languages, with reasons; filtered; forgotten. And the ranked differential."""

import time
from datetime import date
from pathlib import Path

import pytest

from salus.assistants.cases.case import Case, Finding, Named
from salus.assistants.cases.casebook import Library
from salus.assistants.cases.differential import differential
from salus.assistants.cases.knowledge import knowledge
from salus.assistants.cases.ontology import lineage, ontology, table
from salus.assistants.cases.query import Filters, Query, query_of
from salus.assistants.cases.terms import Terms, load_terms
from salus.base.errors import Invalid, Missing

SEIZURE, FOCAL, HYPOTONIA, SMALL, FEVER = "HP:0001250", "HP:0007359", "HP:0001252", "HP:0000252", "HP:0001945"
DRUG = (Named("ATC//N03AX09", "Lamotrigine"),)
NAMES = f"""source_language\ttranslation_language\tsubject_id\tsource_value\ttranslation_value
en\tzh\t{SEIZURE}\tSeizure\t癫痫发作
en\tzh\t{SMALL}\tMicrocephaly\t小头畸形
en\tzh\tnothing\tx\t名
en\tde\t{FEVER}\tFever\tFieber
"""


def case(id: str, present: str, absent: str = "", **more: object) -> Case:
    findings = [Finding(one, "present") for one in present.split()] + [Finding(one, "absent") for one in absent.split()]
    return Case(id, tuple(findings), **more)  # type: ignore[arg-type]


CASES = [
    case("focal", f"{FOCAL} {SMALL}", outcome="improved", age_years=3.0, sex="female", institution="East"),
    case("both", f"{SEIZURE} {HYPOTONIA}", FEVER, outcome="died", age_years=40.0, sex="male", institution="West"),
    case("fever", f"{FEVER} {SMALL}", SEIZURE, at=date(2026, 1, 5), diagnoses=(Named("ICD10//A90", "Dengue"),)),
    case("words", "", text="她反复咳嗽，夜间加重", language="zh"),
]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    file = tmp_path / "names.tsv"
    file.write_text(NAMES, "utf-8")
    load_terms(file, tmp_path / "cases")
    library = Library(tmp_path / "cases")
    library.add(CASES)
    return library


def test_the_table_of_findings_opens_in_half_a_second() -> None:
    table.cache_clear()
    begin = time.process_time()
    table()

    assert time.process_time() - begin < 0.5
    assert 19_000 < len(ontology()) < 25_000
    assert SEIZURE in lineage(FOCAL)


def test_a_hit_says_what_it_shares_lacks_and_contradicts(library: Library) -> None:
    hits = {hit.case.id: hit.reasons for hit in library.search("seizures, hypotonia, no fever")}

    assert {(SEIZURE, FOCAL, False)} == {(one.asked, one.found, one.exact) for one in hits["focal"].shared}
    assert (HYPOTONIA,) == hits["focal"].missing
    assert [(SEIZURE, True), (HYPOTONIA, True)] == [(one.asked, one.exact) for one in hits["both"].shared]
    assert () == hits["both"].contradicting


def test_what_a_case_denies_contradicts_and_comes_later(library: Library) -> None:
    hits = list(library.search(f"{FOCAL}, {SMALL}"))

    assert ["focal", "fever"] == [hit.case.id for hit in hits][:2]
    assert ((FOCAL, "present"),) == hits[1].reasons.contradicting
    assert () == hits[1].reasons.missing


def test_a_question_in_chinese_finds_english_cases_and_the_other_way_round(library: Library) -> None:
    library.add([case("zh", SEIZURE, language="zh", text="患儿反复抽搐"), case("en", SMALL, text="A small head")])
    chinese, english = library.search("癫痫发作、无发热、小头畸形"), library.search("seizure, microcephaly")

    assert (SEIZURE, SMALL) == chinese.query.concepts()
    assert [hit.case.id for hit in english] == [hit.case.id for hit in chinese]
    assert {"zh", "en"} <= {hit.case.id for hit in chinese}


def test_words_without_a_finding_are_looked_for_as_words(library: Library) -> None:
    (hit,) = library.search("夜间咳嗽")

    assert "words" == hit.case.id
    assert ("夜间咳嗽",) == hit.reasons.words


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(age=(2, 5)), {"focal"}),
        (Filters(age=(None, 50)), {"focal", "both"}),
        (Filters(sex="male"), {"both"}),
        (Filters(institution="East"), {"focal"}),
        (Filters(time=(date(2026, 1, 1), date(2026, 1, 31))), {"fever"}),
        (Filters(diagnosis="ICD10//A90-A99"), {"fever"}),
        (Filters(without=frozenset({"fever", "both"})), {"focal"}),
        (Filters(sex="other"), set()),
    ],
)
def test_filters_choose_who_may_answer(library: Library, filters: Filters, expected: set[str]) -> None:
    hits = library.search(f"{SEIZURE}, {SMALL}, {HYPOTONIA}", filters)

    assert expected == {hit.case.id for hit in hits}


def test_a_case_as_a_question_says_whether_others_ended_alike(library: Library) -> None:
    asked = query_of(case("new", f"{SEIZURE} {HYPOTONIA}", outcome="died", diagnoses=(Named("ICD10//A90"),)))
    hits = {hit.case.id: hit.reasons for hit in library.search(asked)}

    assert (True, None) == (hits["both"].same_outcome, hits["both"].same_diagnosis)
    assert (False, None) == (hits["focal"].same_outcome, hits["focal"].same_diagnosis)


def test_small_counts_of_outcomes_are_not_told(library: Library) -> None:
    library.add(case(f"i{at}", SEIZURE, treatments=DRUG, outcome="improved") for at in range(12))
    library.add(case(f"s{at}", SEIZURE, treatments=DRUG, outcome="stable") for at in range(7))
    library.add([case("d", SEIZURE, treatments=DRUG, outcome="died")])
    library.add(case(f"r{at}", SEIZURE, treatments=(Named("ATC//X", "Rare"),), outcome="died") for at in range(4))
    (line,) = library.search("seizure").treated

    assert "Lamotrigine" == line.treatment.text
    assert {"improved": 12, "stable": None, "died": None} == line.outcomes.counts
    assert 20 == line.outcomes.total


def test_a_withdrawn_case_is_gone(library: Library) -> None:
    library.add([case("own", SEIZURE, source="own", released="DocumentReference/1")])
    before = library.ids("own")

    assert (["own"], 1, []) == (before, library.remove(["own", "never"]), library.ids("own"))
    assert "own" not in {hit.case.id for hit in library.search("seizure")}
    with pytest.raises(Missing):
        library.get("own")


def test_no_case_enters_when_one_of_them_was_not_released(library: Library) -> None:
    with pytest.raises(Invalid, match="gate"):
        library.add([case("good", SEIZURE), case("own", SEIZURE, source="own")])
    assert len(CASES) == len(library)


def test_names_that_are_none_are_said_and_the_rest_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "names.tsv"
    file.write_text(NAMES, "utf-8")
    loaded = load_terms(file, tmp_path)

    assert (2, ["names.tsv line 4"]) == (loaded.count, [issue.path for issue in loaded.bad])
    names = [Terms(tmp_path).name(one, "zh") for one in (SEIZURE, FEVER, HYPOTONIA)]
    assert ["癫痫发作", "发热", "Hypotonia"] == names  # loaded; in our own tables; in neither
    with pytest.raises(Missing):
        load_terms(tmp_path / "none.tsv", tmp_path)
    file.write_text("a\tb\n1\t2\n")
    with pytest.raises(Invalid, match="line 2"):
        load_terms(file, tmp_path)


@pytest.mark.parametrize("text", ["", "  ", ",;、"])
def test_a_question_without_anything_in_it_is_said(library: Library, text: str) -> None:
    with pytest.raises(Invalid):
        library.search(text)
    with pytest.raises(Invalid):
        differential(library, text)


def test_a_disease_is_ranked_by_what_is_known_of_it(library: Library) -> None:
    known = knowledge()
    marfan = known.row["OMIM:154700"]
    usual = sorted(known.has("OMIM:154700").items(), key=lambda pair: -pair[1])[:6]
    told = differential(library, Query(tuple(Finding(concept) for concept, _ in usual)))

    assert "OMIM:154700" == told.knowledge[0].code == told.together[0].code
    assert known.names[marfan] == told.together[0].name
    assert 6 == len(told.together[0].explained) and () == told.together[0].unexplained


def test_a_case_lifts_its_diagnosis_and_without_a_like_case_the_ranking_is_that_of_knowledge(library: Library) -> None:
    rare = "HP:0000519 HP:0001166 HP:0002650 HP:0000768 HP:0000545"
    alone = differential(library, rare.replace(" ", ", "))
    library.add([case("new", rare, diagnoses=(Named("ICD10//Q87.4", "New syndrome"),))])
    lifted = differential(library, rare.replace(" ", ", "))

    assert [one.code for one in alone.knowledge] == [one.code for one in alone.together]
    assert [one.code for one in alone.knowledge] == [one.code for one in lifted.knowledge]
    assert ("ICD10//Q87.4", "new", None) == (
        lifted.together[0].code,
        lifted.together[0].case,
        lifted.together[0].by_knowledge,
    )
    assert "ICD10//Q87.4" == lifted.cases[0].code
