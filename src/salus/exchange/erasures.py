"""What must be cleaned by hand after an erasure: copies of records that do not follow the outbox.

Finished bulk exports that hold an erased resource go, and so do jobs that are being worked on, which read a moment
before the erasure: who needs them orders them again. Of the runs of training that an erased patient was in, the rows
go; models, figures and reports stay, they are about nobody. What somebody has taken elsewhere (`salus export`,
downloads) is out of reach. Views that are kept as tables are brought up to date; a table whose view is gone goes too.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salus.analytics.views.catalogue import library_of
from salus.analytics.views.tables import Table, materialised, table_of, tables_of
from salus.base.errors import Busy, Invalid, Missing, Unsupported
from salus.exchange.bulk_jobs import WAITING
from salus.records import Store, erasing

ROWS = ("*.parquet", "*.npz", "*.npy", "*.csv")  # what a run keeps of people
SUBJECT = "subject_id"


def sweeps(runs: Path) -> list[erasing.Sweep]:
    """For `erasing.finish`; `runs` is the folder of the runs of training."""
    return [bulk, tables, lambda _, gone: of_training(runs, gone)]


def bulk(store: Store, gone: erasing.Pending) -> None:
    """Take away the bulk jobs (bulk_jobs.py) whose files name what is no more, and their files."""
    folder = store.engine.beside("-bulk")
    names = {name.partition("/")[2] for name in gone.references} | set(gone.subjects)
    for job in folder.iterdir() if folder.is_dir() and names else ():
        if begun(job) or any(holds(file, names) for file in job.rglob("*") if file.is_file()):
            shutil.rmtree(job, ignore_errors=True)


def begun(job: Path) -> bool:
    """Whether somebody is working on a job, or was when the server stopped."""
    try:
        waiting = orjson.loads((job / "job.json").read_bytes())["state"] == WAITING
    except (OSError, orjson.JSONDecodeError, KeyError):
        return True
    return waiting and (job / "files").is_dir()


def tables(store: Store, gone: erasing.Pending) -> None:
    """Views as Parquet: what is no more has no rows in them."""
    library = library_of(store)
    folder, known = tables_of(library), materialised(library)
    for table in folder.iterdir() if folder.is_dir() else ():
        try:
            if table.name not in known:
                raise Missing(f"There is no view {table.name}")
            follower = table_of(store, library, table.name)
            follower.catch_up()
            check_tidy(follower, table.name)
        except (Missing, Invalid, Unsupported):
            shutil.rmtree(table, ignore_errors=True)


def check_tidy(table: Table, name: str) -> None:
    """Raises Busy while somebody still reads rows of before the erasure."""
    if not table.is_tidy:
        raise Busy(f"The table of the view {name} is being read: finish the erasure again when that is done")


def holds(file: Path, names: set[str]) -> bool:
    """Whether one of these ids stands in a file, whole."""
    wanted = {name.encode() for name in names}
    with file.open("rb") as lines:
        return any(wanted & set(WORDS(line)) for line in lines)


WORDS = re.compile(rb"[A-Za-z0-9\-.]{1,64}").findall


def of_training(runs: Path, gone: erasing.Pending) -> None:
    """Take the rows out of the runs that an erased patient was in."""
    for run in runs.iterdir() if runs.is_dir() else ():
        if any(had(file, gone.subjects) for file in run.rglob("*.parquet")):
            for file in kept(run):
                file.unlink()


def kept(run: Path) -> Iterator[Path]:
    for pattern in ROWS:
        yield from run.rglob(pattern)


def had(file: Path, subjects: frozenset[str]) -> bool:
    """Whether one of these patients has a row in a Parquet file."""
    if SUBJECT not in pq.read_schema(file).names:
        return False
    column = pq.read_table(file, columns=[SUBJECT])[SUBJECT]
    return bool(pc.any(pc.is_in(column.cast(pa.string()), pa.array(sorted(subjects), pa.string()))).as_py())
