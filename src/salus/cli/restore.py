"""`salus restore FILE`: a backup becomes a new store, after everything in it was looked at."""

from pathlib import Path
from typing import Annotated

import typer

from salus.base.settings import settings
from salus.base.words import words_of
from salus.cli.backup import bar
from salus.records.backup import restore as bring_back
from salus.records.engines import engine_of

say = words_of("salus.cli")


def restore(
    file: Annotated[Path, typer.Argument(help="The backup. 备份文件")],
    store: Annotated[str | None, typer.Option(help="The new store. 新数据库文件（不可已存在）")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Bring a backup back as a new store; nothing is overwritten. 恢复备份"""
    told = settings(store=store, language=language)
    erased: list[int] = []
    with bar() as progress:
        copying = progress.add_task(say("restore.copying", told.language), total=None)

        def on_copy(done: int, total: int) -> None:
            progress.update(copying, completed=done, total=total)

        made = bring_back(file, engine_of(told.store).path, on_copy, on_erased=erased.append)
    typer.echo(say("restore.done", told.language, store=told.store, t=made.transaction, made=made.made))
    if any(erased):
        typer.echo(say("restore.erased", told.language, versions=f"{sum(erased):,}"))
