"""`salus knowledge`: the rules of the safety screen, those shipped and a site's own.

Exit codes: 0 all is in; 3 some rows were not taken (each is named on stderr) and the rest is in; others as in
`salus.base.errors`.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from salus.assistants.treatment.screen.rules import TABLES
from salus.assistants.treatment.site import Shelf, shelf_of
from salus.base import faults
from salus.base.settings import settings
from salus.base.words import words_of

PARTIAL = 3
SHOWN = 50  # rows that were not taken
say = words_of("salus.cli")
knowledge = typer.Typer(no_args_is_help=True, help="Rules of the safety screen. 用药安全规则")
Store = Annotated[str | None, typer.Option("--store", help="The store beside which they are kept. 数据库文件或网址")]
Language = Annotated[str | None, typer.Option("--language", help="en or zh. 语言")]


def opened(store: str | None, language: str | None) -> tuple[Shelf, str]:
    told = settings(store=store, language=language)
    return shelf_of(told.store), told.language


@knowledge.command("import")
def take(
    file: Annotated[Path, typer.Argument(help="TOML of rules, or CSV of interactions. 规则文件（TOML或CSV）")],
    name: Annotated[str, typer.Option(help="What to call them; the file's name if not given. 名称")] = "",
    store: Store = None,
    language: Language = None,
) -> None:
    """Take a site's own rules in; again under the same name puts them in place of the earlier. 载入本机构规则"""
    shelf, tongue = opened(store, language)
    name = name or file.stem.lower().replace("_", "-")
    taken = shelf.take(file, name)
    counted = ", ".join(
        f"{count:,} {say(f'knowledge.{kind}', tongue)}" for kind, count in taken.counts.items() if count
    )
    typer.echo(say("knowledge.taken", tongue, name=name, counted=counted, version=shelf.knowledge().version))
    for one in taken.bad[:SHOWN]:
        typer.echo(f"{one.path}: {faults.told(one.text, tongue)}", err=True)
    if len(taken.bad) > SHOWN:
        typer.echo(say("knowledge.more", tongue, count=len(taken.bad) - SHOWN), err=True)
    if taken.bad:
        raise typer.Exit(PARTIAL)


@knowledge.command("list")
def show(store: Store = None, language: Language = None) -> None:
    """How many rules there are, of which kind, from which sources. 列出规则与来源"""
    shelf, tongue = opened(store, language)
    found = shelf.knowledge()
    made = Table(title=say("knowledge.title", tongue, version=found.version, dated=found.dated))
    for column in ("source", "date", "rows"):
        made.add_column(say(f"knowledge.{column}", tongue), overflow="fold")
    rows = [row.source for kind in TABLES[1:] for row in getattr(found.table, kind).values()]
    for key, source in found.table.sources.items():
        made.add_row(source.title, str(source.date), f"{rows.count(key):,}")
    Console().print(made)
    own = ", ".join(file.stem for file in shelf.files())
    typer.echo(say("knowledge.own", tongue, names=own) if own else say("knowledge.none", tongue))


@knowledge.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="The name they were taken in under. 名称")],
    store: Store = None,
    language: Language = None,
) -> None:
    """Forget a site's own rules; those shipped stand again. 移除本机构规则"""
    shelf, tongue = opened(store, language)
    shelf.remove(name)
    typer.echo(say("knowledge.removed", tongue, name=name))
