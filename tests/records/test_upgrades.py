"""A store of an older layout is brought to today's without loss, all or nothing."""

import hashlib
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from salus.base.errors import Conflict
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store, schema, upgrades
from salus.records.backup import manifest_of, restore
from salus.records.checking import check

LAYOUT_1 = Path(__file__).with_name("layout1.sql")  # a store as version 1 of the tables and its program wrote it
HEAD_1 = (10, "74af9d31ad9435f0f40fe2b4dba33cc26c2442035a3ce24050c6976f76279dd5")
LI = Actor("Patient/li", Role.PATIENT, "li")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A closed store of layout 1: two patients, their measurements, a group, a deletion, reads."""
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(LAYOUT_1.read_text("utf-8"))
        connection.execute("PRAGMA journal_mode=WAL")
    return path


def layout(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT value FROM meta WHERE name='schema'").fetchone()[0])


def tables(path: Path) -> dict[str, object]:
    """Each table with its columns, each index with what it is on, whatever the words were; each trigger as it is."""
    named = "SELECT type, name FROM sqlite_schema WHERE type<>'trigger' AND name NOT LIKE 'sqlite_%'"
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute(named).fetchall()
        pragma = {"table": "table_info", "index": "index_info"}
        laid = {name: connection.execute(f"PRAGMA {pragma[kind]}({name})").fetchall() for kind, name in names}
        return laid | dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type='trigger'").fetchall())


def test_an_upgraded_store_is_whole_and_answers_as_before(old: Path) -> None:
    with Store(old) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        made = [(c.type, c.id, c.version) for c in store.outbox(0) if c.act != "delete"]
        bodies = [orjson.loads(records.vread(*each).body) for each in made]

        assert HEAD_1 == store.head()
        assert 10 == store.verify()
        assert 5 == store.cursor("somebody")
        assert 17 == len(bodies)
        assert {"Li", "Lee", "Wang"} == {body["name"][0]["family"] for body in bodies if "name" in body}
        assert ["li"] == [version.id for version in records.search("Patient", "name=lee").versions]
        assert 6 == len(records.search("Observation", "subject=Patient/li&code=8302-2").versions)
        assert b'"value":170.5,' in records.read("Observation", "o").body
        assert 14 <= len(store.audit())
    assert [] == check(old).faults


def test_a_patient_sees_the_same_old_versions_after_an_upgrade(old: Path) -> None:
    with Store(old) as store:
        seen = store.open(LI, Purpose.PATIENT_REQUEST).histories("_count=100").versions

        assert {("Patient", 1), ("Patient", 2)} == {(v.type, v.version) for v in seen if v.id == "li"}
        assert [("o", 2)] == [(v.id, v.version) for v in seen if v.id == "o"]  # its first version was another's
        assert not any(v.id == "wang" for v in seen)


def test_an_upgraded_store_takes_what_comes_next(old: Path) -> None:
    with Store(old) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        body = records.read("Patient", "li").json() | {"active": True}

        assert 3 == records.update("Patient", "li", body).version
        assert 11 == store.verify()
    assert [] == check(old).faults


def test_an_upgraded_store_has_the_tables_of_a_new_one(old: Path, tmp_path: Path) -> None:
    Store(old).close()
    Store(tmp_path / "new.db").close()

    assert tables(tmp_path / "new.db") == tables(old)
    assert schema.VERSION == layout(old)


def test_a_backup_of_the_older_layout_is_restored_into_todays(old: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        seal = connection.execute("SELECT hash FROM audit WHERE n=14").fetchone()[0].hex()
    data = old.read_bytes()
    told = {"made": "2026-11-22T00:00:00Z", "schema": 1, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    ends = {"transaction": HEAD_1[0], "head": HEAD_1[1], "audited": 14, "seal": seal}
    manifest_of(old).write_bytes(orjson.dumps(told | ends))

    restore(old, tmp_path / "again.db")

    assert 1 == layout(old)
    assert schema.VERSION == layout(tmp_path / "again.db")
    assert [] == check(tmp_path / "again.db").faults


def test_looking_at_a_store_of_the_older_layout_says_who_upgrades_it(old: Path) -> None:
    with pytest.raises(Conflict, match=r"layout 1.*salus restore"):
        check(old)

    assert 1 == layout(old)


def test_a_store_of_a_newer_layout_is_refused_and_left_alone(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("UPDATE meta SET value=? WHERE name='schema'", (schema.VERSION + 1,))
    before = tables(old)

    with pytest.raises(Conflict, match="a newer Salus has opened it"):
        Store(old)
    assert before == tables(old)


def test_a_store_killed_in_the_middle_of_an_upgrade_has_its_old_layout_whole(old: Path, tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from salus.records import Store, upgrades
upgrades.STEPS += (upgrades.Step(2, "the power fails", lambda connection: os._exit(9)),)
Store(Path(sys.argv[1]))
"""
    shutil.copy(old, tmp_path / "untouched.db")
    ended = subprocess.run([sys.executable, "-c", script, str(old)], check=False, timeout=600)

    assert 9 == ended.returncode
    assert 1 == layout(old)
    assert tables(tmp_path / "untouched.db") == tables(old)
    with Store(old) as store:
        assert 10 == store.verify()


def test_a_step_that_fails_leaves_nothing_behind(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = upgrades.Step(2, "a slip", "CREATE TABLE fresh(a INTEGER); CREATE TABLE fresh(a INTEGER)")
    monkeypatch.setattr(upgrades, "STEPS", (*upgrades.STEPS, broken))

    with pytest.raises(Conflict, match="fresh"):
        Store(old)
    assert 1 == layout(old)
    assert "fresh" not in tables(old)


def test_a_layout_that_no_step_leads_on_from_is_told(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrades, "STEPS", ())

    with pytest.raises(Conflict, match="no step leads to 2"):
        Store(old)
