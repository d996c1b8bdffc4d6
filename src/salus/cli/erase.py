"""`salus erase PATIENT_ID`: a patient with all versions, by law; every copy that this installation knows of as well.

Without `--yes` it only says what would go.
"""

from pathlib import Path
from typing import Annotated

import typer

from salus.analytics.events import Follower
from salus.assistants.cases.gate import swept_by
from salus.base.errors import Invalid
from salus.base.settings import Settings, settings
from salus.base.words import words_of
from salus.exchange.erasures import sweeps
from salus.privacy import Actor, Purpose, Role
from salus.records import Records, Store, check_there, erasing
from salus.records.erasing import Preview, Report, What, Wish

PATIENCE = 60.0  # seconds for a server's listeners to clean their copies
say = words_of("salus.cli")


def erase(
    patient: Annotated[list[str] | None, typer.Argument(help="Ids of patients. 患者编号")] = None,
    reason: Annotated[str, typer.Option(help="Why; it stays, so it names nobody. 原因（不可含姓名）")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do it. 确认执行")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="Only finish what was begun. 完成未完的抹除")] = False,
    by: Annotated[str, typer.Option("--as", help="Who, as the audit names them. 操作人")] = "Device/terminal",
    store: Annotated[str | None, typer.Option(help="The store. 数据库文件或网址")] = None,
    folder: Annotated[Path | None, typer.Option(help="The installation's folder. 安装文件夹")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Erase patients, all versions and copies, for ever; without --yes only say what would go. 按法律要求抹除患者"""
    told = settings(store=store, folder=folder, language=language)
    if not patient and not finish:
        raise Invalid("Name a patient, or use --finish", path="patient")
    check_there(told.store)
    with Store(told.store) as opened:
        records = opened.open(Actor(by, Role.ADMINISTRATOR), Purpose.ADMINISTRATION)
        for id in patient or ():
            one(records, Wish("Patient", id, What.PATIENT), reason, yes, told.language)
        if finish:
            erasing.apply_again(opened, erasing.collected(opened.folder), records.actor)
        if yes or finish:
            clean(opened, told)


def one(records: Records, wish: Wish, reason: str, yes: bool, language: str) -> None:
    """Say what would go; with `yes` let it go."""
    found = erasing.preview(records, wish)
    tell(found, language)
    if found.held:
        typer.echo(say("erase.held", language, flags=", ".join(found.held)))
    if not yes:
        typer.echo(say("erase.dry", language))
        return
    done = erasing.erase(records, wish, reason)
    if done.transaction is not None:
        typer.echo(say("erase.done", language, t=done.transaction, audited=f"{done.audited:,}"))


def tell(found: Preview | Report, language: str) -> None:
    if not found.versions:
        typer.echo(say("erase.nothing", language))
        return
    for type, count in found.resources.items():
        typer.echo(f"  {type}  {count:,}")
    count = sum(found.resources.values())
    typer.echo(say("erase.count", language, resources=f"{count:,}", versions=f"{found.versions:,}"))
    for reference in found.rewritten:
        typer.echo(say("erase.rewritten", language, reference=reference))


def clean(store: Store, of: Settings) -> None:
    """Finish: event files are made anew here when no server does it."""
    if of.events.is_dir():
        Follower(store, of.events).catch_up()
    waiting = erasing.finish(store, [*sweeps(of.registry.parent / "runs"), swept_by(of)], PATIENCE)
    for folder in waiting:
        typer.echo(say("erase.waiting", of.language, folder=folder), err=True)
    if waiting:
        raise typer.Exit(75)  # EX_TEMPFAIL: do it again later
    typer.echo(say("erase.clean", of.language))
