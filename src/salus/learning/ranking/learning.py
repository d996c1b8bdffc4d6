"""A task of kind "ranking" over a folder of events: visits, features, the ranker, its figures, a version.

Steps 1 and 3 are those of every task; rows are visits, each with all that was done in it. What is judged comes later in
time than what was learned from (`split.by = "time"`), or from other people, as the task says.
"""

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec.structs import replace

from salus.base.errors import Invalid, SalusError
from salus.learning.dictionary import EventRecipe, write_json
from salus.learning.learn import Learned, between, new_folder, refused
from salus.learning.models.family import Matrix
from salus.learning.models.wide import Wide
from salus.learning.ranking.alike import ANY, crowd_of, decade_of
from salus.learning.ranking.card import write_cards
from salus.learning.ranking.judging import judge
from salus.learning.ranking.kept import Bundle, known_of
from salus.learning.ranking.ranker import Known, Ranker, Wish, fit
from salus.learning.ranking.rankings import Rankings
from salus.learning.ranking.visits import NEEDED, Before, Visit, before, label_of, marks, people_of, visits_of
from salus.learning.run import MADE_UP, Labels, Note, Plan, Progress, Run, silent
from salus.learning.step1_collect import collect
from salus.learning.step2_prepare.cohort import people_of as subjects_of
from salus.learning.step2_prepare.cohort import reason_to_leave_out
from salus.learning.step2_prepare.split import folds, parts
from salus.learning.step3_features import features
from salus.learning.step3_features.engines import engine_named
from salus.learning.step3_features.names import name_of
from salus.learning.task import Task, Text, without_places

LEAST_GROUP = 5  # training people who have a reason, for it to have shares of its own


def learn_ranking(
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
    """From a task and a folder of events to a version. Raises Invalid, Missing, Unsupported."""
    if task.kind != "ranking":
        raise Invalid(f"'{task.name}' is a {task.kind} task: learn it by learn_task", path="kind")
    run = Run(new_folder(runs or registry.parent / "runs", task.name))
    plan = Plan(task=task, source="events", data=str(events), engine=engine_named(engine))
    write_json(run.folder / "plan.json", plan)
    try:
        made = made_of(run, progress)
    except SalusError as error:
        refused(run, error)
        raise
    rankings = Rankings(registry, secret)
    version = rankings.add(task.name, made)
    if promote:
        rankings.promote(task.name, version)
    progress("done", 1.0)
    return Learned(run.folder, task.name, version, promote)


def made_of(run: Run, progress: Progress) -> Path:
    """The steps; gives the folder of the finished bundle."""
    collect(run, between(0.0, 0.2, progress))
    visits = prepared(run)
    features(run, between(0.2, 0.5, progress))
    progress("step4", 0.5)
    return concluded(run, visits)


@dataclass(frozen=True)
class Visits:
    """The visits that are rows, what was known before each, and which learn."""

    rows: list[Visit]
    told: list[Before]
    train: npt.NDArray[np.bool_]


def prepared(run: Run) -> Visits:
    """Write rows.parquet and labels.json; hide from the features the codes that stand for the same acts."""
    events = run.needed("step1_collect", "events.parquet")
    hidden = hide_twins(run, pq.read_table(events, columns=["code", "source_id"]))
    task = run.plan.task
    people = people_of(pq.read_table(events, columns=NEEDED), task)
    visits = asked(visits_of(people), events, task)
    subject, at_us = [one.subject for one in visits], np.array([one.at_us for one in visits], dtype=np.int64)
    part = parts(task.split, subject, [""] * len(visits), at_us, at_us)
    keep = [at for at, one in enumerate(part) if one]
    visits, part = [visits[at] for at in keep], [part[at] for at in keep]
    train = np.array([one == "train" for one in part])
    labels = frequent(visits, train, task)
    write_rows(run, visits, part)
    run.write("step2_prepare", "labels.json", Labels(kind="ranking", classes=labels))
    run.note("step2_prepare", [Note(key="note.hidden_twins", slots={"count": str(len(hidden))})] if hidden else [])
    return Visits(visits, [before(people[one.subject], one.at_us, task) for one in visits], train)


def hide_twins(run: Run, events: pa.Table) -> list[str]:
    """Codes that the same record gives beside a label: they would tell the answer. They are excluded in plan.json."""
    plan = run.plan
    label = {code for code in events["code"].unique().to_pylist() if code and label_of(code, plan.task)}
    pairs = {
        (source, code) for source, code in zip(*(events[n].to_pylist() for n in ("source_id", "code")), strict=True)
    }
    acts = {source for source, code in pairs if source and code in label}
    twins = sorted({code for source, code in pairs if source in acts and code not in label})
    if twins:
        seen = replace(plan.task.features, exclude=[*plan.task.features.exclude, *twins])
        write_json(run.folder / "plan.json", replace(plan, task=replace(plan.task, features=seen)))
    return twins


def asked(visits: list[Visit], events: Path, task: Task) -> list[Visit]:
    """The visits of people whom the task's cohort takes. Raises Invalid where none is left."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    subjects, _ = subjects_of(connection, f"read_parquet('{events}')", task)
    why = [reason_to_leave_out(subjects[one.subject], one.at_us, task) for one in visits]
    kept = [one for one, reason in zip(visits, why, strict=True) if reason is None]
    if not kept:
        raise Invalid(f"No visit is left for '{task.name}' ({dict(Counter(why))}): loosen the cohort or the labels")
    return kept


def frequent(visits: list[Visit], train: npt.NDArray[np.bool_], task: Task) -> list[str]:
    """The labels that enough training people have, the most frequent first. Raises Invalid below two."""
    pairs = {(one.subject, label) for one, own in zip(visits, train, strict=True) if own for label in one.done}
    many = Counter(label for _, label in pairs)
    found = sorted((label for label in many if many[label] >= task.ranking.least), key=lambda one: (-many[one], one))
    if len(found) < 2:
        raise Invalid(
            f"Of {len(many)} labels {len(found)} have {task.ranking.least} training people: give more records"
        )
    return found


def write_rows(run: Run, visits: list[Visit], part: list[str]) -> None:
    subject = [one.subject for one in visits]
    table = {
        "row": pa.array(range(len(visits)), pa.int64()),
        "subject_id": pa.array(subject, pa.string()),
        "at_us": pa.array([one.at_us for one in visits], pa.int64()),
        "label": pa.array([""] * len(visits), pa.string()),
        "value": pa.nulls(len(visits), pa.float64()),
        "part": pa.array(part, pa.string()),
        "fold": pa.array(folds(subject, [""] * len(visits), run.plan.task.split.seed), pa.int64()),
        "done": pa.array([sorted(one.done) for one in visits], pa.list_(pa.string())),
    }
    pq.write_table(pa.table(table), run.path("step2_prepare", "rows.parquet"))


def concluded(run: Run, visits: Visits) -> Path:
    """Fit on the training visits, judge on the others, and write the bundle."""
    task, labels = run.plan.task, run.labels.classes
    recipe = run.read("step3_features", "recipe.json", EventRecipe)
    groups = groups_of(visits)
    known = known_of(run.matrix(), visits.told, groups, labels)
    y = marks([one.done for one in visits.rows], labels)
    subject = np.array([one.subject for one in visits.rows], dtype=object)
    train, test = np.flatnonzero(visits.train), np.flatnonzero(~visits.train)
    ranker = fit(known.rows(train), y[train], labels, subject[train], Wish(seed=task.split.seed))
    decades = decades_of(recipe, known)
    crowd = crowd_of((visits.rows[at].subject, decades[at], visits.told[at].new) for at in train)
    few = [crowd.alike(decades[at], visits.told[at].new) < task.ranking.alike for at in test]
    learned, held = ((known.rows(own), y[own], subject[own]) for own in (train, test))
    bundle = Bundle(
        name=task.name,
        version="",
        made="",
        task=without_places(task),
        names={label: called(label, task) for label in labels},
        groups=groups,
        people=len(set(subject[train])),
        visits=len(train),
        counts={reason: dict(counts) for reason, counts in crowd.counts.items()},
        figures=judge(ranker, learned, held, float(np.mean(few)) if few else 0.0),
        wide=isinstance(known.x, Wide),
        synthetic=any(note.key == MADE_UP for note in run.notes()),
    )
    return written(run, ranker, recipe, bundle)


def written(run: Run, ranker: Ranker, recipe: EventRecipe, bundle: Bundle) -> Path:
    folder = run.path("bundle", "bundle.json").parent
    write_json(folder / "bundle.json", bundle)
    write_json(folder / "recipe.json", recipe)
    write_json(run.folder / "ranking.json", bundle.figures)
    ranker.save(folder)
    write_cards(bundle, folder, len(run.feature_names()))
    for file in folder.glob("card.*.md"):
        shutil.copy(file, run.folder / file.name)
    return folder


def groups_of(visits: Visits) -> list[str]:
    """The reasons that enough training people have."""
    told = zip(visits.rows, visits.told, visits.train, strict=True)
    pairs = {(row.subject, code) for row, known, own in told if own for code in known.all}
    many = Counter(code for _, code in pairs)
    return sorted(code for code, people in many.items() if people >= LEAST_GROUP)


def decades_of(recipe: EventRecipe, known: Known) -> list[int]:
    values = [feature.value for feature in recipe.features]
    if "age" not in values:
        return [ANY] * len(known.x)
    ages: Matrix = known.x[:, values.index("age")]
    return [decade_of(float(age)) for age in ages]


def called(label: str, task: Task) -> Text:
    """What people call a label: the task's own word, else that of the code system."""
    return task.label.names.get(label) or task.labels.get(label) or name_of(label)
