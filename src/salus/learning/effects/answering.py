"""An effect task from its records to a version in the registry: the same seven steps over a run folder.

1 collect    the events that the question, its people and its covariates need
2 prepare    who begins which option when, and what came of it (`starting`)
3 features   the features of any task, at time zero; as covariates (`covariates`)
4 train      cross-fitted scores of the outcome; straight lines for harms and controls
5 evaluate   the gate, overlap, effects, the proof of personal ones; the report
6 optimise   nothing: no option, window or model is chosen by its result
7 deploy     a version, promoted where the gate was passed, kept as refused where not
"""

import csv
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from salus.base.errors import Invalid, SalusError
from salus.learning.dictionary import EventRecipe, write_json
from salus.learning.effects import card
from salus.learning.effects.average import Estimate, Scores, estimate, scores, straight, told_by
from salus.learning.effects.bundle import ARRAYS, TREES, Against, EffectBundle, FurtherOutcome, Number
from salus.learning.effects.covariates import Covariates, covariates_of
from salus.learning.effects.crowd import crowd_of
from salus.learning.effects.declared import EffectTask, without_folders
from salus.learning.effects.finding import Findings, found_of
from salus.learning.effects.gate import EVENTS, events
from salus.learning.effects.kept import EffectRegistry
from salus.learning.effects.model import arrays_of
from salus.learning.effects.propensity import fit_chances
from salus.learning.effects.report import plain, write_report
from salus.learning.effects.starting import Begun, people
from salus.learning.effects.staying import Lived
from salus.learning.effects.study import Matrix, Study
from salus.learning.effects.surfaces import fit_surfaces
from salus.learning.learn import new_folder, refused
from salus.learning.models import arrays
from salus.learning.models.wide import Wide
from salus.learning.run import MADE_UP, Plan, Progress, Run, silent
from salus.learning.step1_collect.events import collect_events
from salus.learning.step3_features import event_features
from salus.learning.step7_deploy.seal import sha256
from salus.learning.task import matches

ASKED = 1_500  # people of each option that a surface at the bedside stands on: it answers in milliseconds


@dataclass(frozen=True)
class Answered:
    """Where the run lies, the version that came of it, whether it is the one asked now, and what was found."""

    run: Path
    name: str
    version: str
    promoted: bool
    findings: Findings
    bundle: EffectBundle


@dataclass(frozen=True)
class Prepared:
    """The people of the study with their covariates, one study for each outcome: the first is the question's."""

    begun: list[Begun]
    studies: tuple[Study, ...]
    covariates: Covariates
    left_out: Mapping[str, int]
    unit: str


def answer_task(
    task: EffectTask,
    events: Path,
    registry: Path,
    *,
    runs: Path | None = None,
    promote: bool = True,
    secret: bytes | None = None,
    progress: Progress = silent,
) -> Answered:
    """All steps for a task over the events in a folder (`**/*.parquet`). Raises Invalid, Missing, Malformed."""
    run = Run(new_folder(runs or registry.parent / "runs", f"effects-{task.name}"))
    write_json(run.folder / "effect.json", task)
    write_json(run.folder / "plan.json", Plan(task=task.as_task(), source="events", data=str(events)))
    try:
        return steps(run, task, EffectRegistry(registry, secret), promote, progress)
    except SalusError as error:
        refused(run, error)
        raise


def steps(run: Run, task: EffectTask, registry: EffectRegistry, promote: bool, progress: Progress) -> Answered:
    progress("step1", 0.0)
    collect_events(run)
    hide_twins(run, task)
    progress("step2", 0.1)
    begun, left_out, unit = begin(run, task)
    progress("step3", 0.2)
    prepared = prepare(run, task, begun, left_out, unit)
    progress("step4", 0.3)
    found = scores(prepared.studies[0], seed=task.seed)
    progress("step5", 0.7)
    findings = judge(task, prepared, found)
    progress("step7", 0.8)
    with tempfile.TemporaryDirectory(prefix="salus-bundle-") as room:
        made = Path(room) / "bundle"
        made.mkdir()
        bundle = write_bundle(run, task, prepared, found, findings, made)
        version = registry.add(task.name, made)
    promote = promote and bundle.passed
    if promote:
        registry.promote(task.name, version)
    run.write("step7_deploy", "deployed.json", {"name": task.name, "version": version, "promoted": promote})
    progress("done", 1.0)
    return Answered(run.folder, task.name, version, promote, findings, bundle)


def hide_twins(run: Run, task: EffectTask) -> None:
    """The other codes of the orders that begin an option are the option too: they are never features."""
    read = f"read_parquet('{run.needed('step1_collect', 'events.parquet')}')"
    connection = duckdb.connect()
    codes = [code for (code,) in connection.execute(f"SELECT DISTINCT code FROM {read}").fetchall()]
    own = pa.table({"code": pa.array([c for c in codes if matches(c, task.option_codes)], pa.string())})
    if not own.num_rows:
        wanted = ", ".join(task.option_codes[:5])
        raise Invalid(f"None of the {len(codes)} codes in the events begins an option ({wanted}): check options")
    connection.register("own", own)
    twins = connection.execute(
        f"SELECT DISTINCT code FROM {read} WHERE source_id IS NOT NULL AND code NOT IN (SELECT code FROM own) AND "
        f"source_id IN (SELECT source_id FROM {read} SEMI JOIN own USING (code)) ORDER BY code"
    ).fetchall()
    hidden = task.as_task([code for (code,) in twins])
    write_json(run.folder / "plan.json", Plan(task=hidden, source="events", data=run.plan.data))


def begin(run: Run, task: EffectTask) -> tuple[list[Begun], Counter[str], str]:
    """Who takes part. Writes rows.parquet and left_out.csv."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    read = f"read_parquet('{run.needed('step1_collect', 'events.parquet')}')"
    begun, left_out, unit = people(task, connection, read)
    with run.path("step2_prepare", "left_out.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("reason", "people"), *sorted(left_out.items())])
    table = {
        "row": pa.array(range(len(begun)), pa.int64()),
        "subject_id": pa.array([one.subject for one in begun], pa.string()),
        "at_us": pa.array([one.at_us for one in begun], pa.int64()),
        "label": [task.options[one.option].code for one in begun],
        "value": [one.came[0].value for one in begun],
        "days": [one.came[0].days for one in begun],
        "lost": [one.came[0].lost for one in begun],
        "part": ["train"] * len(begun),
    }
    pq.write_table(pa.table(table), run.path("step2_prepare", "rows.parquet"))
    if not begun:
        told = "; ".join(f"{why}: {count}" for why, count in left_out.most_common(4))
        raise Invalid(f"Nobody takes part in {task.name} ({told}): see left_out.csv; check cohort, options, time_zero")
    return begun, left_out, unit


def prepare(run: Run, task: EffectTask, begun: list[Begun], left_out: Mapping[str, int], unit: str) -> Prepared:
    """Covariates and outcomes. Raises Invalid where too few had an option, or the people are too few for so many."""
    few = Counter(one.option for one in begun)
    if lacking := [option.code for k, option in enumerate(task.options) if not few[k]]:
        raise Invalid(f"Nobody began {', '.join(lacking)}: check its codes, or leave it out", path="options")
    made, matrix = event_features(run)
    run.write_matrix(matrix, made)
    if isinstance(matrix, Wide):
        raise Invalid(f"{len(made)} features are too many for effects: name codes in [features]", path="features.codes")
    covariates = covariates_of(matrix, made)
    names, x = covariates.names(made), covariates.of(matrix)
    option = np.array([one.option for one in begun], dtype=np.int64)
    codes = tuple(one.code for one in task.options)
    studies = [
        Study(x, option, value, names, codes, not task.lower_is_better, task.randomised, lived)
        for value, lived in (outcome_of(begun, k, task) for k in range(len(begun[0].came)))
    ]
    return Prepared(begun, tuple(studies), covariates, left_out, unit)


def outcome_of(begun: list[Begun], k: int, task: EffectTask) -> tuple[Matrix, Lived | None]:
    """The values of one outcome, and how long each was followed where some were lost."""
    value = np.array([one.came[k].value for one in begun])
    lost = np.array([one.came[k].lost for one in begun])
    if not lost.any():
        return value, None
    measured = task.outcome.value and k == 0
    time = None if measured else np.array([one.came[k].days for one in begun])
    return np.where(lost, 0.0, value), Lived(time, lost, not measured)


def judge(task: EffectTask, prepared: Prepared, found: Scores) -> Findings:
    """The gate with its controls, and behind it what was found."""
    names = list(task.controls)
    studies = prepared.studies[len(prepared.studies) - len(names) :]
    controls = {
        name: straight(one, found.fold, found.chance)[1]
        for name, one in zip(names, studies, strict=True)
        if min(events(one)) > 0
    }
    return found_of(prepared.studies[0], found, controls or None)


def write_bundle(
    run: Run, task: EffectTask, prepared: Prepared, found: Scores, findings: Findings, made: Path
) -> EffectBundle:
    """The files of a version, in a new folder. Of a refused one nothing from which a number could be had."""
    study = prepared.studies[0]
    bundle = EffectBundle(
        name=task.name,
        version="",
        made="",
        task=without_folders(task),
        passed=findings.passed and bool(findings.contrasts),
        checks=findings.checks,
        people=np.bincount(study.option, minlength=len(study.options)).tolist(),
        lost=int(study.lived.lost.sum()) if study.lived else 0,
        left_out=dict(prepared.left_out),
        unit=prepared.unit,
        synthetic=any(note.key == MADE_UP for note in run.notes()),
        fingerprint={
            "data": Path(run.plan.data).name,
            "data_sha256": sha256(run.needed("step1_collect", "events.parquet")),
            "rows_sha256": sha256(run.needed("step2_prepare", "rows.parquet")),
        },
    )
    if bundle.passed:
        answered(bundle, task, prepared, found, findings)
        write_arrays(run, bundle, study, made, task.seed)
    write_json(made / "bundle.json", bundle)
    write_json(made / "metrics.json", plain(findings, task.name, task.outcome.en))
    write_report(findings, run.folder, task.name, task.outcome.en)
    card.write_card(bundle, made)
    for name in ("card.en.md", "card.zh.md"):
        shutil.copy(made / name, run.folder / name)
    return bundle


def answered(bundle: EffectBundle, task: EffectTask, prepared: Prepared, found: Scores, findings: Findings) -> None:
    """The numbers of a study that passed."""
    study = prepared.studies[0]
    bundle.events = events(study) if study.is_binary else []
    bundle.kept = int(findings.overlap.kept.sum())
    bundle.means = [Number.of(one) for one in findings.means]
    bundle.contrasts = [
        Against(option=one.option, average=Number.of(one.average), by=one.effects.by) for one in findings.contrasts
    ]
    bundle.covariates = prepared.covariates
    bundle.harms = [
        FurtherOutcome(
            name=harm.name, days=harm.within_days or task.outcome.within_days, means=means_of(one, found, findings)
        )
        for harm, one in zip(task.harms, prepared.studies[1 : 1 + len(task.harms)], strict=True)
    ]


def means_of(study: Study, found: Scores, findings: Findings) -> list[Number]:
    """Of a harm under each option, among the same people; nothing where too few had it to tell."""
    if min(events(study)) < EVENTS:
        return []
    aipw = straight(study, found.fold, found.chance)[0]
    kept = findings.overlap.kept
    return [Number.of(clipped(estimate(aipw[kept, k]))) for k in range(len(study.options))]


def clipped(one: Estimate) -> Estimate:
    return Estimate(min(max(one.value, 0.0), 1.0), one.error)


def write_arrays(run: Run, bundle: EffectBundle, study: Study, made: Path, seed: int) -> None:
    """What the bedside asks, learned from everybody: surfaces, chances, people alike, the recipe of the features."""
    told = told_by(study, study)
    stands = told.outcome(study) if told else study.outcome
    surfaces = fit_surfaces(study.x, study.option, stands, len(study.options), seed, ASKED)
    chances, crowd = fit_chances(study, seed), crowd_of(study.x, study.option, seed)
    bundle.reach = crowd.reach
    arrays.save(made / ARRAYS, arrays_of(surfaces, chances, crowd))
    for name, way in zip(TREES, (chances.smooth, chances.oblique), strict=True):
        if way:
            (made / name).write_text(way.trees, "utf-8")
    write_json(made / "recipe.json", run.read("step3_features", "recipe.json", EventRecipe))
