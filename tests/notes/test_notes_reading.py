"""What notes say of problems and drugs, in English and Chinese."""

import logging
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.assistants.cases.notes import Mention, lexicon, names_at, names_in, our_names, read, sentences, usual
from salus.assistants.cases.notes.lexicon import ontology_names, table_names
from salus.base.errors import Invalid
from salus.codes.tables import ICD10
from salus.codes.terminology import Site
from salus.codes.terminology.loading import load
from salus.codes.terminology.site import FOLDER

SAMPLE = (
    "Denies fever, chills or cough. Father had MI. Hx of asthma. Return if vomiting. 患者无胸痛，有咳嗽。疑似肺炎？"
)


def said(text: str, language: str | None = None) -> dict[str, str]:
    """The text of each mention -> what differs from "the patient has it, now"."""

    def flags(one: Mention) -> str:
        parts = [
            "denied" if one.negated else "",
            "unsure" if one.unsure else "",
            one.experiencer.replace("patient", ""),
            one.when.replace("now", ""),
            one.kind.replace("problem", ""),
        ]
        return " ".join(filter(None, parts))

    return {one.text: flags(one) for one in read(text, language)}


CASES = [
    # a list goes over commas, a new statement does not
    ("Denies fever, chills or night sweats.", {"fever": "denied", "chills": "denied", "night sweats": "denied"}),
    ("No chest pain, but shortness of breath.", {"chest pain": "denied", "shortness of breath": ""}),
    ("No fever, mild headache since noon.", {"fever": "denied", "headache": ""}),
    ("No nausea, and diarrhea for two days.", {"nausea": "denied", "diarrhea": ""}),
    ("无发热、咳嗽，有头痛。", {"发热": "denied", "咳嗽": "denied", "头痛": ""}),
    # what only looks like a denial
    ("No increase in cough.", {"cough": ""}),
    ("Gram negative sepsis.", {"sepsis": ""}),
    ("He denies that the back pain is worse.", {"back pain": ""}),
    ("无明显诱因出现发热。", {"发热": ""}),
    ("头痛较前无明显加重。", {"头痛": ""}),
    # doubts
    ("Cannot rule out pulmonary embolism.", {"pulmonary embolism": "unsure"}),
    ("肺栓塞不除外。", {"肺栓塞": "unsure"}),
    ("建议检查除外肺栓塞。", {"肺栓塞": "unsure"}),
    ("肺栓塞除外。", {"肺栓塞": "denied"}),
    # whose, and when
    ("Mother has asthma; the infant has eczema.", {"asthma": "family", "eczema": ""}),
    ("Mother reports fever.", {"fever": ""}),
    ("No family history of stroke.", {"stroke": "denied family"}),
    ("His wife had influenza.", {"influenza": "other"}),
    ("同学患流感，患者发热。", {"流感": "other", "发热": ""}),
    ("History of gout, presents with fever.", {"gout": "past", "fever": ""}),
    ("既往高血压，目前头痛。", {"高血压": "past", "头痛": ""}),
    ("Return if vomiting develops.", {"vomiting": "hypothetical"}),
    ("如出现黑便，请就诊。", {"黑便": "hypothetical"}),
    # drugs, and allergies to them
    ("Takes amlodipine, stopped aspirin.", {"amlodipine": "drug", "aspirin": "past drug"}),
    ("Allergic to penicillin.", {"penicillin": "allergy"}),
    ("青霉素过敏", {"青霉素": "allergy"}),
    # headings reach down to the next one
    ("Family history:\nStroke\n\nHe has gout.", {"Stroke": "family", "gout": ""}),
    ("FH: stroke. Asthma. PLAN: treat gout.", {"stroke": "family", "Asthma": "family", "gout": ""}),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_sentence_says_who_has_what_and_when(text: str, expected: dict[str, str]) -> None:
    assert expected == said(text)


def test_abbreviations_count_in_capitals_and_by_the_language_of_the_note() -> None:
    assert {"HTN": "", "DM2": ""} == said("HTN and DM2 ok", "en")
    assert {} == said("he has it", "en")  # HA and MI are no words
    assert {} == said("PE：双肺呼吸音清，肺部正常")  # in a Chinese note: the examination
    assert {"房颤": "", "冠心病": ""} == said("诊断：冠心病，房颤")


def test_names_lead_to_codes() -> None:
    found = {one.text: one.concept for one in read("Hypertension, dyspnoea, took Tylenol. 二甲双胍 冠心病")}

    assert {
        "Hypertension": "ICD10//I10",
        "dyspnoea": "HP:0002094",
        "Tylenol": "ATC//N02BE01",
        "二甲双胍": "ATC//A10BA02",
        "冠心病": "ICD10//I25.1",
    } == found


def test_findings_of_the_ontology_are_found_by_their_names_and_synonyms() -> None:
    found = [(one.text, one.concept, one.negated) for one in read("Microcephaly, muscular hypotonia; no lazy eye.")]

    assert [
        ("Microcephaly", "HP:0000252", False),
        ("muscular hypotonia", "HP:0001252", False),
        ("lazy eye", "HP:0000646", True),
    ] == found
    assert () == read("Moderate, recurrent, autosomal dominant; short leg cast; allergy.")


def test_the_longest_name_counts() -> None:
    assert ["ICD10//E11"] == [one.concept for one in read("type 2 diabetes mellitus")]
    assert [] == read("body mass index 31") or not list(read("body mass index 31"))


@given(st.text(alphabet=st.sampled_from(list("nofever no, 无发热咳嗽，。;\n()denies HTN（－）？ａ")), max_size=60))
def test_every_mention_stands_where_it_says_whatever_the_text(text: str) -> None:
    for one in read(text):
        assert text[one.start : one.end] == one.text


@given(st.text(max_size=80))
def test_sentences_lie_in_order_and_hold_every_sign_but_blanks(text: str) -> None:
    spans = list(sentences(text))
    left = "".join(text[a:b] for a, b in spans)

    assert all(a < b for a, b in spans) and all(x[1] <= y[0] for x, y in pairwise(spans))
    assert sorted(ch for ch in text if ch not in " \t\r\n,") == sorted(ch for ch in left if ch not in " \t\r\n,")


def test_each_name_of_our_tables_is_found_by_itself() -> None:
    but = {name.text for name in table_names("en") if name.concept == "-"} | {"Short leg", "Small finger"}
    missing = [
        name.text
        for language in ("en", "zh")
        for name in (*table_names(language), *ontology_names()[::25])
        if name.text not in but and not list(read(f"* {name.text} *", language))
    ]

    assert [] == missing


def test_a_site_adds_names_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("concept,name,kind,capitals\nICD10//Z99.9,foo bar,,\nATC//A01,XYZ,drug,yes\n", "utf-8")
    names = lexicon([*names_in(path), *our_names("en")])

    assert [("foo bars", "ICD10//Z99.9", "problem"), ("XYZ", "ATC//A01", "drug")] == [
        (one.text, one.concept, one.kind) for one in read("No foo bars, XYZ xyz", names=names)
    ]

    path.write_text("concept,name\n,nothing\n", "utf-8")
    with pytest.raises(Invalid, match=r"line 2 of names\.csv"):
        list(names_in(path))


def test_what_a_site_has_loaded_or_listed_counts_from_then_on(tmp_path: Path) -> None:
    text = "No glandular widget. 小部件病三天。ABX"

    assert () == read(text, names=names_at(tmp_path, "zh"))

    rows = "code,display,zh\nQ01.5,Glandular widget,小部件病\nQ01.6,Something unspecified,\n"
    (tmp_path / "icd.csv").write_text(rows, "utf-8")
    site = Site(tmp_path / FOLDER)
    site.keep(load(tmp_path / "icd.csv", ICD10, "en").system)

    assert ["ICD10//Q01.5"] * 2 == [one.concept for one in read(text, names=names_at(tmp_path, "zh"))]

    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "terms-zh.json").write_text('{"HP:0000252": "小头畸形", "HP:0012825": "轻度"}', "utf-8")
    rare = [(one.text, one.concept) for one in read("轻度小头畸形", names=names_at(tmp_path, "zh"))]

    assert [("小头畸形", "HP:0000252")] == rare

    (tmp_path / "names.csv").write_text("concept,name,kind\nATC//J01,abx,drug\n", "utf-8")

    assert "ATC//J01" == read(text, names=names_at(tmp_path, "zh"))[-1].concept


def test_another_language_is_refused() -> None:
    with pytest.raises(Invalid, match="en or zh"):
        read("fièvre", "fr")


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        read(SAMPLE)

    assert [] == caplog.records


@pytest.mark.parametrize("text", ["no fever ", "无发热", "A" * 39 + " ", "\n ", "no,", "Fever: ", "(-"])
def test_no_text_takes_forever(text: str) -> None:
    began = time.process_time()
    found = read(text * (60_000 // len(text)))

    assert time.process_time() - began < 10
    assert all(one.end - one.start < 10 for one in found)


def test_thousands_of_sentences_are_read_in_a_second() -> None:
    text = SAMPLE * 50
    many = len(list(sentences(text)))
    usual("zh")
    began = time.process_time()
    read(text)

    assert many / (time.process_time() - began) > 3_000  # alone it is 15,000 and more
