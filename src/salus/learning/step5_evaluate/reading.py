"""What a report says, as data: report.json. The pages only put it into words."""

import csv

import msgspec

from salus.learning.dictionary import TEXTUAL
from salus.learning.run import Note, Run
from salus.learning.step1_collect.history import label_of
from salus.learning.step5_evaluate.baselines import Points, Rule
from salus.learning.step5_evaluate.bootstrap import Figure
from salus.learning.step5_evaluate.figures import Evaluation, Rotation
from salus.learning.step5_evaluate.probes import Probe
from salus.learning.step6_optimise.chosen import Chosen
from salus.learning.task import Budget, Split, Strict, Text


class Reading(Strict):
    """Everything a reader needs to judge a model: held-out figures, and how they came about."""

    name: str
    question: Text
    data: str
    source: str
    positive: str
    evaluation: Evaluation
    importance: list[tuple[Text, float]]
    points: list[tuple[str, list[Rule]]]
    notes: list[Note]
    left_out: list[tuple[str, int]]
    params: dict[str, float]
    budget: Budget
    split: Split
    given_test: bool
    trials: int
    probes: list[Probe] = msgspec.field(default_factory=list)
    permuted: list[tuple[Text, Figure]] = msgspec.field(default_factory=list)
    rotation: Rotation | None = None
    call: str = "f1"


def rotation_of(run: Run) -> Rotation | None:
    """How the folds were judged, where the task asked for them."""
    if not run.plan.task.split.folds:
        return None
    return run.read("step5_evaluate", "rotation.json", Rotation)


def reading_of(run: Run, found: Evaluation, points: Points | None, importance: dict[str, float]) -> Reading:
    """The reading of a run."""
    plan = run.plan
    foretold = found.classes[1:] if found.kind in ("binary", "survival") else found.classes
    return Reading(
        name=plan.task.name,
        question=plan.task.question,
        data=plan.data.rsplit("/", 1)[-1],
        source=plan.source,
        positive=found.classes[-1] if found.kind == "binary" else "",
        evaluation=found,
        importance=named(run, importance),
        points=list(zip(foretold, points.rules, strict=True)) if points else [],
        notes=run.notes(),
        left_out=left_out_of(run),
        params=run.read("step6_optimise", "chosen.json", Chosen).params,
        budget=plan.task.budget,
        split=plan.task.split,
        given_test=plan.table is not None and plan.table.test is not None,
        trials=run.needed("step6_optimise", "trials.csv").read_text("utf-8").count("\n") - 1,
        probes=run.read("step5_evaluate", "probes.json", list[Probe]),
        permuted=shuffled_of(run),
        rotation=rotation_of(run),
        call=plan.task.models.call,
    )


def named(run: Run, importance: dict[str, float]) -> list[tuple[Text, float]]:
    """Importance by what people call the thing; of a table, the column's name."""
    labels = labels_of(run)
    return [(labels[source], size) for source, size in importance.items() if size > 0]


def labels_of(run: Run) -> dict[str, Text]:
    """Source -> what people call it; of a table, the column's name."""
    with run.needed("step3_features", "dictionary.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    table = run.plan.source == "table"
    plain = {row["source"] for row in rows if table and row["value"] not in TEXTUAL}
    labels = {row["source"]: {"en": row["en"], "zh": row["zh"]} for row in rows}
    return labels | {source: label_of(source) for source in plain}


def shuffled_of(run: Run) -> list[tuple[Text, Figure]]:
    """What shuffling a thing costs, by what people call it."""
    found, labels = run.read("step5_evaluate", "permuted.json", dict[str, Figure]), labels_of(run)
    return [(labels[source], figure) for source, figure in found.items() if source in labels]


def left_out_of(run: Run) -> list[tuple[str, int]]:
    """(reason, rows) of step 2."""
    with run.needed("step2_prepare", "left_out.csv").open(newline="", encoding="utf-8") as file:
        return [(row["reason"], int(row["rows"])) for row in csv.DictReader(file) if int(row["rows"])]
