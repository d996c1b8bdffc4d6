"""`salus cohort`: the rows of a task (whose, when, yes or no) and what was seen in its windows, as one Parquet file."""

import os
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer

from salus.base.errors import Invalid
from salus.base.settings import settings
from salus.base.words import words_of
from salus.learning.cohorts import Cohort, extract_from, read_definition, table_of

say = words_of("salus.learning")


def cohort(
    task: Annotated[Path, typer.Argument(help="A task file of ACES (TASK.yaml). ACES 任务文件")],
    out: Annotated[Path, typer.Option(help="The Parquet file to write. 输出文件")],
    events: Annotated[Path | None, typer.Option(help="The folder of events. 事件文件夹")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Extract the cohort of an ACES task file. 按 ACES 任务文件提取队列"""
    told = settings(events=events, language=language)
    if not out.parent.is_dir():
        raise Invalid(f"There is no folder {out.parent}: make it, or name another file", path="--out")
    found = extract_from(read_definition(task), told.events)
    for asked, rows in found.left.items():
        what = say("cohort.trigger", told.language) if asked == "trigger" else asked
        typer.echo(say("cohort.left", told.language, rows=f"{rows:,}", asked=what))
    write(found, out)
    label = found.label
    yes = "–" if label is None else f"{int((label > 0).sum()):,}"
    slots = {
        "rows": f"{len(found):,}",
        "subjects": f"{len(set(found.subject.tolist())):,}",
        "yes": yes,
        "path": str(out),
    }
    typer.echo(say("cohort.written", told.language, **slots))
    if found.prediction_us is None:
        typer.echo(say("cohort.no_time", told.language), err=True)


def write(found: Cohort, out: Path) -> None:
    """The whole file or none of it."""
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        pq.write_table(table_of(found), beside)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
