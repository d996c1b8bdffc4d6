"""The Parquet files of a follower (events by patient, views by resource), and its place in the outbox beside them.

Files are never changed: a new one is laid beside the old, and `settle` publishes an edition of the folder. Who reads
by `salus.base.editions.files_of` sees the files of one place in the outbox, whatever is written meanwhile.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salus.analytics.events.rows import EVENT_SCHEMA
from salus.base.editions import ROOM, fresh, publish, published, put, show, sweep

try:
    import fcntl
except ImportError:  # Windows: let only one process follow
    fcntl = None  # type: ignore[assignment]

RULES = 3  # raise it when `reading` gives other events for the same resource: then all files are made anew


class Shelf:
    """`at`: everything up to this transaction is in the files. `parts`: so many files has a shard.

    `schema` is that of the rows, `key` the column by which they are replaced, `rules` what they were made by: when it
    is another than before, all files are made anew; readers see the old ones until the new have come as far (`floor`).
    """

    def __init__(
        self, folder: Path, schema: pa.Schema = EVENT_SCHEMA, key: str = "subject_id", rules: int | str | None = None
    ) -> None:
        self.folder, self._schema, self._key = folder, schema, key
        self._ours = RULES if rules is None else rules
        folder.mkdir(parents=True, exist_ok=True)
        self.at, self.parts, self.outgrown, self._rules, self._mark, self._floor = 0, 1, False, self._ours, "", 0
        self._files: dict[str, str] = {}
        self._unsettled: set[str] = set()  # files that no place and no edition names yet

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
            self.at, self.parts, self.outgrown, self._rules, self._mark, self._floor, self._files = (
                plain[name] for name in ("at", "parts", "outgrown", "rules", "mark", "floor", "files")
            )
            self._unsettled = set()
            show(self.folder, published(self.folder))
        except (FileNotFoundError, orjson.JSONDecodeError, KeyError):
            self._rules = 0  # no place is known, or a file is gone: whatever stands here is not ours to trust

    def fits(self, mark: str | None) -> bool:
        """Whether one may go on from here with a store that has this mark at transaction `at` (None: nothing there)."""
        return self._rules == self._ours and self._mark == mark and not self.outgrown

    def clear(self, mark: str | None) -> None:
        """Begin at transaction 0, with more parts if the files were too large.

        Those of the same store (it has this mark at transaction `at`) are read until the new ones have come as far.
        """
        is_same = self._rules != 0 and self._mark == mark
        self._floor = max(self._floor, self.at) if is_same else 0
        self.parts, self.outgrown, self._rules = self.parts * (2 if self.outgrown else 1), False, self._ours
        self._files = {}
        self.settle(0, "")

    def settle(self, at: int, mark: str) -> None:
        """Everything up to `at` is on disk; `mark` tells by what was changed there."""
        self.at, self._mark = at, mark
        if at >= self._floor:
            publish(self.folder, self._files)
            self._floor = 0
        place = {"at": at, "parts": self.parts, "outgrown": self.outgrown, "rules": self._ours, "mark": mark}
        put(self.folder / "place.json", orjson.dumps({**place, "floor": self._floor, "files": self._files}))
        self._unsettled = set()

    def tidy(self) -> bool:
        """Sweep away what nobody reads; whether nobody reads anything older than what is published."""
        return sweep(self.folder, self._files.values()) and not self._floor

    def replace(self, address: tuple[int, int], subjects: Iterable[str], events: pa.Table) -> int:
        """Put these events in the place of what the file at (shard, part) has of these subjects; its rows then."""
        table = in_order_of(self._key, pa.concat_tables([self._without(address, subjects), events]))
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", row_group_size=100_000)
        file = self.fresh(address)
        put(file, sink.getvalue())
        self.take(address, file)
        return int(table.num_rows)

    def fresh(self, address: tuple[int, int]) -> Path:
        """Where to write a file that shall be that of (shard, part)."""
        shard, part = address
        return fresh(self.folder, f"{shard:03}-{part:03}")

    def take(self, address: tuple[int, int], file: Path) -> None:
        """Let a file that is on disk be that of (shard, part)."""
        place = place_of(address)
        before = self._files.get(place)
        if before in self._unsettled:
            self._unsettled.discard(before)
            file.with_name(before).unlink()
        self._files[place] = file.name
        self._unsettled.add(file.name)

    def _without(self, address: tuple[int, int], subjects: Iterable[str]) -> pa.Table:
        """The rows of all other subjects in that file; none when it is not there."""
        name = self._files.get(place_of(address))
        if name is None:
            return self._schema.empty_table()
        table = pq.ParquetFile(self.folder / ROOM / name).read()
        gone = pc.is_in(table[self._key], pa.array(list(subjects), pa.string()))
        return table.filter(pc.invert(gone))


def place_of(address: tuple[int, int]) -> str:
    """Where the file of (shard, part) is found by hand.

    >>> place_of((7, 0))
    'shard=007/part-000.parquet'
    """
    shard, part = address
    return f"shard={shard:03}/part-{part:03}.parquet"


def in_order_of(key: str, table: pa.Table) -> pa.Table:
    """Sorted by that column; the order within one value stays (Arrow's sort is stable)."""
    return table.take(pc.sort_indices(table, [(key, "ascending")])).combine_chunks()
