"""`salus subtypes`: which kinds of patients a table holds, or "I cannot tell"; and the subtype of new people.

Exit codes: 0 subtypes found; 1 none (the report says why); others as in `salus.base.errors`.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from salus.base.errors import Invalid
from salus.base.settings import settings
from salus.base.words import words_of
from salus.learning.subtypes.choosing import Wanted
from salus.learning.subtypes.events import LABEL, SUBJECT, write_features
from salus.learning.subtypes.finding import Found, find
from salus.learning.subtypes.kept import kept
from salus.learning.subtypes.people import odd_zeros, read_cells, row_names
from salus.learning.subtypes.report import headline, sentence, write_people, write_report
from salus.learning.task import YAML, read_task

say = words_of("salus.learning.subtypes")
NONE = 1
Language = Annotated[str | None, typer.Option(help="en or zh. 语言")]
Subject = Annotated[str | None, typer.Option(help="The column that names the people. 人员标识列")]


class Finding(TyperGroup):
    """`salus subtypes TABLE` is `salus subtypes find TABLE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = args[0] if args else "--help"
        return super().parse_args(ctx, args if first in self.commands or first == "--help" else ["find", *args])


subtypes = typer.Typer(cls=Finding, help="Which kinds of patients there are. 患者亚型")


@subtypes.command("find")
def look(
    table: Annotated[Path, typer.Argument(help="A table, one row a person, or a task. 表格（每人一行）或任务文件")],
    events: Annotated[Path | None, typer.Option(help="Of a task: the folder of events. 任务的事件文件夹")] = None,
    outcome: Annotated[str, typer.Option(help="Columns told by subtype, not grouped by; commas. 结局列")] = "",
    leave_out: Annotated[str, typer.Option(help="Columns not to group by, with commas. 不用于分组的列")] = "",
    zero_unknown: Annotated[str, typer.Option(help="Columns whose 0 means not measured. 其 0 表示未测量的列")] = "",
    subject: Subject = None,
    groups: Annotated[int | None, typer.Option(help="This many groups only. 指定组数")] = None,
    method: Annotated[str | None, typer.Option(help="kmeans, ward or mixture only. 指定方法")] = None,
    draws: Annotated[int, typer.Option(help="How often people are drawn anew. 重抽次数")] = 50,
    seed: Annotated[int, typer.Option(help="Where chance begins. 随机种子")] = 7,
    report: Annotated[Path, typer.Option(help="Where the report goes. 报告文件夹")] = Path("subtypes"),
    language: Language = None,
) -> None:
    """Look for kinds of patients that come back in other draws of the people. 寻找稳定的患者亚型"""
    tongue, usual = settings(language=language).language, Wanted()
    wanted = Wanted(
        (groups,) if groups is not None else usual.counts, (method,) if method else usual.methods, draws, seed
    )
    with Console(stderr=True).status(say("subtypes.looking", tongue)):
        path, subject, told = table, subject, several(outcome)
        if table.suffix in (".toml", *YAML):
            path, subject, told = brought(table, events, report, tongue), SUBJECT, (LABEL, *told)
        found = find(path, wanted, subject, told, several(leave_out), several(zero_unknown))
    write_report(found, report, table.stem)
    tell(found, tongue)
    typer.echo(say("subtypes.written", tongue, place=report / f"subtypes.{tongue}.html"))
    if found.subtypes is None:
        raise typer.Exit(NONE)


def brought(task: Path, events: Path | None, report: Path, tongue: str) -> Path:
    """The table of a task, in the folder of the report. Raises Invalid without events."""
    if events is None:
        raise Invalid(say("subtypes.no_events", tongue), path="--events")
    write_features(read_task(task), events, report / "features.csv", tongue)
    return report / "features.csv"


def several(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def tell(found: Found, tongue: str) -> None:
    """The short of it: what was found, and each subtype in a sentence."""
    if zeros := odd_zeros(found.people.columns, found.people.values):
        typer.echo(say("subtypes.zeros", tongue, names=", ".join(zeros)))
    typer.echo(headline(found, tongue))
    for one in found.profiles:
        key = "subtypes.people.about" if one.rounded else "subtypes.people"
        size = "" if one.people is None else f" ({say(key, tongue, people=one.people)})"
        typer.echo(f"  {say('subtypes.subtype', tongue, number=one.number)}{size}: {sentence(one, tongue)}")


@subtypes.command("apply")
def put(
    folder: Annotated[Path, typer.Argument(help="The report folder of subtypes found. 亚型报告文件夹")],
    table: Annotated[Path, typer.Argument(help="A table with the same columns. 列相同的表格")],
    out: Annotated[Path, typer.Option(help="A CSV file: who is in which. 结果文件")] = Path("people.csv"),
    subject: Subject = None,
    language: Language = None,
) -> None:
    """The subtype of each new person, with its probability, or "unlike any". 判断新患者属于哪个亚型"""
    tongue, found, cells = settings(language=language).language, kept(folder), read_cells(table)
    answers = found.of(cells)
    write_people(out, row_names(cells, subject), answers)
    unlike = sum(map(bool, answers.unlike))
    unknown = int((answers.groups < 0).sum())
    people = len(answers.unlike)
    typer.echo(say("subtypes.applied", tongue, people=people, unlike=unlike, unknown=unknown, place=out))
