"""A site's own code lists: read, kept, found again."""

import csv
import gzip
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from salus.base.errors import Invalid, Malformed, Missing, TooLarge, Unsupported
from salus.base.words import LANGUAGES
from salus.cli.codes import codes as commands
from salus.codes.terminology import Site, System, Terminology, expand, loading
from salus.codes.terminology.loading import load
from salus.codes.terminology.shapes import ValueSet
from salus.codes.terminology.site import FOLDER, merged

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
WARDS = "urn:wards"
here = pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not beside this checkout")
ORDER = (
    "00001 A00     0 Cholera                                                      Cholera\n"
    "00002 A000    1 Cholera due to Vibrio cholerae 01, biovar cholerae           Cholera due to Vibrio cholerae 01\n"
)


def written(folder: Path, text: str, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def found(site: Site, url: str, text: str, language: str = "en", count: int = 20) -> list[str]:
    terms = Terminology([site])
    page = expand(terms, terms.value_set(f"{url}?fhir_vs"), text, count=count)
    return [terms.display(system, row, language) for system, row in page.concepts]


def test_an_order_file_becomes_a_hierarchy_of_pointed_codes(tmp_path: Path) -> None:
    system, bad = load(written(tmp_path, ORDER, "order.txt"), ICD10CM)

    assert ["A00", "A00.0"] == system.codes
    assert {1: [0]} == system.parents
    assert [("billable", True)] == system.properties[1]
    assert [] == bad


def test_bad_rows_are_named_and_good_ones_taken(tmp_path: Path) -> None:
    table = (
        "code,display,parent,zh\na,Ward A,,甲病区\n,Ward B,,\na,Ward C,,\nd,,,\ne,Ward E,z,\nx  y,Ward,,\nf,"
        + "n" * 1001
    )
    system, bad = load(written(tmp_path, table), WARDS)

    assert ["a", "e"] == system.codes
    assert {0: "甲病区"} == system.zh
    assert [(3, "code"), (4, "twice"), (5, "name"), (7, "form"), (8, "long"), (6, "parent")] == [
        (one.line, one.reason) for one in bad
    ]
    assert all(one.told(language) for one in bad for language in LANGUAGES)


@pytest.mark.parametrize(
    ("text", "language", "en", "zh"),
    [
        ("code\tdisease\nA00\t霍乱\n", "zh", "", "霍乱"),
        ("编码;名称\nA00;霍乱\n", "en", "", "霍乱"),
        ("code,en,zh_tw\nA00,Cholera,霍亂\n", "en", "Cholera", "霍亂"),
        ('code,display\nA00,"Cholera, any"\n', "en", "Cholera, any", ""),
    ],
)
def test_tables_of_several_habits_are_read(tmp_path: Path, text: str, language: str, en: str, zh: str) -> None:
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        path = tmp_path / "list"
        path.write_bytes(gzip.compress(text.encode(encoding)))
        system, _ = load(path, WARDS, language)

        assert ([en], zh) == (system.displays, system.zh.get(0, ""))


@pytest.mark.parametrize(
    ("data", "url", "kind", "said"),
    [
        (b"", WARDS, Malformed, "columns"),
        (b"name,zh\nx,y\n", WARDS, Malformed, "'code'"),
        (b"code,display\n", WARDS, Malformed, "no row"),
        (b'code,display\n"a,"b\n', WARDS, Malformed, "no row"),
        (b"\x1f\x8b broken", WARDS, Malformed, "unpacked"),
        (b"\xff\xfe\xff\xff", WARDS, Malformed, "UTF-8"),
        (b"{ not json", WARDS, Malformed, "JSON"),
        (b"{" * 100_000, WARDS, Malformed, "JSON"),
        (b'{"resourceType": "Patient"}', WARDS, Unsupported, "Patient"),
        (b'{"resourceType": "CodeSystem", "url": "urn:other"}', WARDS, Invalid, "urn:other"),
        (b"code,display\na,b\n", "not an address", Invalid, "address"),
    ],
)
def test_what_is_no_code_list_is_refused(tmp_path: Path, data: bytes, url: str, kind: type, said: str) -> None:
    path = tmp_path / "list"
    path.write_bytes(data)
    with pytest.raises(kind, match=said):
        load(path, url)


def test_a_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MOST_BYTES", 1 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"0" * (2 << 20)))

    with pytest.raises(TooLarge):
        load(path, WARDS)
    with pytest.raises(Missing):
        load(tmp_path / "none", WARDS)


def test_a_code_system_resource_is_loaded_as_it_is(tmp_path: Path) -> None:
    resource = {"resourceType": "CodeSystem", "url": WARDS, "concept": [{"code": "a", "concept": [{"code": "b"}]}]}
    system, _ = load(written(tmp_path, json.dumps(resource), "wards.json"), WARDS)

    assert (["a", "b"], {1: [0]}) == (system.codes, system.parents)


def test_a_second_list_adds_names_and_codes_and_doing_it_again_changes_nothing(tmp_path: Path) -> None:
    first = load(written(tmp_path, ORDER, "order.txt"), ICD10CM).system
    table = written(tmp_path, "code,zh\nA00.0,霍乱弧菌\nA00.1,埃尔托\nA00,霍乱\n")
    both = merged(first, load(table, ICD10CM).system)

    assert ["A00", "A00.0", "A00.1"] == both.codes
    assert ("Cholera", "霍乱", [0]) == (both.displays[0], both.zh[0], both.parents[2])
    assert both == merged(both, load(table, ICD10CM).system)


names = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["One", "Two"]))


@given(names, names)
def test_merging_is_that_of_two_dictionaries(old: dict[str, str], new: dict[str, str]) -> None:
    first, second = (System(WARDS, codes=list(table), displays=list(table.values())) for table in (old, new))
    both = merged(first, second)

    assert {**old, **new} == dict(zip(both.codes, both.displays, strict=True))


def test_a_site_keeps_a_system_and_sees_a_new_one_at_once(tmp_path: Path) -> None:
    server, terminal = Site(tmp_path / FOLDER), Site(tmp_path / FOLDER)

    assert [] == server.systems(WARDS)
    for code in "ab":
        terminal.keep(System(WARDS, codes=[code], displays=[""]))
        assert [[code]] == [system.codes for system in server.systems(WARDS)]
    terminal.remove(WARDS)
    assert [] == server.systems(WARDS)
    with pytest.raises(Missing):
        terminal.remove(WARDS)


def test_a_file_that_is_broken_is_named(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.keep(System(WARDS, codes=["a"], displays=[""]))
    site.file(WARDS).write_bytes(b"broken")

    with pytest.raises(Invalid, match="load that code system again"):
        site.systems(WARDS)


def test_a_site_goes_before_what_came_with_the_program(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.keep(System(ICD10, "2019", codes=["E11", "E12"], displays=["Type 2", "Other"]))
    terms = Terminology([site])
    system = terms.system(ICD10)

    assert ["E11", "E12"] == system.codes
    assert "2型糖尿病" == terms.display(system, 0, "zh")  # the name from our tables


def test_the_command_loads_lists_and_forgets(tmp_path: Path) -> None:
    table = written(tmp_path, "code,display\na,Ward A\nb,\n")
    store = ["--store", str(tmp_path / "var" / "records.db"), "--speak", "en"]
    environment = {"SALUS_FOLDER": str(tmp_path / "var")}

    def run(*words: str) -> tuple[int, str]:
        ended = CliRunner().invoke(commands, [*words, *store], env=environment)
        return ended.exit_code, ended.output

    status, output = run("load", str(table), "--system", WARDS)
    assert 3 == status
    assert "1 codes" in output and "Line 3" in output
    assert (0, True) == (run("list")[0], WARDS in run("list")[1])
    assert 0 == run("remove", WARDS)[0]
    assert "Nothing was loaded" in run("list")[1]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with ICD-10-CM in English and Chinese, and the Chinese ICD-10."""
    site = Site(tmp_path_factory.mktemp("site"))
    english = load(DATA / "icd10cm" / "icd10cm-order-Jan-2021.txt.gz", ICD10CM)
    chinese = load(DATA / "icd10cm-zh-tw" / "icd10cm_2023_en_zh-tw.csv.gz", ICD10CM)
    assert [] == english.bad == chinese.bad
    site.keep(merged(english.system, chinese.system))
    site.keep(load(DATA / "icd10-zh" / "disease.csv", ICD10, "zh").system)
    return site


@here
def test_all_of_icd_10_cm_is_there(loaded: Site) -> None:
    system = loaded.systems(ICD10CM)[0]
    row = system.row("E11.9")
    assert row is not None

    with gzip.open(DATA / "icd10cm-zh-tw" / "icd10cm_2023_en_zh-tw.csv.gz", "rt", encoding="utf-8") as opened:
        table = {line["code"]: line["zh_tw"] for line in csv.DictReader(opened)}
    assert table["E11.9"] == system.zh[row]
    assert table.keys() <= set(system.codes)
    assert 97_078 == len(system.codes)
    assert "E11" == system.codes[system.parents[row][0]]


@here
@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("E11.9", "Type 2 diabetes mellitus without complications"),
        ("e119", "Type 2 diabetes mellitus without complications"),
        ("type 2 diab", "Type 2 diabetes mellitus"),
        ("chol vibr", "Cholera due to Vibrio cholerae 01, biovar cholerae"),
        ("霍亂", "Cholera"),
    ],
)
def test_a_diagnosis_is_found_by_the_beginnings_of_its_words(loaded: Site, text: str, first: str) -> None:
    assert first == found(loaded, ICD10CM, text)[0]


@here
@pytest.mark.parametrize(("text", "name"), [("xmz", "荨麻疹"), ("tnb", "胰岛素依赖型糖尿病"), ("霍乱", "霍乱")])
def test_a_chinese_diagnosis_is_found_by_its_initials(loaded: Site, text: str, name: str) -> None:
    assert name in found(loaded, ICD10, text, "zh")


@here
def test_a_filter_over_95_000_codes_takes_less_than_50_ms(loaded: Site) -> None:
    terms = Terminology([loaded])
    everything = ValueSet("urn:all", include=[{"system": ICD10CM}])
    expand(terms, everything, "warm", count=1)
    seconds = []
    for text in ("type 2 diab", "fracture left femur", "糖尿病", "unspecified", "a") * 3:
        began = time.process_time()
        expand(terms, everything, text, count=20)
        seconds.append(time.process_time() - began)

    assert sorted(seconds)[len(seconds) // 2] < 0.05
