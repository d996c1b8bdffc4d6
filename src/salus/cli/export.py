"""`salus export FOLDER`: the records as NDJSON of one moment, a file or more a type, and a manifest.

With `--layout`, as the tables of another database. What it writes, `salus import FOLDER` takes in again. Exit codes as
in `salus.base.errors`; 130 interrupted, the files written by then stay.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from salus import fhir
from salus.analytics.sources import place_at
from salus.base.errors import Malformed, Unsupported
from salus.base.settings import settings
from salus.base.words import words_of
from salus.exchange import databases
from salus.exchange.bulk import Wanted, Written, export, manifest, types_of_patients
from salus.exchange.report import Note
from salus.privacy import Actor, Purpose, Role
from salus.records import Records, Store, check_there

INTERRUPTED = 130
EXPORTER = Actor("Device/exporter", Role.SYSTEM)  # whom the audit names
PRIVATE = 0o077  # taken from the rights of what is written: records are for who exports them
say = words_of("salus.exchange")


def export_(
    folder: Annotated[Path, typer.Argument(help="An empty folder, or one that is not there yet. 空文件夹")],
    store: Annotated[str | None, typer.Option(help="The store. 数据库文件或网址")] = None,
    type: Annotated[list[str] | None, typer.Option(help="Only this type; several times. 只导出此类型")] = None,
    since: Annotated[str | None, typer.Option(help="Only what changed since this instant. 只导出此后变更")] = None,
    group: Annotated[str | None, typer.Option(help="Only the members of this Group. 只导出此组成员")] = None,
    layout: Annotated[str | None, typer.Option(help="As tables: omop, or your own TOML. 按此布局导出数据表")] = None,
    site: Annotated[str, typer.Option(help="A layout: the rows of this site. 来源名称")] = "",
    zone: Annotated[str, typer.Option(help="A layout: the zone of times. 时区")] = "UTC",
    form: Annotated[str, typer.Option(help="A layout: parquet or csv. 文件格式")] = "parquet",
    vocabulary: Annotated[str | None, typer.Option(help="A layout: where its concept table is. 词表所在")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Write the records out, as bulk NDJSON or as tables of another database. 导出病历数据"""
    told = settings(store=store, language=language)
    if layout and (type or since or group):
        raise Unsupported("Tables are of all records: leave out --type, --since and --group", path="--layout")
    wanted = databases.Wanted(site, zone, form, place_at(vocabulary) if vocabulary else None)
    writing = tables(folder, layout, wanted) if layout else lines(folder, type, since, group)
    check_there(told.store)
    console = Console(stderr=True)
    began = time.monotonic()
    before = os.umask(PRIVATE)
    try:
        with Store(told.store) as opened, bar(console) as progress:
            progress.add_task(say("export.writing", told.language), total=None)
            done = writing(opened.open(EXPORTER, Purpose.OPERATIONS), progress)
    except KeyboardInterrupt:
        console.print(say("export.cut", told.language))
        raise typer.Exit(INTERRUPTED) from None
    finally:
        os.umask(before)
    show(done, time.monotonic() - began, told.language, console)


class Told(NamedTuple):
    """What a person is told at the end: file or table and how many it holds; `notes` of a database."""

    counts: list[tuple[str, int]]
    what: str
    notes: list[Note]


Writing = Callable[[Records, Progress], Told]


def lines(folder: Path, type: list[str] | None, since: str | None, group: str | None) -> Writing:
    wanted = Wanted(types_of(type, group), since_of(since), group=group)

    def write(records: Records, progress: Progress) -> Told:
        done = export(records, wanted, folder, teller(progress))
        (folder / "manifest.json").write_bytes(orjson.dumps(manifest(done, "salus export", str)))
        return told_of(done)

    return write


def told_of(done: Written) -> Told:
    return Told([(file.name, file.count) for file in done.files], "resources", [])


def tables(folder: Path, layout: str, wanted: databases.Wanted) -> Writing:
    rows = databases.read_layout(layout)

    def write(records: Records, progress: Progress) -> Told:
        given = databases.give_database(records, rows, folder, wanted, teller(progress))
        return Told(list(given.tables.items()), "rows", given.notes)

    return write


def teller(progress: Progress) -> Callable[[int, int, str], None]:
    (task,) = progress.task_ids
    return lambda n, total, type: progress.update(task, completed=n, total=max(n, total), description=type)


def types_of(named: list[str] | None, group: str | None) -> tuple[str, ...]:
    """Raises Unsupported for what is no resource type."""
    for name in named or ():
        if name not in fhir.RESOURCE_TYPES:
            raise Unsupported(f"'{name[:80]}' is not a resource type of FHIR R4", path="--type")
    return tuple(named or (types_of_patients() if group else sorted(fhir.RESOURCE_TYPES)))


def since_of(text: str | None) -> datetime | None:
    """The instant in UTC. Raises Malformed for what is none, or has no zone.

    >>> since_of("2026-03-01T08:00:00+08:00").hour
    0
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Malformed(f"'{text[:60]}' is not an instant with its zone, as 2026-03-01T08:00:00Z", path="--since")
    return moment.astimezone(UTC)


def bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def show(done: Told, seconds: float, language: str, console: Console) -> None:
    """The files on stdout, what is not in them too, the rate on stderr."""
    table = Table(say("export.file", language))
    table.add_column(say(f"export.{done.what}", language), justify="right")
    for name, count in done.counts:
        table.add_row(name, f"{count:,}")
    Console().print(table)
    for note in done.notes:
        slots = {"where": note.where, "count": f"{note.rows:,}"}
        Console().print(say(f"tables.{note.kind}", language, **slots), markup=False, highlight=False, soft_wrap=True)
    count = sum(count for _, count in done.counts)
    rate = round(count / max(seconds, 1e-3))
    console.print(
        say(f"export.{done.what}_rate", language, count=f"{count:,}", seconds=f"{seconds:.1f}", rate=f"{rate:,}")
    )
