"""OMOP and MIMIC-III as FHIR in the store, and out again: how fast, and whether every row and every cell is the same.

    python benchmarks/exchange/omop.py [omop] [mimic3]

Prints what stands in RESULTS.md. Cells are compared in the type in which they go out; texts must be the same to the
letter.
"""

import os
import platform
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from salus.exchange.databases import Given, Told, Wanted, give_database, read_layout, take_database
from salus.exchange.report import Report
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SOURCES = {"omop": SHARED / "omop-synthea27" / "Synthea27NjParquet_5.4.zip", "mimic3": SHARED / "mimic3-demo"}
SAME = """
SELECT count(*), count(*) FILTER (TRY_CAST(came."{name}" AS {type}) IS DISTINCT FROM went."{name}"
    AND ({is_text} OR TRY_CAST(came."{name}" AS DOUBLE) IS DISTINCT FROM TRY_CAST(went."{name}" AS DOUBLE)))
FROM '{came}' came LEFT JOIN '{went}' went ON came."{key}" = went."{key}"
"""
KEYS = {"death": "person_id", "cdm_source": "cdm_source_name"}


def cpu() -> float:
    """CPU seconds of this process and of those it has waited for."""
    each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in each)


def timed(what: str, act: Callable[[], Any], counted: Callable[[Any], int]) -> Any:
    wall, spent = time.perf_counter(), cpu()
    given = act()
    seconds, spent = time.perf_counter() - wall, cpu() - spent
    count = counted(given)
    print(
        f"| {what} | {count:,} | {seconds:.1f} | {count / seconds:,.0f} | {spent:.1f} | {count / spent:,.0f} |",
        flush=True,
    )
    return given


def tables_in(source: Path, room: Path) -> list[Path]:
    if source.suffix == ".zip":
        with zipfile.ZipFile(source) as archive:
            archive.extractall(room)
        source = room
    return sorted(path for path in source.rglob("*.parquet") if not path.name.startswith("."))


def compare(layout: str, files: list[Path], out: Path) -> None:
    """Rows by table, and each cell of each row."""
    mapped = {table.name for table in read_layout(layout).tables if not table.is_words}
    rows = cells = other = unequal = 0
    with duckdb.connect() as connection:
        for file in files:
            went = out / file.name
            ((count,),) = connection.execute(f"SELECT count(*) FROM '{file}'").fetchall()
            if not count:
                continue
            ((there,),) = connection.execute(f"SELECT count(*) FROM '{went}'").fetchall()
            rows += count
            unequal += count != there
            if file.stem not in mapped:
                continue
            key = "row_id" if layout == "mimic3" else KEYS.get(file.stem, f"{file.stem}_id")
            types = dict(row[:2] for row in connection.execute(f"DESCRIBE SELECT * FROM '{went}'").fetchall())
            for name, type, *_ in connection.execute(f"DESCRIBE SELECT * FROM '{file}'").fetchall():
                told = {"name": name, "type": types[name], "is_text": type == "VARCHAR", "key": key}
                seen, differ = connection.execute(SAME.format(came=file, went=went, **told)).fetchall()[0]
                cells, other = cells + seen, other + differ
    print(
        f"\n{rows:,} rows, tables with another number of rows: {unequal}; {cells:,} cells, other than before: {other}"
    )


def run(layout: str, folder: Path) -> None:
    rows, source = read_layout(layout), SOURCES[layout]
    with Store(folder / "salus.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        told = Told(synthetic=layout == "omop")
        print(f"\n{layout}\n\n| what | rows | wall s | a second | CPU s | a CPU second |\n|---|---|---|---|---|---|")
        read: Callable[[Report], int] = lambda report: report.total.read  # noqa: E731
        report: Report = timed("into the store", lambda: take_database(records, source, rows, told), read)
        timed("again, nothing changed", lambda: take_database(records, source, rows, told), read)
        wanted = Wanted(vocabulary=source)
        written: Callable[[Given], int] = lambda given: sum(given.tables.values())  # noqa: E731
        timed("out, with the vocabulary", lambda: give_database(records, rows, folder / "out", wanted), written)
        resources = sum(store.count().values())
    size = sum(file.stat().st_size for file in folder.glob("salus.db*") if file.is_file())
    print(f"\n{resources:,} resources, {size / resources:.0f} bytes each on disk; refused: {report.total.refused}")
    compare(layout, tables_in(source, folder / "came"), folder / "out")
    for note in report.notes:
        if note.kind != "beside":
            print(f"- {note.kind}: {note.where} {note.rows:,}")


def main(names: list[str]) -> None:
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.python_version()}")
    for name in names or SOURCES:
        with tempfile.TemporaryDirectory() as folder:
            run(name, Path(folder))
    print(f"\nlargest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
