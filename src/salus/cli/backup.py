"""`salus backup FILE`: a copy of the store, made while the server runs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from salus.base.settings import settings
from salus.base.words import words_of
from salus.privacy import Actor, Role
from salus.records import Store, check_there
from salus.records.backup import RATE, back_up

KEEPER = Actor("Device/backup", Role.SYSTEM)  # whom the audit names
say = words_of("salus.cli")


def backup(
    file: Annotated[Path, typer.Argument(help="The new file. 备份文件（不可已存在）")],
    store: Annotated[str | None, typer.Option(help="The store. 数据库文件或网址")] = None,
    rate: Annotated[float, typer.Option(help="MiB a second at most. 每秒最多MiB", min=0.1)] = RATE,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Copy the store into FILE while it is in use. 在线备份"""
    told = settings(store=store, language=language)
    check_there(told.store)
    with Store(told.store) as opened, bar() as progress:
        task = progress.add_task(say("backup.copying", told.language), total=None)
        made = back_up(
            opened, file, KEEPER, lambda done, total: progress.update(task, completed=done, total=total), rate
        )
    typer.echo(say("backup.done", told.language, file=file, megabytes=f"{made.bytes / 1e6:,.1f}", t=made.transaction))
    typer.echo(say("backup.head", told.language, head=made.head))


def bar() -> Progress:
    """Bytes done and to do, on stderr."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
