"""Prepare: rows with their labels, who is held out, and why others were left out."""

import csv
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salus.base.errors import Invalid
from salus.base.words import words_of
from salus.learning.people import latest_codes
from salus.learning.run import Labels, Progress, Run, silent
from salus.learning.step1_collect.table import asked
from salus.learning.step2_prepare.cohort import moment_span, rows_of
from salus.learning.step2_prepare.lifetimes import followed_notes, labels_for
from salus.learning.step2_prepare.split import by_site, folds, parts
from salus.learning.step2_prepare.table_lifetimes import table_lifetimes
from salus.learning.step2_prepare.target import table_labels
from salus.learning.task import Task

FEWEST_SUBJECTS = 8  # of a class, in all: with fewer nothing can be learned and checked


def prepare(run: Run, progress: Progress = silent) -> None:
    """Write rows.parquet (row, subject_id, at_us, label, value, part, fold), labels.json, left_out.csv."""
    progress("step2", 0.0)
    plan = run.plan
    if plan.source == "table":
        ask = asked(plan)
        rows, labels, notes = table_lifetimes(run, ask) if ask.event else table_labels(run, ask)
        rows, left_out = rows.append_column("at_us", pa.array([0] * rows.num_rows, pa.int64())), Counter[str]()
    else:
        rows, labels, left_out = event_rows(run, plan.task)
        notes = []
    rows, labels = without_rare_classes(rows, labels, left_out)
    rows = with_parts(rows, plan.task, sites_of(run, rows) if plan.task.split.by == "site" else None)
    check_parts(rows, labels)
    pq.write_table(rows, run.path("step2_prepare", "rows.parquet"))
    run.write("step2_prepare", "labels.json", labels)
    write_left_out(run, left_out)
    if labels.kind == "survival":
        notes += followed_notes(rows["ended"].to_pylist(), labels)
    run.note("step2_prepare", notes)


def event_rows(run: Run, task: Task) -> tuple[pa.Table, Labels, Counter[str]]:
    """The rows of a task over events."""
    if task.aces is not None:
        return cohort_rows(run, task)
    found, left_out = rows_of(run, task)
    if not found:
        say = words_of("salus.learning")
        reasons = [f"{say(f'left_out.{reason}', 'en')} {count}" for reason, count in left_out.most_common()]
        why = ", ".join(reasons) or "no prediction time at all"
        raise Invalid(f"No row is left for the task '{task.name}' ({why}): loosen cohort, when or label")
    rows = pa.table(
        {
            "subject_id": [row.subject for row in found],
            "at_us": pa.array([row.at_us for row in found], pa.int64()),
            "label": [row.label for row in found],
            "value": pa.array([row.value for row in found], pa.float64()),
            "given_part": pa.array([""] * len(found), pa.string()),
            "ended": pa.array([row.ended for row in found], pa.string()),
        }
    )
    if task.kind == "survival":
        return rows, labels_for(task.label.within_days, "days"), left_out
    classes = {"binary": ["no", "yes"], "number": []}.get(task.kind) or sorted(set(rows["label"].to_pylist()))
    return rows, Labels(kind=task.kind, classes=[] if task.kind == "number" else classes), left_out


def cohort_rows(run: Run, task: Task) -> tuple[pa.Table, Labels, Counter[str]]:
    """The rows of an ACES file, as step 1 found them; `known_us`: when each label was known."""
    found = pq.read_table(run.needed("step1_collect", "cohort.parquet"))
    with run.needed("step1_collect", "left.csv").open(encoding="utf-8") as file:
        left = [(name, int(count)) for name, count in list(csv.reader(file))[1:]]
    if not found.num_rows:
        why = ", ".join(f"{name} {count}" for name, count in left)
        raise Invalid(f"No row is left for the task '{task.name}' (rows left after {why}): loosen its windows")
    rows = pa.table(
        {
            "subject_id": found["subject_id"],
            "at_us": found["prediction_time"].cast(pa.int64()),
            "label": pc.if_else(found["boolean_value"], "yes", "no"),
            "value": pa.nulls(found.num_rows, pa.float64()),
            "given_part": pa.array([""] * found.num_rows, pa.string()),
            "known_us": found["known_us"],
        }
    )
    return rows, Labels(kind="binary", classes=["no", "yes"]), Counter({"window": left[0][1] - found.num_rows})


def without_rare_classes(rows: pa.Table, labels: Labels, left_out: Counter[str]) -> tuple[pa.Table, Labels]:
    """Leave out the rows of classes that too few subjects have; refuse when fewer than two classes remain."""
    if labels.kind == "number":
        return rows, labels
    if labels.kind == "survival":
        check_events(rows)
        return rows, labels
    pairs = set(zip(rows["subject_id"].to_pylist(), rows["label"].to_pylist(), strict=True))
    have = Counter(label for _, label in pairs)
    kept = [name for name in labels.classes if have[name] >= FEWEST_SUBJECTS]
    if len(kept) < 2:
        counts = ", ".join(f"{name}: {have[name]}" for name in labels.classes)
        raise Invalid(
            f"Only {len(kept)} class has {FEWEST_SUBJECTS} subjects or more ({counts}): "
            "give more data, or another target"
        )
    keep = pc.is_in(rows["label"], pa.array(kept))
    left_out["rare_class"] += rows.num_rows - pc.sum(keep.cast(pa.int64())).as_py()
    return rows.filter(keep), Labels(kind=labels.kind, classes=kept)


def check_events(rows: pa.Table) -> None:
    """Refuse what too few subjects had."""
    had = len(set(rows.filter(pc.equal(rows["label"], "yes"))["subject_id"].to_pylist()))
    if had < FEWEST_SUBJECTS:
        raise Invalid(
            f"Only {had} subjects had the event within the horizon, and {FEWEST_SUBJECTS} are needed: "
            "give more data, a longer horizon, or another event"
        )


def with_parts(rows: pa.Table, task: Task, site: Sequence[str | None] | None = None) -> pa.Table:
    """Add part and fold; rows in neither part go. `site`: of each row, where whole sites are held out."""
    subject, label = rows["subject_id"].to_pylist(), rows["label"].to_pylist()
    part = rows["given_part"].to_pylist()
    if "test" not in part and site is not None:
        part = by_site(site, subject, task.split.test, task.split.seed)
    elif "test" not in part:
        part = parts(task.split, subject, label, rows["at_us"].to_numpy(), known_us(rows, task))
    number = rows["row"] if "row" in rows.column_names else pa.array(range(rows.num_rows), pa.int64())
    made = pa.table(
        {
            "row": number,
            "subject_id": rows["subject_id"],
            "at_us": rows["at_us"],
            "label": rows["label"],
            "value": rows["value"],
            "part": pa.array(part, pa.string()),
            "fold": pa.array(folds(subject, label, task.split.seed), pa.int64()),
            **({"ended": rows["ended"]} if "ended" in rows.column_names else {}),
        }
    )
    return made.filter(pc.not_equal(made["part"], ""))


def sites_of(run: Run, rows: pa.Table) -> list[str | None]:
    """The site of each row: its cell, or the latest code of the pattern at the prediction time."""
    site = run.plan.task.split.site
    if run.plan.source == "table":
        cells = pq.read_table(run.needed("step1_collect", "table.parquet"), columns=[site])[site]
        return list(cells.take(rows["row"]).to_pylist())
    columns = ["subject_id", "time", "code"]
    events = pq.read_table(run.needed("step1_collect", "events.parquet"), columns=columns)
    return latest_codes(events, site, rows["subject_id"].to_pylist(), rows["at_us"].to_pylist())


def known_us(rows: pa.Table, task: Task) -> npt.NDArray[np.int64]:
    """When each row's label was known."""
    if "known_us" in rows.column_names:
        return np.asarray(rows["known_us"])
    return np.asarray(rows["at_us"]) + moment_span(task)


def check_parts(rows: pa.Table, labels: Labels) -> None:
    """Refuse a split that leaves a part without rows or a class without training rows."""
    part, label = np.asarray(rows["part"].to_pylist()), np.asarray(rows["label"].to_pylist())
    for name in ("train", "test"):
        if not (part == name).any():
            raise Invalid(f"The split leaves no {name} rows: change split.by or split.test")
    needed = labels.classes[1:] if labels.kind == "survival" else labels.classes
    lacking = [name for name in needed if name not in set(label[part == "train"])]
    if lacking:
        raise Invalid(f"No training row has {', '.join(lacking)}: change split.by or the horizon")


def write_left_out(run: Run, left_out: Counter[str]) -> None:
    """left_out.csv: reason, rows."""
    with run.path("step2_prepare", "left_out.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("reason", "rows"), *left_out.most_common()])
