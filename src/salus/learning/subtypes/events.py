"""A task's people and features as a table, made by the first three steps of learning: one row a person, the first time
that the task asks. The answer to its question stands in the column `label` and takes no part in the grouping."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from salus.base.errors import Unsupported
from salus.learning.dictionary import write_json
from salus.learning.run import Plan, Run
from salus.learning.step1_collect import collect
from salus.learning.step2_prepare import prepare
from salus.learning.step3_features import features
from salus.learning.subtypes.people import Matrix
from salus.learning.task import Task

SUBJECT, LABEL = "subject_id", "label"


def write_features(task: Task, events: Path, path: Path, language: str) -> None:
    """Write the table of a task over a folder of events, columns called as people call them.

    Raises Missing, Invalid as the steps do; Unsupported where the task asks for very many features.
    """
    with TemporaryDirectory() as folder:
        run = Run(Path(folder))
        write_json(run.folder / "plan.json", Plan(task=task, source="events", data=str(events)))
        for step in (collect, prepare, features):
            step(run)
        if run.is_wide:
            raise Unsupported("The task makes more features than subtypes can be described by: name its codes")
        write_rows(run, path, language)


def write_rows(run: Run, path: Path, language: str) -> None:
    rows, matrix = run.rows(), run.matrix()
    subject, at = np.array(rows[SUBJECT].to_pylist()), rows["at_us"].to_numpy()
    order = np.lexsort((at, subject))
    first = order[np.append(True, subject[order][1:] != subject[order][:-1])]
    labels = rows["label"].to_pylist()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow((SUBJECT, *column_names(run, language), LABEL))
        lines.writerows((subject[row], *map(cell, np.asarray(matrix[row])), labels[row]) for row in first)


def column_names(run: Run, language: str) -> list[str]:
    """What people call each feature; its own name where two are called alike."""
    with run.needed("step3_features", "dictionary.csv").open(newline="", encoding="utf-8") as file:
        told = [(row[language], row["name"]) for row in csv.DictReader(file)]
    called = [label for label, _ in told]
    return [label if called.count(label) == 1 and label not in (SUBJECT, LABEL) else name for label, name in told]


def cell(value: Matrix) -> str:
    return "" if np.isnan(value) else f"{float(value):.9g}"
