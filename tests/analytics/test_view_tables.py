"""Materialised views follow the store: after any change the same rows as if they were made anew."""

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.analytics.views import read_view, tables
from salus.analytics.views.asking import ask
from salus.analytics.views.catalogue import library_of
from salus.analytics.views.tables import KEY, Table, materialised, table_of, tables_of
from salus.base.errors import Invalid, Missing
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store, erasing
from salus.records.erasing import What, Wish

Json = dict[str, Any]
GIVEN = {
    "resource": "Patient",
    "name": "given",
    "select": [
        {"column": [{"name": "id", "path": "id"}, {"name": "born", "path": "birthDate"}]},
        {"forEach": "name.given", "column": [{"name": "given", "path": "$this"}]},
    ],
}


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def person(id: str, *given: str, born: str = "1950-01-01") -> Json:
    return {"resourceType": "Patient", "id": id, "birthDate": born, **({"name": [{"given": given}]} if given else {})}


def put(records: Records, *resources: Json) -> None:
    for resource in resources:
        records.update(resource["resourceType"], resource["id"], resource)


def table(store: Store, folder: Path, view: Json = GIVEN) -> Table:
    return Table(store, read_view(view), folder)


def rows(folder: Path) -> list[tuple[Any, ...]]:
    found = pa.concat_tables([pq.ParquetFile(file).read() for file in sorted(folder.rglob("*.parquet"))])
    return sorted(tuple(row.values()) for row in found.to_pylist())


def test_a_table_has_the_rows_of_its_view(store: Store, records: Records, tmp_path: Path):
    put(records, person("a", "Mei", "Lan"), person("b"), person("c", "Tom"))

    assert 3 == table(store, tmp_path / "t").catch_up()
    assert [("a", "a", "1950-01-01", "Lan"), ("a", "a", "1950-01-01", "Mei"), ("c", "c", "1950-01-01", "Tom")] == rows(
        tmp_path / "t"
    )


def test_only_what_changed_is_read_again(store: Store, records: Records, tmp_path: Path):
    put(records, *(person(f"p{n}", "x") for n in range(50)))
    told: list[tuple[int, int]] = []
    table(store, tmp_path / "t").catch_up(lambda done, total: told.append((done, total)))
    put(records, person("p7", "new"), person("p8"), {"resourceType": "Basic", "id": "b", "code": {"text": "x"}})
    records.delete("Patient", "p9")

    assert [(50, 50)] == told
    assert 3 == table(store, tmp_path / "t").catch_up()
    assert 0 == table(store, tmp_path / "t").catch_up()
    found = {row[0]: row[3] for row in rows(tmp_path / "t")}
    assert ("new", "x", False, False) == (found["p7"], found["p6"], "p8" in found, "p9" in found)


def test_after_any_changes_the_table_is_as_if_made_anew(store: Store, records: Records, tmp_path: Path):
    chance = random.Random(7)
    for step in range(6):
        for _ in range(chance.randrange(14)):
            id = f"p{chance.randrange(25)}"
            put(records, person(id, *[f"n{n}" for n in range(chance.randrange(4))], born=f"19{step + 10}"))
            if chance.random() < 0.3:
                records.delete("Patient", id)
        table(store, tmp_path / "t").catch_up()
        table(store, tmp_path / f"anew{step}").catch_up()

        assert rows(tmp_path / f"anew{step}") == rows(tmp_path / "t")


def test_a_view_that_was_changed_is_made_anew(store: Store, records: Records, tmp_path: Path):
    put(records, person("a", "Mei"))
    table(store, tmp_path / "t").catch_up()
    other = {**GIVEN, "select": [{"column": [{"name": "id", "path": "id"}]}]}

    assert 1 == table(store, tmp_path / "t", other).catch_up()
    assert [("a", "a")] == rows(tmp_path / "t")


def test_another_store_behind_the_same_folder_is_noticed(store: Store, records: Records, tmp_path: Path):
    put(records, person("a", "Mei"))
    table(store, tmp_path / "t").catch_up()
    with Store(tmp_path / "other.db") as other:
        put(other.open(SYSTEM, Purpose.OPERATIONS), person("b", "Tom"))
        table(other, tmp_path / "t").catch_up()

    assert ["b"] == [row[0] for row in rows(tmp_path / "t")]


def test_a_table_cut_off_while_it_was_made_is_made_again(
    store: Store, records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    put(records, person("a", "Mei"), person("b", "Tom"))
    table(store, tmp_path / "t").catch_up()
    put(records, person("c", "Lan"))
    with monkeypatch.context() as patched, pytest.raises(OSError, match="full"):
        patched.setattr(tables.Pens, "keep", lambda self: (_ for _ in ()).throw(OSError("full")))
        table(store, tmp_path / "t", {**GIVEN, "title": "changed"}).catch_up()
    table(store, tmp_path / "t", {**GIVEN, "title": "changed"}).catch_up()

    assert ["a", "b", "c"] == [row[0] for row in rows(tmp_path / "t")]


def test_a_large_table_has_more_parts(store: Store, records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "FULL", 2)
    monkeypatch.setattr(tables, "GROUP", 1)
    put(records, *(person(f"p{n}", "x", "y") for n in range(60)))
    table(store, tmp_path / "t").catch_up()
    put(records, *(person(f"q{n}", "x", "y") for n in range(60)))
    table(store, tmp_path / "t").catch_up()
    grown = table(store, tmp_path / "t").catch_up()

    assert (120, 240) == (grown, len(rows(tmp_path / "t")))
    assert 16 < len(list((tmp_path / "t").rglob("*.parquet")))


def test_a_table_without_rows_can_be_asked(store: Store, tmp_path: Path):
    table_of(store, library_of(store), "patient").catch_up()
    library = library_of(store)

    assert ["patient"] == materialised(library)
    assert 0 == ask("select * from patient", {"patient": tables_of(library) / "patient"}).num_rows


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a table `given` with two rows, a secret file beside it."""
    root = tmp_path_factory.mktemp("site")
    folder = root / "it's views" / "given"
    with Store(root / "salus.db") as store:
        put(store.open(SYSTEM, Purpose.OPERATIONS), person("a", "Mei"), person("b", "Tom", born="1970"))
        table(store, folder).catch_up()
    (root / "secret.csv").write_text("secret\n1\n")
    return folder


@pytest.mark.parametrize(("sql", "answer"), [
    ("select given, born from given order by 1 limit 1", [{"given": "Mei", "born": "1950-01-01"}]),
    ("select count(*) as n from given", [{"n": 2}]),
    ("with x as (from given) select max(given) as m from x", [{"m": "Tom"}]),
    ("show tables", [{"name": "given"}]),
])  # fmt: skip
def test_tables_are_asked_in_sql(asked: Path, sql: str, answer: list[Json]):
    assert answer == ask(sql, {"given": asked}).to_pylist()


def test_the_key_of_the_rows_is_not_shown(asked: Path):
    assert ["id", "born", "given"] == ask("from given", {"given": asked}).column_names
    assert KEY not in ask("describe given", {"given": asked})["column_name"].to_pylist()


@pytest.mark.parametrize("sql", [
    "select * from read_csv('{root}/secret.csv')",
    "select * from read_text('{root}/secret.csv')",
    "select * from '{root}/secret.csv'",
    "select * from read_parquet('{root}/it''s views/given/../../secret.csv')",
    "select * from glob('{root}/*.csv')",
    "select * from sqlite_scan('{root}/salus.db', 'resource')",
    "select * from read_csv('https://example.org/x.csv')",
    "copy given to '{root}/out.csv'",
    "copy given to '{root}/it''s views/given/shard=000/x.parquet'",
    "explain analyze copy given to '{root}/out.csv'",
    "create table x as select 1",
    "select 1; copy given to '{root}/out.csv'",
    "attach '{root}/salus.db' as s",
    "set enable_external_access=true",
    "install httpfs",
    "load sqlite",
    "drop view given",
    "",
    "selec",
    "select nothing from given",
])  # fmt: skip
def test_nothing_but_the_tables_can_be_reached(asked: Path, sql: str):
    root = asked.parent.parent
    with pytest.raises(Invalid):
        ask(sql.format(root=root), {"given": asked})

    assert not (root / "out.csv").exists()
    assert [] == list(asked.rglob("x.parquet"))


def test_without_a_table_there_is_nothing_to_ask():
    with pytest.raises(Missing, match="materialise"):
        ask("select 1", {})


def test_other_tools_read_the_files(asked: Path):
    found = duckdb.sql(f"select count(*) from read_parquet('{str(asked).replace(chr(39), chr(39) * 2)}/*/*.parquet')")

    assert [(2,)] == found.fetchall()
    place = orjson.loads((asked / "place.json").read_bytes())
    assert {"at", "parts", "outgrown", "rules", "mark", "floor", "files"} == place.keys()


def test_nothing_of_an_erased_patient_is_left_in_a_table(store: Store, records: Records, tmp_path: Path):
    put(records, person("li-forgotten", "Forgetmenot"), person("b", "Tom"))
    table(store, tmp_path / "t").catch_up()
    officer = store.open(Actor("Practitioner/officer", Role.ADMINISTRATOR), Purpose.ADMINISTRATION)
    erasing.erase(officer, Wish("Patient", "li-forgotten", What.PATIENT), "case 2026/17, on request")

    table(store, tmp_path / "t").catch_up()

    assert [("b", "b", "1950-01-01", "Tom")] == rows(tmp_path / "t")
    assert not any(b"forg" in file.read_bytes().lower() for file in (tmp_path / "t").rglob("*") if file.is_file())


def test_tables_that_stand_there_are_kept_level(
    store: Store, records: Records, monkeypatch: pytest.MonkeyPatch, eventually
):
    library = library_of(store)
    folder = tables_of(library) / "patient"
    table_of(store, library, "patient").catch_up()
    monkeypatch.setattr(tables, "PAUSE", 0.01)
    stop = threading.Event()
    following = threading.Thread(target=tables.follow, args=(store, library, stop))
    following.start()
    put(records, person("new"))
    try:
        eventually(lambda: "new" in [row[0] for row in rows(folder)])
    finally:
        stop.set()
        following.join()

    assert ["new"] == [row[0] for row in rows(folder)]
    assert ["patient"] == materialised(library)
