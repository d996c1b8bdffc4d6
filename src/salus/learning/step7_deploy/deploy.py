"""From a finished run to a version in the registry."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq

from salus.learning.dictionary import EventRecipe, Feature, thing_of, write_json
from salus.learning.models.family import Matrix, reads_series
from salus.learning.models.wide import Rows, Wide, ends
from salus.learning.run import Data, Progress, Run, silent
from salus.learning.step3_features.columns import TableRecipe
from salus.learning.step3_features.encode import encode_table
from salus.learning.step4_train.intervals import Steps
from salus.learning.step5_evaluate.reading import Reading
from salus.learning.step6_optimise.chosen import Chosen
from salus.learning.step7_deploy import facts
from salus.learning.step7_deploy.bundle import Bundle
from salus.learning.step7_deploy.card import write_card
from salus.learning.step7_deploy.registry import Registry
from salus.learning.step7_deploy.seal import sha256
from salus.learning.step7_deploy.watching import FILE, Watch, watch_of
from salus.learning.task import without_places


def deploy(run: Run, registry: Registry, promote: bool = True, progress: Progress = silent) -> str:
    """Add the run's model to the registry and give its version; promoted unless asked not to, or its bounds bar it."""
    progress("step7", 0.0)
    name = run.plan.task.name
    with tempfile.TemporaryDirectory(prefix="salus-bundle-") as room:
        version = registry.add(name, write_bundle(run, Path(room) / "bundle"))
    promote = promote and not registry.too_wide(name, version)
    if promote:
        registry.promote(name, version)
    run.write("step7_deploy", "deployed.json", {"name": name, "version": version, "promoted": promote})
    return version


def write_bundle(run: Run, made: Path) -> Path:
    """The files of a bundle, in a new folder."""
    made.mkdir()
    recipe: EventRecipe | TableRecipe
    if run.plan.source == "events":
        recipe = run.read("step3_features", "recipe.json", EventRecipe)
    else:
        recipe = run.read("step3_features", "recipe.json", TableRecipe)
    chosen = run.read("step6_optimise", "chosen.json", Chosen)
    if isinstance(recipe, EventRecipe) and not reads_series(chosen.family, [part.family for part in chosen.parts]):
        recipe.series = None  # nobody reads them at the bedside
    bundle = bundle_of(run, recipe)
    write_json(made / "bundle.json", bundle)
    write_json(made / "recipe.json", recipe)
    shutil.copytree(run.needed("step6_optimise", "model"), made / "model")
    shutil.copy(run.needed("step5_evaluate", "figures.json"), made / "metrics.json")
    write_json(made / FILE, watch_of_run(run, recipe, bundle))
    reading = msgspec.json.decode((run.folder / "report.json").read_bytes(), type=Reading)
    write_card(reading, bundle, made)
    write_json(made / facts.FILE, facts.facts_of(run, reading, recipe.features))
    shutil.copy(run.needed("step5_evaluate", "points.json"), made / "points.json")
    return made


def bundle_of(run: Run, recipe: EventRecipe | TableRecipe) -> Bundle:
    """The bundle of a run; the registry fills in version and date."""
    data, plan = Data(run), run.plan
    chosen = run.read("step6_optimise", "chosen.json", Chosen)
    x = data.x[data.train]
    low, high = ends(x)
    return Bundle(
        name=plan.task.name,
        version="",
        made="",
        source=plan.source,
        task=without_places(plan.task),
        labels=run.labels,
        family=chosen.family,
        calibration=chosen.calibration,
        intervals=run.read("step6_optimise", "intervals.json", list[Steps]),
        threshold=chosen.threshold,
        spread=chosen.spread,
        sets=chosen.sets,
        ranges=chosen.ranges,
        importance=run.read("step5_evaluate", "importance.json", dict[str, float]),
        low=low.tolist(),
        high=high.tolist(),
        fewest_known=fewest_known(x, recipe.features),
        wide=isinstance(x, Wide),
        fingerprint=fingerprint_of(run),
    )


def watch_of_run(run: Run, recipe: EventRecipe | TableRecipe, bundle: Bundle) -> Watch:
    """What the model is watched by: its training rows, and what it answered to them out of fold."""
    data, given = Data(run), None
    if bundle.calibration is not None:
        margins = np.load(run.needed("step6_optimise", "out_of_fold.npy"), allow_pickle=False)
        lasting = bundle.labels.kind == "survival"
        given = bundle.calibration.by_horizon(margins) if lasting else bundle.calibration.probabilities(margins)
    about, x = (bundle.labels.kind, bundle.threshold), data.x[data.train]
    if isinstance(recipe, TableRecipe):  # in use rates are those of all training rows, never of other folds
        table = pq.read_table(run.needed("step1_collect", "table.parquet"))
        x = encode_table(recipe, table.take(run.rows()["row"].take(data.train)))
    return watch_of(x, recipe.features, bundle.importance, given, about)


def fewest_known(x: Rows, features: list[Feature]) -> int:
    """What all but the poorest 1 % of the training rows knew, at most half of what is usual, and at least 1."""
    sources: dict[str, list[int]] = {}
    for j, feature in enumerate(features):
        if feature.value not in ("age", "sex"):
            sources.setdefault(thing_of(feature.source), []).append(j)
    if not sources:
        return 0
    poorest, usual = np.quantile(x.told(sources) if isinstance(x, Wide) else told(x, features, sources), [0.01, 0.5])
    return max(1, int(min(poorest, usual / 2)))


def told(x: Matrix, features: list[Feature], sources: Mapping[str, list[int]]) -> Matrix:
    """Of how many things each row says something, shape (rows,)."""
    said = [
        np.any([x[:, j] > 0 if features[j].value == "count" else ~np.isnan(x[:, j]) for j in js], axis=0)
        for js in sources.values()
    ]
    return np.asarray(np.sum(said, axis=0), dtype=np.float64)


def fingerprint_of(run: Run) -> dict[str, str | int]:
    """What identifies the training data: sha256 of what was collected and of the rows, and counts."""
    step1 = run.needed("step1_collect", "events.parquet" if run.plan.source == "events" else "table.parquet")
    rows = run.needed("step2_prepare", "rows.parquet")
    part = pq.read_table(rows, columns=["part"])["part"].to_pylist()
    return {
        "data": Path(run.plan.data).name,
        "data_sha256": sha256(step1),
        "rows_sha256": sha256(rows),
        "training_rows": part.count("train"),
        "held_out_rows": part.count("test"),
    }
