"""`salus clean`: a cleaned copy of events by declared actions, with a log of every row touched; and back again."""

from pathlib import Path
from typing import Annotated

import typer

from salus.analytics.quality import read_thresholds
from salus.analytics.quality.actions import read_actions
from salus.analytics.quality.cleaning import clean as clean_events
from salus.analytics.quality.cleaning import undo as undo_cleaning
from salus.base.settings import settings
from salus.base.words import words_of

say = words_of("salus.analytics.quality")
clean = typer.Typer(no_args_is_help=True, help="Clean a copy of events, and undo it. 清理事件（副本），可撤销")
To = Annotated[Path, typer.Option("--to", help="The folder to write, new. 输出目录")]
Language = Annotated[str | None, typer.Option("--language", help="en or zh. 语言")]


@clean.command("apply")
def apply(
    events: Annotated[Path, typer.Argument(help="A folder of events; it stays as it is. 事件目录（不改动）")],
    to: To,
    actions: Annotated[Path, typer.Option(help="A TOML of what is to be done. 清理动作文件")],
    thresholds: Annotated[Path | None, typer.Option(help="A TOML with bounds of the site's own. 本机构界限")] = None,
    language: Language = None,
) -> None:
    """Do the actions in their order; every row touched is logged. 按顺序清理并记录"""
    told = settings(language=language).language
    found = clean_events(events, read_actions(actions), to, read_thresholds(thresholds))
    for one in found.done:
        action = one.action
        parts = [part for part in (action.code, action.unit and f"{action.unit} -> {action.to}") if part]
        what = f" ({', '.join(parts)})" if parts else ""
        typer.echo(say("clean.step", told, do=action.do, what=what, rows=f"{one.rows:,}"))
    typer.echo(say("clean.sum", told, before=f"{found.before:,}", after=f"{found.after:,}", folder=to))


@clean.command("undo")
def undo(
    cleaned: Annotated[Path, typer.Argument(help="What `apply` wrote. 已清理的目录")], to: To, language: Language = None
) -> None:
    """Write the events as they were before, row for row. 撤销清理"""
    rows = undo_cleaning(cleaned, to)
    typer.echo(say("clean.undone", settings(language=language).language, rows=f"{rows:,}", folder=to))
