"""Texts: the words of notes and questions as features, through `salus learn` as it stands, judged on held-out rows.

Run: python benchmarks/learning/text.py [NAME]. Peer: scikit-learn's TfidfVectorizer (words; for Chinese, two
characters) and logistic regression with its usual settings, over the same rows. Data: ../shared/data.
"""

import csv
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from salus.learning.learn import learn_table
from salus.learning.run import Run
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step7_deploy import Registry
from salus.learning.task import Budget

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
Row = dict[str, str]


def rows_of(name: str) -> Iterator[Row]:
    with gzip.open(DATA / name, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def samples() -> tuple[list[Row], list[Row]]:
    """500 notes, of which class."""
    return [
        {"note": row["text"], "class": f"class {row['label']}"}
        for row in rows_of("mtsamples-sub/mtsamples_4class_500.csv.gz")
    ], []


def headers() -> tuple[list[Row], list[Row]]:
    """Which section of the note a talk between doctor and patient led to, of 20: the shipped training and validation
    sets to learn from, the first shipped test set to judge on."""
    parts = []
    for names in (("TrainingSet", "ValidationSet"), ("TestSet-1-MEDIQA-Chat-2023",)):
        found = [row for name in names for row in rows_of(f"mts-dialog/MTS-Dialog-{name}.csv.gz")]
        parts.append([{"talk": row["dialogue"], "section": row["section_header"]} for row in found])
    return parts[0], parts[1]


def departments() -> tuple[list[Row], list[Row]]:
    """To which of 8 departments a Chinese question went. The answer is not shown to the model."""
    rows = rows_of("zh-qa-toyhom-internal/internal_medicine_5000-6000.csv.gz")
    return [{"question": f"{row['title']} {row['ask']}", "department": row["department"]} for row in rows], []


def complaints() -> tuple[list[Row], list[Row]]:
    """MuZhi: which of 4 diseases, from the symptoms written out as a sentence ("有发热，无咳嗽")."""
    parts = []
    for part in ("train", "test"):
        found = json.loads(gzip.decompress((DATA / f"zh-symptom-diagnosis/mz4_{part}_set.json.gz").read_bytes()))
        parts.append([{"words": sentence(one), "disease": one["label"]} for one in found])
    return parts[0], parts[1]


def sentence(one: dict[str, Any]) -> str:
    says = {"1": "有", "0": "无", "2": "不确定有"}
    told = {**one["exp_sxs"], **one["imp_sxs"]}
    return "，".join(f"{says[str(said)]}{name}" for name, said in told.items()) + "。"


SETS = {
    "mtsamples-sub": samples,
    "mts-dialog": headers,
    "zh-qa-toyhom-internal": departments,
    "zh-symptom-diagnosis": complaints,
}


def write(path: Path, rows: list[Row]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        made = csv.DictWriter(file, list(rows[0]))
        made.writeheader()
        made.writerows(rows)
    return path


def peer(texts: list[str], labels: list[str], train: np.ndarray, test: np.ndarray) -> float:
    """Accuracy of the usual pipeline."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    chinese = sum(ch > "\u3400" for ch in texts[0]) > len(texts[0]) / 4
    form = TfidfVectorizer(**({"analyzer": "char", "ngram_range": (2, 2)} if chinese else {}), sublinear_tf=True)
    x = form.fit_transform([texts[i] for i in train])
    y = np.array(labels)
    model = LogisticRegression(max_iter=1000).fit(x, y[train])
    return float((model.predict(form.transform([texts[i] for i in test])) == y[test]).mean())


def measured(name: str, folder: Path) -> None:
    learn, judge = SETS[name]()
    text, target = learn[0]
    started, cpu = time.perf_counter(), time.process_time()
    test = write(folder / f"{name}-test.csv", judge) if judge else None
    made = learn_table(
        write(folder / f"{name}.csv", learn),
        target,
        folder / "registry",
        test=test,
        name=name,
        budget=Budget(seconds=40, trials=8),
    )
    run = Run(made.run)
    found = run.read("step5_evaluate", "figures.json", Evaluation)
    rows, table = run.rows().to_pylist(), pq.read_table(run.needed("step1_collect", "table.parquet")).to_pylist()
    part = np.array([row["part"] for row in rows])
    texts, labels = [table[row["row"]][text] or "" for row in rows], [row["label"] for row in rows]
    other = peer(texts, labels, np.flatnonzero(part == "train"), np.flatnonzero(part == "test"))
    ours = found.chosen["accuracy"]
    used = f"{time.perf_counter() - started:.0f} s ({time.process_time() - cpu:.0f} CPU)"
    print(
        f"{name}: {found.training_rows} to learn from, {found.rows} to judge on, {len(found.classes)} classes, {used}"
    )
    print(f"  {len(run.feature_names())} features; deployed: {found.family}")
    print(f"  accuracy {ours.value:.3f} ({ours.low:.3f} to {ours.high:.3f}); peer {other:.3f}")
    first = {one: figures["accuracy"].value for one, figures in {**found.first, **found.baselines}.items()}
    print(f"  as first trained, and baselines: {', '.join(f'{one} {value:.3f}' for one, value in first.items())}")
    model = Registry(folder / "registry").promoted(name)
    assert model is not None
    said = model.predict_row({text: texts[int(np.flatnonzero(part == "test")[0])]})
    print(
        "  reasons:",
        "; ".join(
            f"{one.label['zh' if name.startswith('zh') else 'en']} {one.weight:+.2f}" for one in said.contributions[:6]
        ),
    )


if __name__ == "__main__":
    for one in sys.argv[1:] or SETS:
        measured(one, Path(tempfile.mkdtemp(prefix="salus-text-")))
