"""`salus models`: what has been learned, which version is asked, and how to change that."""

from getpass import getuser
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from salus.base.errors import Conflict, Unsupported
from salus.base.settings import settings
from salus.base.words import words_of
from salus.cli.retrain import again
from salus.learning.effects.kept import EffectEntry, EffectRegistry
from salus.learning.ranking.rankings import Rankings
from salus.learning.step5_evaluate.bootstrap import Figure
from salus.learning.step5_evaluate.report import HEADLINE, figure_text
from salus.learning.step7_deploy import Registry
from salus.learning.step7_deploy.dossier import write_report
from salus.learning.step7_deploy.dossier.pages import summary
from salus.learning.step7_deploy.registry import Entry
from salus.learning.step7_deploy.shelf import Shelf
from salus.learning.task import read_about

say = words_of("salus.learning")
models = typer.Typer(no_args_is_help=True, help="List, show, promote, roll back models. 模型管理")
Where = Annotated[Path | None, typer.Option("--registry", help="Where models are kept. 模型库")]
Name = Annotated[str, typer.Argument(help="The model. 模型名称")]
Language = Annotated[str | None, typer.Option(help="en or zh. 语言")]
COLUMNS = ("name", "version", "made", "family", "figure", "sealed", "promoted")


@models.command("list")
def show_all(registry: Where = None, language: Language = None) -> None:
    """Every version of every model. 列出模型"""
    told = settings(registry=registry, language=language)
    entries, effects = Registry(told.registry, told.secret).list(), EffectRegistry(told.registry, told.secret).list()
    rankings = Rankings(told.registry, told.secret)
    if not entries and not effects and not rankings.names():
        typer.echo(say("models.none", told.language, folder=told.registry))
        return
    made = Table()
    for column in COLUMNS:
        made.add_column(say(f"models.{column}", told.language))
    for entry in entries:
        made.add_row(*cells(entry, told.language))
    for effect in effects:
        made.add_row(*effect_cells(effect, told.language))
    for name in rankings.names():
        for version in rankings.versions(name):
            made.add_row(*ranking_cells(rankings, name, version, told.language))
    Console().print(made)


def effect_cells(entry: EffectEntry, language: str) -> list[str]:
    """One line of the list: of an effect model whether it passed its gate."""
    yes, no = say("models.yes", language), say("models.no", language)
    figure = say("models.passed" if entry.passed else "models.refused", language, people=entry.people)
    promoted = yes if entry.promoted else ""
    return [
        entry.name,
        entry.version,
        entry.made,
        say("models.effects", language),
        figure,
        yes if entry.sealed else no,
        promoted,
    ]


def ranking_cells(rankings: Rankings, name: str, version: str, language: str) -> list[str]:
    """One line of the list: of a ranking its F1 on visits it never saw."""
    yes, no = say("models.yes", language), say("models.no", language)
    bundle, current = rankings.bundle(name, version), rankings.current(name)
    figure = f"F1 {figure_text(bundle.figures.methods['ranking'].f1)}"
    promoted = yes if current is not None and current.version == version else ""
    sealed = yes if rankings.sealed(name, version) else no
    return [name, version, bundle.made, say("models.ranking", language), figure, sealed, promoted]


def shelf_of(folder: Path, secret: bytes | None, name: str) -> Shelf[Any]:
    """Where a name stands: among the effect models, the rankings, or the models of prediction."""
    others: tuple[Shelf[Any], ...] = (EffectRegistry(folder, secret), Rankings(folder, secret))
    return next((one for one in others if name in one.names()), Registry(folder, secret))


def cells(entry: Entry, language: str) -> list[str]:
    """One line of the list."""
    yes = say("models.yes", language)
    sealed, promoted = yes if entry.sealed else say("models.no", language), yes if entry.promoted else ""
    return [entry.name, entry.version, entry.made, entry.family, figure_of(entry, language), sealed, promoted]


def figure_of(entry: Entry, language: str) -> str:
    """The headline figure with its interval."""
    measure = HEADLINE[entry.kind]
    return f"{say(f'measure.{measure}', language)} {figure_text(Figure(**entry.metrics['chosen'][measure]))}"


@models.command("show")
def show_one(
    name: Name,
    version: Annotated[str | None, typer.Argument(help="Else the promoted one. 默认当前版本")] = None,
    registry: Where = None,
    language: Language = None,
) -> None:
    """The model card of a version. 模型说明"""
    told = settings(registry=registry, language=language)
    kept = shelf_of(told.registry, told.secret, name)
    deployed = kept.load(name, kept.wanted(name, version))
    typer.echo((deployed.folder / f"card.{told.language}.md").read_text("utf-8"))


@models.command("report")
def report(
    name: Name,
    version: Annotated[str | None, typer.Argument(help="Else the promoted one. 默认当前版本")] = None,
    to: Annotated[Path | None, typer.Option(help="The folder to write to. 输出文件夹")] = None,
    about: Annotated[Path | None, typer.Option(help="What the site states, as TOML. 机构陈述（TOML）")] = None,
    registry: Where = None,
    language: Language = None,
) -> None:
    """TRIPOD+AI, HTI-1 and the CHAI card, filled from what was run: HTML in both languages, JSON, XML. 模型报告"""
    told = settings(registry=registry, language=language)
    kept = Registry(told.registry, told.secret)
    wanted = kept.wanted(name, version)
    folder = to or Path(f"{name}-{wanted}-report")
    made = write_report(kept, name, wanted, folder, read_about(about) if about else None)
    typer.echo(summary(made, told.language))
    typer.echo(say("cli.report", told.language, path=folder / f"report.{told.language}.html"))


@models.command("export")
def export(
    name: Name,
    version: Annotated[str | None, typer.Argument(help="Else the promoted one. 默认当前版本")] = None,
    form: Annotated[str, typer.Option("--format", help="onnx. 格式")] = "onnx",
    to: Annotated[Path | None, typer.Option(help="The file to write, new. 输出文件")] = None,
    registry: Where = None,
    language: Language = None,
) -> None:
    """A version as a file for other programs. 导出模型"""
    from salus.learning.step7_deploy.onnx import onnx_of  # only who exports needs every family it can write

    told = settings(registry=registry, language=language)
    if form != "onnx":
        raise Unsupported(f"'{form}' is no format of models: take onnx", path="--format")
    kept = Registry(told.registry, told.secret)
    wanted = kept.wanted(name, version)
    file = to or Path(f"{name}-{wanted}.onnx")
    if file.exists():
        raise Conflict(f"{file} is there already: name another file, or remove it", path="--to")
    file.write_bytes(onnx_of(kept.load(name, wanted)))
    typer.echo(say("cli.exported", told.language, name=name, version=wanted, file=file))


@models.command("promote")
def promote(
    name: Name,
    version: Annotated[str, typer.Argument(help="The version to ask from now on. 版本")],
    reason: Annotated[str, typer.Option(help="Why, where groups of people fare differently. 启用理由")] = "",
    registry: Where = None,
    language: Language = None,
) -> None:
    """Let a version be the one that is asked. 启用版本"""
    told = settings(registry=registry, language=language)
    shelf_of(told.registry, told.secret, name).promote(name, version, reason, getuser())
    typer.echo(say("cli.promoted", told.language, name=name, version=version))


@models.command("shadow")
def shadow(
    name: Name,
    version: Annotated[str | None, typer.Argument(help="Else: how it does so far. 不填则显示比较")] = None,
    off: Annotated[bool, typer.Option("--off", help="Ask it no more. 停止")] = False,
    reason: Annotated[str, typer.Option(help="Why. 理由")] = "",
    store: Annotated[str | None, typer.Option(help="The store, to compare by what came. 数据库")] = None,
    registry: Where = None,
    language: Language = None,
) -> None:
    """Ask a version beside the promoted one, unseen; or compare the two so far. 影子运行"""
    told = settings(store=store, registry=registry, language=language)
    kept = Registry(told.registry, told.secret)
    if off:
        gone = kept.end_shadow(name, reason, getuser())
        typer.echo(say("cli.shadow_off", told.language, name=name, version=gone or "–"))
    elif version:
        kept.let_shadow(name, version, reason, getuser())
        typer.echo(say("cli.shadow", told.language, name=name, version=version))
    else:
        from salus.cli.shadowed import tell  # the store is opened only to compare

        tell(told, kept, name)


models.command("retrain")(again)


@models.command("rollback")
def roll_back(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why. 理由")] = "",
    registry: Where = None,
    language: Language = None,
) -> None:
    """Go back to the version that was asked before. 回退"""
    told = settings(registry=registry, language=language)
    version = shelf_of(told.registry, told.secret, name).roll_back(name, getuser(), reason)
    typer.echo(say("cli.promoted", told.language, name=name, version=version))


@models.command("sign")
def sign(
    name: Name,
    version: Annotated[str, typer.Argument(help="The version to seal. 版本")],
    registry: Where = None,
    language: Language = None,
) -> None:
    """Seal a version that has no seal of this installation. 签封版本"""
    told = settings(registry=registry, language=language)
    shelf_of(told.registry, told.secret, name).sign(name, version)
    typer.echo(say("cli.sealed", told.language, name=name, version=version))
