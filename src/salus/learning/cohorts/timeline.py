"""Events as columns of whole numbers: whose, when, which code; read from Parquet files of the MEDS schema.

https://github.com/Medical-Event-Data-Standard/meds: subject_id, time (null: always true), code, numeric_value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salus.base.errors import Invalid, Malformed, Missing

Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
NEEDED = ("subject_id", "time", "code")
ASIDE = ("metadata", "labels", "task_labels")  # folders of a MEDS dataset that hold no events


@dataclass(frozen=True)
class Timeline:
    """Rows as they lie in the files. `subject`: place in `subjects` (sorted); `code`: place in `codes`; times in us."""

    subjects: pa.Array
    subject: Whole
    time: Whole  # of rows without a time: the first time of their subject
    timed: Flags | None  # None: every row has a time
    code: npt.NDArray[np.int32]
    codes: pa.Array
    table: pa.Table  # the other columns, for the predicates that ask for them

    @cached_property
    def first(self) -> Whole:
        """The first moment of each subject; of a subject without any, a number greater than its last."""
        return self._edge(np.minimum, np.iinfo(np.int64).max)

    @cached_property
    def last(self) -> Whole:
        return self._edge(np.maximum, np.iinfo(np.int64).min)

    def _edge(self, which: np.ufunc, empty: int) -> Whole:
        """The least or the greatest time of each subject, run by run of rows."""
        edge = np.full(len(self.subjects), empty, dtype=np.int64)
        if len(self.time):
            starts = np.flatnonzero(np.diff(self.subject, prepend=-1))
            time = self.time if self.timed is None else np.where(self.timed, self.time, empty)
            which.at(edge, self.subject[starts], which.reduceat(time, starts))
        return edge


def event_files(folder: Path) -> list[Path]:
    """The files of events in a folder. Raises Missing when there is none."""
    if folder.is_file() and folder.suffix == ".parquet":
        return [folder]
    files = [path for path in folder.rglob("*.parquet") if not set(path.relative_to(folder).parts[:-1]) & set(ASIDE)]
    if not files:
        raise Missing(
            f"There are no events (*.parquet) in {folder}: give the folder that `salus events` writes, or the "
            "data folder of a MEDS dataset",
            path="--events",
        )
    return sorted(files)


def read_timeline(folder: Path, columns: Sequence[str] = ()) -> Timeline:
    """The events in a folder; `columns`: more columns to keep. Raises Missing, Malformed (no Parquet), Invalid."""
    wanted = list(dict.fromkeys([*NEEDED, *columns]))
    table = pa.concat_tables([read_events(file, wanted) for file in event_files(folder)], promote_options="permissive")
    return timeline_of(table)


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
    time, timed = times_of(table["time"])
    subjects, subject = numbered(table["subject_id"])
    codes, code = coded(table["code"])
    return Timeline(subjects, subject, time, timed, code, codes, table)


def times_of(column: pa.ChunkedArray) -> tuple[Whole, Flags | None]:
    """Microseconds, and which rows have a time (None: all)."""
    if not pa.types.is_timestamp(column.type) and not pa.types.is_date(column.type):
        raise Invalid(f"The column time holds {column.type}, not moments: write it as timestamp[us]", path="--events")
    zone = getattr(column.type, "tz", None)
    numbers = pc.cast(column, pa.timestamp("us", zone), safe=False).cast(pa.int64())
    timed = None if column.null_count == 0 else np.asarray(pc.is_valid(column))
    return np.asarray(pc.fill_null(numbers, 0) if timed is not None else numbers), timed


def numbered(column: pa.ChunkedArray) -> tuple[pa.Array, Whole]:
    """The different values in order, and the place of each row's value among them. Raises Invalid for a null."""
    if column.null_count:
        raise Invalid(f"{column.null_count:,} events have no subject_id: every event is somebody's", path="--events")
    if pa.types.is_integer(column.type):
        return numbered_whole(np.asarray(column).astype(np.int64, copy=False))
    values, places = coded(column)
    texts = values.cast(pa.string())
    order = np.asarray(pc.sort_indices(texts))
    return texts.take(pa.array(order)), np.argsort(order)[places]


def numbered_whole(ids: Whole) -> tuple[pa.Array, Whole]:
    """The same for whole numbers: only where one row differs from the row before is anything looked up."""
    starts = np.flatnonzero(np.diff(ids, prepend=ids[:1] - 1)) if len(ids) else np.empty(0, dtype=np.int64)
    values, places = np.unique(ids[starts], return_inverse=True)
    return pa.array(values), np.repeat(places, np.diff(starts, append=len(ids)))


def coded(column: pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[Any]]:
    """The different values in any order, and the place of each row's value among them."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    return whole.dictionary, np.asarray(pc.fill_null(whole.indices, -1) if whole.null_count else whole.indices)
