"""`salus learn`: from a table, or from a task over the records, to a report and a deployed model, in one command."""

from pathlib import Path
from typing import Annotated, get_args

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from salus.base.errors import Invalid
from salus.base.settings import Settings, settings
from salus.base.words import words_of
from salus.learning.learn import Learned, learn_table, learn_task
from salus.learning.learn import resume as go_on_with
from salus.learning.ranking.judging import Figures
from salus.learning.ranking.learning import learn_ranking
from salus.learning.run import Run
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step5_evaluate.probes import Probe
from salus.learning.step5_evaluate.reading import rotation_of
from salus.learning.step5_evaluate.report import HEADLINE, figure_text, rotation_words
from salus.learning.step5_evaluate.telling import barred_words, probe_words
from salus.learning.task import MOST_FOLDS, YAML, Budget, Features, Split, Trust, Weights, read_task

say = words_of("salus.learning")


def learn(
    what: Annotated[
        Path | None,
        typer.Argument(help="A table (data.csv) or a task (.toml, or .yaml of ACES). 表格或任务文件"),
    ] = None,
    target: Annotated[str | None, typer.Option(help="Table: the column to foretell. 目标列")] = None,
    subject: Annotated[str | None, typer.Option(help="Table: the column that says whose row it is. 受试者列")] = None,
    positive: Annotated[str | None, typer.Option(help="Table: the value that counts as yes. 视为“是”的值")] = None,
    event: Annotated[
        str | None, typer.Option(help="Table: the column that says whether the event ended the time. 结局列")
    ] = None,
    horizon: Annotated[float | None, typer.Option(help="Table: up to when, in the target's unit. 时限")] = None,
    competing: Annotated[
        str | None, typer.Option(help="Table: event values that make the event impossible. 竞争结局")
    ] = None,
    drop: Annotated[str | None, typer.Option(help="Table: columns not to learn from. 不用的列")] = None,
    order: Annotated[
        str | None, typer.Option(help="Table: the column that orders a subject's rows; earlier rows speak too. 先后列")
    ] = None,
    test: Annotated[Path | None, typer.Option(help="Table: another file to judge on. 测试文件")] = None,
    name: Annotated[str | None, typer.Option(help="Table: what to call the model. 模型名称")] = None,
    families: Annotated[str | None, typer.Option(help="Table: logistic,tree,forest,svm,lightgbm,cox. 模型种类")] = None,
    stack: Annotated[bool, typer.Option(help="Table: let several families answer together. 堆叠")] = False,
    weights: Annotated[str, typer.Option(help="Table: none, balanced or tuned. 类别权重")] = "none",
    budget: Annotated[float, typer.Option(help="Table: seconds for tuning. 调参秒数")] = 60,
    trials: Annotated[int, typer.Option(help="Table: most trials a family. 每类最多次数")] = 20,
    seed: Annotated[int, typer.Option(help="Table: which subjects are held out. 随机种子")] = 7,
    folds: Annotated[int, typer.Option(help="Table: hold everyone out once, in so many folds. 轮流留出的折数")] = 0,
    changeable: Annotated[
        str | None, typer.Option(help="Table: columns that may be imagined otherwise. 可设想改变的列")
    ] = None,
    groups: Annotated[
        str | None, typer.Option(help="Table: columns that tell people apart, beside sex and age. 人群列")
    ] = None,
    events: Annotated[Path | None, typer.Option(help="Task: the folder of events. 事件文件夹")] = None,
    store: Annotated[str | None, typer.Option(help="Task: the store to bring events from. 数据库文件")] = None,
    engine: Annotated[str, typer.Option(help="Task: who makes features: numpy, duckdb, spark. 计算引擎")] = "numpy",
    resume: Annotated[Path | None, typer.Option(help="Go on with a run that was broken off. 续跑")] = None,
    registry: Annotated[Path | None, typer.Option(help="Where models are kept. 模型库")] = None,
    promote: Annotated[bool, typer.Option(help="Let the new version be asked at once. 立即启用")] = True,
    language: Annotated[str | None, typer.Option(help="en or zh. 语言")] = None,
) -> None:
    """Learn a model and judge it on people it never saw. 训练并评估模型"""
    told = settings(store=store, registry=registry, events=events, language=language)
    runs = told.registry.parent / "runs"
    if (what is None) == (resume is None):
        raise Invalid(say("cli.nothing_to_learn", told.language))
    is_task = what is not None and what.suffix in (".toml", *YAML)
    if what is not None and not is_task and target is None:
        raise Invalid(say("cli.no_target", told.language, name=what.name), path="--target")
    console = Console(stderr=True)
    with bar(console) as progress:
        task_id = progress.add_task(say("stage.step1", told.language), total=1.0)

        def show(stage: str, share: float, **slots: str) -> None:
            progress.update(task_id, completed=share, description=say(f"stage.{stage}", told.language, **slots))

        if what is None:
            learned = go_on_with(Path(str(resume)), told.registry, promote=promote, secret=told.secret, progress=show)
        elif is_task:
            if events is None:
                bring_events(told)
            task = read_task(what)
            learned = (learn_ranking if task.kind == "ranking" else learn_task)(
                task,
                told.events,
                told.registry,
                runs=runs,
                engine=engine,
                promote=promote,
                secret=told.secret,
                progress=show,
            )
        else:
            learned = learn_table(
                what,
                str(target),
                told.registry,
                subject=subject,
                positive=positive,
                event=event,
                horizon=horizon,
                competing=names_of(competing),
                drop=names_of(drop),
                order=order,
                test=test,
                name=name,
                families=names_of(families) or None,
                stack=stack,
                weights=weights_named(weights),
                budget=Budget(seconds=budget, trials=trials),
                split=Split(seed=seed, folds=folds_named(folds)),
                trust=Trust(groups=names_of(groups)),
                features=Features(changeable=names_of(changeable)),
                runs=runs,
                promote=promote,
                secret=told.secret,
                progress=show,
            )
    conclude(learned, told.language, console)


def folds_named(count: int) -> int:
    """In how many folds everyone is held out. Raises Invalid."""
    if count not in (0, *range(2, MOST_FOLDS + 1)):
        raise Invalid(f"{count} folds: give 2 to {MOST_FOLDS}, or 0 for none", path="--folds")
    return count


def weights_named(text: str) -> Weights:
    """How classes are weighted. Raises Invalid for another word."""
    known: dict[str, Weights] = {one: one for one in get_args(Weights)}
    if text not in known:
        raise Invalid(f"'{text}' is no way to weight classes: take one of {', '.join(known)}", path="--weights")
    return known[text]


def names_of(text: str | None) -> list[str]:
    """Names between commas.

    >>> names_of("race, ward"), names_of(None)
    (['race', 'ward'], [])
    """
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=console
    )


def bring_events(told: Settings) -> None:
    """Let the events follow the store up to now."""
    from salus.analytics.events import Follower  # the store is opened only for a task that needs it
    from salus.records import Store

    with Store(told.store) as opened:
        Follower(opened, told.events).catch_up()


def conclude(learned: Learned, language: str, console: Console) -> None:
    """What a person should know first: warnings on stderr; figures, report and version on stdout."""
    run = Run(learned.run)
    for note in run.notes():
        console.print(say(note.key, language, **note.slots), markup=False, highlight=False, soft_wrap=True)
    if (made := run.folder / "ranking.json").exists():
        conclude_ranking(msgspec.json.decode(made.read_bytes(), type=Figures), learned, language)
        return
    found = run.read("step5_evaluate", "figures.json", Evaluation)
    measure = HEADLINE[found.kind]
    lines = [
        say("report.held_out", language, **spans(found)),
        f"{say(f'measure.{measure}', language)}: {figure_text(found.chosen[measure])}",
        *(f"  {say(f'baseline.{name}', language)}: {figure_text(f[measure])}" for name, f in found.baselines.items()),
        *rotation_words(rotation_of(run), found.kind, lambda key, **slots: say(key, language, **slots)),
        say("cli.report", language, path=learned.run / f"report.{language}.html"),
        *probe_words(run.read("step5_evaluate", "probes.json", list[Probe]), lambda key, **s: say(key, language, **s)),
        *barred_words(found.gaps, lambda key, **slots: say(key, language, **slots)),
        say(
            "cli.promoted" if learned.promoted else "cli.waiting", language, name=learned.name, version=learned.version
        ),
    ]
    for line in lines:
        typer.echo(line)


def conclude_ranking(found: Figures, learned: Learned, language: str) -> None:
    """The figures of a ranking, beside those of what costs nothing; what it is not; its card and version."""
    told = words_of("salus.learning.ranking")
    typer.echo(told("cli.judged", language, visits=found.visits, people=found.people))
    for name, one in found.methods.items():
        slots = {"f1": figure_text(one.f1), "jaccard": figure_text(one.jaccard)}
        typer.echo(told("cli.method", language, method=told(f"method.{name}", language), **slots))
    typer.echo(told("cli.behaviour", language))
    typer.echo(say("cli.report", language, path=learned.run / f"card.{language}.md"))
    key = "cli.promoted" if learned.promoted else "cli.waiting"
    typer.echo(say(key, language, name=learned.name, version=learned.version))


def spans(found: Evaluation) -> dict[str, int]:
    names = ("rows", "subjects", "training_rows", "training_subjects")
    return {name: getattr(found, name) for name in names}
