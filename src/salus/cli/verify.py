"""`salus verify`: is the store whole? Names all that is wrong.

Exit codes: 0 nothing is wrong; 65 something is, each fault on a line of stdout; others as in `salus.base.errors`.
"""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from salus.base.settings import settings
from salus.base.words import words_of
from salus.records.checking import Findings, check

FAULTY = 65
say = words_of("salus.cli")


def verify(
    store: Annotated[str | None, typer.Option(help="The store, or a backup. 数据库文件或网址或备份")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Look at everything in the store: file, bodies, hash chains, log, audit, indexes. 检查数据库"""
    told = settings(store=store, language=language)
    with bar() as progress:
        task = progress.add_task("", total=None)

        def on_progress(step: str, done: int, total: int) -> None:
            progress.update(task, description=say(f"verify.step.{step}", told.language), completed=done, total=total)

        findings = check(told.store, on_progress)
    tell(findings, told.language)
    if findings.count:
        raise typer.Exit(FAULTY)


def tell(findings: Findings, language: str) -> None:
    """Each fault with what it means, then what to do, or that all is well."""
    for fault in findings.faults:
        typer.echo(say(f"verify.{fault.kind}", language, what=fault.what))
    looked = {"transactions": findings.transactions, "audited": findings.audited, "resources": findings.resources}
    typer.echo(say("verify.looked", language, **{name: f"{number:,}" for name, number in looked.items()}))
    if findings.erasures:
        told = {"versions": findings.erased, "erasures": findings.erasures}
        typer.echo(say("verify.erased", language, **{name: f"{number:,}" for name, number in told.items()}))
    if findings.unfinished:
        typer.echo(say("verify.unfinished", language, count=f"{findings.unfinished:,}"))
    typer.echo(say("verify.bad" if findings.count else "verify.good", language, count=f"{findings.count:,}"))


def bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
