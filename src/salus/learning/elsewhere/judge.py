"""The battery over the rows of other data, beside what training saw."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from salus.base import clock
from salus.learning.elsewhere.rows import facts_of, rows_elsewhere
from salus.learning.models.family import Matrix
from salus.learning.models.wide import Rows, Wide
from salus.learning.people import groups_of, some
from salus.learning.run import Data, Run
from salus.learning.step4_train.calibrate import calibrate
from salus.learning.step5_evaluate import Answer, Judge, judged
from salus.learning.step5_evaluate.baselines import Points
from salus.learning.step5_evaluate.burden import asked_a_day
from salus.learning.step5_evaluate.figures import Evaluation, Figures
from salus.learning.step5_evaluate.reading import left_out_of
from salus.learning.step6_optimise.chosen import Chosen
from salus.learning.step7_deploy import Deployed
from salus.learning.step7_deploy.drift import Drift, drift_of, place_in
from salus.learning.step7_deploy.external import External
from salus.learning.step7_deploy.facts import Facts, Member, members_of, moments
from salus.learning.step7_deploy.seal import sha256
from salus.learning.task import Text

FEWEST_CASES = 20  # of each class, for a new calibration line


@dataclass(frozen=True)
class Elsewhere:
    """An evaluation with what made it, for its pages and for a recalibration. `margins`: shape (rows, k)."""

    deployed: Deployed
    facts: Facts
    run: Run
    data: Data
    margins: Matrix
    found: External


def evaluate_elsewhere(deployed: Deployed, on: Path, folder: Path, by: str = "") -> Elsewhere:
    """The version as it is deployed, on a folder of events or a CSV file. `folder`: an empty one to work in.

    Raises Invalid, Missing, Malformed for data that do not fit, Unsupported for a version that keeps too little.
    """
    facts, run = facts_of(deployed), rows_elsewhere(deployed, on, folder)
    data = Data(run)
    margins = deployed.model.margins(data.seen(data.series is not None))
    found = External(
        on=on.name,
        sha256=sha256(on) if on.is_file() else "",
        at=clock.instant(clock.now()),
        by=by,
        evaluation=battery(deployed, facts, run, data, margins),
        members=members_elsewhere(run, data),
        drifts=drifts_of(deployed, data.x),
        labels={feature.name: feature.label for feature in deployed.features},
        lacking=list(lacking(deployed, data.x)),
        left_out=left_out_of(run),
        notes=run.notes(),
        span=moments(run),
        recalibrated=recalibrated(deployed, data, margins),
    )
    return Elsewhere(deployed, facts, run, data, margins, found)


def chosen_of(deployed: Deployed) -> Chosen:
    """What the battery asks of a model, from its bundle."""
    bundle = deployed.bundle
    return Chosen(
        family=bundle.family,
        params={},
        loss=0.0,
        calibration=bundle.calibration,
        threshold=bundle.threshold,
        spread=bundle.spread,
        sets=bundle.sets,
        ranges=bundle.ranges,
    )


def battery(deployed: Deployed, facts: Facts, run: Run, data: Data, margins: Matrix) -> Evaluation:
    """Every figure that learning tells of held-out rows, over these."""
    judge, chosen = Judge(data, deployed.bundle.threshold), chosen_of(deployed)
    given, groups = judge.answered(margins, chosen.calibration), some(groups_of(run, data), data.test)
    found = judged(judge, chosen, given, groups, run.plan.task, baselines(deployed, facts, data))
    found.training_rows, found.training_subjects = facts.train.rows, facts.train.subjects
    found.asked_a_day = asked_a_day(run)
    return found


def baselines(deployed: Deployed, facts: Facts, data: Data) -> dict[str, Answer]:
    """The simplest answers as training made them: its most frequent class, its points; of a number none."""
    if data.labels.kind == "number":
        return {}
    points = msgspec.json.decode((deployed.folder / "points.json").read_bytes(), type=Points)
    if data.labels.kind == "survival":
        alike = np.tile(facts.curve, (len(data.y), 1))
        return {"alike": (alike, None), "points": (points.risks(data.x), None)}
    counts = np.array([facts.train.cases[name] for name in data.labels.classes], dtype=float)
    frequent = np.tile(counts / counts.sum(), (len(data.y), 1))
    return {"most_frequent": (frequent, 0.5), "points": (points.probabilities(data.x), None)}


def members_elsewhere(run: Run, data: Data) -> list[Member]:
    return list(members_of(data, groups_of(run, data)))


def drifts_of(deployed: Deployed, x: Rows) -> list[Drift]:
    """Every watched input beside training, the most different first."""
    watch = deployed.watch
    if watch is None:
        return []
    place = {feature.name: j for j, feature in enumerate(deployed.features)}
    made = [
        drift_of(
            one.feature,
            one.counts,
            np.bincount(place_in(one.edges, x[:, place[one.feature]]), minlength=len(one.counts)).tolist(),
        )
        for one in watch.bins
    ]
    return sorted(made, key=lambda one: (not one.alarm, -one.psi, -abs(one.missing - one.missing_before)))


def lacking(deployed: Deployed, x: Rows) -> Iterator[Text]:
    """The things the model leans on that these rows never name."""
    silent = x.totals((x.cells.data != 0) * 1.0) == 0 if isinstance(x, Wide) else (np.isnan(x) | (x == 0)).all(axis=0)
    sources: dict[str, list[int]] = {}
    for j, feature in enumerate(deployed.features):
        sources.setdefault(feature.source, []).append(j)
    for source, size in deployed.bundle.importance.items():
        if size > 0 and source in sources and silent[sources[source]].all():
            yield deployed.features[sources[source][0]].label


def recalibrated(deployed: Deployed, data: Data, margins: Matrix) -> Figures:
    """Figures after a new calibration line, each fold answered by a line of the others; nothing where cases are few."""
    given = recalibrated_answers(data, margins)
    return {} if given is None else Judge(data, deployed.bundle.threshold).figures(given)


def recalibrated_answers(data: Data, margins: Matrix) -> Matrix | None:
    """Probabilities (or risks by each time) by lines that did not see the row's person; None for numbers, and where a
    class has few rows."""
    classes: Any = range(len(data.labels.classes))
    if data.labels.kind == "number" or min((data.outcome == c).sum() for c in classes) < FEWEST_CASES:
        return None
    lasting = data.labels.kind == "survival"
    given = np.zeros((len(data.y), len(data.labels.times) if lasting else len(data.labels.classes)))
    for fold in np.unique(data.fold):
        inside = data.fold == fold
        line = calibrate(margins[~inside], data.y[~inside], data.setting)
        given[inside] = (line.risks if lasting else line.probabilities)(margins[inside])
    return given
