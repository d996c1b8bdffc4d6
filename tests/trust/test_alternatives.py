"""What would have to be measured otherwise: few changes, within bounds, never of age, sex or the past; no advice."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from salus.base.errors import Invalid, Unsupported
from salus.learning.learn import learn_table, learn_task
from salus.learning.run import Run
from salus.learning.step5_evaluate.reading import Reading
from salus.learning.step7_deploy import Deployed, Registry
from salus.learning.step7_deploy.alternatives import alternatives, alternatives_of_row, in_words
from salus.learning.task import Budget, Features, Limit, task_of


@pytest.fixture(scope="module")
def deployed(places: Path, task: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    features = {**task["features"], "changeable": ["LAB//*", "age", "sex"]}
    folder = tmp_path_factory.mktemp("changeable")
    learn_task(task_of({**task, "features": features}), places / "here", folder / "m")
    found = Registry(folder / "m").promoted("ill-year")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def high(places: Path, deployed: Deployed) -> tuple[pa.Table, datetime]:
    """The events of somebody who is called at risk, and the moment."""
    events = pq.read_table(places / "here")
    for subject in sorted(set(events["subject_id"].to_pylist()))[:200]:
        own = events.filter(pc.equal(events["subject_id"], subject))
        at = max(
            t for t, c in zip(own["time"].to_pylist(), own["code"].to_pylist(), strict=True) if t and c != "ILL//1"
        )
        said = deployed.predict_events(own, at).probabilities.get("yes", 0)
        if said >= deployed.bundle.threshold + 0.1:
            return own, at
    raise LookupError("nobody is at risk")


def test_the_least_change_brings_the_answer_to_the_other_side(
    deployed: Deployed, high: tuple[pa.Table, datetime]
) -> None:
    events, at = high
    found = alternatives(deployed, events, at)
    now = deployed.predict_events(events, at).probabilities["yes"]

    assert found and all(made.before == now >= deployed.bundle.threshold > made.after for made in found)
    assert all(1 <= len(made.changes) <= 2 for made in found)
    assert {"LAB//marker"} == {change.source for made in found for change in made.changes}


def test_a_change_is_one_more_measurement_now_and_the_past_stays(
    deployed: Deployed, high: tuple[pa.Table, datetime]
) -> None:
    events, at = high
    (change,) = alternatives(deployed, events, at)[0].changes
    row = dict.fromkeys(events.schema.names) | {
        "subject_id": events["subject_id"][0].as_py(), "time": at, "code": "LAB//marker", "unit": "mg",
        "numeric_value": change.after, "source_id": "~z",
    }  # fmt: skip
    more = pa.concat_tables([events, pa.Table.from_pylist([row], schema=events.schema)])

    said = deployed.predict_events(more, at).probabilities["yes"]
    assert alternatives(deployed, events, at)[0].after == said
    values = [value for value in events["numeric_value"].to_pylist() if value is not None]
    assert 2 < change.after < 12 and change.before == values[-1]


def test_it_says_what_it_says_in_both_languages_and_that_it_is_no_advice(
    deployed: Deployed, high: tuple[pa.Table, datetime]
) -> None:
    text = in_words(alternatives(deployed, *high)[0])

    assert "no advice on treatment" in text["en"] and "并非治疗建议" in text["zh"]
    assert "instead of" in text["en"] and "marker" in text["en"]


def rows(seed: int = 1) -> list[str]:
    chance, made = random.Random(seed), ["id,age,sex,lab,dose,out"]
    for i in range(500):
        age, lab, dose = chance.randrange(20, 90), chance.gauss(5, 2), chance.gauss(10, 3)
        ill = chance.random() < 1 / (1 + np.exp(-(lab - 5) - 0.5 * (dose - 10) - 0.05 * (age - 55)))
        made.append(f"s{i},{age},{chance.choice('FM')},{lab:.2f},{dose:.2f},{'ill' if ill else 'well'}")
    return made


def of_table(folder: Path, features: Features) -> Deployed:
    (folder / "t.csv").write_text("\n".join(rows()), "utf-8")
    learn_table(
        folder / "t.csv", "out", folder / "m", subject="id", positive="ill", name="t", families=["logistic"],
        budget=Budget(seconds=0), features=features,
    )  # fmt: skip
    found = Registry(folder / "m").promoted("t")
    assert found is not None
    return found


ILL = {"age": "80", "sex": "F", "lab": "7.5", "dose": "12"}


@pytest.mark.parametrize(
    ("limits", "holds"),
    [
        ({}, lambda change: True),
        ({"lab": Limit(direction="down", low=4.0)}, lambda change: change.source != "lab" or 4 <= change.after < 7.5),
        ({"dose": Limit(direction="up")}, lambda change: change.source != "dose" or change.after > 12),
    ],
)
def test_directions_and_bounds_are_kept(tmp_path: Path, limits: dict[str, Limit], holds: Callable[..., bool]) -> None:
    one = of_table(tmp_path, Features(changeable=["lab", "dose", "age", "sex"], limits=limits))
    found = alternatives_of_row(one, ILL)

    assert found
    assert all(holds(change) and change.source in ("lab", "dose") for made in found for change in made.changes)


def test_a_question_without_anything_changeable_says_so(models: Registry, places: Path, tmp_path: Path) -> None:
    one = models.load("ill-year", "1")
    with pytest.raises(Unsupported, match=r"features.changeable"):
        alternatives(one, pq.read_table(places / "here"), datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=1))


def test_age_and_sex_cannot_be_limited_and_limits_need_sense(task: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="low 7 is above high 4"):
        task_of({**task, "features": {"changeable": ["LAB//*"], "limits": {"LAB//marker": {"low": 7, "high": 4}}}})


def test_shuffling_what_matters_costs_more_than_shuffling_what_does_not(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("\n".join(rows()), "utf-8")
    learned = learn_table(
        tmp_path / "t.csv",
        "out",
        tmp_path / "m",
        subject="id",
        positive="ill",
        families=["logistic"],
        budget=Budget(seconds=0),
    )
    found = dict((label["en"], figure) for label, figure in Run(learned.run).read(".", "report.json", Reading).permuted)

    assert {"age", "sex", "lab", "dose"} == set(found)
    assert min(found["lab"].low or 0, found["dose"].low or 0) > 0.01 > abs(found["sex"].value or 0)
    assert "Permuted:" in (learned.run / "report.en.html").read_text("utf-8")
