"""Whole sites held out, and the work that a threshold makes."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.base.errors import Invalid
from salus.learning.learn import Learned, learn_table, learn_task
from salus.learning.run import Run
from salus.learning.step2_prepare.split import by_site
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step7_deploy import Registry
from salus.learning.step7_deploy.dossier import empty_fields, report_of
from salus.learning.task import Budget, Split, task_of


def test_whole_sites_are_held_out_and_nobody_seen_there_learns() -> None:
    site = ["a"] * 40 + ["b"] * 30 + ["c"] * 20 + ["d"] * 10 + [None] * 5
    subject = [f"s{i}" for i in range(100)] + [f"s{i}" for i in range(5)]
    subject[99] = "s0"
    for seed in range(20):
        part = by_site(site, subject, 0.3, seed)
        held = {where for where, one in zip(site, part, strict=True) if one == "test"}
        learn = {where for where, one in zip(site, part, strict=True) if one == "train"}
        both = {who for who, one in zip(subject, part, strict=True) if one == "test"} & {
            who for who, one in zip(subject, part, strict=True) if one == "train"
        }

        assert held and learn and not held & learn and not both
        assert {""} == {one for where, one in zip(site, part, strict=True) if where is None}
        assert part == by_site(site, subject, 0.3, seed)


def test_one_site_cannot_be_held_out() -> None:
    with pytest.raises(Invalid, match="there must be two"):
        by_site(["a"] * 9, ["s"] * 9, 0.3, 7)
    with pytest.raises(Invalid, match="name the column or the pattern"):
        task_of(
            {
                "name": "t",
                "kind": "binary",
                "question": {"en": "?", "zh": "？"},
                "when": {"events": ["V"]},
                "label": {"codes": ["I"], "within_days": 3},
                "split": {"by": "site"},
            }
        )


@pytest.fixture(scope="module")
def learned(places: Path, task: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Learned, Registry]:
    folder = tmp_path_factory.mktemp("sites")
    rows, chance = pq.read_table(places / "here").to_pylist(), random.Random(1)
    people = sorted({one["subject_id"] for one in rows})
    empty = dict.fromkeys(rows[0])
    for who in people:
        rows.append({**empty, "subject_id": who, "code": f"SITE//{chance.choice('ABCD')}", "source_id": f"x/{who}"})
    rows.sort(key=lambda one: one["subject_id"])
    (folder / "events").mkdir()
    schema = pq.read_schema(places / "here" / "0.parquet")
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "events" / "0.parquet")
    by = {"by": "site", "site": "SITE//*", "test": 0.3}
    made = learn_task(task_of({**task, "split": by}), folder / "events", folder / "m")
    return made, Registry(folder / "m")


def test_sites_of_events_are_told_and_are_no_features(learned: tuple[Learned, Registry]) -> None:
    made, registry = learned
    one, report = registry.load("ill-year", "1"), report_of(registry, "ill-year", "1")
    said = {field.place: field.text("en") for field in report.of("tripod")}

    assert not [feature.name for feature in one.features if feature.name.startswith("SITE")]
    assert "The data name 4 sites; held out: SITE//" in said["6a"]
    assert "By site, held out, AUROC: SITE//" in said["23b"]
    assert ([], 24) == (empty_fields(report), report.tally.filled)
    assert "whole sites" in (made.run / "report.en.html").read_text("utf-8")


def test_the_work_of_a_threshold_is_told_in_alerts(learned: tuple[Learned, Registry]) -> None:
    run = Run(learned[0].run)
    found = run.read("step5_evaluate", "figures.json", Evaluation)
    chosen = next(one for one in found.thresholds if one.chosen)
    page = (learned[0].run / "report.zh.html").read_text("utf-8")

    assert chosen.precision is not None and 1 / chosen.precision == pytest.approx(chosen.needed)
    assert found.asked_a_day is not None
    at = np.sort(run.rows()["at_us"].to_numpy())
    middle = at[int(0.1 * len(at)) : int(0.9 * len(at))]
    assert len(middle) / ((middle[-1] - middle[0]) / 86_400e6) == pytest.approx(found.asked_a_day, rel=0.05)
    assert f"{chosen.said * found.asked_a_day:.1f}" in page and "需评估人数" in page


def test_a_column_of_a_table_can_name_the_site(tmp_path: Path) -> None:
    chance, rows = random.Random(3), ["id,ward,lab,out"]
    for i in range(400):
        lab = chance.gauss(5, 2)
        ill = chance.random() < 1 / (1 + 2.7 ** (5 - lab))
        rows.append(f"s{i},{chance.choice('NESW')},{lab:.2f},{'ill' if ill else 'well'}")
    (tmp_path / "t.csv").write_text("\n".join(rows), "utf-8")
    made = learn_table(
        tmp_path / "t.csv", "out", tmp_path / "m", subject="id", families=["logistic"], budget=Budget(seconds=0),
        split=Split(by="site", site="ward"),
    )  # fmt: skip
    found = Run(made.run).read("step5_evaluate", "figures.json", Evaluation)

    assert "ward" in {one.by for one in found.subgroups}
    assert ["lab"] == [one.name for one in Registry(tmp_path / "m").load(made.name, "1").features]
