"""The Parquet files of a follower (events by patient, views by resource), and its place in the outbox beside them."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salus.analytics.events.rows import EVENT_SCHEMA

try:
    import fcntl
except ImportError:  # Windows: let only one process follow
    fcntl = None  # type: ignore[assignment]

RULES = 3  # raise it when `reading` gives other events for the same resource: then all files are made anew


class Shelf:
    """`at`: everything up to this transaction is in the files. `parts`: so many files has a shard.

    `schema` is that of the rows, `key` the column by which they are replaced, `rules` what they were made by: when it
    is another than before, all files are made anew.
    """

    def __init__(
        self, folder: Path, schema: pa.Schema = EVENT_SCHEMA, key: str = "subject_id", rules: int | str | None = None
    ) -> None:
        self.folder, self._schema, self._key = folder, schema, key
        self._ours = RULES if rules is None else rules
        folder.mkdir(parents=True, exist_ok=True)
        self.at, self.parts, self.outgrown, self._rules, self._mark = 0, 1, False, self._ours, ""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While no other process writes here; knows the place where the last one stopped."""
        with (self.folder / "lock").open("w") as lock:
            if fcntl:
                fcntl.flock(lock, fcntl.LOCK_EX)
            self._load()
            yield

    def _load(self) -> None:
        try:
            plain = orjson.loads((self.folder / "place.json").read_bytes())
            self.at, self.parts, self.outgrown, self._rules, self._mark = (
                plain[name] for name in ("at", "parts", "outgrown", "rules", "mark")
            )
        except (FileNotFoundError, orjson.JSONDecodeError, KeyError):
            self._rules = 0  # no place is known: whatever stands here is not ours to trust

    def fits(self, mark: str | None) -> bool:
        """Whether one may go on from here with a store that has this mark at transaction `at` (None: nothing there)."""
        return self._rules == self._ours and self._mark == mark and not self.outgrown

    def clear(self) -> None:
        """Throw all files away and begin at transaction 0, with more parts if they were too large."""
        self.parts, self.outgrown, self._rules = self.parts * (2 if self.outgrown else 1), False, self._ours
        self.settle(0, "")
        for file in self.folder.glob("shard=*/*"):
            file.unlink()

    def settle(self, at: int, mark: str) -> None:
        """Everything up to `at` is on disk; `mark` tells by what was changed there."""
        self.at, self._mark = at, mark
        place = {"at": at, "parts": self.parts, "outgrown": self.outgrown, "rules": self._ours, "mark": mark}
        put(self.folder / "place.json", orjson.dumps(place))

    def replace(self, address: tuple[int, int], subjects: Iterable[str], events: pa.Table) -> int:
        """Put these events in the place of what the file at (shard, part) has of these subjects; its rows then."""
        file = self.file(address)
        table = in_order_of(self._key, pa.concat_tables([self._without(file, subjects), events]))
        file.parent.mkdir(exist_ok=True)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", row_group_size=100_000)
        put(file, sink.getvalue())
        return int(table.num_rows)

    def file(self, address: tuple[int, int]) -> Path:
        """Where the rows of (shard, part) lie."""
        shard, part = address
        return self.folder / f"shard={shard:03}" / f"part-{part:03}.parquet"

    def _without(self, file: Path, subjects: Iterable[str]) -> pa.Table:
        """The rows of all other subjects in that file; none when it is not there."""
        if not file.exists():
            return self._schema.empty_table()
        table = pq.ParquetFile(file).read()
        gone = pc.is_in(table[self._key], pa.array(list(subjects), pa.string()))
        return table.filter(pc.invert(gone))


def in_order_of(key: str, table: pa.Table) -> pa.Table:
    """Sorted by that column; the order within one value stays (Arrow's sort is stable)."""
    return table.take(pc.sort_indices(table, [(key, "ascending")])).combine_chunks()


def put(file: Path, data: bytes | pa.Buffer) -> None:
    """On disk when it returns; a crash leaves the old file or the new one."""
    beside = file.with_name(file.name + ".new")
    with beside.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
