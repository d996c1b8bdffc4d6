"""Wide matrices: they hold what a dense one holds, and a model learns from them what it learns from that."""

import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.analytics.events import EVENT_SCHEMA
from salus.base.errors import Invalid
from salus.learning.learn import learn_task
from salus.learning.models.family import FAMILIES, Setting, family
from salus.learning.models.wide import Wide, ends, load, together
from salus.learning.run import Run
from salus.learning.step3_features import numbered
from salus.learning.step3_features.windows import Windows
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step7_deploy import Deployed, Registry
from salus.learning.task import task_of

ABLE = [name for name in FAMILIES if family(name).wide]
cell = st.sampled_from([0.0, 0.0, 1.0, 2.5, -3.0, float("nan"), float("nan")])
tables = st.integers(1, 5).flatmap(
    lambda width: st.tuples(
        st.lists(st.booleans(), min_size=width, max_size=width),
        st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=8),
    )
)


def both(table: tuple[list[bool], list[list[float]]]) -> tuple[np.ndarray, Wide]:
    counted, rows = table
    x = np.array(rows)
    x[:, counted] = np.nan_to_num(np.abs(x[:, counted]))
    return x, Wide.of_dense(x, np.where(counted, 0.0, np.nan))


@settings(max_examples=150, deadline=None)
@given(tables, st.data())
def test_a_wide_matrix_is_the_dense_one(table: tuple, data: st.DataObject) -> None:
    x, wide = both(table)
    rows = data.draw(st.lists(st.integers(0, len(x) - 1), min_size=1))
    columns = data.draw(st.lists(st.integers(0, x.shape[1] - 1), min_size=1, unique=True))
    same = {"equal_nan": True}

    assert np.array_equal(x, wide.dense(), **same)
    assert np.array_equal(x[rows], wide[np.array(rows)].dense(), **same)
    assert np.array_equal(x[:, columns], wide[:, columns].dense(), **same)
    assert np.array_equal(x[:, columns[0]], wide[:, columns[0]], **same)
    assert np.array_equal(np.vstack([x[one] for one in rows]), wide[np.array(rows)].dense(), **same)
    assert np.array_equal((~np.isnan(x)).sum(axis=0), wide.known)
    assert all(np.array_equal(one, other) for one, other in zip(ends(x), ends(wide), strict=True))
    assert np.array_equal(np.hstack([x, x]), together([wide, wide]).dense(), **same)
    told = [sum(any((v != 0 if u == 0 else v == v) for v, u in [(r[j], wide.usual[j])]) for j in columns) for r in x]
    assert told == wide.told({str(j): [j] for j in columns}).tolist()


@given(tables)
@settings(max_examples=30, deadline=None)
def test_a_wide_matrix_comes_back_from_its_file(table: tuple) -> None:
    x, wide = both(table)
    with tempfile.TemporaryDirectory() as folder:
        wide.save(Path(folder) / "m.npz")

        assert np.array_equal(x, load(Path(folder) / "m.npz").dense(), equal_nan=True)


def records(kind: str, rows: int = 500) -> tuple[np.ndarray, np.ndarray, Setting, np.ndarray]:
    """Counts mostly 0, measurements mostly not known; a measured 0 is not a gap."""
    chance = np.random.default_rng(4)
    counts = np.maximum(chance.poisson(0.4, (rows, 8)) * chance.integers(0, 2, (rows, 8)), 0).astype(float)
    values = np.round(chance.normal(size=(rows, 6)))
    values[chance.random(values.shape) < 0.5] = np.nan
    x, usual = np.hstack([counts, values]), np.array([0.0] * 8 + [np.nan] * 6)
    score = 2 * counts[:, 0] - counts[:, 1] + np.nan_to_num(values[:, 0]) + np.isnan(values[:, 1]) - 0.5
    score += 0.3 * chance.normal(size=rows)
    if kind == "number":
        return x, score * 10, Setting("number", 1), usual
    cuts = [0] if kind == "binary" else [-0.5, 1]
    return x, np.digitize(score, cuts), Setting("binary" if kind == "binary" else "multiclass", len(cuts) + 1), usual


LINEAR = [("logistic", "binary"), ("logistic", "multiclass"), ("linear", "number"), ("elastic", "number")]
EVERY = [(name, kind) for name in ABLE for kind in sorted(family(name).kinds)]


@pytest.mark.parametrize(("name", "kind"), LINEAR)
def test_a_linear_model_learns_the_same_from_wide_as_from_dense(name: str, kind: str) -> None:
    x, y, setting, usual = records(kind)
    params = {**family(name).defaults, "rounds": 5000}
    dense, wide = (family(name).fit(form, y, setting, params) for form in (x, Wide.of_dense(x, usual)))
    spread = dense.margins(x).std()

    assert np.allclose(dense.margins(x), wide.margins(Wide.of_dense(x, usual)), atol=5e-3 * spread)
    assert np.allclose(wide.margins(x), wide.margins(Wide.of_dense(x, usual)), atol=1e-9 * spread)


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_each_able_family_passes_the_battery_on_wide_rows(name: str, kind: str, tmp_path: Path) -> None:
    x, y, setting, usual = records(kind)
    wide = Wide.of_dense(x, usual)
    model = family(name).fit(wide, y, setting, dict(family(name).defaults))
    model.save(tmp_path)
    again = family(name).load(tmp_path)
    margins, parts = model.margins(wide), model.parts(wide)

    assert margins.tobytes() == again.margins(wide).tobytes()
    assert margins[7].tobytes() == again.margins(wide[np.array([7])])[0].tobytes()
    assert parts.shape == (500, margins.shape[1], 15) and np.allclose(margins, parts.sum(axis=2), atol=1e-8)
    assert 0 in np.abs(parts[:, 0, :-1]).mean(axis=0).argsort()[-4:]


def test_boosted_trees_tell_a_measured_zero_from_a_gap() -> None:
    chance = np.random.default_rng(1)
    x = np.where(chance.random((400, 1)) < 0.5, np.nan, np.where(chance.random((400, 1)) < 0.5, 0.0, -1.0))
    y = (x[:, 0] == 0).astype(int)
    wide = Wide.of_dense(x, np.array([np.nan]))
    params = {**family("lightgbm").defaults, "share": 1.0, "leaf": 5}
    margins = family("lightgbm").fit(wide, y, Setting("binary"), params).margins(wide)[:, 0]

    assert margins[y == 1].min() > 1 and margins[y == 0].max() < -1


def test_a_wide_matrix_with_an_infinity_or_nothing_in_it_is_refused() -> None:
    with pytest.raises(Invalid, match="infinite"):
        family("logistic").fit(
            Wide.of_dense(np.array([[np.inf], [1.0]]), np.zeros(1)), np.array([0, 1]), Setting("binary"), {}
        )
    with pytest.raises(Invalid, match="nothing to learn"):
        family("lightgbm").fit(Wide.of_dense(np.empty((0, 3)), np.zeros(3)), np.array([]), Setting("binary"), {})


START = datetime(2022, 1, 1, tzinfo=UTC)
TASK = {
    "name": "wide-year",
    "kind": "binary",
    "question": {"en": "Ill within a year?", "zh": "一年内会得病吗？"},
    "when": {"dates": [START]},
    "label": {"codes": ["ILL"], "within_days": 365},
    "features": {
        "windows_days": [60, 0],
        "values": ["count", "last", "since"],
        "min_subjects": 1,
        "max_codes": 50_000,
        "derived": {"level": {"formula": "lab / (age + 1)", "of": {"lab": "LAB//x"}, "values": ["last"]}},
    },
    "models": {"families": ["logistic", "lightgbm"]},
    "budget": {"seconds": 0},
}


def life(number: int, chance: random.Random, codes: int) -> list[dict]:
    """Some of very many rare codes; a few frequent ones make the illness likely, one measured 0 prevents it."""
    subject, level = f"p{number}", chance.choice([0.0, 1.0, None])
    said = {f"RARE//{chance.randrange(codes)}" for _ in range(30)} | {f"DX//{chance.randrange(6)}" for _ in range(2)}
    made = [{"code": one, "time": START - timedelta(days=chance.randrange(1, 200))} for one in sorted(said)]
    made.append({"code": "LAB//x", "time": START - timedelta(days=9), "numeric_value": level})
    made.append({"code": "MEDS_BIRTH", "time": START - timedelta(days=365 * chance.randrange(20, 90))})
    if chance.random() < (0.85 if "DX//0" in said or "DX//1" in said else 0.1) * (0.2 if level == 0.0 else 1):
        made.append({"code": "ILL", "time": START + timedelta(days=30)})
    made.append({"code": "VISIT", "time": START + timedelta(days=500)})
    return [{"subject_id": subject, "source_id": f"Thing/{subject}-{i}", **one} for i, one in enumerate(made)]


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run, Deployed, list[dict]]:
    folder, chance = tmp_path_factory.mktemp("wide"), random.Random(8)
    events = [one for number in range(400) for one in life(number, chance, 4000)]
    (folder / "events").mkdir()
    pq.write_table(pa.Table.from_pylist(events, schema=EVENT_SCHEMA), folder / "events" / "0.parquet")
    made = learn_task(task_of(TASK), folder / "events", folder / "registry")
    found = Registry(folder / "registry").promoted("wide-year")
    assert found is not None
    return folder, Run(made.run), found, events


def test_a_task_of_thousands_of_codes_is_learned_without_a_dense_matrix(learned: tuple) -> None:
    _, run, model, _ = learned
    x = run.matrix()

    assert isinstance(x, Wide) and model.bundle.wide and not (run.folder / "step3_features" / "matrix.parquet").exists()
    assert x.cells.nnz < 0.03 * x.shape[0] * x.shape[1]
    assert run.read("step5_evaluate", "figures.json", Evaluation).chosen["auroc"].value > 0.75


def test_the_wide_matrix_holds_what_the_dense_one_would(learned: tuple) -> None:
    _, run, model, _ = learned
    rows = run.rows()
    dense = Windows(model.recipe).matrix(run.needed("step1_collect", "events.parquet"), numbered(rows))

    assert np.array_equal(dense, run.matrix().dense(), equal_nan=True)


def test_the_bedside_gives_the_bits_of_training_and_exact_reasons(learned: tuple) -> None:
    _, run, model, events = learned
    rows, x = run.rows().to_pylist(), run.matrix()
    for number in range(0, len(rows), 61):
        own = [one for one in events if one["subject_id"] == rows[number]["subject_id"]]
        said = model.predict_events(pa.Table.from_pylist(own, schema=EVENT_SCHEMA), START)
        margin = model.model.margins(x[np.array([number])])
        total = said.base + sum(one.weight for one in said.contributions)

        assert model.bundle.calibration.probabilities(margin)[0, 1] == said.probabilities["yes"]
        assert abs(total - np.log(said.probabilities["yes"] / said.probabilities["no"])) < 1e-6


def test_a_family_that_cannot_take_so_many_features_is_refused_with_the_cure(learned: tuple) -> None:
    folder = learned[0]
    task = task_of({**TASK, "name": "wide-forest", "models": {"families": ["forest", "logistic"]}})
    with pytest.raises(
        Invalid, match="forest cannot learn from more than 10000 features: take logistic, elastic, light"
    ):
        learn_task(task, folder / "events", folder / "registry")
