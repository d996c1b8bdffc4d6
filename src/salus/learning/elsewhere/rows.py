"""The rows that a model's own task makes of other data: same cohort, moments, label, features; none to learn from."""

from collections import Counter
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salus.base.errors import Invalid, Unsupported
from salus.learning.dictionary import write_json
from salus.learning.models.wide import Rows
from salus.learning.numbers import number_of
from salus.learning.run import Labels, Note, Plan, Run, TableAsk
from salus.learning.step1_collect import collect
from salus.learning.step1_collect.table import read_csv
from salus.learning.step2_prepare import event_rows, write_left_out
from salus.learning.step2_prepare.split import folds
from salus.learning.step2_prepare.table_lifetimes import table_lifetimes
from salus.learning.step2_prepare.target import REST
from salus.learning.step3_features import numbered
from salus.learning.step3_features.encode import encode_table
from salus.learning.step3_features.sequences import training_tensors
from salus.learning.step3_features.sparse import matrix_by
from salus.learning.step7_deploy import Deployed
from salus.learning.step7_deploy.facts import FILE, Facts
from salus.learning.task import Split, Task

KINDS = ("binary", "multiclass", "number", "survival")


def rows_elsewhere(deployed: Deployed, on: Path, folder: Path) -> Run:
    """A run folder with the rows of `on`, all of them to judge on. Raises Invalid, Missing, Unsupported."""
    bundle = deployed.bundle
    if bundle.labels.kind not in KINDS:
        raise Unsupported(
            f"{bundle.name} answers a question of {bundle.labels.kind}: that cannot be judged elsewhere yet"
        )
    run = Run(folder)
    write_json(folder / "plan.json", plan_of(deployed, on))
    collect(run)
    rows, left_out, notes = (
        table_rows(run, bundle.labels) if bundle.source == "table" else task_rows(run, bundle.labels)
    )
    if rows.num_rows == 0:
        why = ", ".join(f"{reason} {count}" for reason, count in left_out.most_common())
        raise Invalid(f"No row of {on.name} fits the task of {bundle.name} ({why}): is it the same question?")
    pq.write_table(whole(rows, bundle.task.split.seed), run.path("step2_prepare", "rows.parquet"))
    run.write("step2_prepare", "labels.json", bundle.labels)
    write_left_out(run, left_out)
    run.note("step2_prepare", notes)
    run.write_matrix(matrix_of(run, deployed), deployed.features)
    if deployed.series is not None:
        events = f"read_parquet('{run.needed('step1_collect', 'events.parquet')}')"
        found = training_tensors(deployed.series, duckdb.connect(), events, run.rows())
        np.save(run.path("step3_features", "series.npy"), found)
    return run


def plan_of(deployed: Deployed, on: Path) -> Plan:
    """The model's own question, put to the other data."""
    if deployed.bundle.source == "events":
        return Plan(task=deployed.task, source="events", data=str(on))
    asked = facts_of(deployed).table
    assert asked is not None  # facts of a table say what was asked of it
    header, rows, _ = read_csv(on)
    place = header.index(asked.event) if asked.event in header else None
    said = set() if place is None else {row[place].strip() for row in rows}
    ask = TableAsk(
        target=asked.target,
        subject=asked.subject,
        positive=asked.positive,
        kind=deployed.bundle.labels.kind,
        event=asked.event,
        horizon=max(deployed.bundle.labels.times, default=None),
        competing=[one for one in asked.competing if one in said],
    )
    return Plan(task=with_groups(deployed.task, header), source="table", data=str(on), table=ask)


def with_groups(task: Task, header: list[str]) -> Task:
    """The task with those of its groups that the other table tells of."""
    trust = msgspec.structs.replace(task.trust, groups=[name for name in task.trust.groups if name in header])
    split = task.split if task.split.site in header else Split(seed=task.split.seed)  # nobody is held out here
    return msgspec.structs.replace(task, trust=trust, split=split)


def facts_of(deployed: Deployed) -> Facts:
    file = deployed.folder / FILE
    if not file.is_file():
        raise Unsupported(f"{deployed.name} {deployed.version} was learned before this was kept: learn it again")
    return msgspec.json.decode(file.read_bytes(), type=Facts)


Found = tuple[pa.Table, Counter[str], list[Note]]


def task_rows(run: Run, labels: Labels) -> Found:
    """Rows of events; those of a class that the model does not know are left out."""
    rows, _, left_out = event_rows(run, run.plan.task)
    if labels.kind == "number":
        return rows, left_out, []
    known = pc.is_in(rows["label"], pa.array(labels.classes))
    left_out["no_class"] += rows.num_rows - int(pc.sum(known).as_py() or 0)
    return rows.filter(known), left_out, []


def table_rows(run: Run, labels: Labels) -> Found:
    """Rows of a table whose target says something that the model knows."""
    table, ask = pq.read_table(run.needed("step1_collect", "table.parquet")), run.plan.table
    assert ask is not None  # said by `plan_of`
    if ask.event is not None:
        lasting, _, notes = table_lifetimes(run, ask)
        at_us = pa.array([0] * lasting.num_rows, pa.int64())
        return lasting.append_column("at_us", at_us), Counter(), notes
    target = table[ask.target].to_pylist()
    answers = [answer_of(cell, labels) for cell in target]
    keep = [i for i, one in enumerate(answers) if one is not None]
    subject = table[ask.subject].to_pylist() if ask.subject else [None] * len(target)
    found = [answers[i] for i in keep]
    rows = {
        "row": pa.array(keep, pa.int64()),
        "subject_id": [f"row {i}" if subject[i] is None else subject[i] for i in keep],
        "at_us": pa.array([0] * len(keep), pa.int64()),
        "label": pa.array([one[0] for one in found if one], pa.string()),
        "value": pa.array([one[1] for one in found if one], pa.float64()),
    }
    left_out = Counter({"no_value": target.count(None), "no_class": len(target) - len(keep) - target.count(None)})
    notes = [] if ask.subject else [Note(key="note.no_subject")]
    return pa.table(rows), left_out, notes


def answer_of(cell: str | None, labels: Labels) -> tuple[str, float | None] | None:
    """(class, number) of a target's cell; None where the model knows no such answer.

    >>> answer_of("<30", Labels(kind="binary", classes=["other", "<30"])), answer_of("7.5", Labels(kind="number"))
    (('<30', None), ('', 7.5))
    """
    if cell is None:
        return None
    if labels.kind == "number":
        number = number_of(cell)
        return None if number is None else ("", number)
    if cell in labels.classes:
        return cell, None
    rest = labels.classes[0]
    return (rest, None) if labels.kind == "binary" and rest in (REST, f"not {labels.classes[1]}") else None


def whole(rows: pa.Table, seed: int) -> pa.Table:
    """Rows as the later steps want them: all to judge on, with folds of whole subjects for a recalibration."""
    subject, label = rows["subject_id"].to_pylist(), rows["label"].to_pylist()
    number = rows["row"] if "row" in rows.column_names else pa.array(range(rows.num_rows), pa.int64())
    columns = {
        name: rows[name] for name in ("subject_id", "at_us", "label", "value", "ended") if name in rows.column_names
    }
    parts = pa.array(["test"] * rows.num_rows, pa.string())
    return pa.table(
        {"row": number, **columns, "part": parts, "fold": pa.array(folds(subject, label, seed), pa.int64())}
    )


def matrix_of(run: Run, deployed: Deployed) -> Rows:
    """The model's features of every row, by its own recipe."""
    rows = run.rows()
    if deployed.bundle.source == "events":
        events = run.needed("step1_collect", "events.parquet")
        return matrix_by(deployed.recipe, events, numbered(rows), deployed.bundle.wide)
    table = pq.read_table(run.needed("step1_collect", "table.parquet")).take(rows["row"])
    return encode_table(deployed.recipe, table)
