"""Into the records: everything, once, also when cut off or done twice; what is bad stays outside and says why."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from salus.exchange import read_mapping, take_in
from salus.exchange.place import Place
from salus.exchange.report import Row
from salus.exchange.shapes import Aside, Refusal
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
BUNDLES = SHARED / "fhir-synthea-r4-dev" / "bundles-ci10.tar.gz"
BULK = SHARED / "fhir-bulk-ndjson-10"
needs_bundles = pytest.mark.skipif(not BUNDLES.exists(), reason="the shared Synthea bundles are not on this machine")
needs_bulk = pytest.mark.skipif(not BULK.exists(), reason="the shared bulk export is not on this machine")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store" / "salus.db") as opened:
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def lab(number: int) -> dict[str, object]:
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
        "subject": {"reference": f"Patient/p{number % 50}"},
        "effectiveDateTime": "2026-03-01T08:00:00Z",
        "valueQuantity": {"value": number / 10, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
    }


def ndjson(path: Path, *resources: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(resource) + "\n" for resource in resources))
    return path


def versions(store: Store) -> int:
    return len(store.outbox(0, 10**6))


def test_three_bad_rows_of_a_thousand_are_named_and_the_others_are_in(store: Store, records: Records, tmp_path: Path):
    labs = [lab(number) for number in range(1000)]
    labs[17]["status"] = "finl"
    labs[400]["colour"] = "blue"
    labs[999]["effectiveDateTime"] = "last Tuesday"
    report = take_in(records, ndjson(tmp_path / "labs.ndjson", *labs))

    assert Row(read=1000, stored=1000 - 3, refused=3) == report.total
    assert {"Observation": 1000 - 3} == store.count()
    assert [
        ("labs.ndjson:18", "Observation.status", "finl"),
        ("labs.ndjson:401", "Observation.colour", "colour"),
        ("labs.ndjson:1000", "Observation.effectiveDateTime", "last Tuesday"),
    ] == [
        (refusal.where, refusal.path, value)
        for refusal, value in zip(report.refusals, ("finl", "colour", "last Tuesday"), strict=True)
        if value in str(refusal)
    ]


@needs_bundles
def test_a_second_import_of_bundles_makes_no_new_version(store: Store, records: Records):
    first = take_in(records, BUNDLES)
    before = versions(store)
    second = take_in(records, BUNDLES)

    assert Row(read=2257, stored=before, unchanged=2257 - before) == first.total
    assert Row(read=2257, unchanged=2257) == second.total
    assert before == versions(store)
    assert (10, 1199) == (store.count()["Patient"], store.count()["Observation"])


@needs_bundles
def test_references_of_bundles_lead_to_the_resources_they_came_with(records: Records):
    take_in(records, BUNDLES)
    patient = records.search("Patient").versions[0]

    assert records.search("Observation", [("subject", patient.reference)]).versions


@needs_bulk
def test_a_whole_bulk_export_goes_in_and_says_what_was_left_aside(store: Store, records: Records):
    report = take_in(records, BULK)
    lines = 11 + 555 + 16 + 1215 + 1215 + 161 + 44 + 1745 + 43 + 13 + 43 + 43 + 2056 + 75 + 1818 + 120 + 835 + 1144

    assert Row(read=lines, stored=lines - report.total.unchanged, unchanged=report.total.unchanged) == report.total
    assert ["log.ndjson.gz: the log of a bulk export, no records"] == report.aside
    encounter = next(v for v in records.search("Encounter").versions if b'"individual"' in v.body).json()
    practitioner = encounter["participant"][0]["individual"]["reference"]
    assert "Practitioner" == records.read(*practitioner.split("/")).type
    assert Row(read=1215, unchanged=1215) == take_in(records, BULK / "Encounter.000.ndjson.gz").total


class Stopped(Exception):
    """The power went."""


def test_an_import_that_was_cut_off_goes_on_where_it_stood(store: Store, records: Records, tmp_path: Path):
    path = ndjson(tmp_path / "labs.ndjson", *(lab(number) for number in range(6000)), {"resourceType": "Dragon"})
    size = path.stat().st_size

    def stop_halfway(done: int, total: int) -> None:
        assert total == size
        if done > size / 2:
            raise Stopped

    with pytest.raises(Stopped):
        take_in(records, path, stop_halfway)
    half = store.count()["Observation"]
    report = take_in(records, path)

    assert 0 < half < 6000
    assert Row(read=6001, stored=report.total.stored, unchanged=6000 - report.total.stored, refused=1) == report.total
    assert 6000 == versions(store)
    assert [] == list((tmp_path / "store").glob("*.imports/*"))


KILLED = """
import os, signal, sys
from pathlib import Path
from salus.exchange import take_in
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

def kill(done, total):
    if done > total / 2:
        os.kill(os.getpid(), signal.SIGKILL)

take_in(Store(Path(sys.argv[1])).open(SYSTEM, Purpose.OPERATIONS), Path(sys.argv[2]), kill)
"""


def test_a_killed_import_is_finished_by_the_next(tmp_path: Path):
    path = ndjson(tmp_path / "labs.ndjson", *(lab(number) for number in range(8_000)))
    base = tmp_path / "store" / "salus.db"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(base), str(path)], check=False, timeout=600)
    assert -signal.SIGKILL == ended.returncode
    with Store(base) as store:
        half = store.count()["Observation"]
        report = take_in(store.open(SYSTEM, Purpose.OPERATIONS), path)

        assert 0 < half < 8_000
        assert 8_000 == report.total.read == report.total.stored + report.total.unchanged
        assert ({"Observation": 8_000}, 8_000) == (store.count(), versions(store))


def test_what_is_to_be_created_only_once_is_found_again(store: Store, records: Records, tmp_path: Path):
    def bundle(name: str, doctor: str) -> Path:
        only = {"method": "POST", "url": "Practitioner", "ifNoneExist": "identifier=http://npi|9,1"}
        entries = [
            {"fullUrl": f"urn:uuid:{doctor}", "request": only, "resource": {
                "resourceType": "Practitioner", "identifier": [{"system": "http://npi", "value": "9,1"}]}},
            {"resource": lab(1) | {"id": name, "performer": [{"reference": f"urn:uuid:{doctor}"}]}},
        ]  # fmt: skip
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}))
        return path

    first, second = "5cbc121b-cd71-4428-b8b7-31e53eba8184", "0e3b764f-dabe-4bf6-81b2-9f705bde24fd"
    bundle("a", first), bundle("b", second)
    report = take_in(records, tmp_path)
    later = take_in(records, tmp_path / "b.json")

    assert {"Practitioner": 1, "Observation": 2} == store.count()
    assert Row(read=2, stored=1, unchanged=1) == report.rows["Practitioner"]
    assert Row(read=2, unchanged=2) == later.total
    assert f"Practitioner/{first}" == records.read("Observation", "b").json()["performer"][0]["reference"]


def test_a_corrected_resource_is_a_new_version(records: Records, tmp_path: Path):
    take_in(records, ndjson(tmp_path / "a.ndjson", lab(1)))
    report = take_in(records, ndjson(tmp_path / "b.ndjson", lab(1) | {"status": "corrected"}))

    assert Row(read=1, stored=1) == report.total
    assert 2 == records.read("Observation", "o1").version


def test_a_table_goes_in_with_its_mapping_end_to_end(store: Store, records: Records, tmp_path: Path):
    (tmp_path / "m.toml").write_text(
        'subject = "id"\ntime = "time"\ncode = "test"\nvalue = "result"\nunit = "unit"\n[codes]\nHbA1c = "4548-4"\n'
    )
    (tmp_path / "t.csv").write_text(
        "id,time,test,result,unit\n7,2026-03-01T08:00,HbA1c,7.1,%\n7,2026-03-02,HbA1c,,%\n8,2026-03-01,HbA1c,5.9,%\n"
    )
    report = take_in(records, tmp_path / "t.csv", mapping=read_mapping(tmp_path / "m.toml"))

    assert {"Patient": 2, "Observation": 2} == store.count()
    assert ["t.csv:3: result: result is empty: give the value, or leave the row out"] == [*map(str, report.refusals)]
    assert 1 == len(records.search("Observation", [("subject", "Patient/7"), ("value-quantity", "gt7")]).versions)


def test_a_report_comes_back_whole_from_the_place(tmp_path: Path):
    place = Place(tmp_path / "imports" / "place.json")
    place.report.took("Observation", changed=True)
    place.report.note(Refusal("a.ndjson:2", "", "resourceType", "'Dragon' is no resource type"))
    place.report.note(Aside("log.ndjson", "no records"))
    place.keep(3)

    assert (3, place.report) == (Place(tmp_path / "imports" / "place.json").items, place.report)
    assert place.report == Place(tmp_path / "imports" / "place.json").report


def salus(*words: str | Path, at: Path) -> "subprocess.CompletedProcess[str]":
    """The command as a person runs it (it lowers its own priority, so not within the tests' process)."""
    command = [sys.executable, "-m", "salus", *map(str, words)]
    spoken = os.environ | {"PYTHONUTF8": "1"}
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=at, env=spoken)


@pytest.mark.parametrize(("language", "word"), [("en", "Refused"), ("zh", "拒收")])
def test_the_command_ends_with_a_table_and_says_what_was_refused(language: str, word: str, tmp_path: Path):
    path = ndjson(tmp_path / "labs.ndjson", lab(1), lab(2) | {"status": "finl"})
    ended = salus("import", path, "--store", tmp_path / "s.db", "--language", language, at=tmp_path)

    assert 3 == ended.returncode
    assert word in ended.stdout
    assert "labs.ndjson:2: Observation.status" in ended.stderr


def test_the_command_ends_well_when_all_is_in(tmp_path: Path):
    path = ndjson(tmp_path / "labs.ndjson", lab(1))

    assert 0 == salus("import", path, "--store", tmp_path / "s.db", at=tmp_path).returncode
