"""What is PostgreSQL's alone: tenants kept apart, a connection that breaks, texts of any length, another process."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from salus import cli
from salus.base.errors import Busy, Conflict, Invalid, Missing, Unsupported
from salus.base.settings import settings
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records.engines import engine_of

psycopg = pytest.importorskip("psycopg")


@pytest.fixture
def store(new_schema: Callable[[], str]) -> Iterator[Store]:
    with Store(new_schema()) as opened:
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def patient(number: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": number}]}


def schema_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["schema"][0]


def server(store: Store) -> Any:
    return psycopg.connect(store.engine._conninfo, autocommit=True)  # type: ignore[attr-defined]


@pytest.mark.parametrize("length", [10, 601, 3000, 100_000])
def test_a_code_of_any_length_is_found_by_all_of_it(records: Records, length: int) -> None:
    number = "7" * length
    made = records.create("Patient", patient(number))

    assert [made.id] == [one.id for one in records.search("Patient", [("identifier", f"urn:x|{number}")]).versions]
    assert [] == records.search("Patient", [("identifier", f"urn:x|{number[:-1]}8")]).versions


def test_a_reference_of_any_length_is_found_by_all_of_it(records: Records) -> None:
    url = "http://elsewhere/Patient/" + "x" * 5000
    body = {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": url}}
    made = records.create("Basic", body)

    assert [made.id] == [one.id for one in records.search("Basic", [("subject", url)]).versions]
    assert [] == records.search("Basic", [("subject", url + "y")]).versions


@pytest.mark.parametrize("id", ["sixteen-letters.", "0123456789abcdef", "0199a5f4-5b2c-7def-8123-456789abcdef", "a"])
def test_an_id_of_sixteen_letters_is_no_uuid(store: Store, records: Records, id: str) -> None:
    records.update("Patient", id, {"resourceType": "Patient"})

    assert id == records.read("Patient", id).id
    assert [id] == [change.id for change in store.outbox(0)]
    assert 1 == store.verify()


def test_a_nul_in_a_search_finds_nothing_and_is_audited(store: Store, records: Records) -> None:
    assert [] == records.search("Patient", [("name", "a\0b")]).versions
    records.update("Patient", "a", {"resourceType": "Patient"})
    assert 1 == store.verify()


def test_a_connection_that_broke_is_made_anew(store: Store, records: Records) -> None:
    records.update("Patient", "a", {"resourceType": "Patient"})
    name = f"salus/{schema_of(str(store.engine))}"
    with server(store) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name=%s", [name])
    with pytest.raises(Busy):
        records.update("Patient", "b", {"resourceType": "Patient"})
    with pytest.raises(Busy):
        records.read("Patient", "a")

    assert 1 == records.update("Patient", "b", {"resourceType": "Patient"}).version
    assert "b" == records.read("Patient", "b").id
    assert 2 == store.verify()


def test_settings_are_none_of_the_connection_so_that_a_pool_may_stand_between(store: Store) -> None:
    with store.readers.one() as reader:
        connection: Any = reader.connection
        told = connection._connection.info.get_parameters()

        assert "options" not in told
        assert "on" == connection.execute("SELECT current_setting('default_transaction_read_only')").fetchone()[0]


def test_a_role_of_one_tenant_reads_nothing_of_another(new_schema: Callable[[], str]) -> None:
    """A tenant is a schema and the role that owns it."""
    ours, theirs = new_schema(), new_schema()
    role = f"r{schema_of(ours)}"
    with Store(theirs) as store:
        store.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "secret", {"resourceType": "Patient"})
        with server(store) as connection:
            connection.execute(f"CREATE ROLE {role} LOGIN")
            connection.execute(f"CREATE SCHEMA {schema_of(ours)} AUTHORIZATION {role}")
    mine = ours.replace("postgres@", f"{role}@")
    with Store(mine) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        records.update("Patient", "own", {"resourceType": "Patient"})
        assert {"Patient": 1} == store.count()
        with store.readers.one() as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.connection._connection.execute(f"SELECT * FROM {schema_of(theirs)}.resource")
    with pytest.raises(Conflict, match="may not"):
        Store(theirs.replace("postgres@", f"{role}@"))
    with Store(theirs) as store, server(store) as connection:
        connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


KILLED = """
import os, sys
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
store = Store(sys.argv[1])
records = store.open(SYSTEM, Purpose.OPERATIONS)
for n in range(100):
    print(records.create("Patient", {"resourceType": "Patient"}).id, flush=True)
    records.creating("Patient", {"resourceType": "Patient", "active": True})
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_was_told_is_there(new_schema: Callable[[], str]) -> None:
    place = new_schema()
    said = subprocess.run([sys.executable, "-c", KILLED, place], capture_output=True, text=True, check=False).stdout
    with Store(place) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)

        assert 100 == len(said.split())
        assert all(records.read("Patient", id) for id in said.split())
        assert store.verify() == store.last_transaction() == sum(store.count().values())


def test_another_process_is_heard(new_schema: Callable[[], str]) -> None:
    place = new_schema()
    with Store(place) as one, Store(place) as other:
        t = one.last_transaction()
        other.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "a", {"resourceType": "Patient"})

        assert t + 1 == one.wait(t, 120)


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of a command line."""
    monkeypatch.setattr(sys, "argv", ["salus", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def test_the_terminal_verifies_it_and_says_how_it_is_backed_up(
    new_schema: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    place = new_schema()
    assert 0 != typed(monkeypatch, "verify", "--store", place)
    assert "There is no store" in capsys.readouterr().err
    with Store(place) as store:
        store.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "a", {"resourceType": "Patient"})
    assert 0 == typed(monkeypatch, "verify", "--store", place)
    assert "Nothing is wrong." in capsys.readouterr().out
    for command in ("backup", "restore"):
        assert 0 != typed(monkeypatch, command, str(tmp_path / "x"), "--store", place)
        assert "pg_dump" in capsys.readouterr().err


def test_the_terminal_imports_and_exports(
    new_schema: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = new_schema()
    Path("in.ndjson").write_text('{"resourceType":"Patient","id":"eva"}\n{"resourceType":"Patient","id":"adam"}\n')
    for command in (["import", "in.ndjson"], ["export", "out"], ["views", "run", "patient", "--output", "p.csv"]):
        assert 0 == typed(monkeypatch, *command, "--store", place)

    assert {'"eva"', '"adam"'} == {
        line.partition('"id":')[2].partition(",")[0] for line in Path("out/Patient.1.ndjson").read_text().splitlines()
    }
    assert 3 == len(Path("p.csv").read_text().splitlines())


def test_settings_take_a_url_and_say_where_its_companions_are(tmp_path: Path) -> None:
    told = settings({}, folder=tmp_path, store="postgresql+psycopg://ward:secret@db:5433/records?schema=ward_7")
    engine = engine_of(told.store)

    assert tmp_path == engine.folder
    assert tmp_path / "records-ward_7-bulk" == engine.beside("-bulk")
    assert "postgresql://db:5433/records?schema=ward_7" == str(engine)


def test_a_url_that_is_no_store_is_refused() -> None:
    with pytest.raises(Invalid, match="mysql"):
        engine_of("mysql://db/records")
    with pytest.raises(Invalid, match="schema"):
        engine_of("postgresql://db/records?schema=a;b")


def test_without_a_server_it_says_so() -> None:
    with pytest.raises(Busy, match="cannot be reached"):
        Store("postgresql://nobody@127.0.0.1:1/records")


def test_a_store_that_is_not_there_is_missing_and_has_no_file(new_schema: Callable[[], str]) -> None:
    engine = engine_of(new_schema())
    with pytest.raises(Missing):
        engine.looker()
    with pytest.raises(Unsupported, match="pg_dump"):
        assert engine.path
