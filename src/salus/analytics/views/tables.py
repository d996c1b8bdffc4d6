"""Views as Parquet beside the store, following its outbox: `views/tables/patient/shard=007/part-000.parquet`.

A row comes from one resource alone, so a change rewrites the rows of the resource that was changed and nothing else.
The first time, and when the view was changed, a table is made from one snapshot of the records.
"""

import logging
import os
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from salus.analytics.events.follower import FULL, SHARDS, Stop, address, mark, mark_at
from salus.analytics.events.shelf import Shelf
from salus.analytics.views.catalogue import Library
from salus.analytics.views.source import Scope, versions
from salus.analytics.views.view import View
from salus.base.errors import SalusError
from salus.records import Change, Store, Version, erasing

TABLES = "tables"
KEY = "_id"  # the resource that a row comes from; no column of a view can have that name
WAY = 1  # raise it when the same view gives other rows, or its columns other types
LIMIT = 100_000  # changes looked at together
GROUP = 20_000  # rows of a row group
PAUSE = 60.0  # seconds between two looks for changes: a table is for questions, not for the bedside
log = logging.getLogger(__name__)
Row = tuple[Any, ...]
Address = tuple[int, int]
Tell = Callable[[int, int], None]


class Table:
    """Keeps one view's Parquet files level with a store. Several processes may: they take turns."""

    def __init__(self, store: Store, view: View, folder: Path) -> None:
        self._store, self._view = store, view
        self._schema = pa.schema([pa.field(KEY, pa.string()), *view.schema])
        self._shelf = Shelf(folder, self._schema, KEY, fingerprint(view))
        self.is_tidy = False  # whether, when last level, nobody read rows older than that

    def catch_up(self, tell: Tell = lambda done, total: None) -> int:
        """Take every change up to now; how many resources were read. `tell(done, in all)`."""
        with self._shelf.alone():
            found = mark_at(self._store, self._shelf.at)
            count = self._follow_all(tell) if self._shelf.fits(found) else self._make(found, tell)
            self.is_tidy = self._shelf.tidy()
        return count

    def _follow_all(self, tell: Tell) -> int:
        count = 0
        while changes := self._store.outbox(self._shelf.at, LIMIT):
            count += self._follow(self._ids(changes))
            self._shelf.settle(changes[-1].t, mark(changes[-1]))
            tell(count, count)
        return count

    def _ids(self, changes: list[Change]) -> set[str]:
        """Of what was changed; and what was erased has another id now than in these files."""
        there, kind = {change.t for change in changes}, self._view.resource
        erased = {name for each in erasing.pending(self._store) if each.t in there for name in each.references}
        gone = {name.partition("/")[2] for name in erased if name.startswith(f"{kind}/")}
        return {change.id for change in changes if change.type == kind} | gone

    def _follow(self, ids: set[str]) -> int:
        """Put the rows of these resources, as they stand now, in the place of what they had."""
        rows: dict[Address, dict[str, list[Row]]] = defaultdict(dict)
        with self._store.readers.one() as reader:
            for id in ids:
                version = reader.current(self._view.resource, id, None)
                rows[address(id, self._shelf.parts)][id] = self._rows(version) if version else []
        for place, found in rows.items():
            table = self._table([row for id in sorted(found) for row in found[id]])
            if self._shelf.replace(place, found.keys(), table) > FULL:
                self._shelf.outgrown = True
        return len(ids)

    def _make(self, found: str | None, tell: Tell) -> int:
        """All anew, from one snapshot; what comes while it is read is followed afterwards."""
        total = self._store.count().get(self._view.resource, 0)
        self._shelf.clear(found)
        while self._shelf.parts * SHARDS * FULL < 2 * total:
            self._shelf.parts *= 2
        at = self._store.last_transaction()
        with ExitStack() as stack:
            pens = Pens(stack, self._shelf, self._schema)
            count = self._write(pens, lambda done: tell(done, max(done, total)))
        pens.keep()
        self._shelf.settle(at, mark_at(self._store, at) or "")
        return count

    def _write(self, pens: "Pens", tell: Callable[[int], None]) -> int:
        count = 0
        with self._store.readers.one() as reader, reader.snapshot():
            for batch in versions(reader, self._view.resource, Scope()):
                for version in batch:
                    for row in self._rows(version):
                        pens.put(address(version.id, self._shelf.parts), row, self._table)
                count += len(batch)
                tell(count)
        pens.empty(self._table)
        return count

    def _rows(self, version: Version) -> list[Row]:
        if version.deleted:
            return []
        return [(version.id, *row) for row in self._view.rows(orjson.loads(version.body))]

    def _table(self, rows: list[Row]) -> pa.Table:
        keys = pa.array([row[0] for row in rows], pa.string())
        found = self._view.table(row[1:] for row in rows)
        return pa.table([keys, *found.columns], schema=self._schema)


class Pens:
    """A file for each address, written as rows come; `keep` puts all in their place at once."""

    def __init__(self, stack: ExitStack, shelf: Shelf, schema: pa.Schema) -> None:
        self._shelf = shelf
        self._files = {(s, p): shelf.fresh((s, p)) for s in range(SHARDS) for p in range(shelf.parts)}
        self._pens: dict[Address, pq.ParquetWriter] = {}
        for place, file in self._files.items():
            self._pens[place] = stack.enter_context(pq.ParquetWriter(file, schema, compression="zstd"))
        self._rows: dict[Address, list[Row]] = defaultdict(list)

    def put(self, place: Address, row: Row, table: Callable[[list[Row]], pa.Table]) -> None:
        rows = self._rows[place]
        rows.append(row)
        if len(rows) >= GROUP:
            self._pens[place].write_table(table(rows))
            rows.clear()

    def empty(self, table: Callable[[list[Row]], pa.Table]) -> None:
        """Write what still waits."""
        for place, rows in self._rows.items():
            self._pens[place].write_table(table(rows))
        self._rows.clear()

    def keep(self) -> None:
        for place, file in self._files.items():
            with file.open("rb") as written:
                os.fsync(written.fileno())
            self._shelf.take(place, file)


def fingerprint(view: View) -> str:
    """Of what decides the rows of a view."""
    said = orjson.dumps([WAY, view.definition.plain], option=orjson.OPT_SORT_KEYS)
    return sha256(said).hexdigest()


def follow(store: Store, library: Library, stop: Stop) -> None:
    """Bring the tables that stand there level again and again, until told to stop; what fails is tried again."""
    at = -1
    while not stop.is_set():
        if (last := store.last_transaction()) != at:
            at = last if all([level(store, library, name) for name in materialised(library)]) else -1
        stop.wait(PAUSE)


def level(store: Store, library: Library, name: str) -> bool:
    """Whether the table of that view is level with the store now."""
    try:
        table_of(store, library, name).catch_up()
    except (OSError, SalusError) as fault:
        log.warning("The table of the view %s is behind (%s): trying again", name, type(fault).__name__)
        return False
    return True


def tables_of(library: Library) -> Path:
    """The folder that holds a folder for each materialised view."""
    return library.folder / TABLES


def materialised(library: Library) -> list[str]:
    """The views that stand there as tables."""
    return [name for name in library.names() if (tables_of(library) / name / "place.json").is_file()]


def table_of(store: Store, library: Library, name: str) -> Table:
    """The table of a view of the site. Raises Missing, Invalid."""
    return Table(store, library.view(name), tables_of(library) / name)
