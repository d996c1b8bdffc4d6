"""Tens of thousands of codes: 20,000 made-up patients, 30,000 codes, about 100 events each; learned and served wide.

Run: python benchmarks/learning/sparse.py [FOLDER]. Each way runs in a process of its own, so that its memory is its
own: `ours` is `salus learn` (all seven steps, two families, no tuning); `peer` is the usual way in scikit-learn:
a list of codes a patient through CountVectorizer, then logistic regression and LightGBM over its sparse matrix, once.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from salus.analytics.events import EVENT_SCHEMA
from salus.base.words import words_of
from salus.learning.learn import learn_task
from salus.learning.run import Run
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step7_deploy import Registry
from salus.learning.task import task_of

PEOPLE, CODES, EACH = 20_000, 30_000, 100
AT = datetime(2022, 1, 1, tzinfo=UTC)
TASK = {
    "name": "wide",
    "kind": "binary",
    "question": {"en": "Ill within a year?", "zh": "一年内会得病吗？"},
    "when": {"dates": [AT]},
    "label": {"codes": ["ILL"], "within_days": 365},
    "features": {"windows_days": [0], "values": ["count"], "min_subjects": 1, "max_codes": 50_000},
    "models": {"families": ["logistic", "lightgbm"]},
    "budget": {"seconds": 0},
}


def make(folder: Path) -> None:
    """Codes as frequent as words are (a code of rank r about 1/r^0.7 times); 600 of them bear on the illness."""
    chance = np.random.default_rng(3)
    share = 1 / np.arange(1, CODES + 1) ** 0.7
    person = np.repeat(np.arange(PEOPLE), EACH)
    code = chance.choice(CODES, size=PEOPLE * EACH, p=share / share.sum())
    effect = np.zeros(CODES)
    effect[chance.choice(3000, 600, replace=False)] = chance.normal(0, 0.8, 600)
    score = np.bincount(person, weights=effect[code], minlength=PEOPLE)
    ill = np.flatnonzero(chance.random(PEOPLE) < 1 / (1 + np.exp(-(score - np.quantile(score, 0.8)))))
    subject = np.concatenate([person, ill, np.arange(PEOPLE)])
    names = [*(f"C//{one}" for one in range(CODES)), "ILL", "VISIT"]
    codes = np.concatenate([code, np.full(len(ill), CODES), np.full(PEOPLE, CODES + 1)])
    days = np.concatenate([-chance.integers(1, 700, len(code)), np.full(len(ill), 100), np.full(PEOPLE, 500)])
    order = np.argsort(subject, kind="stable")
    microseconds = int(AT.timestamp()) * 1_000_000 + days[order].astype(np.int64) * 86_400_000_000
    table = pa.table(
        {
            "subject_id": pa.array([f"p{one:05}" for one in subject[order]]),
            "time": pa.array(microseconds, pa.timestamp("us", "UTC")),
            "code": pa.array([names[one] for one in codes[order]]),
        }
    )
    table = table.append_column("source_id", pa.array([f"Thing/{one}" for one in range(len(table))]))
    for field in EVENT_SCHEMA:
        if field.name not in table.column_names:
            table = table.append_column(field.name, pa.nulls(len(table), field.type))
    (folder / "events").mkdir(parents=True, exist_ok=True)
    pq.write_table(table.select(EVENT_SCHEMA.names).cast(EVENT_SCHEMA), folder / "events" / "0.parquet")


def ours(folder: Path) -> dict[str, Any]:
    words_of("salus.learning")
    made = learn_task(task_of(TASK), folder / "events", folder / "registry", runs=folder / "runs")
    run = Run(made.run)
    found, x = run.read("step5_evaluate", "figures.json", Evaluation), run.matrix()
    test = sorted({row["subject_id"] for row in run.rows().to_pylist() if row["part"] == "test"})
    (folder / "test.json").write_text(json.dumps(test))
    return {
        "features": x.shape[1],
        "cells kept": int(x.cells.nnz),
        "as a dense matrix (GB)": round(x.shape[0] * x.shape[1] * 8 / 1e9, 1),
        "auroc": {name: round(figures["auroc"].value, 4) for name, figures in found.first.items()},
        "run": str(made.run),
    }


def bedside(folder: Path) -> dict[str, Any]:
    """The whole answer for one patient, on a warm model."""
    model = Registry(folder / "registry").promoted("wide")
    assert model is not None
    events = pq.read_table(folder / "events" / "0.parquet")
    times = []
    for number in range(60):
        own = events.slice(number * 300 * EACH // 300, 4 * EACH)
        own = own.filter(pa.compute.equal(own["subject_id"], own["subject_id"][EACH * 2]))
        start = time.perf_counter()
        model.predict_events(own, AT + timedelta(days=1))
        times.append((time.perf_counter() - start) * 1000)
    low, middle, high = np.quantile(times[10:], [0.1, 0.5, 0.9]).round(1).tolist()
    return {"one answer with reasons (ms)": {"p10": low, "p50": middle, "p90": high}, "family": model.bundle.family}


def peer(folder: Path) -> dict[str, Any]:
    import lightgbm
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    rows = duckdb.sql(f"""
        SELECT subject_id, list(code) FILTER (time <= TIMESTAMPTZ '2022-01-01 00:00:00+00' AND code != 'ILL'),
            bool_or(code = 'ILL') FROM read_parquet('{folder}/events/*.parquet') GROUP BY 1 ORDER BY 1""").fetchall()
    out = set(json.loads((folder / "test.json").read_text()))
    train = np.array([subject not in out for subject, _, _ in rows])
    said, y = [codes for _, codes, _ in rows], np.array([ill for _, _, ill in rows])
    form = CountVectorizer(analyzer=list)
    x = form.fit_transform([one for one, kept in zip(said, train, strict=True) if kept]).astype(float)
    z = form.transform([one for one, kept in zip(said, train, strict=True) if not kept]).astype(float)
    line = LogisticRegression(C=0.1, max_iter=200).fit(x, y[train])
    settings = {"objective": "binary", "num_leaves": 15, "learning_rate": 0.06, "verbosity": -1, "num_threads": 2}
    trees = lightgbm.train(settings, lightgbm.Dataset(x, y[train].astype(float)), 120)
    answers = {"logistic": line.decision_function(z), "lightgbm": trees.predict(z)}
    return {
        "features": x.shape[1],
        "auroc": {name: round(float(roc_auc_score(y[~train], said)), 4) for name, said in answers.items()},
    }


WAYS = {"ours": ours, "peer": peer, "bedside": bedside}


def measured(way: str, folder: Path) -> None:
    wall = time.perf_counter()
    told = WAYS[way](folder)
    used = resource.getrusage(resource.RUSAGE_SELF)
    told["seconds"] = round(time.perf_counter() - wall, 1)
    told["CPU seconds"] = round(used.ru_utime + used.ru_stime, 1)
    told["peak memory (MB)"] = round(used.ru_maxrss / 1024)
    print(way, json.dumps(told, ensure_ascii=False), flush=True)


def main(folder: Path) -> None:
    if not (folder / "events").is_dir():
        make(folder)
    for way in WAYS:
        subprocess.run([sys.executable, __file__, str(folder), way], check=True)


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="salus-sparse-"))
    if len(sys.argv) > 2:
        measured(sys.argv[2], place)
    else:
        main(place)
