"""`salus views`: FHIR records as tables, by ViewDefinitions of SQL on FHIR; run, kept as Parquet, asked in SQL.

Exit codes as in `salus.base.errors`. What is written holds records: only its owner may read it.
"""

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Annotated

import pyarrow as pa
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from salus.analytics.views import View, read_view, tables
from salus.analytics.views.asking import ask
from salus.analytics.views.catalogue import FOLDER, Library
from salus.analytics.views.source import Row, Scope, limited, rows
from salus.analytics.views.tables import materialised, table_of, tables_of
from salus.analytics.views.writing import FORMATS, of_table
from salus.base import faults
from salus.base.errors import Invalid, Missing, SalusError, Unsupported
from salus.base.settings import settings
from salus.base.words import words_of
from salus.privacy import Actor, Purpose, Role
from salus.records import Store, check_there
from salus.records.engines import engine_of
from salus.records.reading import Reader

ANALYST = Actor("Device/views", Role.SYSTEM)  # whom the audit names
PRIVATE = 0o077  # taken from the rights of what is written
SHOWN = 40  # rows of an answer on the screen
say = words_of("salus.analytics.views")
views = typer.Typer(no_args_is_help=True, help="Records as tables: list, run, keep, ask in SQL. 病历视图")
StoreOption = Annotated[str | None, typer.Option("--store", help="The store. 数据库文件或网址")]
Language = Annotated[str | None, typer.Option("--language", help="en or zh. 语言")]
Output = Annotated[Path | None, typer.Option("--output", help="A file instead of the screen. 输出文件")]
Form = Annotated[str | None, typer.Option("--format", help="csv, ndjson, json, parquet. 输出格式")]


@views.command("list")
def show_all(store: StoreOption = None, language: Language = None) -> None:
    """The views that come with Salus and the site's own, in views/*.json beside the store. 列出视图"""
    told = settings(store=store, language=language)
    library = Library(engine_of(told.store).folder / FOLDER)
    there = materialised(library)
    table = Table(title=say("list.title", told.language, store=engine_of(told.store).name))
    for column in ("name", "resource", "columns", "table", "about"):
        table.add_column(say(f"list.{column}", told.language))
    for name in library.names():
        is_there = say("yes" if name in there else "no", told.language)
        try:
            view = library.view(name)
        except SalusError as fault:
            why = faults.told(fault.issues[0].text, told.language)
            table.add_row(name, "", "", is_there, say("list.broken", told.language, why=why))
            continue
        title = view.definition.title(told.language)
        about = say("list.own", told.language, title=title) if library.is_own(name) else title
        table.add_row(name, view.resource, str(len(view.columns)), is_there, about)
    Console().print(table)


@views.command("run")
def run(
    view: Annotated[str, typer.Argument(help="A name of `salus views list`, or a file of your own. 视图名或文件")],
    store: StoreOption = None,
    format: Form = None,
    output: Output = None,
    limit: Annotated[int | None, typer.Option(help="Only the first rows. 最多行数", min=1)] = None,
    patient: Annotated[list[str] | None, typer.Option(help="Only of this patient; several times. 仅此患者")] = None,
    language: Language = None,
) -> None:
    """Run a view over the records: CSV, NDJSON, JSON or Parquet. 运行视图"""
    told = settings(store=store, language=language)
    found = view_named(view, Library(engine_of(told.store).folder / FOLDER))
    console = Console(stderr=True)
    for note in found.notes:
        console.print(say("run.note", told.language, note=note), markup=False, highlight=False, soft_wrap=True)
    writer = FORMATS[format_of(format, output)]
    began, count = time.monotonic(), Count()
    with ExitStack() as stack:
        opened = stack.enter_context(store_at(told.store))
        opened.open(ANALYST, Purpose.OPERATIONS)
        opened.writer.note(ANALYST, Purpose.OPERATIONS, "view", f"{found.name} of {found.resource}")
        reader = stack.enter_context(opened.readers.one())
        stack.enter_context(reader.snapshot())
        batches = limited(rows(reader, found, Scope(rows_of(reader, patient))), limit)
        out = stack.enter_context(place(output))
        for piece in writer.write(found, count(batches)):
            out.write(piece)
    seconds = f"{time.monotonic() - began:.1f}"
    console.print(say("run.done", told.language, rows=f"{count.rows:,}", name=found.name, seconds=seconds))


@views.command("materialise")
def materialise(
    names: Annotated[list[str] | None, typer.Argument(help="Views; all without any. 视图名，默认全部")] = None,
    store: StoreOption = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with every change. 持续同步")] = False,
    language: Language = None,
) -> None:
    """Keep views as Parquet beside the store; again takes only what changed since. 物化视图"""
    told = settings(store=store, language=language)
    library = Library(engine_of(told.store).folder / FOLDER)
    wanted = names or library.names()
    before = os.umask(PRIVATE)
    try:
        with store_at(told.store) as opened:
            level(opened, library, wanted, told.language)
            if follow:
                Console(stderr=True).print(say("table.following", told.language))
                tables.follow(opened, library, threading.Event())
    except KeyboardInterrupt:
        return  # each table stands at the change it came to, and goes on from there
    finally:
        os.umask(before)


@views.command("sql")
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT over the materialised views. 一条 SELECT 语句")],
    store: StoreOption = None,
    format: Form = None,
    output: Output = None,
    language: Language = None,
) -> None:
    """Ask the materialised views (and `events`) in SQL; nothing but these tables can be read. 用 SQL 查询"""
    told = settings(store=store, language=language)
    library = Library(engine_of(told.store).folder / FOLDER)
    folders = {name: tables_of(library) / name for name in materialised(library)}
    has_events = any(told.events.glob("shard=*/*.parquet"))
    began = time.monotonic()
    answer = ask(query, folders, told.events if has_events else None)
    seconds = f"{time.monotonic() - began:.1f}"
    console = Console(stderr=True)
    if format is None and output is None:
        show(answer, told.language, console)
    else:
        with place(output) as out:
            out.write(of_table(answer, format_of(format, output)))
    console.print(say("sql.done", told.language, rows=f"{answer.num_rows:,}", seconds=seconds))


def view_named(text: str, library: Library) -> View:
    """A view of the site, or of a file. Raises Missing, Invalid."""
    file = Path(text)
    if file.suffix != ".json":
        return library.view(text)
    if not file.is_file():
        raise Missing(f"There is no file {text}: name a view or a file", path="VIEW")
    return read_view(file.read_bytes(), "view")


def store_at(place: Path | str) -> Store:
    """Raises Missing: a view of nothing is a slip of the pen."""
    check_there(place)
    return Store(place)


def rows_of(reader: Reader, patients: list[str] | None) -> tuple[int, ...] | None:
    """Raises Missing for a patient who is not here."""
    if not patients:
        return None
    found = [(id, reader.row("Patient", id.removeprefix("Patient/"))) for id in patients]
    for id, row in found:
        if row is None:
            raise Missing(f"There is no patient {id[:64]}", path="--patient")
    return tuple(row for _, row in found if row is not None)


def format_of(format: str | None, output: Path | None) -> str:
    """As said, else by the ending of the file, else CSV. Raises Unsupported, Invalid.

    >>> format_of(None, Path("rows.parquet")), format_of(None, None)
    ('parquet', 'csv')
    """
    ending = output.suffix.removeprefix(".") if output else ""
    name = format or (ending if ending in FORMATS else "csv")
    if name not in FORMATS:
        raise Unsupported(f"'{name[:40]}' is not written: choose {', '.join(FORMATS)}", path="--format")
    if name == "parquet" and output is None and sys.stdout.isatty():
        raise Invalid("Parquet is not for the screen: name a file with --output", path="--output")
    return name


@contextmanager
def place(output: Path | None) -> Iterator[IO[bytes]]:
    """Where bytes go: the screen, or a file that stands there whole or not at all."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    beside, before = output.with_name(output.name + ".part"), os.umask(PRIVATE)
    try:
        with beside.open("wb") as file:
            yield file
        beside.replace(output)
    finally:
        os.umask(before)
        beside.unlink(missing_ok=True)


class Count:
    """Counts the rows that go through."""

    rows = 0

    def __call__(self, batches: Iterable[list[Row]]) -> Iterator[list[Row]]:
        for batch in batches:
            self.rows += len(batch)
            yield batch


def level(store: Store, library: Library, names: list[str], language: str) -> None:
    """Bring each table level with the store, with a bar while one is read."""
    console = Console(stderr=True)
    with bar(console) as progress:
        for name in names:
            task = progress.add_task(say("table.making", language, name=name), total=None)
            count = table_of(store, library, name).catch_up(
                lambda done, total, task=task: progress.update(task, completed=done, total=total)  # type: ignore[misc]
            )
            progress.update(task, completed=count, total=count)
            console.print(say("table.done", language, name=name, count=f"{count:,}"))


def bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def show(answer: pa.Table, language: str, console: Console) -> None:
    """The first rows on the screen."""
    table = Table()
    for name in answer.column_names:
        table.add_column(name)
    for row in answer.slice(0, SHOWN).to_pylist():
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table, markup=False)
    if answer.num_rows > SHOWN:
        console.print(say("sql.more", language, shown=SHOWN, rows=f"{answer.num_rows:,}"))
