"""A full disk and a locked file: refused in words, nothing half done, and service resumes by itself."""

import asyncio
import fcntl
import os
import resource
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from salus.api import fhir
from salus.base.errors import Busy, Full
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store, faults
from salus.records.backup import back_up
from salus.records.checking import check

SHORT = 0.3  # seconds of patience


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "active": True, **more}


def noise() -> dict[str, Any]:
    return {"resourceType": "Binary", "contentType": "x/y", "data": os.urandom(150_000).hex()}


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own. Skips the test where there can be none."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], capture_output=True)
    if made.returncode:
        pytest.skip("a file system of its own can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """No file of this process may grow over so many bytes, as under a quota."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill(records: Records) -> list[str]:
    """Write until nothing goes any more; the ids of what was acknowledged."""
    kept = []
    with pytest.raises(Full, match="make room"):
        for _ in range(100):
            kept.append(records.create("Binary", noise()).id)
    return kept


def test_a_disk_that_is_full_refuses_and_resumes_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        (disk / "ballast").write_bytes(bytes(2 << 20))
        with Store(disk / "records.db") as store:
            records = store.open(SYSTEM, Purpose.OPERATIONS)
            first = records.create("Patient", patient())
            kept = fill(records)
            with pytest.raises(Full):
                records.put_many(
                    [("Binary", f"b{n}", str(noise()).replace("'", '"').encode()) for n in range(9)]
                ).result()
            assert first.body == records.read("Patient", first.id).body
            (disk / "ballast").unlink()
            kept.append(records.create("Binary", noise()).id)

            assert kept == [records.read("Binary", id).id for id in kept]
            assert len(kept) == store.count()["Binary"]
        assert [] == check(disk / "records.db").faults


def test_a_quota_refuses_and_resumes(tmp_path: Path) -> None:
    with Store(tmp_path / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        with small_files(1 << 20):
            kept = fill(records)
        kept.append(records.create("Binary", noise()).id)

        assert kept == [records.read("Binary", id).id for id in kept]
    assert [] == check(tmp_path / "records.db").faults


def test_reads_of_a_full_disk_are_in_the_audit_when_there_is_room(tmp_path: Path) -> None:
    with Store(tmp_path / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        first = records.create("Patient", patient())
        with small_files(1 << 20):
            fill(records)
            for _ in range(20):
                records.read("Patient", first.id)
        records.create("Patient", patient())
    with Store(tmp_path / "records.db") as store:
        assert 20 == sum(line.act == "read" for line in store.audit())


@pytest.mark.parametrize("new_place", ["sqlite"], indirect=True)
def test_a_backup_on_a_full_disk_leaves_nothing(store: Store, records: Records, tmp_path: Path) -> None:
    for _ in range(20):
        records.create("Binary", noise())
    with small_disk(tmp_path / "disk", 1) as disk:
        with pytest.raises(Full):
            back_up(store, disk / "backup.db", SYSTEM)

        assert [] == os.listdir(disk)


def by_sqlite(path: Path) -> Callable[[], None]:
    """Another program writes; what ends it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection.close


def by_gate(path: Path) -> Callable[[], None]:
    """Another process of ours was stopped while it wrote; what ends it."""
    file = os.open(f"{path}-gate", os.O_RDWR)
    fcntl.flock(file, fcntl.LOCK_EX)
    return lambda: os.close(file)


@pytest.mark.parametrize("lock", [by_sqlite, by_gate])
def test_a_locked_file_is_busy_for_all_who_wait_and_then_resumes(
    lock: Callable[[Path], Callable[[], None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "PATIENCE", SHORT)
    with Store(tmp_path / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        first = records.create("Patient", patient())
        end = lock(store.path)
        began = time.monotonic()
        waiting = [records.creating("Patient", patient()) for _ in range(100)]
        for future in waiting:
            with pytest.raises(Busy, match="Another program"):
                future.result()
        assert time.monotonic() - began < 50 * SHORT  # one after the other they would wait a hundred times
        assert first.body == records.read("Patient", first.id).body  # who only reads does not wait
        end()

        assert 1 == records.create("Patient", patient()).version
        assert 2 == store.count()["Patient"]
        assert store.verify() == store.last_transaction()


def test_over_http_a_full_disk_is_507_and_a_lock_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "PATIENCE", SHORT)

    async def talk(store: Store) -> list[httpx.Response]:
        door = fhir.door(store, lambda headers: (SYSTEM, Purpose.OPERATIONS))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://ward/fhir") as client:
            with small_files(1 << 20):
                while (full := await client.post("/Binary", json=noise())).is_success:
                    pass
            end = by_sqlite(store.path)
            locked = await client.post("/Patient", json=patient())
            end()
            return [full, locked, await client.post("/Patient", json=patient())]

    with Store(tmp_path / "records.db") as store:
        answers = asyncio.run(talk(store))

    assert [507, 503, 201] == [answer.status_code for answer in answers]
    assert ["OperationOutcome"] * 2 == [answer.json()["resourceType"] for answer in answers[:2]]
    assert "1" == answers[1].headers["retry-after"]
