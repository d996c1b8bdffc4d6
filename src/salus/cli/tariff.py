"""`salus tariff FILE`: a site's own prices, rules of settlement or groups of stays, looked through; with a store, put
in force: in place of what is built in, or `beside` it under the name that the file says."""

from pathlib import Path
from typing import Annotated

import typer

from salus.base.errors import Missing
from salus.base.settings import settings
from salus.base.words import words_of
from salus.services.billing.local import take, text_of

say = words_of("salus.cli")


def tariff(
    file: Annotated[Path, typer.Argument(help="TOML: prices, or rules of settlement. 收费标准或结算规则文件")],
    store: Annotated[str | None, typer.Option(help="Put it in force beside this store. 在此病历库生效")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Check a site's tariff or rules of settlement, and put them in force. 检查并启用本院收费标准或结算规则"""
    if not file.is_file():
        raise Missing(f"There is no file {file}: name a TOML file", path=str(file))
    told = settings(store=store, language=language)
    taken = take(text_of(file), told.store if store else None)
    typer.echo(say(f"tariff.{taken.kind}", told.language, place=taken.place, count=taken.rows))
    if taken.beside:
        typer.echo(say("tariff.beside", told.language, name=taken.beside))
    kept = f"{taken.kind}/{taken.file}"
    typer.echo(say("tariff.kept" if store else "tariff.checked", told.language, file=kept))
