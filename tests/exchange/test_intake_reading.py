"""What stands at a path, before any store: archives, bundles, lines, tables."""

import gzip
import io
import json
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from salus.base.errors import Invalid, Malformed, Missing
from salus.exchange import lines
from salus.exchange.links import Links
from salus.exchange.mapping import read_mapping
from salus.exchange.opening import Meter
from salus.exchange.reading import items_at
from salus.exchange.shapes import Aside, Found, Item, Refusal

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
CORPUS = SHARED / "fhir-synthea-r4-dev" / "bundles-ci10.tar.gz"
PATIENT = b'{"resourceType":"Patient","id":"p%d","gender":"female"}'
LINES = b"\n".join(PATIENT % number for number in range(3)) + b"\n"


def found(path: Path, mapping: Path | None = None) -> list[Found | Aside]:
    meter = Meter(0, lambda done, total: None)
    return list(items_at(path, meter, read_mapping(mapping) if mapping else None, nobody))


def nobody(type: str, search: str) -> str | None:
    return None


def ids(things: list[Found | Aside]) -> list[str]:
    return [thing.id for thing in things if isinstance(thing, Item)]


def tar(mode: str, name: str) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        with tarfile.open(folder / name, f"w:{mode}") as archive:
            info = tarfile.TarInfo("out/Patient.ndjson")
            info.size = len(LINES)
            archive.addfile(info, io.BytesIO(LINES))
        return folder / name

    return made


def zipped(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("out/Patient.ndjson", LINES)
    return folder / "a.zip"


def written(name: str, data: bytes) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return made


def folder_of_gz(folder: Path) -> Path:
    (folder / "sub").mkdir()
    (folder / "sub" / "Patient.000.ndjson.gz").write_bytes(gzip.compress(LINES))
    (folder / "notes.txt").write_text("not for us")
    return folder


KINDS = [
    written("Patient.ndjson", LINES),
    written("Patient.jsonl", b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n\r\n")),
    written("Patient.ndjson.gz", gzip.compress(LINES)),
    folder_of_gz,
    tar("", "a.tar"),
    tar("gz", "a.tar.gz"),
    tar("gz", "a.tgz"),
    tar("bz2", "a.tar.bz2"),
    tar("xz", "a.tar.xz"),
    zipped,
]


@pytest.mark.parametrize("make", KINDS)
def test_every_kind_of_file_gives_the_same_three_patients(make: Callable[[Path], Path], tmp_path: Path):
    assert ["p0", "p1", "p2"] == ids(found(make(tmp_path)))


def test_a_path_that_leaves_an_archive_is_refused_and_the_rest_is_read(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("../evil.ndjson", "/etc/evil.ndjson", "a/../../evil.ndjson", "c:\\evil.ndjson", "good.ndjson"):
            archive.writestr(name, LINES)
    things = found(tmp_path / "a.zip")

    assert 4 == sum(isinstance(thing, Refusal) and "leaves the archive" in thing.text for thing in things)
    assert ["p0", "p1", "p2"] == ids(things)


def test_links_and_archives_within_an_archive_are_refused(tmp_path: Path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        link = tarfile.TarInfo("x.ndjson")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("inner.zip"))
        archive.addfile(tarfile.TarInfo("../up.ndjson"))
    texts = [thing.text for thing in found(tmp_path / "a.tar") if isinstance(thing, Refusal)]

    assert ["is a link", "is an archive", "has a path"] == [" ".join(text.split()[:3]) for text in texts]


def test_a_link_out_of_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "secret.ndjson").write_bytes(LINES)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.ndjson").symlink_to(tmp_path / "secret.ndjson")

    assert [Refusal] == [type(thing) for thing in found(tmp_path / "in")]


def test_a_damaged_file_is_a_refusal_and_the_next_one_is_read(tmp_path: Path):
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(LINES)[:-12])
    (tmp_path / "b.ndjson").write_bytes(LINES)
    things = found(tmp_path)

    assert "damaged" in next(str(thing) for thing in things if isinstance(thing, Refusal))
    assert ["p0", "p1", "p2"] == ids(things)[-3:]


def test_a_table_that_nobody_explains_does_not_hold_back_its_folder(tmp_path: Path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.ndjson").write_bytes(LINES)
    things = found(tmp_path)

    assert ["p0", "p1", "p2"] == ids(things)
    assert ["a.csv"] == [thing.where for thing in things if isinstance(thing, Refusal)]


NOT_RESOURCES = [b"[" * 100_000, b'{"resourceType":"Patient","id":5}', b'{"id":"x"}', b"\xff\xfe", b"hello"]


@pytest.mark.parametrize("line", NOT_RESOURCES, ids=["deep", "number as id", "no type", "no UTF-8", "words"])
def test_a_line_that_is_no_resource_is_refused_and_the_next_is_read(line: bytes, tmp_path: Path):
    (tmp_path / "a.ndjson").write_bytes(line + b"\n" + LINES)
    (tmp_path / "b.json").write_bytes(line)
    things = found(tmp_path)

    assert ["a.ndjson:1", "b.json:1"] == [thing.where for thing in things if isinstance(thing, Refusal)]
    assert ["p0", "p1", "p2"] == ids(things)


def test_a_line_that_is_too_long_is_refused_and_the_next_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lines, "MAX_LINE", 100)
    (tmp_path / "a.ndjson").write_bytes(b'{"a":"' + b"x" * 1000 + b'"}\n' + LINES)
    things = found(tmp_path)

    assert "a.ndjson:1" == next(thing.where for thing in things if isinstance(thing, Refusal))
    assert ["p0", "p1", "p2"] == ids(things)


def test_what_is_not_there_or_of_no_known_kind_is_said(tmp_path: Path):
    (tmp_path / "a.doc").write_text("x")

    with pytest.raises(Missing):
        found(tmp_path / "nothing")
    with pytest.raises(Malformed, match="ndjson"):
        found(tmp_path / "a.doc")


def bundle(*entries: dict[str, object], kind: str = "transaction") -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}, indent=2).encode()


URN = "urn:uuid:5cbc121b-cd71-4428-b8b7-31e53eba8184"
LAB = {"resourceType": "Observation", "subject": {"reference": URN}, "valueQuantity": {"value": 1.5}}


def test_references_within_a_bundle_become_plain_and_ids_are_the_same_each_time(tmp_path: Path):
    path = tmp_path / "b.json"
    path.write_bytes(bundle({"fullUrl": URN, "resource": {"resourceType": "Patient"}}, {"resource": LAB}))
    patient, lab = [thing for thing in found(path) if isinstance(thing, Item)]

    assert "5cbc121b-cd71-4428-b8b7-31e53eba8184" == patient.id == json.loads(patient.body)["id"]
    assert f"Patient/{patient.id}" == json.loads(lab.body)["subject"]["reference"]
    assert [patient.id, lab.id] == ids(found(path))


def test_an_identifier_that_looks_like_a_reference_stays_as_it_is(tmp_path: Path):
    path = tmp_path / "b.json"
    named = {"resourceType": "Patient", "identifier": [{"system": "urn:ietf:rfc:3986", "value": URN}]}
    path.write_bytes(bundle({"fullUrl": URN, "resource": named}))

    assert URN == json.loads(found(path)[0].body)["identifier"][0]["value"]  # type: ignore[union-attr]


def test_a_refusal_in_a_bundle_names_its_line(tmp_path: Path):
    path = tmp_path / "b.json"
    path.write_bytes(bundle({"resource": {"resourceType": "Patient"}}, {"resource": {"id": "x"}}, {"fullUrl": URN}))
    first, second = [thing for thing in found(path) if isinstance(thing, Refusal)]

    assert ("b.json:11", "resourceType") == (first.where, first.path)
    assert "Bundle.entry[2]" == second.path


@pytest.mark.parametrize(
    ("data", "where"), [(b'{"a":\n1,\n}', "b.json:3"), (b"[]", "b.json:1"), (bundle(kind="history"), "b.json:1")]
)
def test_a_file_that_is_no_bundle_is_refused_at_its_line(data: bytes, where: str, tmp_path: Path):
    (tmp_path / "b.json").write_bytes(data)

    assert [where] == [thing.where for thing in found(tmp_path / "b.json") if isinstance(thing, Refusal)]


def test_organisations_and_practitioners_come_before_those_who_point_at_them(tmp_path: Path):
    names = ["Ann_Lee.json", "practitionerInformation1.json", "hospitalInformation1.json"]
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        for name in names:
            data = bundle({"resource": {"resourceType": "Basic", "id": name.split(".")[0]}})
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))

    assert ["hospitalInformation1", "practitionerInformation1", "Ann-Lee"] == [
        id.replace("_", "-") for id in ids(found(tmp_path / "a.tar.gz"))
    ]


def test_a_conditional_reference_becomes_plain_or_else_an_identifier():
    links = Links(lambda type, system, value: "org-9" if value == "9" else None)
    links.learn(Item("Practitioner", "dr-1", b'{"identifier":[{"system":"s","value":"1"}]}', ""))
    body = (
        b'{"a":[{"reference":"Practitioner?identifier=s|1"},{"reference":"Organization?identifier=s|9"},'
        b'{"extension":[{"url":"x"}],"reference":"Location?identifier=s|0","display":"\xe5\xae\xa4"}],"value":1.10}'
    )

    resolved = links.resolved(Item("Encounter", "e", body, "")).body
    assert b'"value":1.10' in resolved
    assert [
        {"reference": "Practitioner/dr-1"},
        {"reference": "Organization/org-9"},
        {"type": "Location", "identifier": {"system": "s", "value": "0"}, "extension": [{"url": "x"}], "display": "室"},
    ] == json.loads(resolved)["a"]


@pytest.mark.skipif(not CORPUS.exists(), reason="the shared Synthea bundles are not on this machine")
def test_ten_synthea_bundles_are_read_with_every_reference_made_plain():
    meter = Meter(CORPUS.stat().st_size, lambda done, total: None)
    things = [thing for thing in items_at(CORPUS, meter, None, nobody) if isinstance(thing, Item)]

    assert 10 == Counter(item.type for item in things)["Patient"]
    assert not any(b'"urn:uuid:' in item.body for item in things if item.type == "Observation")
    assert meter.total == meter.done


LONG = """病人,时间,项目,结果,单位,性别,出生
7,2026-03-01 08:00,糖化血红蛋白,7.10,%,男,1950/05/01
7,2026-03-02,尿糖,阳性,,男,1950/05/01
"""
LONG_MAPPING = """subject = "病人"
time = "时间"
code = "项目"
value = "结果"
unit = "单位"
sex = "性别"
birth_date = "出生"
zone = "Asia/Shanghai"
[codes]
"糖化血红蛋白" = "4548-4"
"""


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_long_table_gives_its_patients_and_observations(encoding: str, tmp_path: Path):
    (tmp_path / "m.toml").write_text(LONG_MAPPING, "utf-8")
    (tmp_path / "t.csv").write_bytes(LONG.encode(encoding))
    things = [thing for thing in found(tmp_path / "t.csv", tmp_path / "m.toml") if isinstance(thing, Item)]
    patient, first, second = [json.loads(thing.body) for thing in things]

    assert ("male", "1950-05-01", "7") == (patient["gender"], patient["birthDate"], patient["id"])
    assert ("4548-4", "2026-03-01T08:00:00+08:00") == (first["code"]["coding"][0]["code"], first["effectiveDateTime"])
    assert b'"value":7.10' in things[1].body
    assert ("阳性", "2026-03-02") == (second["valueString"], second["effectiveDateTime"])


def test_a_wide_table_gives_an_observation_for_each_filled_cell(tmp_path: Path):
    (tmp_path / "m.toml").write_text(
        'subject = "id"\ntime = "day"\n'
        '[columns.glucose]\ncode = "2345-7"\nunit = "mg/dL"\n[columns.bmi]\ncode = "39156-5"\n'
    )
    (tmp_path / "t.csv").write_text("id;day;glucose;bmi\n1;2026-01-01;90;\n1;2026-01-02;95;24\n")
    things = found(tmp_path / "t.csv", tmp_path / "m.toml")

    assert ["Patient", "Observation", "Observation", "Observation"] == [thing.type for thing in things]  # type: ignore[union-attr]


BAD_ROWS = [
    (",2026-01-01,x,1\n", "id is empty"),
    ("1,yesterday,x,1\n", "'yesterday' is no date and time"),
    ("1,2026-01-01,,1\n", "code is empty"),
    ("1,2026-01-01,x,\n", "value is empty"),
]


@pytest.mark.parametrize(("row", "why"), BAD_ROWS)
def test_a_bad_row_of_a_table_is_refused_with_line_column_and_cure(row: str, why: str, tmp_path: Path):
    (tmp_path / "m.toml").write_text('subject = "id"\ntime = "time"\ncode = "code"\nvalue = "value"\n')
    (tmp_path / "t.csv").write_text(f"id,time,code,value\n1,2026-01-01,x,1\n{row}1,2026-01-02,x,1\n")
    things = found(tmp_path / "t.csv", tmp_path / "m.toml")
    refusal = next(thing for thing in things if isinstance(thing, Refusal))

    assert "t.csv:3" == refusal.where
    assert why in refusal.text
    assert 2 == sum(isinstance(thing, Item) and thing.type == "Observation" for thing in things)


def test_the_same_measurement_twice_at_one_time_keeps_both(tmp_path: Path):
    (tmp_path / "m.toml").write_text('subject = "id"\ntime = "time"\ncode = "code"\nvalue = "value"\n')
    (tmp_path / "t.csv").write_text("id,time,code,value\n1,2026-01-01,x,1\n1,2026-01-01,x,2\n")

    assert 3 == len(set(ids(found(tmp_path / "t.csv", tmp_path / "m.toml"))))


BAD_MAPPINGS = [
    ("subject = ", "is not TOML"),
    ('subject = "a"', "time"),
    ('subject = "a"\ntime = "b"', "`code` and `value`"),
    ('subject = "a"\ntime = "b"\nvalues = "c"', "values"),
    ('subject = "a"\ntime = "b"\ncode = "c"\nvalue = "d"\nzone = "Mars/Base"', "zone"),
    ('subject = "a"\ntime = "b"\ncode = "c"\nvalue = "gone"', "no column gone"),
]


@pytest.mark.parametrize(("text", "why"), BAD_MAPPINGS)
def test_a_mapping_that_cannot_be_used_says_what_to_mend(text: str, why: str, tmp_path: Path):
    (tmp_path / "m.toml").write_text(text)
    (tmp_path / "t.csv").write_text("a,b,c,d\n")

    with pytest.raises((Invalid, Malformed), match=why):
        found(tmp_path / "t.csv", tmp_path / "m.toml")


def test_a_table_without_a_mapping_says_that_it_needs_one(tmp_path: Path):
    (tmp_path / "t.csv").write_text("a,b\n")

    with pytest.raises(Invalid, match="--mapping"):
        found(tmp_path / "t.csv")
