"""`salus quality`: is it fit for use? Checks of events or OMOP tables, with a report that ends in what to do."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from salus.analytics.events import Follower
from salus.analytics.quality import check_quality, read_thresholds
from salus.analytics.quality.report import lines, write_report
from salus.base.settings import Settings, settings
from salus.base.words import words_of
from salus.records import Store, check_there

FAILED = 1  # exit code of --strict when a check failed
say = words_of("salus.analytics.quality")


def events_of(told: Settings) -> Path:
    """The events of the store, level with it. Raises Missing."""
    check_there(told.store)
    with Store(told.store) as opened:
        Follower(opened, told.events).catch_up()
    return told.events


def quality(
    source: Annotated[
        Path | None, typer.Argument(help="A folder of events, or OMOP: folder, ZIP, DuckDB. 事件目录或 OMOP")
    ] = None,
    store: Annotated[str | None, typer.Option(help="Without a source: check the events of this store. 数据库")] = None,
    report: Annotated[Path | None, typer.Option(help="A folder for the report. 报告目录")] = None,
    thresholds: Annotated[Path | None, typer.Option(help="A TOML with the site's own. 本机构阈值文件")] = None,
    strict: Annotated[bool, typer.Option(help="Exit with 1 when a check fails. 有未通过者则以 1 退出")] = False,
    language: Annotated[str | None, typer.Option("--language", help="en or zh. 语言")] = None,
) -> None:
    """Check whether data are fit for use: conformance, completeness, plausibility. 检查数据质量"""
    told = settings(store=store, language=language)
    source = source or events_of(told)
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(source.name, total=1.0)
        outcome = check_quality(
            source,
            read_thresholds(thresholds),
            lambda what, share: progress.update(task, completed=share, description=what),
        )
        progress.update(task, completed=1.0)
    for line in lines(outcome, told.language):
        typer.echo(line)
    if report:
        write_report(outcome, report)
        typer.echo(say("cli.report", told.language, folder=report))
    if strict and outcome.failed:
        raise typer.Exit(FAILED)
