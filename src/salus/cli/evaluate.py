"""`salus evaluate MODEL --on OTHER`: a deployed version on data from elsewhere, kept beside it as evidence."""

import tempfile
from getpass import getuser
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from salus.base.errors import Missing
from salus.base.settings import settings
from salus.base.words import words_of
from salus.learning.elsewhere import Elsewhere, evaluate_elsewhere, recalibrate, write_pages
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step5_evaluate.report import SHOWN, figure_text
from salus.learning.step7_deploy import Registry, external

say = words_of("salus.learning")
STORES = ("postgresql://", "postgres://")
TABLES = (".csv", ".csv.gz", ".tsv", ".txt")


def evaluate(
    name: Annotated[str, typer.Argument(help="The model. 模型名称")],
    on: Annotated[str, typer.Option(help="A folder of events, a CSV file, or a store. 事件文件夹、CSV 或数据库")],
    version: Annotated[str | None, typer.Option(help="Else the promoted one. 默认当前版本")] = None,
    report: Annotated[Path | None, typer.Option(help="The folder for the report. 报告文件夹")] = None,
    recalibrated: Annotated[
        bool, typer.Option("--recalibrate", help="Add a recalibrated version, not promoted. 生成重新校准的新版本")
    ] = False,
    registry: Annotated[Path | None, typer.Option(help="Where models are kept. 模型库")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Judge a deployed model on data from elsewhere. 在其他数据上评估模型"""
    told = settings(registry=registry, language=language)
    kept = Registry(told.registry, told.secret)
    deployed = kept.load(name, kept.wanted(name, version))
    with tempfile.TemporaryDirectory(prefix="salus-elsewhere-") as place:
        one = evaluate_elsewhere(deployed, events_at(on, Path(place) / "events"), Path(place) / "run", getuser())
        one.found.on = Path(on).name if "://" not in on else "PostgreSQL"
        home = msgspec.json.decode((deployed.folder / "metrics.json").read_bytes(), type=Evaluation)
        folder = report or Path(f"{name}-{deployed.version}-on-{Path(one.found.on).stem}")
        write_pages(one, home, folder)
        file = external.keep(kept.folder / name, deployed.version, one.found)
        made = recalibrate(kept, one) if recalibrated else None
    tell(one, home, told.language)
    typer.echo(say("cli.kept", told.language, path=file))
    typer.echo(say("cli.report", told.language, path=folder / f"external.{told.language}.html"))
    if made:
        typer.echo(say("cli.recalibrated", told.language, name=name, version=made))


def events_at(on: str, folder: Path) -> Path:
    """The folder of events or the table itself; the events of a store are brought into `folder`. Raises Missing."""
    place = Path(on)
    if not on.startswith(STORES) and (place.is_dir() or place.name.lower().endswith(TABLES)):
        return place
    if not on.startswith(STORES) and not place.is_file():
        raise Missing(f"There is nothing at {on}: name a folder of events, a CSV file, or a store", path="--on")
    from salus.analytics.events import Follower  # the store is opened only for one
    from salus.records import Store

    with Store(on if on.startswith(STORES) else place) as opened:
        Follower(opened, folder).catch_up()
    return folder


def tell(one: Elsewhere, home: Evaluation, language: str) -> None:
    """The figures here beside those at home."""
    found, deployed = one.found.evaluation, one.deployed
    typer.echo(
        say(
            "cli.evaluated",
            language,
            name=deployed.name,
            version=deployed.version,
            on=one.found.on,
            rows=found.rows,
            subjects=found.subjects,
        )
    )
    for key in SHOWN[found.kind]:
        if key in found.chosen:
            here, there = figure_text(found.chosen[key]), figure_text(home.chosen[key])
            typer.echo(f"  {say(f'measure.{key}', language)}: {here}  ({say('elsewhere.home', language)}: {there})")
    moved = sum(drift.alarm for drift in one.found.drifts)
    typer.echo(say("elsewhere.moved", language, moved=moved, watched=len(one.found.drifts)))
