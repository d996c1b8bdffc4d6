"""`salus billing`: close the day of a provider, reconcile it with a statement. Exit codes as in `salus.base.errors`."""

import sys
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer
from babel.numbers import get_currency_precision
from rich.console import Console
from rich.table import Table

from salus.base import faults, money
from salus.base.errors import Invalid
from salus.base.settings import settings
from salus.base.words import words_of
from salus.privacy import Actor, Purpose, Role
from salus.records import Store as Opened
from salus.records import check_there
from salus.services.billing import closing
from salus.services.billing.closes import Closing
from salus.services.billing.payments import provider_of
from salus.services.billing.reconciling import Fault, Reconciled, bank, insurer
from salus.services.billing.reconciling import reconcile as reconciled_with
from salus.services.billing.reconciling.bank import write
from salus.ui.formats import money as shown

say = words_of("salus.cli")
billing = typer.Typer(no_args_is_help=True, help="Billing: close a day, reconcile it. 日结与对账")
CLERK = Actor("Device/billing", Role.SYSTEM), Purpose.PAYMENT  # whom the audit names
Folder = Annotated[Path | None, typer.Option("--folder", help="The installation's folder. 安装文件夹")]
Store = Annotated[str | None, typer.Option("--store", help="The store. 数据库文件或网址")]
Language = Annotated[str | None, typer.Option("--language", help="en or zh. 语言")]
Currency = Annotated[str, typer.Option(help="ISO 4217. 币种")]
Day = Annotated[str, typer.Argument(help="Such as 2026-11-23. 日期")]


@billing.command("close")
def close(
    day: Day,
    provider: Annotated[str, typer.Option(help="cash, simulated, ... 收款渠道")] = "cash",
    count: Annotated[
        list[str] | None, typer.Option(help="What was counted: Practitioner/7=350.00; several times. 清点金额")
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only show it. 仅预览")] = False,
    currency: Currency = "CNY",
    store: Store = None,
    folder: Folder = None,
    language: Language = None,
) -> None:
    """Close a day of a provider, once; again shows the same close. 日结"""
    told = settings(store=store, folder=folder, language=language)
    check_there(told.store)
    asked = (*CLERK, provider, currency, day_of(day), told.zone)
    with Opened(told.store) as opened:
        if preview:
            made = closing.preview(opened, *asked)
        else:
            made = closing.close(opened, *asked, counted=counts(count, currency))
    show_close(made, told.language)


def counts(given: list[str] | None, currency: str) -> Mapping[str, int] | None:
    """Minor units by desk. Raises Invalid for what is no amount, and for a desk that is counted twice.

    >>> counts(["Practitioner/7=350.5"], "CNY")
    {'Practitioner/7': 35050}
    """
    if given is None:
        return None
    made: dict[str, int] = {}
    for desk, _, amount in (one.rpartition("=") for one in given):
        if desk in made:
            raise Invalid(f"{desk[:60]} is counted twice: say once what was in its drawer", path="--count")
        made[desk] = minor(amount, currency)
    return made


def minor(text: str, currency: str) -> int:
    try:
        return money.typed(text, currency)
    except Invalid:
        raise Invalid(f"'{text[:40]}' is no amount: write Practitioner/7=350.00", path="--count") from None


def day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"'{text[:40]}' is no day: write it as 2026-11-23", path="DAY") from None


def show_close(made: Closing, language: str) -> None:
    title = say("billing.close" if made.id else "billing.preview", language, provider=made.provider, day=made.day)
    table = Table(title=title)
    for name in ("desk", *COLUMNS):
        table.add_column(say(f"billing.{name}", language), justify="left" if name == "desk" else "right")
    for one in (*made.drawers, made.total):
        name = say("billing.total", language) if one is made.total else one.desk or say("billing.afar", language)
        amounts = (getattr(one, column) for column in COLUMNS)
        table.add_row(name, *("" if one is None else shown(one, made.currency, language) for one in amounts))
    Console().print(table)


COLUMNS = ("received", "given", "corrected", "expected", "counted", "difference")


@billing.command("reconcile")
def reconcile(
    file: Annotated[Path, typer.Argument(help="The statement of the day, CSV. 对账文件")],
    day: Annotated[str, typer.Option("--day", help="Whose it is, such as 2026-11-23. 对账日期")],
    provider: Annotated[str | None, typer.Option(help="Of a payment provider. 收款渠道")] = None,
    insurer_: Annotated[str | None, typer.Option("--insurer", help="Of an insurer: its Organization. 医保机构")] = None,
    sure: Annotated[bool, typer.Option("--sure", help="Though most of it differs. 多数不符也继续")] = False,
    currency: Currency = "CNY",
    store: Store = None,
    folder: Folder = None,
    language: Language = None,
) -> None:
    """Reconcile a day with a statement, and repair every difference; again repairs nothing twice. 对账"""
    told = settings(store=store, folder=folder, language=language)
    if (provider is None) == (insurer_ is None):
        raise Invalid("Name whose file it is: --provider NAME or --insurer ORGANIZATION", path="--provider")
    check_there(told.store)
    side = bank(provider) if provider else insurer(str(insurer_))
    with Opened(told.store) as opened:
        made = reconciled_with(opened, *CLERK, file, side, day_of(day), told.zone, currency, sure)
    show_reconciled(made, told.language)


def show_reconciled(made: Reconciled, language: str) -> None:
    amounts = {name: shown(getattr(made, name), made.currency, language) for name in ("ours", "theirs")}
    typer.echo(
        say("billing.read", language, side=made.side, day=made.day, rows=made.rows, agreed=made.agreed, **amounts)
    )
    for fault in Fault:
        if found := made.of(fault):
            typer.echo(f"  {say(f'billing.fault.{fault}', language)}: {len(found)}")
    if made.unread:
        typer.echo(say("billing.unread", language, count=made.unread), err=True)
    for one in made.bad:
        typer.echo(f"  {one.line}: {faults.told(one.text, language)}", err=True)


@billing.command("statement")
def statement(
    day: Day,
    provider: Annotated[str, typer.Option(help="One that gives its own. 收款渠道")] = "simulated",
    currency: Currency = "CNY",
    folder: Folder = None,
) -> None:
    """What a provider has of a day, as the CSV that `reconcile` reads. 渠道对账单"""
    told = settings(folder=folder)
    begin = datetime.combine(day_of(day), time(), told.zone)
    rows = provider_of(told, provider).statement(begin, begin + timedelta(days=1))
    write((row for row in rows if row.currency == currency), sys.stdout, get_currency_precision(currency))
