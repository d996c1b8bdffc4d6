"""Tables that lie in a database file or on a PostgreSQL server: into the store, and straight into events."""

import csv
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from salus.analytics.sources import Server, bring, place_at
from salus.analytics.sources import read_layout as read_events_layout
from salus.base.errors import Busy, Missing
from salus.cli import terminal
from salus.exchange.databases import Wanted, give_database, read_layout, take_database
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

EVENTS = """
name = "small"
first = ["measurement"]
[title]
en = "Measurements"
zh = "检验"
[[rows]]
table = "measurement"
join = "LEFT JOIN concept c ON c.concept_id = measurement_concept_id"
key = "measurement_id"
subject = "person_id"
code = "c.vocabulary_id || '//' || c.concept_code"
time = "measurement_date"
number = "value_as_number"
"""


def in_a_file(cdm: Path, room: Path) -> str:
    """A DuckDB database of the tables."""
    with duckdb.connect(room / "cdm.duckdb") as connection:
        for file in cdm.glob("*.csv"):
            read = f"read_csv('{file}', all_varchar=true, header=true)"
            connection.execute(f'CREATE TABLE "{file.stem.upper()}" AS FROM {read}')
    return str(room / "cdm.duckdb")


def on_a_server(cdm: Path, url: str) -> str:
    """A schema of the tables; its numbers and dates have their types, a column its text with a line break."""
    import psycopg

    address, _, schema = url.rpartition("schema=")
    with psycopg.connect(address.rstrip("?&"), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
        for file in cdm.glob("*.csv"):
            with file.open(encoding="utf-8", newline="") as stream:
                head, *rows = csv.reader(stream)
            columns = ", ".join(f"{name} {type_of(name)}" for name in head)
            connection.execute(f"CREATE TABLE {schema}.{file.stem}({columns})".encode())
            places = ", ".join(["%s"] * len(head))
            for row in rows:
                told = [cell if cell not in ("", "high") else None for cell in row]
                connection.execute(f"INSERT INTO {schema}.{file.stem} VALUES({places})".encode(), told)
        connection.execute(f"ALTER TABLE {schema}.person ADD COLUMN person_source_value text".encode())
        connection.execute(f"UPDATE {schema}.person SET person_source_value='No. \"1\",\nfirst'".encode())
    return url


def type_of(column: str) -> str:
    if column.endswith("_date"):
        return "date"
    if column.endswith("_datetime"):
        return "timestamp"
    is_number = column.endswith(("_id", "_birth", "_number")) and not column.startswith(("vocabulary", "domain"))
    return "numeric" if is_number and "class" not in column else "text"


@pytest.fixture(params=["duckdb", "postgres"])
def place(request: pytest.FixtureRequest, cdm: Path, tmp_path: Path) -> str:
    if request.param == "duckdb":
        return in_a_file(cdm, tmp_path)
    new_schema: Callable[[], str] = request.getfixturevalue("new_schema")
    return on_a_server(cdm, new_schema())


def test_a_database_goes_into_the_store_and_out_again(place: str, cdm: Path, records: Records, tmp_path: Path) -> None:
    report = take_database(records, place_at(place), read_layout("omop"), helpers=0)
    again = take_database(records, place_at(place), read_layout("omop"), helpers=0)
    given = give_database(records, read_layout("omop"), tmp_path / "out", Wanted(vocabulary=place_at(place)))

    stored = [report.rows[name].stored for name in ("person → Patient", "measurement → Observation")]
    assert [3, 4, 4] == [*stored, given.tables["measurement"]]
    assert 0 == again.total.stored
    assert {"fact_relationship": 1, "shoes": 2, "concept": 8} == {
        note.where: note.rows for note in report.notes if note.kind.startswith("apart.")
    }
    assert (3, 8) == (given.tables["person"], given.tables["concept"])


@pytest.fixture
def small(tmp_path: Path) -> str:
    (tmp_path / "small.toml").write_text(EVENTS, "utf-8")
    return str(tmp_path / "small.toml")


def test_a_database_becomes_events(place: str, small: str, tmp_path: Path) -> None:
    found = bring(place_at(place), read_events_layout(small), tmp_path / "events")

    (table,) = found.tables
    assert (7, 6, {"no_subject": 1}) == (table.rows, table.events, table.left_out)


def test_the_commands_take_an_address(place: str, small: str, tmp_path: Path) -> None:
    store = ["--store", str(tmp_path / "salus.db")]
    brought = ["events", "bring", place, "--layout", small, "--events", str(tmp_path / "events")]

    assert 3 == CliRunner().invoke(terminal(["import"]), ["import", place, "--layout", "omop", *store]).exit_code
    assert 0 == CliRunner().invoke(terminal(["events"]), brought).exit_code


def test_a_text_with_quotes_and_line_breaks_comes_whole(
    new_schema: Callable[[], str], cdm: Path, records: Records
) -> None:
    take_database(records, place_at(on_a_server(cdm, new_schema())), read_layout("omop"), helpers=0)

    person = records.read("Patient", "city-1-person-1").json()
    assert 'No. "1",\nfirst' in [one["value"] for one in person["identifier"]]


def test_a_server_that_is_not_there_or_empty_is_said(
    new_schema: Callable[[], str], records: Records, tmp_path: Path
) -> None:
    with pytest.raises(Missing, match="has no table"):
        take_database(records, place_at(new_schema()), read_layout("omop"))
    with pytest.raises(Busy, match="cannot be reached"):
        take_database(records, Server("postgresql://ann:secret@/cdm?host=/nowhere"), read_layout("omop"))


def test_a_store_on_any_engine_takes_tables_in_and_gives_them_out(
    new_place: Callable[[], str], cdm: Path, tmp_path: Path
) -> None:
    with Store(new_place()) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        take_database(records, cdm, read_layout("omop"), helpers=0)
        given = give_database(records, read_layout("omop"), tmp_path / "out")

    assert [3, 2, 4, 4] == [
        given.tables[name] for name in ("person", "condition_occurrence", "measurement", "drug_exposure")
    ]
