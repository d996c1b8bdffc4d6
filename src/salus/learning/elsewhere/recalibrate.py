"""A new version that only tells its probabilities anew, by what came elsewhere. Never promoted by itself."""

import shutil
import tempfile
from pathlib import Path

import msgspec
import numpy as np

from salus.base.errors import Invalid
from salus.learning.dictionary import write_json
from salus.learning.elsewhere.judge import FEWEST_CASES, Elsewhere, baselines, chosen_of, recalibrated_answers
from salus.learning.elsewhere.reading import reading_of
from salus.learning.models.family import Matrix
from salus.learning.people import groups_of, some
from salus.learning.step4_train.calibrate import calibrate
from salus.learning.step4_train.conformalise import sets_of
from salus.learning.step4_train.intervals import intervals_of
from salus.learning.step5_evaluate import Judge, judged
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step6_optimise.horizon import horizon_intervals, horizon_sets
from salus.learning.step6_optimise.threshold import best_threshold
from salus.learning.step7_deploy import facts as kept
from salus.learning.step7_deploy.bundle import After, Bundle
from salus.learning.step7_deploy.card import write_card
from salus.learning.step7_deploy.facts import Described, Facts
from salus.learning.step7_deploy.registry import Registry
from salus.learning.step7_deploy.seal import SEAL, SUMS
from salus.learning.step7_deploy.watching import FILE, watch_of


def recalibrate(registry: Registry, one: Elsewhere) -> str:
    """Adds the version and gives its number: same weights, a calibration line, threshold and bounds of the other data.

    Its figures are of answers by lines that did not see the person. Raises Invalid where a class has too few rows.
    """
    given = recalibrated_answers(one.data, one.margins)
    if given is None:
        raise Invalid(f"A calibration line needs {FEWEST_CASES} rows of each class: {one.found.on} has fewer")
    bundle = recalibrated_bundle(one, given)
    made = Path(tempfile.mkdtemp(prefix="salus-bundle-")) / "version"
    shutil.copytree(one.deployed.folder, made, ignore=shutil.ignore_patterns(SUMS, SEAL))
    found = figures_of(one, bundle, given)
    facts = facts_elsewhere(one)
    about = (bundle.labels.kind, bundle.threshold)
    watch = watch_of(one.data.x, one.deployed.features, bundle.importance, by_horizon(one, given), about)
    write_json(made / "bundle.json", bundle)
    write_json(made / "metrics.json", found)
    write_json(made / kept.FILE, facts)
    write_json(made / FILE, watch)
    write_card(reading_of(one, found), bundle, made)
    return registry.add(bundle.name, made)


def recalibrated_bundle(one: Elsewhere, given: Matrix) -> Bundle:
    """The bundle with what is fitted on the other data. `given`: answers that did not see the row's person."""
    data, bundle = one.data, one.deployed.bundle
    line, call = calibrate(one.margins, data.y, data.setting), bundle.task.models.call
    groups, level = some(groups_of(one.run, data), data.test), bundle.task.trust.level
    after = After(version=bundle.version, on=one.found.on, rows=len(data.y))
    subject, classes, y = data.subject.astype(str), data.labels.classes, data.y
    if data.labels.kind == "survival":
        ends, horizon = by_horizon(one, given), data.labels.times[-1]
        steps, threshold = horizon_intervals(ends, y, horizon)
        sets = horizon_sets(ends, y, horizon, classes, subject, groups, level)
    else:
        threshold = best_threshold(given[:, 1], y == 1, call=call) if data.labels.kind == "binary" else bundle.threshold
        steps, sets = intervals_of(given, y), sets_of(given, y, classes, subject, groups, level)
    return msgspec.structs.replace(
        bundle, calibration=line, threshold=threshold, intervals=steps, sets=sets, after=after
    )


def by_horizon(one: Elsewhere, given: Matrix) -> Matrix:
    """Probabilities of the classes; of risks by each time those of no and yes by the horizon."""
    if one.data.labels.kind != "survival":
        return given
    return np.column_stack([1 - given[:, -1], given[:, -1]])


def figures_of(one: Elsewhere, bundle: Bundle, given: Matrix) -> Evaluation:
    """The battery over answers that did not see the row's person; bounds of coverage are those of the new version."""
    judge = Judge(one.data, bundle.threshold)
    chosen = msgspec.structs.replace(
        chosen_of(one.deployed), calibration=bundle.calibration, threshold=bundle.threshold, sets=bundle.sets
    )
    groups = some(groups_of(one.run, one.data), one.data.test)
    found = judged(judge, chosen, given, groups, one.run.plan.task, baselines(one.deployed, one.facts, one.data))
    found.training_rows, found.training_subjects = one.facts.train.rows, one.facts.train.subjects
    return found


def facts_elsewhere(one: Elsewhere) -> Facts:
    """The facts of the version it came from, with the other data in the place of held-out rows."""
    found = one.found.evaluation
    cases = {name: int((one.data.outcome == c).sum()) for c, name in enumerate(one.data.labels.classes)}
    test = kept.Part(rows=found.rows, subjects=found.subjects, cases=cases)
    return msgspec.structs.replace(
        one.facts,
        test=test,
        members=merged(one),
        described=[redescribed(old, one) for old in one.facts.described],
        notes=[*one.facts.notes, *one.found.notes],
    )


def merged(one: Elsewhere) -> list[kept.Member]:
    """Groups of people: training as it was, held out as it is in the other data."""
    there = {(m.by, m.name): m for m in one.found.members}
    before = {(m.by, m.name): m for m in one.facts.members}
    nobody = kept.Member(by="", name="", train=0, test=0, train_cases=0, test_cases=0)
    made = []
    for by, name in dict.fromkeys([*before, *there]):
        old, new = before.get((by, name), nobody), there.get((by, name), nobody)
        made.append(msgspec.structs.replace(old, by=by, name=name, test=new.test, test_cases=new.test_cases))
    return made


def redescribed(old: Described, one: Elsewhere) -> Described:
    """One thing as it is in the other data, beside training."""
    j = next((j for j, feature in enumerate(one.deployed.features) if feature.label == old.label), None)
    if j is None:
        return old
    column, name = one.data.x[:, j], one.deployed.features[j].name
    psi = next((drift.psi for drift in one.found.drifts if drift.feature == name), old.psi)
    return msgspec.structs.replace(
        old, test=kept.quartiles(column), test_missing=float(np.isnan(column).mean()), psi=psi
    )
