"""`salus demo`: from nothing to a suggestion on a chart. Each step is done once; the next start goes on from there."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from salus.analytics.events import Follower
from salus.assistants.cases.casebook import library_of
from salus.assistants.recommend import learning
from salus.assistants.recommend.services import SERVICES, SUITED
from salus.base.errors import Invalid
from salus.base.settings import Settings, settings
from salus.base.words import words_of
from salus.cli.city import showcase
from salus.cli.serve import check_free, open_doors
from salus.demo import family, today
from salus.demo.cases import composed
from salus.demo.city import make
from salus.exchange import take_in
from salus.learning.effects.answering import answer_task
from salus.learning.effects.declared import read_effect_task
from salus.learning.learn import learn_task
from salus.learning.ranking.learning import learn_ranking
from salus.learning.task import read_task
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

TASKS = ("diabetes-12m", "acute-differential", "medicines", "no-show")
EFFECTS = ("rosuvastatin", "vitamin-e", "empagliflozin", "diuretic")  # treatments whose effect is known
Share = Callable[[float], None]  # told how much of a step is done, 0 to 1
say = words_of("salus.cli")


def demo(
    folder: Annotated[Path, typer.Option(help="Where everything is kept. 存放位置")] = Path("var/demo"),
    people: Annotated[int, typer.Option(help="How many people. 人数")] = 2000,
    years: Annotated[int, typer.Option(help="Over how many years. 年数")] = 5,
    port: Annotated[int | None, typer.Option(help="On which port. 端口")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew: what the folder holds is lost. 重新开始")] = False,
    serve: Annotated[bool, typer.Option(help="Open the doors when all is made. 完成后启动服务")] = True,
) -> None:
    """Make a synthetic city, learn from it, and open the doors. 合成城市演示"""
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    of = settings(folder=folder, demo=True, port=port, language=language)
    if serve:
        check_free(of)
    prepare(of, people, years)
    console = Console()
    console.print(say("demo.look", of.language))
    console.print(showcase(of.language))
    console.print(say("demo.token", of.language, folder=folder), soft_wrap=True, highlight=False)
    if serve:
        open_doors(of)


def prepare(of: Settings, people: int, years: int) -> None:
    """Do the steps that have no mark yet, with a bar each."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    marks = of.folder / "done"
    marks.mkdir(exist_ok=True)
    with Progress(*columns, console=Console(stderr=True)) as bars:
        for name, words, step in steps(of, people, years):
            task = bars.add_task(words, total=1.0)
            if not (marks / name).exists():
                step(partial(told, bars, task))
                (marks / name).touch()
            bars.update(task, completed=1.0)


def told(bars: Progress, task: TaskID, share: float) -> None:
    bars.update(task, completed=share)


def steps(of: Settings, people: int, years: int) -> list[tuple[str, str, Callable[[Share], object]]]:
    """name, words for the bar, and what to do."""
    city = of.folder / "city"

    def take(share: Share) -> None:
        with Store(of.store) as store:
            records = store.open(SYSTEM, Purpose.OPERATIONS)
            take_in(records, city, parts(share))

    def follow(_: Share) -> None:
        with Store(of.store) as store:
            Follower(store, of.events).catch_up()

    def suit(_: Share) -> None:
        with Store(of.store) as store:
            house = learning.people(store.open(SYSTEM, Purpose.OPERATIONS))
        if len(house.bookings) >= learning.FEWEST:  # a hamlet has nothing to learn from
            learning.learn(house).save(of.folder / SERVICES / SUITED)

    def live_today(_: Share) -> None:
        with Store(of.store) as store:
            today.live(store, of)
            family.settle(store)

    def learn(name: str) -> Callable[[Share], object]:
        task = read_task(Path(str(files("salus.demo") / "tasks" / f"{name}.toml")))

        def learned(tell: Share) -> object:
            def show(stage: str, share: float, **slots: str) -> None:
                tell(share)

            way = learn_ranking if task.kind == "ranking" else learn_task
            return way(task, of.events, of.registry, secret=of.secret, progress=show)

        return learned

    def weigh(name: str) -> Callable[[Share], object]:
        task = read_effect_task(Path(str(files("salus.demo") / "effects" / f"{name}.toml")))

        def weighed(tell: Share) -> None:
            with suppress(Invalid):  # in a hamlet too few were given anything
                answer_task(
                    task, of.events, of.registry, secret=of.secret, progress=lambda stage, share, **slots: tell(share)
                )

        return weighed

    return [
        ("city", say("demo.city", of.language), lambda share: make(city, people, years, on_progress=parts(share))),
        ("import", say("demo.import", of.language), take),
        ("events", say("demo.events", of.language), follow),
        ("cases", say("demo.cases", of.language), lambda _: library_of(of.store).add(composed())),
        ("services", say("demo.learn", of.language, task="services"), suit),
        *((name, say("demo.learn", of.language, task=name), learn(name)) for name in TASKS),
        *((name, say("demo.learn", of.language, task=name), weigh(name)) for name in EFFECTS),
        ("today", say("demo.today", of.language), live_today),
    ]


def parts(share: Share) -> Callable[[int, int], None]:
    return lambda done, total: share(done / max(total, 1))
