"""Events and rows in pieces of whole subjects, so that a crowd of any size is worked on in little memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salus.base.errors import Invalid
from salus.learning.step3_features.coded import by_word

Whole = npt.NDArray[np.int64]
EVENT_COLUMNS = ["subject_id", "time", "code", "numeric_value", "text_value", "unit", "source_id", "recorded_time"]
PIECE = 32_768  # events: of a few columns, what a processor's cache holds
KINDS = {"time": pa.timestamp("us", "UTC"), "recorded_time": pa.timestamp("us", "UTC"), "numeric_value": pa.float64()}
NONE = pa.table({name: pa.array([], KINDS.get(name, pa.string())) for name in EVENT_COLUMNS})


@dataclass(frozen=True, slots=True)
class Piece:
    """The events of some subjects, and all their rows."""

    events: pa.Table
    subject: Whole  # of each event: 0, 1, 2 ... within the piece, in this order; -1 = not asked for
    row: Whole  # numbers of the rows
    owner: Whole  # of each row: the subject, in order
    at: Whole  # of each row, in microseconds
    subjects: int


class Crowd:
    """Rows by subject. `rows`: row (0..n-1), subject_id, at_us."""

    def __init__(self, rows: pa.Table) -> None:
        ids = rows["subject_id"].cast(pa.string())
        self.subjects = ids.unique()
        owner = self.numbers(ids)
        order = np.argsort(owner, kind="stable")
        self.row, self.at = rows["row"].to_numpy()[order], rows["at_us"].to_numpy()[order]
        self.begin = np.searchsorted(owner[order], np.arange(len(self.subjects) + 1))
        self.waiting = np.ones(len(self.subjects), bool)  # whose events have not come yet

    def numbers(self, ids: pa.ChunkedArray) -> Whole:
        """The number of each subject, -1 for one that is not asked for."""
        found = pc.index_in(ids.cast(pa.string()), value_set=self.subjects)
        return np.asarray(found.fill_null(-1).to_numpy(), dtype=np.int64)

    def pieces(self, events: pa.Table) -> Iterator[Piece]:
        """Events cut into pieces. Raises Invalid where those of a subject do not stand together."""
        starts = starts_of(events["subject_id"])
        owners = self.numbers(events["subject_id"].take(pa.array(starts)))
        wanted = owners[owners >= 0]
        if not self.waiting[wanted].all() or len(np.unique(wanted)) < len(wanted):
            raise Invalid("The events of a subject do not stand together: order them by subject_id")
        self.waiting[wanted] = False
        starts = np.append(starts, events.num_rows)
        cuts = np.unique(np.searchsorted(starts, np.arange(0, events.num_rows, PIECE)))
        for first, after in pairwise([*cuts, len(owners)]):
            begin, end = starts[first], starts[after]
            yield self._piece(events.slice(begin, end - begin), owners[first:after], starts[first : after + 1])

    def together(self, events: pa.Table) -> pa.Table:
        """The events with those of a subject together."""
        owners = self.numbers(events["subject_id"].take(pa.array(starts_of(events["subject_id"]))))
        if len(np.unique(owners)) == len(owners):
            return events
        return events.take(pa.array(np.argsort(self.numbers(events["subject_id"]), kind="stable")))

    def _piece(self, events: pa.Table, owners: Whole, starts: Whole) -> Piece:
        asked = owners >= 0
        local = np.where(asked, np.cumsum(asked) - 1, -1)
        return self._rows_of(events, np.repeat(local, np.diff(starts)), owners[asked])

    def _rows_of(self, events: pa.Table, subject: Whole, subjects: Whole) -> Piece:
        begin = self.begin[subjects]
        many = self.begin[subjects + 1] - begin
        place = np.arange(many.sum()) + np.repeat(begin - (np.cumsum(many) - many), many)
        owner = np.repeat(np.arange(len(subjects)), many)
        return Piece(events, subject, self.row[place], owner, self.at[place], len(subjects))

    def silent(self) -> Iterator[Piece]:
        """The rows of those of whom no event came."""
        left = np.flatnonzero(self.waiting)
        if len(left):
            yield self._rows_of(NONE, np.zeros(0, np.int64), left)


def pieces(crowd: Crowd, events: pa.Table | Path) -> Iterator[Piece]:
    """All rows in pieces. The events of a subject must stand together in a file, not in a table. Raises Invalid."""
    for table in [crowd.together(events)] if isinstance(events, pa.Table) else batches(events):
        yield from crowd.pieces(table)
    yield from crowd.silent()


def starts_of(ids: pa.ChunkedArray) -> Whole:
    """The places where another subject begins than stands before."""
    if not len(ids):
        return np.zeros(0, np.int64)
    if pa.types.is_dictionary(ids.type):
        place, _ = by_word(ids)
        other = place[1:] != place[:-1]
    else:
        other = pc.not_equal(ids[1:], ids[:-1]).to_numpy()
    return np.flatnonzero(np.concatenate(([True], other)))


def batches(file: Path) -> Iterator[pa.Table]:
    """The events of a Parquet file in tables that end where a subject ends."""
    few = ["subject_id", "code", "text_value", "unit"]  # columns that say the same often
    with pq.ParquetFile(file, read_dictionary=few) as opened:
        rest: list[pa.Table] = []
        for number in range(opened.num_row_groups):  # not iter_batches: that keeps the words of every row group
            table = opened.read_row_group(number, columns=EVENT_COLUMNS)
            if not table.num_rows:
                continue
            end = int(starts_of(table["subject_id"])[-1])
            if end:
                yield pa.concat_tables([*rest, table.slice(0, end)])
                rest = []
            rest.append(table.slice(end))
        if rest:
            yield pa.concat_tables(rest)
