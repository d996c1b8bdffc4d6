"""What a case is, and how cases come in and go out: ours, tables, published ones."""

import gzip
from datetime import date
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.assistants.cases.case import Case, Finding, Named, check_may_enter, finding_of, word_of
from salus.assistants.cases.reading import read_cases, write_cases
from salus.base.errors import Invalid, Malformed, Missing, Unsupported

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "phenopackets-dev" / "cases.jsonl.gz"
COUGH = Case(
    "c1",
    (Finding("HP:0012735", text="Cough", at=date(2026, 3, 1)), Finding("HP:0001945", "absent"), Finding(text="tired")),
    text="Cough for a week; 咳嗽一周",
    diagnoses=(Named("ICD10//J18", "Pneumonia"),),
    treatments=(Named("ATC//J01CA04", "Amoxicillin"),),
    outcome="recovered",
    age_years=41.5,
    sex="female",
    institution="East",
)
PACKET = {
    "id": "P1",
    "subject": {"id": "a", "sex": "MALE", "timeAtLastEncounter": {"age": {"iso8601duration": "P2Y6M"}}},
    "phenotypicFeatures": [
        {"type": {"id": "HP:0001250", "label": "Seizure"}, "onset": {"age": {"iso8601duration": "P1Y"}}},
        {"type": {"id": "HP:0001252", "label": "Hypotonia"}, "excluded": True},
    ],
    "interpretations": [{"diagnosis": {"disease": {"id": "OMIM:1", "label": "One"}}}],
    "diseases": [{"term": {"id": "OMIM:1", "label": "One"}}, {"term": {"id": "OMIM:2"}, "excluded": True}],
    "medicalActions": [{"treatment": {"agent": {"id": "ATC:N03AX09", "label": "Lamotrigine"}}}],
    "metaData": {"externalReferences": [{"id": "PMID:7"}]},
}


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.csv"])
def test_a_case_written_is_the_case_read(tmp_path: Path, name: str) -> None:
    undated = Case("c2", (finding_of("?HP:0001250 Seizure"),), at=date(2026, 1, 2), language="zh")
    first = COUGH if name.endswith("jsonl") else Case(**{**whole(COUGH), "findings": COUGH.findings[1:]})
    write_cases([first, undated], tmp_path / name)

    taken = read_cases(tmp_path / name)
    assert [first, undated] == taken.cases
    assert [] == taken.bad


def whole(case: Case) -> dict[str, object]:
    return {key: getattr(case, key) for key in Case.__struct_fields__}


@given(st.sampled_from(["present", "absent", "unsure"]), st.text("abc 咳嗽", min_size=1).filter(str.strip))
def test_a_finding_survives_being_a_word(status: str, text: str) -> None:
    finding = Finding("HP:0001250", status, " ".join(text.split()))  # type: ignore[arg-type]

    assert finding == finding_of(word_of(finding))


def test_lines_that_are_no_case_are_named_and_the_rest_is_in(tmp_path: Path) -> None:
    lines = [
        '{"id":"a","findings":[{"concept":"HP:0001250"}]}',
        '{"id":"b","age_years":-4}',
        "{",
        '{"id":"a"}',
        '{"id":"c","findings":[{"status":"present"}]}',
        '{"id":"d","colour":"red"}',
        '{"id":"e","findings":[{"concept":"no code"}]}',
        "",
        '{"id":"f"}',
    ]
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    taken = read_cases(tmp_path / "x.jsonl")

    assert ["a", "f"] == [case.id for case in taken.cases]
    assert [2, 3, 4, 5, 6, 7] == [int(issue.path.split()[-1]) for issue in taken.bad]
    assert "age_years" in taken.bad[0].text and "stands at x.jsonl line 1" in taken.bad[2].text


def test_a_phenopacket_is_a_case(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_bytes(orjson.dumps(PACKET))
    (tmp_path / "two.json").write_bytes(orjson.dumps({"id": "x", "subject": {}, "phenotypicFeatures": [{}]}))
    taken = read_cases(tmp_path)
    (case,) = taken.cases

    assert (("HP:0001250",), ("HP:0001252",)) == (case.concepts(), case.concepts("absent"))
    assert (Named("OMIM:1", "One"),) == case.diagnoses
    assert (2.5, "male", "PMID:7", "published") == (case.age_years, case.sex, case.reference, case.source)
    assert ["two.json"] == [issue.path for issue in taken.bad]


@pytest.mark.parametrize("broken", [[], {"id": "x"}, {**PACKET, "id": ""}, {**PACKET, "subject": []}])
def test_what_is_no_phenopacket_is_said(tmp_path: Path, broken: object) -> None:
    (tmp_path / "one.json").write_bytes(orjson.dumps(broken))

    with pytest.raises(Invalid, match=r"one\.json"):
        read_cases(tmp_path)


def test_a_table_with_other_columns_or_too_many_values_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,colour\n1,red\n")
    (tmp_path / "b.csv").write_text("id,text\n1,a,b\n2,fine\n")

    with pytest.raises(Invalid, match="colour"):
        read_cases(tmp_path / "a.csv")
    assert ["b.csv line 2"] == [issue.path for issue in read_cases(tmp_path / "b.csv").bad]


def test_files_of_another_kind_or_encoding_or_absent_are_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.jsonl").write_bytes("咳嗽".encode("gb18030"))

    with pytest.raises(Unsupported):
        read_cases(tmp_path / "a.txt")
    with pytest.raises(Malformed, match="UTF-8"):
        read_cases(tmp_path / "b.jsonl")
    with pytest.raises(Missing):
        read_cases(tmp_path / "none.csv")
    with pytest.raises(Unsupported):
        write_cases([COUGH], tmp_path / "a.txt")


def test_an_own_case_enters_only_with_its_release() -> None:
    check_may_enter(COUGH)
    check_may_enter(Case("o", source="own", released="Provenance/1"))

    with pytest.raises(Invalid, match="gate"):
        check_may_enter(Case("o", source="own"))


@pytest.mark.skipif(not DATA.exists(), reason="needs shared/data/phenopackets-dev")
def test_published_cases_are_read_whole() -> None:
    taken = read_cases(DATA)
    told = gzip.decompress(DATA.read_bytes()).count(b'"HP:')

    assert (6076, 0) == (len(taken.cases), len(taken.bad))
    assert told == sum(len(case.findings) for case in taken.cases)
    assert 536 == len({case.diagnoses[0].code for case in taken.cases})
