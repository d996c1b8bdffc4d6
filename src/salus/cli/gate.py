"""`salus cases gate`: cases on their way out of the chart: drafted, released by a person, refused, withdrawn.

No text of a record is printed here, only what kinds of things were taken out: what a draft says is for the page
(/cases/gate), where both sides stand beside each other. Exit codes: 0; others as in `salus.base.errors`.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from salus.assistants.cases.gate import Draft, Gate, gate_of
from salus.assistants.cases.gate.recording import review_of, state_of
from salus.base.settings import settings
from salus.base.words import words_of
from salus.privacy import Actor, Purpose, Role
from salus.records import Records, Store, check_there

say = words_of("salus.cli")
gate = typer.Typer(no_args_is_help=True, help="Cases on their way out of the chart. 病例脱敏放行")
By = Annotated[str, typer.Option("--as", help="Who decides, as the audit names them: Practitioner/7. 操作人")]
Id = Annotated[str, typer.Argument(help="Id of the case. 病例编号")]
Reason = Annotated[str, typer.Option(help="Why; it stays, so it names nobody. 原因（不可含姓名）")]
StorePlace = Annotated[str | None, typer.Option("--store", help="The store. 数据库文件或网址")]
Folder = Annotated[Path | None, typer.Option(help="The installation's folder. 安装文件夹")]
Language = Annotated[str | None, typer.Option(help="en or zh. 语言")]


@contextmanager
def opened(
    by: str, store: str | None, folder: Path | None, language: str | None
) -> Iterator[tuple[Gate, Records, str]]:
    told = settings(store=store, folder=folder, language=language)
    check_there(told.store)
    with Store(told.store) as records:
        here = gate_of(records, told.store, told.secret, told.language)
        yield here, records.open(Actor(by, Role.CURATOR), Purpose.OPERATIONS), told.language


@gate.command()
def draft(
    patient: Annotated[list[str], typer.Argument(help="Ids of patients. 患者编号")],
    by: By = "Device/terminal",
    store: StorePlace = None,
    folder: Folder = None,
    language: Language = None,
) -> None:
    """Draft a case of each patient named. 起草病例"""
    with opened(by, store, folder, language) as (here, records, tongue):
        for id in patient:
            tell(here.begin(records, id), tongue)


@gate.command("list")
def listing(store: StorePlace = None, folder: Folder = None, language: Language = None) -> None:
    """The cases on their way, the latest first. 列出在审病例"""
    with opened("Device/terminal", store, folder, language) as (here, records, tongue):
        for one in here.listed(records):
            state = say(f"gate.state.{state_of(one)}", tongue)
            typer.echo(f"{one['id']}  {state}  Patient/{review_of(one).patient}  {one['date'][:10]}")


def tell(draft: Draft, language: str) -> None:
    """What a draft is like, without a word of it."""
    kinds = Counter(say_kind(span.kind, language) for part in draft.parts for span in part.cleaned.spans)
    out = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()) or "-"
    level = draft.level
    typer.echo(say("gate.draft", language, id=draft.id, texts=len(draft.parts), open=draft.open))
    typer.echo(say("gate.out", language, kinds=out))
    typer.echo(say("gate.level", language, k=level.k, released=level.released, l=level.diversity))
    if draft.refusal:
        typer.echo(say(f"gate.refusal.{draft.refusal}", language), err=True)


def say_kind(kind: str, language: str) -> str:
    return words_of("salus.privacy")(f"kind.{kind}", language)


@gate.command()
def release(
    id: Id,
    by: By,
    store: StorePlace = None,
    folder: Folder = None,
    language: Language = None,
) -> None:
    """Release a case about which nothing is open, as a person. 放行病例（须为个人）"""
    with opened(by, store, folder, language) as (here, records, tongue):
        made = here.release(records, id)
        typer.echo(say("gate.released", tongue, id=made.id, by=by))


@gate.command()
def refuse(
    id: Id,
    by: By,
    reason: Reason,
    store: StorePlace = None,
    folder: Folder = None,
    language: Language = None,
) -> None:
    """Say that a drafted case does not leave, and why. 不予放行"""
    with opened(by, store, folder, language) as (here, records, tongue):
        here.refuse(records, id, reason)
        typer.echo(say("gate.refused", tongue, id=id))


@gate.command()
def withdraw(
    id: Id,
    by: By,
    reason: Reason,
    store: StorePlace = None,
    folder: Folder = None,
    language: Language = None,
) -> None:
    """Take a released case back: out of the library. 撤回已放行的病例"""
    with opened(by, store, folder, language) as (here, records, tongue):
        here.withdraw(records, id, reason)
        typer.echo(say("gate.withdrawn", tongue, id=id))


@gate.command()
def settle(store: StorePlace = None, folder: Folder = None, language: Language = None) -> None:
    """Bring the library to what the records say: erased, withdrawn and refused cases go. 使病例库与记录一致"""
    with opened("Device/terminal", store, folder, language) as (here, _, tongue):
        taken, gone = here.settle()
        typer.echo(say("gate.settled", tongue, taken=taken, gone=gone))
