"""`salus models retrain`: learn a deployed question anew when it is time to, for a person or for cron."""

from getpass import getuser
from pathlib import Path
from typing import Annotated, cast

import typer

from salus.base.errors import Invalid, Missing
from salus.base.settings import Settings, settings
from salus.base.words import words_of
from salus.learning.retrain import Compared, Rule, older_than, retrain
from salus.learning.step5_evaluate.telling import span_text
from salus.learning.step7_deploy import Deployed, Registry

say = words_of("salus.learning")


def again(
    name: Annotated[str, typer.Argument(help="The model. 模型名称")],
    when: Annotated[
        list[str] | None, typer.Option("--if", help='"drift", "older-than 90d": any of them; else always. 条件')
    ] = None,
    rule: Annotated[str, typer.Option(help="Promote when: better, not-worse. 启用条件")] = "better",
    data: Annotated[Path | None, typer.Option(help="Of a table: the CSV file of today. 表文件")] = None,
    events: Annotated[Path | None, typer.Option(help="The folder of events. 事件文件夹")] = None,
    store: Annotated[str | None, typer.Option(help="The store to bring events from. 数据库")] = None,
    registry: Annotated[Path | None, typer.Option(help="Where models are kept. 模型库")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Learn anew, and promote only what held-out people say is better. 重新训练"""
    told = settings(store=store, registry=registry, events=events, language=language)
    if rule not in ("better", "not-worse"):
        raise Invalid(f"'{rule}' is no rule: better, or not-worse", path="--rule")
    kept = Registry(told.registry, told.secret)
    old = kept.load(name, kept.wanted(name, None))
    if when and not any(is_so(one, old, kept, told) for one in when):
        typer.echo(say("retrain.not_due", told.language, name=name, version=old.version, when=", ".join(when)))
        return
    place = data_of(old, data, events, told)
    made = retrain(kept, name, place, told.registry.parent / "runs", by=getuser(), rule=cast(Rule, rule))
    for line in lines(made, name, told.language):
        typer.echo(line)


def is_so(wanted: str, old: Deployed, kept: Registry, told: Settings) -> bool:
    """Whether a condition holds. Raises Invalid for one that nobody knows."""
    if wanted.strip() == "drift":
        return has_drifted(old, told)
    found = older_than(wanted, old)
    if found is None:
        raise Invalid(f"'{wanted}' is no condition: drift, or older-than 90d", path="--if")
    return found


def has_drifted(old: Deployed, told: Settings) -> bool:
    """Whether one of the last four weeks of use calls for a look."""
    from salus.assistants.bedside import SELF  # the store is opened only for this
    from salus.assistants.watch import watched
    from salus.privacy import Purpose
    from salus.records import Store

    with Store(told.store) as store:
        found = watched(store.open(SELF, Purpose.OPERATIONS), old, seconds=600)
    if found is None:
        return False
    weeks = [week["alarm"] for week in found["weeks"][-4:]]
    return any(weeks) or any(one["alarm"] for one in found["features"])


def data_of(old: Deployed, data: Path | None, events: Path | None, told: Settings) -> Path:
    """What to learn from: the table that is named, or the events, brought up to now from the store unless named."""
    if old.bundle.source == "table":
        if data is None:
            raise Missing(f"{old.name} was learned from a table: name today's with --data", path="--data")
        return data
    if events is None:
        from salus.cli.learn import bring_events

        bring_events(told)
    return told.events


def lines(made: Compared, name: str, language: str) -> list[str]:
    """What came of it."""
    said = [say("retrain.learned", language, name=name, version=made.after)]
    if made.found is not None:
        slots = {"rows": made.found.rows, "people": made.found.subjects, "before": made.before}
        said.append(say("retrain.compared", language, difference=span_text(made.found.difference), **slots))
    if made.found is not None and made.found.earlier:
        said.append(say("retrain.earlier", language, before=made.before))
    key = "retrain.promoted" if made.promoted else f"retrain.{made.why}"
    return [*said, say(key, language, name=name, version=made.after, before=made.before)]
