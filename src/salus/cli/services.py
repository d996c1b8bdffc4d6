"""`salus services`: learn who suits whom, ask as a patient would, and see who is looked at. Exit codes as in
`salus.base.errors`."""

import csv
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from salus.assistants.recommend import learning, route
from salus.assistants.recommend.offers import offers
from salus.assistants.recommend.services import QUESTIONS, SERVICES, SUITED, Recommending
from salus.base.errors import Invalid, Malformed, Missing
from salus.base.settings import settings
from salus.base.words import words_of
from salus.learning.models.recommend import topics
from salus.privacy import SYSTEM, Purpose
from salus.records import Store as Opened
from salus.records import check_there

say = words_of("salus.cli")
services = typer.Typer(no_args_is_help=True, help="Recommending services. 服务推荐")
Folder = Annotated[Path | None, typer.Option("--folder", help="The installation's folder. 安装文件夹")]
Store = Annotated[str | None, typer.Option("--store", help="The store with the bookings. 数据库文件或网址")]
Language = Annotated[str | None, typer.Option("--language", help="en or zh. 语言")]


@services.command("learn")
def learn(
    store: Store = None,
    folder: Folder = None,
    questions: Annotated[
        Path | None, typer.Option(help="A CSV of questions and where each went. 问题及其科室（CSV）")
    ] = None,
    text: Annotated[str, typer.Option(help="Its column of words. 问题列")] = "question",
    target: Annotated[str, typer.Option(help="Its column of departments. 科室列")] = "department",
    language: Language = None,
) -> None:
    """Learn from the bookings of the store, or departments from questions. 学习"""
    told = settings(store=store, folder=folder, language=language)
    if questions is not None:
        rows = read(questions, text, target)
        topics.fit([row[0] for row in rows], [row[1] for row in rows]).save(told.folder / SERVICES / QUESTIONS)
        typer.echo(say("services.questions", told.language, count=len(rows), folder=told.folder / SERVICES))
        return
    check_there(told.store)
    with Opened(told.store) as opened:
        suited = learning.learn(learning.people(opened.open(SYSTEM, Purpose.OPERATIONS)))
    suited.save(told.folder / SERVICES / SUITED)
    made = suited.said
    typer.echo(say("services.learned", told.language, bookings=made.bookings, people=made.people))
    typer.echo(say("services.figures", told.language, **told_by(made.figures)))


def told_by(figures: learning.Figures) -> dict[str, str]:
    names = ("ndcg", "ndcg_even", "gini", "gini_even")
    return {name: f"{getattr(figures, name):.3f}" for name in names}


def read(file: Path, text: str, target: str) -> list[tuple[str, str]]:
    """The rows with both columns filled. Raises Missing, Malformed, Invalid."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.DictReader(opened))
    except OSError as fault:
        raise Missing(f"{file} cannot be read: {fault.strerror}", path=str(file)) from fault
    except UnicodeDecodeError as fault:
        raise Malformed(f"{file} is not UTF-8: save it as such", path=str(file)) from fault
    if not rows or not {text, target} <= set(rows[0]):
        raise Invalid(f"{file} has no rows with the columns {text} and {target}: name them", path="--text")
    return [(row[text], row[target]) for row in rows if row[text] and row[target]]


@services.command("ask")
def ask(
    need: Annotated[str, typer.Argument(help="In a patient's own words. 患者的话")],
    country: Annotated[str, typer.Option(help="Whose numbers to call. 国家代码")] = "CN",
    folder: Folder = None,
    language: Language = None,
) -> None:
    """Which department, or what cannot wait. 该看哪个科"""
    told = settings(folder=folder, language=language)
    model = None
    if (told.folder / SERVICES / QUESTIONS / topics.FILE).is_file():
        model = topics.load(told.folder / SERVICES / QUESTIONS)
    found = route(need, told.language, model=model, country=country)
    for flag in found.flags:
        typer.echo(f"{', '.join(line.dial for line in flag.call)}  {flag.text.in_(told.language)}")
    if found.caution:
        typer.echo(f"{found.caution.call[0].dial}  {found.caution.text.in_(told.language)}")
    if found.cannot_tell:
        typer.echo(found.cannot_tell.in_(told.language))
    for one in found.departments:
        chance = f"{one.probability:4.0%}  " if one.probability else ""
        typer.echo(f"{chance}{one.department.name.in_(told.language)}  {', '.join(one.why)}".rstrip())


@services.command("exposure")
def exposure(store: Store = None, folder: Folder = None, language: Language = None) -> None:
    """How much each doctor is looked at, as a multiple of the due share. 各医生被展示的多少"""
    told = settings(store=store, folder=folder, language=language)
    check_there(told.store)
    with Opened(told.store) as opened:
        suited = Recommending(opened, told.folder / SERVICES).suited()
        names = {one.id: one for one in offers(opened.open(SYSTEM, Purpose.OPERATIONS))}
    if suited is None:
        raise Missing("Nothing has been learned here yet: salus services learn")
    typer.echo(say("services.figures", told.language, **told_by(suited.said.figures)))
    table = Table("", say("services.doctor", told.language), say("services.department", told.language))
    table.add_column(say("services.share", told.language), justify="right")
    rows = sorted((share, id) for id, share in suited.said.attention.items() if id in names)
    for share, id in rows:
        one = names[id]
        table.add_row(id, one.doctor.in_(told.language), one.department.name.in_(told.language), f"{share:.2f}")
    Console().print(table)
