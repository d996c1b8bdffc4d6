"""`salus quiz`: cases for teaching, checked and published from files. Exit codes as in `salus.base.errors`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from salus.assistants.cases.quizzes import shelf
from salus.assistants.cases.quizzes.checking import checked, script_of
from salus.base.errors import Invalid, Malformed, Missing
from salus.base.settings import settings
from salus.base.words import words_of
from salus.privacy import SYSTEM, Purpose
from salus.records import Store as Opened

say = words_of("salus.cli")
quiz = typer.Typer(no_args_is_help=True, help="Cases for teaching. 教学病例")
File = Annotated[Path, typer.Argument(help="A case as YAML. 病例文件（YAML）")]
Store = Annotated[str | None, typer.Option("--store", help="The store that keeps them. 数据库文件或网址")]
Language = Annotated[str | None, typer.Option("--language", help="en or zh. 语言")]


def text_of(file: Path) -> str:
    """Raises Missing, Malformed."""
    try:
        return file.read_text("utf-8")
    except OSError as fault:
        raise Missing(f"{file} cannot be read: {fault.strerror}", path=str(file)) from fault
    except UnicodeDecodeError as fault:
        raise Malformed(f"{file} is not UTF-8: save it as such", path=str(file)) from fault


@quiz.command("check")
def check(file: File, language: Language = None) -> None:
    """Say every fault of a case, by its place. 检查病例"""
    script, faults = checked(text_of(file))
    if script is None or faults:
        raise Invalid(f"{file} is not whole yet", issues=faults)
    counts = {"steps": len(script.steps), "tests": len(script.tests), "concepts": len(script.concepts)}
    tongue = settings(language=language).language
    typer.echo(say("quiz.whole", tongue, title=script.title.in_(tongue), **counts))


@quiz.command("add")
def add(file: File, store: Store = None, language: Language = None) -> None:
    """Publish a case; again under the same id puts it in place of the earlier. 发布病例"""
    told = settings(store=store, language=language)
    text = text_of(file)
    script_of(text)
    with Opened(told.store) as opened:
        script = shelf.keep(opened.open(SYSTEM, Purpose.TRAINING), text)
    typer.echo(say("quiz.kept", told.language, title=script.title.in_(told.language), id=script.id))


@quiz.command("list")
def show(store: Store = None, language: Language = None) -> None:
    """The cases that learners may take. 列出病例"""
    told = settings(store=store, language=language)
    with Opened(told.store) as opened:
        found = shelf.scripts(opened.open(SYSTEM, Purpose.TRAINING))
    made = Table(title=say("quiz.title", told.language))
    for column in ("id", "case", "level", "origin"):
        made.add_column(say(f"quiz.{column}", told.language), overflow="fold")
    for one in found.values():
        made.add_row(one.id, one.title.in_(told.language), one.level, one.origin)
    Console().print(made)
