"""`salus city FOLDER`: make the synthetic city, with a bar while it is made and a table of what it holds."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from salus.base.settings import settings
from salus.base.words import words_of
from salus.demo.city import make
from salus.demo.parameters import table as rows_of

say = words_of("salus.demo")


def city(
    folder: Annotated[Path, typer.Argument(help="Where to write it. 写到哪个文件夹")],
    people: Annotated[int, typer.Option(help="How many people. 人数")] = 2000,
    years: Annotated[int, typer.Option(help="Over how many years. 年数")] = 5,
    seed: Annotated[int, typer.Option(help="Another seed, another city. 随机种子")] = 7,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day after the last. 截止日期")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Make a synthetic city: FHIR NDJSON and the truth. 生成虚拟城市"""
    spoken = settings(language=language).language
    with bar() as progress:
        task = progress.add_task(say("city.making", spoken), total=people)
        last = end.date() if end else None
        made = make(folder, people, years, seed, last, lambda done, total: progress.update(task, completed=done))
    console = Console()
    console.print(contents(made, spoken))
    console.print(showcase(spoken))
    console.print(say("city.written", spoken, folder=made), soft_wrap=True)


def bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def contents(folder: Path, language: str) -> Table:
    """How many resources of each type, and their sum."""
    shown = Table()
    shown.add_column(say("city.type", language))
    shown.add_column(say("city.count", language), justify="right")
    counts = {path.stem: lines(path) for path in sorted(folder.glob("*.ndjson"))}
    for kind, count in counts.items():
        shown.add_row(kind, f"{count:,}")
    shown.add_section()
    shown.add_row(say("city.total", language), f"{sum(counts.values()):,}")
    return shown


def lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def showcase(language: str) -> Table:
    """The people to look at first, and why."""
    shown = Table(say("city.patient", language), say("city.why", language))
    for id, row in rows_of("showcase").items():
        shown.add_row(f"Patient/{id}", row[language])
    return shown
