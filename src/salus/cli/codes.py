"""`salus codes`: code lists of a site's own, and FHIR packages of terminology and profiles.

Exit codes: 0 all is in; 3 some lines were not taken (each is named on stderr) and the rest is in; others as in
`salus.base.errors`.
"""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from salus.base.settings import settings
from salus.base.words import words_of
from salus.codes.terminology import Site, packages
from salus.codes.terminology.loading import check_address, load
from salus.codes.terminology.packages import SUFFIXES
from salus.codes.terminology.site import FOLDER, merged
from salus.records.engines import engine_of

PARTIAL = 3
SHOWN = 50  # lines that were not taken
PARTS = {"StructureDefinition": "profiles", "ValueSet": "sets", "CodeSystem": "systems", "ConceptMap": "maps"}
WITHIN = {"hl7.fhir.r4.core", "hl7.fhir.r4.expansions"}  # packages whose content came with the program
COLUMNS = ("system", "version", "count", "chinese")
say = words_of("salus.codes.terminology")
codes = typer.Typer(no_args_is_help=True, help="Load, list, remove code lists. 编码表管理")
Store = Annotated[str | None, typer.Option("--store", help="The store beside which they are kept. 数据库文件或网址")]
Language = Annotated[str | None, typer.Option("--speak", help="Answer in en or zh. 界面语言")]


@codes.command("load")
def take(
    file: Annotated[
        Path,
        typer.Argument(help="ICD-10-CM order file, CSV, TSV, CodeSystem (.gz too); FHIR package .tgz. 编码文件"),
    ],
    system: Annotated[str, typer.Option(help="The address of the code system, of a code list. 编码系统网址")] = "",
    language: Annotated[str, typer.Option(help="Of the names in the file: en or zh. 文件中名称的语言")] = "en",
    version: Annotated[str, typer.Option(help="The edition. 版本")] = "",
    store: Store = None,
    speak: Language = None,
) -> None:
    """Load a code list (again with another file adds its names and codes) or a FHIR package. 载入编码表或FHIR包"""
    told = settings(store=store, language=speak)
    site = Site(engine_of(told.store).folder / FOLDER)
    if file.name.endswith(SUFFIXES):
        take_package(file, site, told.language)
        return
    check_address(system)
    console = Console(stderr=True)
    began = time.monotonic()
    with bar(console) as progress:
        task = progress.add_task(say("codes.reading", told.language, name=file.name), total=None)
        loaded = load(
            file, system, language, version, lambda done, total: progress.update(task, completed=done, total=total)
        )
        known = site.systems(system)
        kept = merged(known[0], loaded.system) if known else loaded.system
        site.keep(kept)
    counts = {
        "count": f"{len(loaded.system.codes):,}",
        "fresh": f"{len(kept.codes) - (len(known[0].codes) if known else 0):,}",
        "chinese": f"{len(kept.zh):,}",
    }
    seconds = f"{time.monotonic() - began:.1f}"
    typer.echo(say("codes.loaded", told.language, system=system, seconds=seconds, **counts))
    name_bad([one.told(told.language) for one in loaded.bad], told.language, console)


def take_package(file: Path, site: Site, language: str) -> None:
    """The package, in place of its earlier version; it says which others it needs that are not here."""
    taken = packages.take(file)
    site.keep_package(taken.package)
    kept = taken.package.kept
    counts = {name: f"{len(kept.get(kind, {})):,}" for kind, name in PARTS.items()}
    typer.echo(say("package.loaded", language, name=taken.package.name, version=taken.package.version, **counts))
    held = {package.name for package in site.packages()} | WITHIN
    console = Console(stderr=True)
    if lacking := [f"{name} {version}" for name, version in taken.package.needs.items() if name not in held]:
        told = say("package.needs", language, names=", ".join(lacking))
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    name_bad([say("bad.file", language, name=name, why=why) for name, why in taken.bad], language, console)


def bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


def name_bad(bad: list[str], language: str, console: Console) -> None:
    """Every line that was not taken, as far as a screen goes; then the exit code that says so."""
    for one in bad[:SHOWN]:
        console.print(one, markup=False, highlight=False, soft_wrap=True)
    if len(bad) > SHOWN:
        console.print(say("codes.more", language, count=len(bad) - SHOWN))
    if bad:
        raise typer.Exit(PARTIAL)


@codes.command("list")
def show(store: Store = None, speak: Language = None) -> None:
    """What was loaded. 列出已载入的编码表"""
    told = settings(store=store, language=speak)
    site = Site(engine_of(told.store).folder / FOLDER)
    systems, loaded = site.all(), site.packages()
    if not systems and not loaded:
        typer.echo(say("codes.none", told.language))
        return
    made = Table()
    for column in COLUMNS:
        made.add_column(say(f"codes.{column}", told.language), overflow="fold")
    for system in systems:
        made.add_row(system.url, system.version, f"{len(system.codes):,}", f"{len(system.zh):,}")
    for package in loaded:
        made.add_row(package.name, package.version, f"{sum(map(len, package.kept.values())):,}", "")
    Console().print(made)


@codes.command("remove")
def remove(
    system: Annotated[str, typer.Argument(help="The code system's address, or the package's name. 编码系统网址或包名")],
    store: Store = None,
    speak: Language = None,
) -> None:
    """Forget a code list or package that was loaded. 移除编码表或FHIR包"""
    told = settings(store=store, language=speak)
    site = Site(engine_of(told.store).folder / FOLDER)
    if not site.remove_package(system):
        site.remove(system)
    typer.echo(say("codes.removed", told.language, system=system))
