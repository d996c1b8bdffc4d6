"""The drill: a store is copied while it is written to, brought back, looked at, and is the same."""

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from salus.base.errors import Conflict, Damaged, Full, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records.backup import back_up, manifest_of, restore
from salus.records.checking import check


@pytest.fixture(scope="module")
def new_place(new_file: Callable[[], str]) -> Callable[[], str]:
    """Only a file is backed up by us."""
    return new_file


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "active": True, **more}


def filled(records: Records, count: int = 200) -> None:
    items = [("Patient", f"p{n}", orjson.dumps(patient(name=[{"family": f"Family {n}"}]))) for n in range(count)]
    records.put_many(items).result()


def contents(store: Store, last: int) -> list[tuple[str, int, bytes]]:
    """Every version that was made up to a transaction, with its body."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    made = [(c.type, c.id, c.version) for c in store.outbox(0, 1 << 40) if c.t <= last and c.act != "delete"]
    return [(f"{type}/{id}", version, records.vread(type, id, version).body) for type, id, version in made]


def test_the_drill_a_backup_under_writes_comes_back_the_same(store: Store, records: Records, tmp_path: Path) -> None:
    filled(records, 3000)
    written, stop, steps = [], threading.Event(), []

    def write() -> None:
        while not stop.is_set():
            written.append(records.update("Patient", f"p{len(written) % 50}", patient(birthDate="1950-01-01")).version)
            written.append(records.update("Patient", f"p{len(written) % 50}", patient(gender="other")).version)

    def on_progress(done: int, total: int) -> None:
        steps.append((done, total, store.last_transaction()))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        manifest = back_up(store, tmp_path / "backup.db", SYSTEM, on_progress, rate=8)
    finally:
        stop.set()
        writer.join()
    restored = restore(tmp_path / "backup.db", tmp_path / "again" / "records.db")

    assert manifest == restored
    assert steps[0][2] < steps[-1][2]  # others wrote meanwhile
    assert steps[-1][0] == steps[-1][1] == manifest.bytes
    assert manifest.transaction < store.last_transaction()
    assert [] == check(tmp_path / "again" / "records.db").faults
    with Store(tmp_path / "again" / "records.db") as again:
        assert (manifest.transaction, manifest.head) == again.head()
        assert contents(store, manifest.transaction) == contents(again, manifest.transaction)
        assert again.verify() == manifest.transaction == again.last_transaction()
        assert 1 == again.open(SYSTEM, Purpose.OPERATIONS).create("Patient", patient()).version
    assert store.verify() == store.last_transaction()


def test_a_backup_is_audited_private_and_one_file_with_its_manifest(
    store: Store, records: Records, tmp_path: Path
) -> None:
    filled(records)
    folder = tmp_path / "safe"
    manifest = back_up(store, folder / "backup.db", SYSTEM)

    assert ["backup.db", "backup.db.manifest.json"] == sorted(os.listdir(folder))
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert (folder / "backup.db").stat().st_size == manifest.bytes
    assert ("backup", "the whole store") == (store.audit()[-1].act, store.audit()[-1].what)


def test_nothing_is_overwritten(store: Store, records: Records, tmp_path: Path) -> None:
    filled(records)
    backup = tmp_path / "backup.db"
    back_up(store, backup, SYSTEM)
    before = backup.read_bytes()
    with pytest.raises(Conflict, match="not overwritten"):
        back_up(store, backup, SYSTEM)
    with pytest.raises(Conflict, match="not overwritten"):
        restore(backup, store.path)
    (tmp_path / "other.db-wal").write_bytes(b"of a store that stood here")
    with pytest.raises(Conflict, match=r"other.db-wal is there"):
        restore(backup, tmp_path / "other.db")

    assert before == backup.read_bytes()
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize("place", [200, -200])
def test_a_backup_that_changed_is_refused_and_nothing_is_left(
    store: Store, records: Records, tmp_path: Path, place: int
) -> None:
    filled(records)
    backup, to = tmp_path / "backup.db", tmp_path / "new" / "records.db"
    back_up(store, backup, SYSTEM)
    data = bytearray(backup.read_bytes())
    data[place] ^= 1
    backup.write_bytes(data)
    with pytest.raises(Damaged, match="not what its manifest says"):
        restore(backup, to)
    backup.write_bytes(data[:-4096])
    with pytest.raises(Damaged, match="not what its manifest says"):
        restore(backup, to)

    assert [] == os.listdir(to.parent)


def test_a_backup_of_a_damaged_store_is_not_brought_back(store: Store, records: Records, tmp_path: Path) -> None:
    filled(records)
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE resource SET body=x'20' WHERE id='p7'")
    connection.close()
    back_up(store, tmp_path / "backup.db", SYSTEM)

    with pytest.raises(Damaged, match="body: Patient/p7 version 1"):
        restore(tmp_path / "backup.db", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_a_backup_without_its_manifest_is_refused(store: Store, records: Records, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    back_up(store, backup, SYSTEM)
    manifest_of(backup).write_bytes(b"{")
    with pytest.raises(Damaged, match="manifest"):
        restore(backup, tmp_path / "new.db")
    manifest_of(backup).unlink()
    with pytest.raises(Missing, match="keep them together"):
        restore(backup, tmp_path / "new.db")
    with pytest.raises(Missing):
        restore(tmp_path / "none.db", tmp_path / "new.db")


def test_a_place_that_cannot_be_written_is_told_in_words(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((Conflict, Full), match="name another"):
        back_up(store, tmp_path / "file" / "backup.db", SYSTEM)


def test_a_backup_keeps_to_its_rate(store: Store, records: Records, tmp_path: Path) -> None:
    filled(records, 3000)
    times: list[int] = []
    manifest = back_up(store, tmp_path / "backup.db", SYSTEM, lambda done, total: times.append(done), rate=16)

    assert len(times) >= manifest.bytes // (1 << 20)
    assert sorted(times) == times


def test_a_manifest_that_tells_of_another_end_is_refused(store: Store, records: Records, tmp_path: Path) -> None:
    filled(records)
    backup = tmp_path / "backup.db"
    back_up(store, backup, SYSTEM)
    told = orjson.loads(manifest_of(backup).read_bytes())
    manifest_of(backup).write_bytes(orjson.dumps({**told, "transaction": told["transaction"] - 1}))

    with pytest.raises(Damaged, match="does not end where its manifest says"):
        restore(backup, tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()
