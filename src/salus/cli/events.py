"""`salus events`: events for learning, from other databases than ours, and out to other tools."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from salus.analytics.sources import bring, layouts, place_at, read_layout, write_meds
from salus.base.settings import settings
from salus.base.words import words_of

say = words_of("salus.analytics.sources")
events = typer.Typer(no_args_is_help=True, help="Events for learning, from other databases. 从其他数据库取得事件")
Language = Annotated[str | None, typer.Option("--language", help="en or zh. 语言")]


@events.command("layouts")
def show_layouts(language: Language = None) -> None:
    """The databases whose tables are known. 已知的数据库布局"""
    told = settings(language=language)
    for name in layouts():
        typer.echo(f"{name:16} {read_layout(name).title[told.language]}")


@events.command("bring")
def bring_source(
    source: Annotated[str, typer.Argument(help="A folder, ZIP, file, .duckdb or postgresql://... 来源")],
    layout: Annotated[str, typer.Option(help="A name of `salus events layouts`, or your own TOML. 布局")],
    to: Annotated[Path, typer.Option("--events", help="The folder to write, new. 事件目录")],
    zone: Annotated[str, typer.Option(help="The zone of times that name none. 时区")] = "UTC",
    synthetic: Annotated[bool, typer.Option(help="Its people are made up: reports will say so. 合成数据")] = False,
    report: Annotated[Path | None, typer.Option(help="Where to write all counts, as JSON. 报告文件")] = None,
    language: Language = None,
) -> None:
    """Bring the events of another database. 导入事件"""
    told = settings(language=language)
    place = place_at(source)
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(place.name, total=1.0)

        def show(table: str, share: float) -> None:
            progress.update(task, completed=share, description=table)

        found = bring(place, read_layout(layout), to, zone, show, synthetic)
        progress.update(task, completed=1.0)
    for line in found.lines(told.language):
        typer.echo(line)
    if report:
        report.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2))
    typer.echo(say("cli.where", told.language, folder=to))


@events.command("meds")
def out_as_meds(
    source: Annotated[Path, typer.Argument(help="A folder of events. 事件目录")],
    to: Annotated[Path, typer.Argument(help="The folder to write, new. 输出目录")],
    language: Language = None,
) -> None:
    """Write events as a MEDS dataset, for other tools. 导出为 MEDS 数据集"""
    count = write_meds(source, to)
    typer.echo(say("cli.meds", settings(language=language).language, count=f"{count:,}", folder=to))
