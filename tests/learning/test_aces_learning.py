"""An ACES task file through the command line: to a cohort, and through all seven steps to a model at the bedside."""

import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.base.errors import Invalid
from salus.learning.cohorts.spans import span_us
from salus.learning.learn import Learned, learn_task
from salus.learning.run import Run
from salus.learning.step7_deploy import Registry
from salus.learning.task import read_task

START = datetime(2022, 1, 1, tzinfo=UTC)
ILLNESS = """
description: Will a visit be followed by the illness within a year
predicates:
  visit: {code: {regex: "^VISIT//"}}
  ill: {code: ILL//1}
  never: {code: ILL//9}
trigger: visit
windows:
  input: {start: NULL, end: trigger, start_inclusive: True, end_inclusive: True, index_timestamp: end}
  target: {start: trigger, end: start + 365d, start_inclusive: False, end_inclusive: True, label: ill}
"""


def events() -> pa.Table:
    """A MEDS dataset from elsewhere: whole numbers as subjects, none of the columns that only Salus has."""
    chance, rows = random.Random(3), []
    for person in range(240):
        rows.append((person, START - timedelta(days=365 * 40), "MEDS_BIRTH", None))
        for year in range(3):
            at = START + timedelta(days=400 * year + chance.randrange(30))
            value = chance.gauss(6, 2)
            rows += [(person, at, "VISIT//AMB", None), (person, at, "LAB//marker", value)]
            if value > 7.5 or chance.random() < 0.1:
                rows.append((person, at + timedelta(days=chance.randrange(5, 300)), "ILL//1", None))
    subject, time, code, value = zip(*sorted(rows, key=lambda row: row[:2]), strict=True)
    naive = pa.array([one.replace(tzinfo=None) for one in time], pa.timestamp("us"))
    return pa.table(
        {"subject_id": subject, "time": naive, "code": code, "numeric_value": pa.array(value, pa.float32())}
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with task.yaml and a MEDS dataset."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "task.yaml").write_text(ILLNESS)
    (folder / "meds" / "data").mkdir(parents=True)
    (folder / "meds" / "metadata").mkdir()
    pq.write_table(events(), folder / "meds" / "data" / "0.parquet")
    pq.write_table(
        pa.table({"code": ["ILL//1"], "description": ["ill"]}), folder / "meds" / "metadata" / "codes.parquet"
    )
    return folder


@pytest.fixture(scope="module")
def learned(site: Path) -> tuple[Learned, Registry]:
    text = (
        'name = "illness"\nkind = "binary"\naces = "task.yaml"\n[question]\nen = "Ill?"\nzh = "会得病吗？"\n'
        '[features]\nmin_subjects = 5\nwindows_days = [365]\n[models]\nfamilies = ["logistic"]\n'
        "[budget]\nseconds = 0\n"
    )
    (site / "task.toml").write_text(text)
    told = learn_task(read_task(site / "task.toml"), site / "meds", site / "registry")
    return told, Registry(site / "registry")


def salus(*words: str, at: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "salus", *words], capture_output=True, text=True, cwd=at)


def test_a_cohort_is_written_with_what_was_left_after_each_window(site: Path) -> None:
    done = salus("cohort", "task.yaml", "--events", "meds", "--out", "cohort.parquet", at=site)
    table = pq.read_table(site / "cohort.parquet")

    assert (0, "") == (done.returncode, done.stderr)
    assert "720 rows after the trigger" in done.stdout
    assert ["subject_id", "prediction_time", "boolean_value", "trigger", "input.start"] == table.column_names[:5]
    assert pa.int64() == table["subject_id"].type
    assert table["prediction_time"] == table["trigger"]
    assert [seen > 0 for seen in table["target.ill"].to_pylist()] == table["boolean_value"].to_pylist()


def test_an_aces_file_becomes_a_model_with_the_rows_of_its_cohort(
    learned: tuple[Learned, Registry], site: Path
) -> None:
    told, registry = learned
    rows = Run(told.run).rows()
    deployed = registry.promoted("illness")

    assert rows.num_rows == 720
    assert {"yes", "no"} == set(rows["label"].to_pylist())
    assert ["ILL//1"] == deployed.task.label.codes
    assert 365 == deployed.task.label.within_days
    assert deployed.metrics["chosen"]["auroc"]["value"] > 0.7


def test_at_the_bedside_it_is_asked_only_of_whom_the_trigger_has_reached(learned: tuple[Learned, Registry]) -> None:
    deployed = learned[1].promoted("illness")
    at = START + timedelta(days=30)
    table = pa.table(
        {
            "subject_id": ["p"] * 2,
            "time": pa.array([at, at], pa.timestamp("us", "UTC")),
            "code": ["VISIT//AMB", "LAB//marker"],
            "numeric_value": [None, 9.0],
            **{name: pa.nulls(2, pa.string()) for name in ("text_value", "unit", "encounter_id", "source_id")},
            "recorded_time": pa.nulls(2, pa.timestamp("us", "UTC")),
        }
    )

    assert "not-in-cohort" == deployed.predict_events(table, at - timedelta(days=1)).abstained
    assert "not-in-cohort" == deployed.predict_events(table.slice(1), at).abstained
    assert deployed.predict_events(table, at).probabilities["yes"] > 0.5


def test_a_yaml_alone_is_a_task_named_after_its_file(site: Path) -> None:
    task = read_task(site / "task.yaml")

    assert ("task", "binary", 365) == (task.name, task.kind, task.label.within_days)
    assert "ill" in task.question["en"] and "ill" in task.question["zh"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("label: ill", "has: {}", "no window has a label"),
        (", index_timestamp: end", "", "no window has an index_timestamp"),
    ],
)
def test_a_task_that_cannot_be_learned_says_what_it_lacks(old, new, words, tmp_path):
    (tmp_path / "task.yaml").write_text(ILLNESS.replace(old, new))
    with pytest.raises(Invalid, match=words):
        read_task(tmp_path / "task.yaml")


@given(st.integers(0, 60), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_a_length_of_time_is_the_sum_of_its_parts(days, hours, minutes, seconds):
    expected = int(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) / timedelta(microseconds=1))

    assert expected == span_us(f"{days} days, {hours}:{minutes:02}:{seconds:02}")
    assert expected == span_us(f"{days}d {hours}h {minutes}m{seconds} sec")


def test_it_is_judged_elsewhere_and_reported_like_any_other(learned: tuple[Learned, Registry], site: Path) -> None:
    judged = salus("evaluate", "illness", "--on", "meds", "--registry", "registry", at=site)
    told = salus("models", "report", "illness", "--registry", "registry", "--to", "report", at=site)

    assert (0, 0) == (judged.returncode, told.returncode), judged.stderr + told.stderr
    assert "720" in judged.stdout
    assert (site / "report" / "report.zh.html").is_file()
