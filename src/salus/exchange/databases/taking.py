"""Take the tables of another database into the records: `salus import SOURCE --layout NAME`.

By the same way as files (`exchange.taking`): resumable, the same when done twice, bad rows named.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec

from salus.analytics.sources import Place, Server
from salus.exchange.databases.layout import Counted, Layout, Table
from salus.exchange.databases.macros import BOTH_WAYS, IN
from salus.exchange.databases.rows import Origin, items_of, kept_beside, row_of, rows_of
from salus.exchange.databases.source import Source, named, opened, speak
from salus.exchange.helpers import Helpers, processors
from salus.exchange.place import Place as Standing
from salus.exchange.report import Note, Report
from salus.exchange.shapes import Found, Item
from salus.exchange.taking import Intake, batches, collecting_seldom
from salus.records import Records

MOST = 12  # of a long list, told by name
LARGE = 20_000  # rows for which other processes are started
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Told:
    """What a person says of the source: its name in ids, the zone of its times, whether its people are made up."""

    site: str = ""
    zone: str = "UTC"
    synthetic: bool = False


def take_database(
    records: Records,
    path: Place,
    layout: Layout,
    told: Told | None = None,
    on_progress: Progress = lambda done, total, table: None,
    helpers: int | None = None,
) -> Report:
    """Store the rows of a source as resources; `on_progress(rows read, rows in all, table)`.

    Raises Missing, Malformed for what cannot be opened, Invalid for a layout that does not fit it, Forbidden when the
    actor may not write.
    """
    told = told or Told()
    with (
        tempfile.TemporaryDirectory(prefix="salus-import-") as made,
        duckdb.connect(Path(made) / "work.duckdb") as connection,
    ):
        room = Path(made) / "copied"
        source = opened(connection, path, layout, room, told.site, told.zone)
        speak(connection, (*BOTH_WAYS, *IN, *layout.macros))
        seen = held(room) if isinstance(path, Server) else standing(path)
        return taken(records, source, told, place_of(records, seen, source, told), on_progress, helpers)


def taken(
    records: Records, source: Source, told: Told, place: Standing, on_progress: Progress, helpers: int | None
) -> Report:
    """The report, once all is in."""
    counts = row_counts(source)
    total = sum(counts[table.name] for table in source.layout.tables if source.has(table) and not table.is_words)
    place.report.notes = list(notes(source, counts))
    if helpers is None:
        helpers = processors() if total >= LARGE and processors() > 1 else 0
    with Helpers(records, helpers) as some, collecting_seldom():
        intake = Intake(records, place, some, counted_as)
        for batch in batches(watched(items_of(source, told.synthetic), total, on_progress)):
            intake.take(batch)
        intake.settle()
    place.leave()
    return place.report


def counted_as(item: Item) -> str:
    """The row of the report in which an item is counted."""
    return row_of(item.where.table, item.type) if isinstance(item.where, Origin) else item.type


def watched(found: Iterator[Found], total: int, on_progress: Progress) -> Iterator[Found]:
    for number, thing in enumerate(found, 1):
        if not number % 500 or number == total:
            on_progress(number, total, str(thing.where).partition("/")[0])
        yield thing


def place_of(records: Records, seen: Iterator[str], source: Source, told: Told) -> Standing:
    """Where this import stands; bound to the files, the layout, and what was said of them."""
    known = hashlib.sha256(msgspec.json.encode((source.layout, source.site, told.zone, told.synthetic)))
    for line in seen:
        known.update(line.encode())
    return Standing(records.store.beside(".imports") / f"{known.hexdigest()[:32]}.json")


def files_in(path: Path) -> list[Path]:
    return sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]


def standing(path: Path) -> Iterator[str]:
    """The files of a source, as they stand: where, how large, of when."""
    for file in files_in(path):
        about = file.stat()
        yield f"{file.resolve()}\0{about.st_size}\0{about.st_mtime_ns}\n"


def held(room: Path) -> Iterator[str]:
    """The files copied from a server, by what they hold."""
    for file in files_in(room):
        with file.open("rb") as stream:
            yield f"{file.name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n"


def row_counts(source: Source) -> dict[str, int]:
    """Table -> rows, of every table of the source."""
    return {
        name: int(str(source.one(f"SELECT count(*) FROM {place}")[0])) for name, place in sorted(source.raw.items())
    }


def notes(source: Source, counts: dict[str, int]) -> Iterator[Note]:
    """What was not mapped: tables and why, rows that nobody wanted, values without code, columns kept beside."""
    yield from tables_apart(source, counts)
    for table in source.layout.tables:
        if table.is_words or not counts.get(table.name):
            continue
        yield from uncoded(source, table.name)
        yield from (
            Note("unread", f"{table.name}.{name}", number) for name, number in source.unread[table.name].items()
        )
        if columns := filled(source, table.name, kept_beside(source, table)):
            yield Note("beside", f"{table.name}: {', '.join(columns)}", counts[table.name])


def tables_apart(source: Source, counts: dict[str, int]) -> Iterator[Note]:
    why = {name: apart.why for apart in source.layout.apart for name in apart.tables}
    mapped = {table.name for table in source.layout.tables if not table.is_words}
    for name, number in counts.items():
        if name not in mapped and number:
            yield Note(f"apart.{why.get(name, 'unknown')}", name, number)


def uncoded(source: Source, name: str) -> Iterator[Note]:
    """Of one table: what the layout counts, and rows that none of its resources wants."""
    (table,) = (one for one in source.layout.tables if one.name == name)
    wanted = " OR ".join(f"coalesce(({one.wanted}), FALSE)" for one in table.resources)
    asked = {"unwanted": f"NOT ({wanted})"}
    told: dict[str, str] = {}
    for resources in table.resources:
        for reason, counted in resources.counted.items():
            when = counted if isinstance(counted, str) else counted.when
            both = f"(({resources.wanted}) AND ({when}))"
            asked[reason] = f"{asked[reason]} OR {both}" if reason in asked else both
            if isinstance(counted, Counted):
                told[reason] = counted.by
    sums = ", ".join(f"count(*) FILTER ({condition})" for condition in asked.values())
    numbers = source.one(f"SELECT {sums} FROM {rows_of(table)} t")
    for reason, number in zip(asked, numbers, strict=True):
        if number:
            which = most(source, table, told[reason], asked[reason]) if reason in told else ""
            yield Note(reason, f"{name}: {which}" if which else name, int(str(number)))


def most(source: Source, table: Table, by: str, when: str) -> str:
    """The most frequent of what could not be mapped, with how often."""
    asked = f"SELECT coalesce(CAST(({by}) AS VARCHAR), '?') AS what, count(*) AS n FROM {rows_of(table)} t WHERE {when}"
    rows = source.connection.execute(f"{asked} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST}").fetchall()
    return ", ".join(f"{what} ({number:,})" for what, number in rows)


def filled(source: Source, name: str, columns: list[str]) -> list[str]:
    """Those columns that hold anything."""
    if not columns:
        return []
    asked = "count(*) FILTER (trim(CAST({} AS VARCHAR)) NOT IN ('', '0'))"
    sums = ", ".join(asked.format(named(column)) for column in columns)
    numbers = source.one(f'SELECT {sums} FROM "{name}"')
    return [column for column, number in zip(columns, numbers, strict=True) if number]
