"""Bulk data: what is written, for whom, of which moment; what survives a restart; what is never read."""

import errno
import gzip
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from salus.base.errors import Conflict, Forbidden, Invalid, Malformed, Missing, Unsupported
from salus.exchange import bulk, bulk_jobs, take_in
from salus.exchange.bulk import Wanted, export
from salus.exchange.bulk_in import Part, bring_in, tray
from salus.exchange.bulk_orders import jobs_of, order_export, order_import, written_by
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store, walks

ADMINISTRATOR = Actor("Practitioner/admin", Role.ADMINISTRATOR)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    """Two patients in a group (one has left it), what is theirs, and what is nobody's."""
    found = store.open(SYSTEM, Purpose.OPERATIONS)
    for id in ("eva", "adam", "noah"):
        found.update("Patient", id, {"resourceType": "Patient", "id": id, "name": [{"family": id}]})
    for n, (subject, code) in enumerate([("eva", "a"), ("eva", "b"), ("adam", "a"), ("noah", "a")]):
        found.update("Observation", f"o{n}", observation(f"Patient/{subject}", code))
    found.update("Observation", "water", observation("Location/pool", "a"))
    found.update("Organization", "clinic", {"resourceType": "Organization", "name": "Clinic"})
    entities = [{"entity": {"reference": f"Patient/{id}"}, "inactive": id == "noah"} for id in ("eva", "adam", "noah")]
    group = {"resourceType": "Group", "type": "person", "actual": True, "member": entities}
    found.update("Group", "trial", group)
    return found


def observation(subject: str, code: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "urn:c", "code": code}]},
        "subject": {"reference": subject},
    }


def lines(folder: Path) -> dict[str, list[str]]:
    """The ids in each file."""
    return {
        path.name: [orjson.loads(line)["id"] for line in path.read_bytes().splitlines()]
        for path in sorted(folder.glob("*.ndjson"))
    }


TYPES = ("Group", "Observation", "Organization", "Patient")
CODE_A, CODE_B = (("code", "a"),), (("code", "b"),)
CHOSEN = [
    (Wanted(TYPES), {"Observation": 5, "Organization": 1, "Patient": 3, "Group": 1}),
    (Wanted(bulk.types_of_patients(), patients=True), {"Observation": 4, "Patient": 3, "Group": 1}),
    (Wanted(bulk.types_of_patients(), group="trial"), {"Observation": 3, "Patient": 2, "Group": 1}),
    (Wanted(("Observation",), filters={"Observation": (CODE_A,)}), {"Observation": 4}),
    (Wanted(("Observation",), filters={"Observation": (CODE_A, CODE_B, CODE_A)}), {"Observation": 5}),
    (Wanted(("Observation",), group="trial", filters={"Observation": (CODE_A,)}), {"Observation": 2}),
    (Wanted(("Device",)), {}),
    (
        Wanted(("Observation",), filters={"Observation": ((("_tag:missing", "true"), ("code:missing", "false")),)}),
        {"Observation": 5},
    ),
]


@pytest.mark.parametrize(("wanted", "expected"), CHOSEN)
def test_an_export_holds_what_was_wanted_once(
    records: Records, tmp_path: Path, wanted: Wanted, expected: dict[str, int]
) -> None:
    done = export(records, wanted, tmp_path / "out")

    assert expected == {file.type: file.count for file in done.files}
    found = lines(tmp_path / "out")
    assert {file.name: file.count for file in done.files} == {name: len(set(ids)) for name, ids in found.items()}


def test_an_export_comes_in_again_to_the_byte(records: Records, tmp_path: Path) -> None:
    body = b'{"resourceType":"Observation","status":"final","code":{"text":"K"},"valueQuantity":{"value":1.10}}'
    records.update("Observation", "exact", body)
    export(records, Wanted(TYPES), tmp_path / "out")
    with Store(tmp_path / "second.db") as other:
        report = take_in(other.open(SYSTEM, Purpose.OPERATIONS), tmp_path / "out")
        again = other.open(SYSTEM, Purpose.OPERATIONS).read("Observation", "exact").body

    assert (11, 0) == (report.total.stored, report.total.refused)
    assert b'"value":1.10}' in again


def test_an_export_is_of_one_moment_while_others_write(
    records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "PAGE", 2)
    monkeypatch.setattr(bulk, "LARGEST", 300)

    def meanwhile(done: int, total: int, type: str) -> None:
        records.create("Patient", {"resourceType": "Patient"})
        records.update("Observation", "o3", observation("Patient/eva", f"changed{done}"))

    found = export(records, Wanted(("Observation", "Patient")), tmp_path / "out", meanwhile)

    assert {"eva", "adam", "noah"} == {id for name, ids in lines(tmp_path / "out").items() if "P" in name for id in ids}
    assert 5 == sum(file.count for file in found.files if file.type == "Observation")
    assert len(found.files) > 2  # no file much larger than `LARGEST`
    assert not any(b"changed" in path.read_bytes() for path in (tmp_path / "out").iterdir())


def test_exports_one_after_the_other_miss_nothing(records: Records, tmp_path: Path) -> None:
    first = export(records, Wanted(TYPES), tmp_path / "first")
    records.update("Patient", "late", {"resourceType": "Patient"})
    export(records, Wanted(TYPES, since=first.at), tmp_path / "second")
    export(records, Wanted(TYPES, since=first.at + timedelta(days=1)), tmp_path / "third")

    assert "late" in lines(tmp_path / "second")["Patient.1.ndjson"]
    assert {} == lines(tmp_path / "third")


MAY_NOT = [
    (Actor("Practitioner/c", Role.CLINICIAN), Purpose.TREATMENT),
    (Actor("Practitioner/d", Role.DATA_SCIENTIST), Purpose.RESEARCH),
    (Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST),
    (SYSTEM, Purpose.RESEARCH),
]


@pytest.mark.parametrize(("actor", "purpose"), MAY_NOT, ids=lambda part: getattr(part, "role", part))
def test_who_may_not_takes_nothing_out_and_brings_nothing_in(
    store: Store, records: Records, tmp_path: Path, actor: Actor, purpose: Purpose
) -> None:
    others = store.open(actor, purpose)
    with pytest.raises(Forbidden):
        export(others, Wanted(("Patient",)), tmp_path / "out")
    with pytest.raises(Forbidden):
        order_export(others, Wanted(("Patient",)), "")
    with pytest.raises(Forbidden):
        order_import(others, [Part("inline", "{}")], "")
    with pytest.raises(Forbidden):
        bring_in(others, [Part("inline", "{}")], tmp_path / "in")
    store.set_cursor("any", 1)

    assert not (tmp_path / "out").exists() and not (tmp_path / "in").exists()
    assert (actor.reference, "refused", "bulk read") in [(a.who, a.act, a.what) for a in store.audit()]


REFUSED = [
    (Wanted(("Group",), group="none"), Missing),
    (Wanted(("Patient",), filters={"Patient": ((("colour", "red"),),)}), Unsupported),
    (Wanted(("Patient",), filters={"Patient": ((("_sort", "name"),),)}), Unsupported),
    (Wanted(("Patient",), filters={"Patient": ((("_count", "1"),),)}), Unsupported),
    (Wanted(("Observation",), filters={"Observation": ((("subject:Patient.name", "eva"),),)}), Unsupported),
    (Wanted(("Patient",), filters={"Patient": ((("birthdate", "soon"),),)}), Malformed),
]


@pytest.mark.parametrize(("wanted", "kind"), REFUSED)
def test_what_cannot_be_exported_is_refused(records: Records, tmp_path: Path, wanted: Wanted, kind: Any) -> None:
    with pytest.raises(kind):
        export(records, wanted, tmp_path / "out")


def test_a_folder_that_holds_something_is_left_alone(records: Records, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Conflict):
        export(records, Wanted(TYPES), tmp_path)


# --- jobs ---


def ended(records: Records, id: str) -> bulk_jobs.Job:
    """The job as soon as it does not wait any more."""
    until = time.monotonic() + 120
    while (job := jobs_of(records.store).job(records, id)).state == bulk_jobs.WAITING:
        assert time.monotonic() < until, jobs_of(records.store).progress(job)
        time.sleep(0.01)
    return job


def test_a_job_is_done_in_the_background_and_only_who_ordered_it_gets_its_files(store: Store, records: Records) -> None:
    job = ended(records, order_export(records, Wanted(TYPES), "http://x").id)
    jobs = jobs_of(store)

    assert ("done", 4) == (job.state, len(written_by(job).files))
    assert 3 == len(jobs.file(records, job.id, "Patient.1.ndjson").read_bytes().splitlines())
    other = store.open(ADMINISTRATOR, Purpose.OPERATIONS)
    for attempt in (lambda: jobs.job(other, job.id), lambda: jobs.cancel(other, job.id),
                    lambda: jobs.file(other, job.id, "Patient.1.ndjson")):  # fmt: skip
        with pytest.raises(Missing):
            attempt()


@pytest.mark.parametrize(
    "name", ["../job.json", "job.json", "/etc/passwd", "Patient.2.ndjson", "", "Patient.1.ndjson/"]
)
def test_no_other_file_is_handed_out(records: Records, name: str) -> None:
    job = ended(records, order_export(records, Wanted(TYPES), "").id)
    with pytest.raises(Missing):
        jobs_of(records.store).file(records, job.id, name)
    with pytest.raises(Missing):
        jobs_of(records.store).job(records, "../" + job.id)


def test_what_a_restart_cut_off_is_done_again(records: Records, tmp_path: Path) -> None:
    job = order_export(records, Wanted(TYPES), "")
    folder = jobs_of(records.store).folder
    ended(records, job.id)
    records.store.close()
    half = msgspec.json.encode(bulk_jobs.Job(**{name: getattr(job, name) for name in job.__struct_fields__}))
    (folder / job.id / "job.json").write_bytes(half)  # as it stood while it was worked on
    (folder / job.id / "files" / "Patient.1.ndjson").write_bytes(b'{"half":')
    with Store(tmp_path / "records.db") as again:
        others = again.open(SYSTEM, Purpose.OPERATIONS)
        done = ended(others, job.id)
        file = jobs_of(again).file(others, job.id, "Patient.1.ndjson").read_bytes()

    assert "done" == done.state
    assert 3 == len([orjson.loads(line) for line in file.splitlines()])


def test_a_cancelled_job_leaves_nothing(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = jobs_of(records.store)
    begun: list[str] = []

    def slow(records: Records, job: bulk_jobs.Job, files: Path, tell: bulk_jobs.Tell) -> dict[str, Any]:
        files.mkdir()
        begun.append(job.id)
        while True:
            tell("working")
            time.sleep(0.005)

    monkeypatch.setattr(jobs, "_works", {"export": slow})
    job = order_export(records, Wanted(TYPES), "")
    while not begun or jobs.progress(job) == "waiting":
        time.sleep(0.005)
    words = jobs.progress(jobs.job(records, job.id))
    jobs.cancel(records, job.id)
    thread = jobs._thread
    if thread:
        thread.join(120)

    assert "working" == words
    assert [] == [path.name for path in jobs.folder.iterdir()]
    with pytest.raises(Missing):
        jobs.job(records, job.id)


def test_a_job_that_fails_says_why_and_leaves_no_files(records: Records) -> None:
    order = order_export(records, Wanted(("Patient",), group="none"), "")
    job = ended(records, order.id)

    assert ("failed", 404) == (job.state, job.status)
    assert "Group/none" in job.issues[0][2]
    assert not (jobs_of(records.store).folder / job.id / "files").exists()


@pytest.mark.parametrize(("fault", "status"), [(OSError(errno.ENOSPC, "full"), 507), (ValueError("x"), 500)])
def test_a_full_disk_is_told_from_what_nobody_foresaw(
    records: Records, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int
) -> None:
    def breaks(records: Records, job: bulk_jobs.Job, files: Path, tell: bulk_jobs.Tell) -> dict[str, Any]:
        raise fault

    monkeypatch.setattr(jobs_of(records.store), "_works", {"export": breaks})
    job = ended(records, order_export(records, Wanted(TYPES), "").id)

    assert ("failed", status) == (job.state, job.status)


# --- in ---

EVE = b'{"resourceType":"Patient","id":"eve"}\n'


def test_an_import_takes_files_of_the_tray_and_lines_of_the_request(store: Store, records: Records) -> None:
    tray(store).mkdir()
    (tray(store) / "Patient.ndjson").write_bytes(EVE)
    (tray(store) / "more.ndjson.gz").write_bytes(gzip.compress(EVE.replace(b"eve", b"ann")))
    text = EVE.decode().replace("eve", "ina") + '{"resourceType":"Patient","colour":"red"}\n'
    parts = [Part("Patient.ndjson"), Part("more.ndjson.gz"), Part("inline", text)]
    job = ended(records, order_import(records, parts, "").id)

    assert "done" == job.state, job.issues
    assert [(1, 1, 0), (1, 1, 0), (2, 1, 1)] == [
        (row["read"], row["stored"], row["refused"]) for row in job.answer["output"]
    ]
    assert "colour" in job.answer["refusals"][0][2]
    assert ["eve", "ann", "ina"] == [records.read("Patient", id).id for id in ("eve", "ann", "ina")]
    assert "ina" not in (jobs_of(store).folder / job.id / "job.json").read_text()


ELSEWHERE = [
    "http://169.254.169.254/Patient.ndjson", "file:///etc/passwd", "../records.db", "/etc/passwd", "link.ndjson",
    "folder.ndjson", "none.ndjson", "", "..ndjson", "a/../Patient.ndjson", "ftp:x.ndjson",
]  # fmt: skip


@pytest.mark.parametrize("name", ELSEWHERE)
def test_an_import_reads_nothing_outside_its_tray(store: Store, records: Records, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside.ndjson"
    outside.write_bytes(EVE)
    (tray(store) / "folder.ndjson").mkdir(parents=True)
    (tray(store) / "link.ndjson").symlink_to(outside)
    with pytest.raises(Invalid):
        order_import(records, [Part(name)], "")
    with pytest.raises(Invalid):
        bring_in(records, [Part(name)], tmp_path / "in")
    shutil.rmtree(tmp_path / "in")

    with pytest.raises(Missing):
        records.read("Patient", "eve")


# --- at the terminal ---


def test_the_terminal_exports_what_it_imports_again(store: Store, records: Records, tmp_path: Path) -> None:
    store.close()
    told = salus("export", str(tmp_path / "out"), "--store", str(tmp_path / "records.db"), "--language", "zh")

    assert 0 == told.returncode, told.stderr
    assert "资源数" in told.stdout and "Patient.1.ndjson" in told.stdout
    manifest = orjson.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert {"Patient.1.ndjson": 3, "Observation.1.ndjson": 5} == {
        row["url"]: row["count"] for row in manifest["output"] if row["type"] in ("Patient", "Observation")
    }
    again = salus("import", str(tmp_path / "out"), "--store", str(tmp_path / "second.db"))
    assert 0 == again.returncode, again.stderr


def test_the_terminal_refuses_in_words(store: Store, tmp_path: Path) -> None:
    where = ("--store", str(tmp_path / "records.db"))
    full, none = salus("export", str(tmp_path), *where), salus("export", "out", "--store", str(tmp_path / "none.db"))
    type, since = (salus("export", str(tmp_path / "o"), *where, *two) for two in (("--type", "X"), ("--since", "soon")))

    assert [75, 66, 64, 65] == [one.returncode for one in (full, none, type, since)]
    assert ["not empty", "no store", "'X'", "'soon'"] == [
        words
        for words, one in zip(("not empty", "no store", "'X'", "'soon'"), (full, none, type, since), strict=True)
        if words in one.stderr and "Traceback" not in one.stderr
    ]


def salus(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "salus", *words], capture_output=True, text=True, timeout=600)


KILLED = """
import os, signal, sys
from pathlib import Path
from salus.exchange.bulk import Wanted
from salus.exchange.bulk_orders import order_export
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

store = Store(Path(sys.argv[1]))
print(order_export(store.open(SYSTEM, Purpose.OPERATIONS), Wanted(("Patient",)), "").id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_that_is_killed_finishes_its_exports_when_it_comes_again(records: Records, tmp_path: Path) -> None:
    records.store.close()
    path = tmp_path / "records.db"
    ids = [
        subprocess.run([sys.executable, "-c", KILLED, str(path)], capture_output=True, text=True, timeout=600).stdout
        for _ in range(3)
    ]
    with Store(path) as again:
        others = again.open(SYSTEM, Purpose.OPERATIONS)
        jobs = [ended(others, id.strip()) for id in ids]

        assert ["done"] * 3 == [job.state for job in jobs]
        assert [3] * 3 == [written_by(job).files[0].count for job in jobs]
        assert again.verify()
