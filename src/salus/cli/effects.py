"""`salus effects`: what one option rather than another would do, from a table, or from records by a task; refused where
the data cannot answer.

Exit codes: 0 answered; 1 the gate keeps the results back (the report says why); others as in `salus.base.errors`.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from salus.base.errors import Invalid
from salus.base.settings import Settings, settings
from salus.base.words import words_of
from salus.cli.learn import bring_events
from salus.learning.effects.answering import answer_task
from salus.learning.effects.declared import read_effect_task
from salus.learning.effects.finding import Findings, find
from salus.learning.effects.people import Asked, Table, read_study
from salus.learning.effects.report import span, write_report

say = words_of("salus.learning.effects")
REFUSED = 1


def effects(
    table: Annotated[Path, typer.Argument(help="A table, one row a person; or a task. 表格（每人一行）或任务文件")],
    events: Annotated[Path | None, typer.Argument(help="Of a task: the folder of events. 事件文件夹")] = None,
    store: Annotated[str | None, typer.Option(help="Of a task: the store to bring events from. 数据库")] = None,
    treatment: Annotated[str | None, typer.Option(help="The column of the option that was taken. 方案列")] = None,
    outcome: Annotated[str | None, typer.Option(help="The column of the outcome: 0 and 1, or amounts. 结局列")] = None,
    time: Annotated[str | None, typer.Option(help="How long each was followed. 随访时间列")] = None,
    event: Annotated[str | None, typer.Option(help="Whether that ended with the event. 事件列")] = None,
    horizon: Annotated[float | None, typer.Option(help="By when, in the unit of the time. 观察期")] = None,
    positive: Annotated[str | None, typer.Option(help="The outcome's word that counts as yes. 视为“是”的值")] = None,
    first: Annotated[str | None, typer.Option(help="The option to compare with. 对照方案")] = None,
    lower: Annotated[bool, typer.Option("--lower-is-better", help="A lower outcome is better. 结局越低越好")] = False,
    randomised: Annotated[bool, typer.Option("--randomised", help="Chance decided. 随机分配")] = False,
    leave_out: Annotated[str, typer.Option(help="Columns known only afterwards, with commas. 选择之后才知道的列")] = "",
    controls: Annotated[str, typer.Option(help="Outcomes that no option can change. 阴性对照结局")] = "",
    report: Annotated[Path, typer.Option(help="Where the report goes. 报告文件夹")] = Path("effects"),
    registry: Annotated[Path | None, typer.Option(help="Where models are kept, of a task. 模型库")] = None,
    promote: Annotated[bool, typer.Option(help="Ask it at the bedside if it passes. 通过即启用")] = True,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Estimate what one option rather than another would do; hidden unless checks hold. 估计治疗方案的预期获益"""
    if table.suffix == ".toml" or events is not None:
        by_task(table, settings(store=store, registry=registry, events=events, language=language), promote, events)
        return
    tongue, console = settings(language=language).language, Console(stderr=True)
    told = asked_of(outcome, time, event)
    if treatment is None:
        raise Invalid("Say which column is the option that was taken", path="--treatment")
    asked = Asked(
        treatment, told, positive, first, not lower, randomised, several(leave_out), several(controls), time, horizon
    )
    with console.status(say("effects.reading", tongue)):
        read = read_study(table, asked)
    with console.status(say("effects.estimating", tongue)):
        found = find(read.study, read.controls)
    write_report(found, report, table.stem, told)
    tell(read, found, tongue)
    typer.echo(say("effects.written", tongue, place=report / f"effects.{tongue}.html"))
    if not found.passed:
        raise typer.Exit(REFUSED)


def by_task(file: Path, told: Settings, promote: bool, events: Path | None) -> None:
    """An effect task over a folder of events, or over what a store holds now, into the registry."""
    tongue, task = told.language, read_effect_task(file)
    console = Console(stderr=True)
    if events is None:
        with console.status(say("effects.following", tongue)):
            bring_events(told)
    with console.status(say("effects.estimating", tongue)):
        made = answer_task(task, told.events, told.registry, promote=promote, secret=told.secret)
    left_out = "; ".join(f"{say(f'left_out.{why}', tongue)} {count}" for why, count in made.bundle.left_out.items())
    if left_out:
        typer.echo(say("effects.people_left_out", tongue, left_out=left_out))
    verdict(made.findings, tongue)
    key = "promoted" if made.promoted else "kept_unasked" if made.bundle.passed else "kept_refused"
    typer.echo(say(f"effects.{key}", tongue, name=made.name, version=made.version))
    typer.echo(say("effects.written", tongue, place=made.run / f"effects.{tongue}.html"))
    if not made.bundle.passed:
        raise typer.Exit(REFUSED)


def asked_of(outcome: str | None, time: str | None, event: str | None) -> str:
    """The column of the outcome, or of the event. Raises Invalid for both, for neither, and for half of a lifetime."""
    if (time is None) != (event is None):
        raise Invalid("A time goes with an event: give --time and --event both, with --horizon", path="--time")
    if (outcome is None) == (event is None):
        raise Invalid("Say what came of it: --outcome, or --time and --event with --horizon", path="--outcome")
    return outcome or event or ""


def several(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def tell(read: Table, found: Findings, tongue: str) -> None:
    """The short of it: checks that fail, or the effects and the advice."""
    if read.left_out:
        typer.echo(say("effects.left_out", tongue, names=", ".join(read.left_out)))
    if read.rows_left_out:
        typer.echo(say("effects.rows_left_out", tongue, count=read.rows_left_out))
    verdict(found, tongue)


def verdict(found: Findings, tongue: str) -> None:
    """Whether the data may answer, and what they say."""
    typer.echo(say("effects.passed" if found.passed else "effects.refused", tongue))
    for one in found.checks:
        if not one.holds:
            typer.echo(f"  {say(one.key, tongue)}: {one.found:.3g} ({one.bound:.3g})")
    for contrast in found.contrasts:
        typer.echo(f"  {contrast.option}: {span(contrast.average)}; {say(f'effects.by.{contrast.effects.by}', tongue)}")
    if told := found.verdict:
        key = "effects.policy.earned" if told.earned else "effects.policy.single"
        typer.echo(say(key, tongue, worth=span(told.worth), single=span(told.single), gain=span(told.gain)))
