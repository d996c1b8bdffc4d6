"""`salus import PATH`: bundles, NDJSON, tables, folders and archives of them, other databases, into the store.

Exit codes: 0 everything is in; 3 some were refused (each is named on stderr) and the rest is in; 130 interrupted, the
same command goes on from there; others as in `salus.base.errors`.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from salus.analytics.sources import Place, place_at
from salus.base import faults
from salus.base.settings import settings
from salus.base.words import words_of
from salus.exchange import Report, read_mapping, take_in
from salus.exchange.databases import Told, read_layout, take_database
from salus.privacy import Actor, Purpose, Role
from salus.records import Records, Store
from salus.records.demands import demanded

PARTIAL, INTERRUPTED = 3, 130
PATIENT = 10  # https://man7.org/linux/man-pages/man2/getpriority.2.html
SHOWN = 50  # refusals printed
COLUMNS = ("type", "read", "stored", "unchanged", "refused", "why")
IMPORTER = Actor("Device/importer", Role.SYSTEM)  # whom the audit names
say = words_of("salus.exchange")


Taking = Callable[[Records, Progress], Report]


def import_(
    path: Annotated[
        str, typer.Argument(help="A file, a folder, a .tar/.tar.gz/.zip, a database. 文件、文件夹、压缩包或数据库")
    ],
    store: Annotated[str | None, typer.Option(help="The store. 数据库文件或网址")] = None,
    mapping: Annotated[Path | None, typer.Option(help="What the columns of a CSV mean (TOML). CSV列说明")] = None,
    layout: Annotated[
        str | None, typer.Option(help="Another database: omop, mimic3, or your own TOML. 其他数据库的布局")
    ] = None,
    site: Annotated[str, typer.Option(help="What ids of a layout's rows begin with. 来源名称")] = "",
    zone: Annotated[str, typer.Option(help="The zone of a layout's times. 时区")] = "UTC",
    synthetic: Annotated[bool, typer.Option(help="A layout's people are made up. 合成数据")] = False,
    report: Annotated[Path | None, typer.Option(help="Where to write all counts, as JSON. 报告文件")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Take records in: FHIR bundles, bulk NDJSON, CSV, other databases. 导入病历数据"""
    step_back()
    told = settings(store=store, language=language)
    place = place_at(path) if layout else Path(path)
    taking = of_database(place, layout, Told(site, zone, synthetic)) if layout else of_files(Path(path), mapping)
    console = Console(stderr=True)
    began = time.monotonic()
    with Store(told.store, demanded(told.store, told.profiles)) as opened, bar(console, bool(layout)) as progress:
        progress.add_task(say("import.reading", told.language, name=place.name), total=None)
        try:
            found = taking(opened.open(IMPORTER, Purpose.OPERATIONS), progress)
        except KeyboardInterrupt:
            progress.stop()
            console.print(say("import.cut", told.language))
            raise typer.Exit(INTERRUPTED) from None
    show(found, time.monotonic() - began, told.language, console)
    if report:
        report.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2))
    if found.total.refused:
        raise typer.Exit(PARTIAL)


def of_files(path: Path, mapping: Path | None) -> Taking:
    columns = read_mapping(mapping) if mapping else None

    def take(records: Records, progress: Progress) -> Report:
        (task,) = progress.task_ids
        return take_in(records, path, lambda done, total: progress.update(task, completed=done, total=total), columns)

    return take


def of_database(place: Place, layout: str, told: Told) -> Taking:
    rows = read_layout(layout)

    def take(records: Records, progress: Progress) -> Report:
        (task,) = progress.task_ids
        return take_database(
            records,
            place,
            rows,
            told,
            lambda done, total, table: progress.update(task, completed=done, total=total, description=table),
        )

    return take


def step_back() -> None:
    """Lower this process's priority: a server on the same machine, with somebody waiting, goes first."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, 0, max(PATIENT, os.getpriority(os.PRIO_PROCESS, 0)))


def bar(console: Console, rows: bool) -> Progress:
    """`rows`: it counts rows, else bytes."""
    counted = MofNCompleteColumn() if rows else DownloadColumn()
    return Progress(TextColumn("{task.description}"), BarColumn(), counted, TimeElapsedColumn(), console=console)


def show(report: Report, seconds: float, language: str, console: Console) -> None:
    """The closing table on stdout; refusals, files left aside and the rate on stderr."""
    for refusal in report.refusals[:SHOWN]:
        said = refusal._replace(text=faults.told(refusal.text, language))
        console.print(str(said), markup=False, highlight=False, soft_wrap=True)
    if report.total.refused > SHOWN:
        console.print(say("import.more", language, count=report.total.refused - SHOWN))
    for name in report.aside:
        console.print(say("import.aside", language, name=name), markup=False)
    Console().print(table(report, language))
    for note in report.notes:
        slots = {"where": note.where, "count": f"{note.rows:,}"}
        Console().print(say(f"tables.{note.kind}", language, **slots), markup=False, highlight=False, soft_wrap=True)
    count = report.total.read
    rate = round(count / max(seconds, 1e-3))
    console.print(say("import.rate", language, count=f"{count:,}", seconds=f"{seconds:.1f}", rate=f"{rate:,}"))


def table(report: Report, language: str) -> Table:
    """type, read, stored, unchanged, refused, why; with the sums below."""
    made = Table()
    for column in COLUMNS:
        made.add_column(say(f"import.{column}", language), justify="left" if column in ("type", "why") else "right")
    for line in report.table():
        made.add_row(*(f"{cell:,}" if isinstance(cell, int) else cell for cell in line))
    total = report.total
    sums = (total.read, total.stored, total.unchanged, total.refused)
    made.add_section()
    made.add_row(say("import.total", language), *(f"{number:,}" for number in sums), "")
    return made
