"""The two ways in: a table and a target, or a task and a folder of events. One call runs all seven steps."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from salus.base import clock
from salus.base.errors import Invalid, SalusError
from salus.learning.dictionary import write_json
from salus.learning.rotation import rotate
from salus.learning.run import Plan, Progress, Run, TableAsk, silent
from salus.learning.step1_collect import collect
from salus.learning.step2_prepare import prepare
from salus.learning.step3_features import features
from salus.learning.step3_features.engines import engine_named
from salus.learning.step4_train import train
from salus.learning.step5_evaluate import evaluate
from salus.learning.step6_optimise import optimise
from salus.learning.step7_deploy.deploy import deploy
from salus.learning.step7_deploy.registry import Registry
from salus.learning.task import Budget, Features, Label, Models, Split, Strict, Task, Text, Trust, Weights, When

# each step, and the share of the whole that is done when it ends, for the progress bar
STAGES = (
    ("step1_collect", collect, 0.05),
    ("step2_prepare", prepare, 0.1),
    ("step3_features", features, 0.2),
    ("step4_train", train, 0.45),
    ("step6_optimise", optimise, 0.8),
    ("folds", rotate, 0.9),
    ("step5_evaluate", evaluate, 0.97),
)


@dataclass(frozen=True)
class Learned:
    """Where the run lies, the version that came of it, and whether that is the one asked now."""

    run: Path
    name: str
    version: str
    promoted: bool


class Made(Strict):
    """deployed.json of step 7."""

    name: str
    version: str
    promoted: bool


def learn_task(
    task: Task,
    events: Path,
    registry: Path,
    *,
    runs: Path | None = None,
    engine: str = "numpy",
    promote: bool = True,
    secret: bytes | None = None,
    progress: Progress = silent,
) -> Learned:
    """All seven steps for a task over the events in a folder (`**/*.parquet`). Raises Invalid, Missing, Unsupported.

    `engine`: who makes the features: numpy, duckdb or spark.
    """
    if task.kind == "ranking":
        raise Invalid("A ranking is learned by learning.ranking.learn_ranking", path="kind")
    plan = Plan(task=task, source="events", data=str(events), engine=engine_named(engine))
    return learn(plan, Registry(registry, secret), runs or registry.parent / "runs", promote, progress)


def learn_table(
    csv: Path,
    target: str,
    registry: Path,
    *,
    subject: str | None = None,
    positive: str | None = None,
    event: str | None = None,
    horizon: float | None = None,
    competing: list[str] | None = None,
    drop: list[str] | None = None,
    order: str | None = None,
    test: Path | None = None,
    name: str | None = None,
    families: list[str] | None = None,
    stack: bool = False,
    weights: Weights = "none",
    budget: Budget | None = None,
    split: Split | None = None,
    trust: Trust | None = None,
    features: Features | None = None,
    runs: Path | None = None,
    promote: bool = True,
    secret: bytes | None = None,
    progress: Progress = silent,
) -> Learned:
    """All seven steps for a CSV file: foretell `target`; subjects held out. Raises Invalid, Missing, Malformed.

    With `event`, `target` says how long each row was followed, and the question is when the event comes.
    """
    if test is not None and split is not None and split.folds:
        raise Invalid(
            "With a file to judge on, nobody is held out in turn: leave out --folds or --test", path="--folds"
        )
    if horizon is not None and horizon <= 0:
        raise Invalid(f"A horizon of {horizon:g} is none: give a time above 0", path="--horizon")
    ask = TableAsk(
        target=target,
        subject=subject,
        positive=positive,
        test=str(test) if test else None,
        event=event,
        horizon=horizon,
        competing=competing or [],
        drop=drop or [],
        order=order,
    )
    task = Task(
        name=name or re.sub(r"[^\w-]+", "-", f"{csv.name.split('.')[0]}-{target}")[:80],
        kind="survival" if event else "binary",  # else step 2 looks at the column and says which, in labels.json
        question=asked_of(target, event),
        label=Label(codes=[event], within_days=horizon or 0) if event else Label(),
        when=When(events=["*"]),
        models=Models(families=families or [], stack=stack, weights=weights),
        budget=budget or Budget(),
        split=split or Split(),
        trust=trust or Trust(),
        features=features or Features(),
    )
    plan = Plan(task=task, source="table", data=str(csv), table=ask)
    return learn(plan, Registry(registry, secret), runs or registry.parent / "runs", promote, progress)


def asked_of(target: str, event: str | None) -> Text:
    """The question that a column stands for."""
    if event is None:
        return {"en": f"What is {target}?", "zh": f"{target} 是什么？"}
    return {"en": f"When does {event} come ({target})?", "zh": f"{event} 何时发生（{target}）？"}


def learn(plan: Plan, registry: Registry, runs: Path, promote: bool, progress: Progress) -> Learned:
    """Run the steps one after the other over a new run folder."""
    run = Run(new_folder(runs, plan.task.name))
    write_json(run.folder / "plan.json", plan)
    try:
        return go_on(run, registry, promote, progress)
    except SalusError as error:
        refused(run, error)
        raise


def refused(run: Run, error: SalusError) -> None:
    """Nothing is left of a run that was refused before anything was learned; of a later one, with the reason in it."""
    if "step3_features" in run.finished:
        write_json(run.folder / "refused.json", [issue.text for issue in error.issues])
        return
    shutil.rmtree(run.folder)


def resume(
    folder: Path, registry: Path, *, promote: bool = True, secret: bytes | None = None, progress: Progress = silent
) -> Learned:
    """Go on with a run that was broken off, after the last step that ended. Raises Missing, Invalid."""
    return go_on(Run(folder), Registry(registry, secret), promote, progress)


def go_on(run: Run, registry: Registry, promote: bool, progress: Progress) -> Learned:
    """The steps that have not ended yet, and the version that came of the run."""
    name, start = run.plan.task.name, 0.0
    for step, stage, end in STAGES:
        if step not in run.finished:
            stage(run, between(start, end, progress))
            run.finish(step)
        start = end
    if "step7_deploy" not in run.finished:
        deploy(run, registry, promote, between(start, 1.0, progress))
        run.finish("step7_deploy")
    progress("done", 1.0)
    version, current = run.read("step7_deploy", "deployed.json", Made).version, registry.current(name)
    return Learned(run.folder, name, version, current is not None and current.version == version)


def between(start: float, end: float, progress: Progress) -> Progress:
    """The progress of one step as a part of the whole."""

    def part(stage: str, share: float, **slots: str) -> None:
        progress(stage, start + (end - start) * share, **slots)

    return part


def new_folder(runs: Path, name: str) -> Path:
    """A folder that was not there before, named by task and time."""
    stamp = clock.now().strftime("%Y%m%d-%H%M%S")
    for tail in ["", *(f"-{i}" for i in range(2, 1000))]:
        folder = runs / f"{name}-{stamp}{tail}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(runs / name)
