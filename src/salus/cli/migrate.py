"""`salus migrate FROM TO`: a store moves to another engine; `salus migrate STORE`: its tables come to today's layout.

Exit codes as in `salus.base.errors`; when one is not 0, nothing stands at TO.
"""

from typing import Annotated

import typer

from salus.base.settings import settings
from salus.base.words import words_of
from salus.cli.verify import bar
from salus.records import schema
from salus.records.engines import engine_of
from salus.records.moving import OnProgress, Upgraded, move, upgrade_in_place

say = words_of("salus.cli")


def migrate(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A file, or postgresql://... 数据库文件或网址")],
    target: Annotated[str | None, typer.Argument(metavar="TO", help="Where no store is yet. 尚无数据库之处")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Move a whole store between SQLite and PostgreSQL; without TO upgrade its tables. 迁移数据库或升级其结构"""
    told = settings(language=language).language
    if target is None:
        upgrade(source, told)
        return
    with bar() as progress:
        task = progress.add_task("", total=None)

        def on_progress(step: str, done: int, total: int) -> None:
            progress.update(task, description=say(STEPS.get(step, step), told), completed=done, total=total)

        moved = move(source, target, on_progress)
    numbers = {"rows": moved.rows, "tables": len(moved.tables), "transactions": moved.found.transactions}
    typer.echo(say("migrate.done", told, store=engine_of(target), **{k: f"{n:,}" for k, n in numbers.items()}))
    typer.echo(say("migrate.now", told, old=engine_of(source), folder=engine_of(source).folder.resolve()))


STEPS = {step: f"migrate.{step}" for step in ("copy", "lay", "compare")} | {
    step: f"verify.step.{step}" for step in ("file", "chain", "audit", "agreement", "index")
}


def upgrade(place: str, language: str) -> None:
    """What was done, step by step."""
    done = upgrade_in_place(place, heard(language))
    for step in done.steps:
        typer.echo(say(f"upgrade.{step.name}", language))
    tell(done, language)


def heard(language: str) -> OnProgress:
    """Told on stderr when a step begins."""
    return lambda step, done, total: typer.echo(say(f"upgrade.step.{step}", language), err=True)


def tell(done: Upgraded, language: str) -> None:
    if done.indexed:
        typer.echo(say("upgrade.indexed", language, count=f"{done.resources:,}"))
    key = "upgrade.done" if done.steps or done.indexed else "upgrade.nothing"
    typer.echo(say(key, language, found=done.found, layout=schema.VERSION))
