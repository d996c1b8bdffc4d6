"""`salus export FOLDER`: the records as NDJSON of one moment, a file or more a type, and a manifest.

What it writes, `salus import FOLDER` takes in again. Exit codes as in `salus.base.errors`; 130 interrupted, the files
written by then stay.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from salus import fhir
from salus.base.errors import Malformed, Unsupported
from salus.base.settings import settings
from salus.base.words import words_of
from salus.exchange.bulk import Wanted, Written, export, manifest, types_of_patients
from salus.privacy import Actor, Purpose, Role
from salus.records import Store, check_there

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
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Write the records out as bulk NDJSON. 导出病历数据"""
    told = settings(store=store, language=language)
    wanted = Wanted(types_of(type, group), since_of(since), group=group)
    check_there(told.store)
    console = Console(stderr=True)
    began = time.monotonic()
    before = os.umask(PRIVATE)
    try:
        with Store(told.store) as opened, bar(console) as progress:
            task = progress.add_task(say("export.writing", told.language), total=None)
            done = export(
                opened.open(EXPORTER, Purpose.OPERATIONS),
                wanted,
                folder,
                lambda n, total, type: progress.update(task, completed=n, total=max(n, total), description=type),
            )
        (folder / "manifest.json").write_bytes(orjson.dumps(manifest(done, "salus export", str)))
    except KeyboardInterrupt:
        console.print(say("export.cut", told.language))
        raise typer.Exit(INTERRUPTED) from None
    finally:
        os.umask(before)
    show(done, time.monotonic() - began, told.language, console)


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


def show(done: Written, seconds: float, language: str, console: Console) -> None:
    """The files on stdout, the rate on stderr."""
    table = Table(say("export.file", language))
    table.add_column(say("export.resources", language), justify="right")
    for file in done.files:
        table.add_row(file.name, f"{file.count:,}")
    Console().print(table)
    count = sum(file.count for file in done.files)
    rate = round(count / max(seconds, 1e-3))
    console.print(say("export.rate", language, count=f"{count:,}", seconds=f"{seconds:.1f}", rate=f"{rate:,}"))
