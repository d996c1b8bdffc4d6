"""Events as columns of whole numbers: whose, when, which code; read from Parquet files of the MEDS schema.

https://github.com/Medical-Event-Data-Standard/meds: subject_id, time (null: always true), code, numeric_value.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salus.base.editions import files_of
from salus.base.errors import Invalid, Malformed, Missing

Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
NEVER, ALWAYS = np.iinfo(np.int64).max, np.iinfo(np.int64).min
NEEDED = ("subject_id", "time", "code")
ASIDE = ("metadata", "labels", "task_labels")  # folders of a MEDS dataset that hold no events


@dataclass(frozen=True)
class Runs:
    """Rows of one subject that follow each other. `start`: first row, `subject`: place in `Timeline.subjects`."""

    start: Whole
    subject: Whole
    length: Whole


@dataclass(frozen=True)
class Timeline:
    """Rows as they lie in the files. `code`: place in `codes`; `time` in us, NEVER of rows without one."""

    subjects: pa.Array  # sorted
    runs: Runs
    time: Whole
    until: Whole  # the same, but ALWAYS of rows without one
    code: npt.NDArray[Any]
    codes: pa.Array
    table: pa.Table  # the other columns, for the predicates that ask for them

    @cached_property
    def first(self) -> Whole:
        """The first moment of each subject; of a subject without any, a number greater than its last."""
        return self._edge(np.minimum, self.time, NEVER)

    @cached_property
    def last(self) -> Whole:
        return self._edge(np.maximum, self.until, ALWAYS)

    @property
    def whole(self) -> bool:
        """Whether every row has a time."""
        return self.time is self.until

    def timed(self, rows: Whole | None = None) -> Flags:
        """Which rows have a time."""
        known: Flags = (self.time if rows is None else self.time[rows]) != NEVER
        return known

    def _edge(self, which: np.ufunc, time: Whole, empty: int) -> Whole:
        """The least or the greatest time of each subject, run by run."""
        edge = np.full(len(self.subjects), empty, dtype=np.int64)
        if len(time):
            which.at(edge, self.runs.subject, which.reduceat(time, self.runs.start))
        return edge

    def spread(self, values: Whole, rows: Whole | None = None) -> Whole:
        """The value of each subject at each row, or at some rows in their order."""
        by_run = values[self.runs.subject]
        if rows is None:
            return np.repeat(by_run, self.runs.length)
        if len(rows) * 8 > len(self.time):
            return np.repeat(by_run, self.runs.length)[rows]
        return by_run[np.searchsorted(self.runs.start, rows, side="right") - 1]

    def subject_at(self, rows: Whole) -> Whole:
        """The place of the subject of some rows."""
        return self.spread(np.arange(len(self.subjects)), rows)


@contextmanager
def event_files(folder: Path) -> Iterator[list[Path]]:
    """The files of events in a folder, which stay as they are until the end. Raises Missing when there is none."""
    if folder.is_file() and folder.suffix == ".parquet":
        yield [folder]
        return
    with files_of(folder) as found:
        yield files_in(folder, found)


def files_in(folder: Path, found: list[Path]) -> list[Path]:
    files = [path for path in found if not set(path.relative_to(folder).parts[:-1]) & set(ASIDE)]
    if not files:
        raise Missing(
            f"There are no events (*.parquet) in {folder}: give the folder that `salus events` writes, or the "
            "data folder of a MEDS dataset",
            path="--events",
        )
    return files


def read_timeline(files: Iterable[Path], columns: Sequence[str] = ()) -> Timeline:
    """The events in some files; `columns`: more columns to keep. Raises Malformed (no Parquet), Invalid."""
    wanted = list(dict.fromkeys([*NEEDED, *columns]))
    return timeline_of(pa.concat_tables([read_events(file, wanted) for file in files], promote_options="permissive"))


def read_events(file: Path, wanted: list[str]) -> pa.Table:
    """Some columns of one file. Raises Malformed, Invalid for a column that is not there."""
    try:
        names = pq.read_schema(file).names
        check_columns(names, wanted, file.name)
        return pq.read_table(file, columns=wanted, read_dictionary=["code", "subject_id"], partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise Malformed(
            f"{file.name} is no Parquet file that can be read ({error}): write the events anew", path="--events"
        ) from error


def check_columns(names: Sequence[str], wanted: Sequence[str], file: str) -> None:
    lacking = [name for name in wanted if name not in names]
    if lacking:
        raise Invalid(
            f"{file} has no column {', '.join(lacking)}: events have subject_id, time, code and numeric_value "
            f"(MEDS), and this file has {', '.join(names[:12])}",
            path="--events",
        )


def timeline_of(table: pa.Table) -> Timeline:
    """A table of events in any order as a timeline. Raises Invalid for a time column that holds no times."""
    time, until = times_of(table["time"])
    subjects, runs = runs_of(table["subject_id"])
    codes, code = coded(table["code"])
    return Timeline(subjects, runs, time, until, code, codes, table)


def times_of(column: pa.ChunkedArray) -> tuple[Whole, Whole]:
    """Microseconds; where there is no time NEVER, and again ALWAYS."""
    if not pa.types.is_timestamp(column.type) and not pa.types.is_date(column.type):
        raise Invalid(f"The column time holds {column.type}, not moments: write it as timestamp[us]", path="--events")
    zone = getattr(column.type, "tz", None)
    numbers = pc.cast(column, pa.timestamp("us", zone), safe=False).cast(pa.int64())
    if not column.null_count:
        whole = np.asarray(numbers)
        return whole, whole
    return np.asarray(pc.fill_null(numbers, NEVER)), np.asarray(pc.fill_null(numbers, ALWAYS))


def runs_of(column: pa.ChunkedArray) -> tuple[pa.Array, Runs]:
    """The different subjects in order, and the runs of their rows. Raises Invalid for a row that is nobody's."""
    if column.null_count:
        raise Invalid(f"{column.null_count:,} events have no subject_id: every event is somebody's", path="--events")
    if pa.types.is_integer(column.type):
        ids = np.asarray(column).astype(np.int64, copy=False)
        start = changes(ids)
        values, subject = np.unique(ids[start], return_inverse=True)
        return pa.array(values), Runs(start, subject, np.diff(start, append=len(ids)))
    names, places = coded(column)
    texts, start = names.cast(pa.string()), changes(places)
    order = np.asarray(pc.sort_indices(texts))
    return texts.take(pa.array(order)), Runs(
        start, np.argsort(order)[places[start]], np.diff(start, append=len(places))
    )


def changes(values: npt.NDArray[Any]) -> Whole:
    """The rows at which a value is another than in the row before."""
    return np.append(np.zeros(min(1, len(values)), dtype=np.int64), np.flatnonzero(values[1:] != values[:-1]) + 1)


def coded(column: pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[Any]]:
    """The different values in any order, and the place of each row's value among them."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    return whole.dictionary, np.asarray(pc.fill_null(whole.indices, -1) if whole.null_count else whole.indices)
