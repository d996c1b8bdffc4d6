"""Cohorts from ACES task files: beside a naive reading of the language, by hand, and what is refused."""

import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from salus.base.errors import Invalid, Malformed, Missing, SalusError
from salus.learning.cohorts import Cohort, counting, extract, extract_from, read_definition
from salus.learning.cohorts.reading import definition_of
from salus.learning.cohorts.timeline import timeline_of

sys.path.insert(0, str(Path(__file__).parent))
from aces_cases import random_events, random_task
from aces_oracle import cohort as oracle

EPOCH = datetime(1970, 1, 1)


def us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def told(cohort: Cohort) -> list[tuple[object, int, dict[str, tuple[int, int, dict[str, int]]]]]:
    """A cohort in the oracle's words."""
    subjects = cohort.subject_ids.to_pylist()
    return [
        (
            subjects[row],
            int(cohort.trigger_us[row]),
            {
                name: (
                    int(span.start_us[row]),
                    int(span.end_us[row]),
                    {one: int(seen[row]) for one, seen in span.counts.items()},
                )
                for name, span in cohort.windows.items()
            },
        )
        for row in range(len(cohort))
    ]


def wanted(task: dict, events: pa.Table, cohort: Cohort) -> list[object]:
    """What the oracle says, of the predicates that the cohort counts."""
    counted = cohort.plan.counted
    return [
        (
            subject,
            us(trigger),
            {
                name: (us(start), us(end), {one: seen[one] for one in counted})
                for name, (start, end, seen) in windows.items()
            },
        )
        for subject, trigger, windows in oracle(task, events.to_pylist())
    ]


@pytest.mark.parametrize("seed", range(8))
def test_every_row_window_and_count_is_what_a_naive_reading_finds(seed):
    chance, rows = random.Random(seed), 0
    for _ in range(60):
        task, events = random_task(chance), random_events(chance, number=pa.float64())
        found = extract(definition_of(task), timeline_of(events))

        assert wanted(task, events, found) == told(found), yaml.safe_dump(task)
        rows += len(found)
    assert rows > 100


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_and_files_and_the_kind_of_subject_change_nothing(seed, tmp_path):
    chance = random.Random(seed + 100)
    for number in range(20):
        task, events = random_task(chance), random_events(chance)
        before = told(extract(definition_of(task), timeline_of(events)))
        order = list(range(events.num_rows))
        chance.shuffle(order)
        mixed = events.take(order)
        mixed = mixed.set_column(0, "subject_id", pa.array([f"p{s}" for s in mixed["subject_id"].to_pylist()]))
        folder, half = tmp_path / str(number), len(order) // 2
        folder.mkdir()
        pq.write_table(mixed.slice(0, half), folder / "a.parquet")
        pq.write_table(mixed.slice(half), folder / "b.parquet")
        found = told(extract_from(definition_of(task), folder))

        assert [(f"p{subject}", *rest) for subject, *rest in before] == found


def test_subjects_whose_keys_do_not_fit_together_are_looked_at_in_parts(monkeypatch):
    chance = random.Random(5)
    cases = [(random_task(chance), random_events(chance)) for _ in range(40)]
    whole = [told(extract(definition_of(task), timeline_of(events))) for task, events in cases]
    monkeypatch.setattr(counting, "ROOM", 2**42)  # two or three of the small subjects

    assert whole == [told(extract(definition_of(task), timeline_of(events))) for task, events in cases]
    assert any(len(list(counting.parts_of(timeline_of(events), 0))) > 1 for _, events in cases)


MORTALITY = """
description: Death in hospital, told a day after admission
predicates:
  admission: {code: ADMISSION}
  discharge: {code: DISCHARGE}
  death: {code: MEDS_DEATH}
  discharge_or_death: {expr: "or(discharge, death)"}
trigger: admission
windows:
  input: {start: NULL, end: trigger + 24h, start_inclusive: True, end_inclusive: True, index_timestamp: end,
          has: {_ANY_EVENT: "(2, None)"}}
  gap: {start: input.end, end: start + 24h, start_inclusive: False, end_inclusive: True,
        has: {discharge_or_death: "(None, 0)"}}
  target: {start: gap.end, end: start -> discharge_or_death, start_inclusive: False, end_inclusive: True, label: death}
"""


def stays() -> pa.Table:
    """Five people: dies on day 5; goes home on day 4; goes home too early; one event only; never leaves."""
    lives = {
        1: [(1, "ADMISSION"), (2, "LAB"), (5, "MEDS_DEATH")],
        2: [(1, "ADMISSION"), (2, "LAB"), (4, "DISCHARGE")],
        3: [(1, "ADMISSION"), (2, "LAB"), (3, "DISCHARGE")],
        4: [(1, "ADMISSION"), (9, "DISCHARGE")],
        5: [(1, "ADMISSION"), (2, "LAB"), (9, "LAB")],
    }
    rows = [(person, *one) for person, life in lives.items() for one in life]
    subject, day, code = zip(*rows, strict=True)
    time = pa.array([datetime(2020, 1, one) for one in day], pa.timestamp("us"))
    return pa.table({"subject_id": list(subject), "time": time, "code": list(code)})


def test_death_in_hospital_by_hand(tmp_path):
    (tmp_path / "mortality.yaml").write_text(MORTALITY)
    pq.write_table(stays(), tmp_path / "events.parquet")
    found = extract_from(read_definition(tmp_path / "mortality.yaml"), tmp_path)

    assert [1, 2] == found.subject_ids.to_pylist()
    assert [1, 0] == found.label.tolist()
    assert [us(datetime(2020, 1, 2))] * 2 == found.prediction_us.tolist()
    assert [us(datetime(2020, 1, 5)), us(datetime(2020, 1, 4))] == found.known_us.tolist()
    assert {
        "trigger": 5,
        "input": 5,
        "input: _ANY_EVENT 2..": 4,
        "gap": 4,
        "gap: discharge_or_death ..0": 3,
        "target": 2,
    } == found.left


def one_window(start: str | None, end: str | None, first: bool, last: bool, **more: object) -> dict:
    window = {"start": start, "end": end, "start_inclusive": first, "end_inclusive": last, **more}
    return {"predicates": {"x": {"code": "x"}, "y": {"code": "y"}}, "trigger": "x", "windows": {"w": window}}


@pytest.mark.parametrize(
    ("window", "expected"),
    [  # one subject: x on days 1, 3, 5; y on day 3 and day 7. (first day, last day, how many x) of each row
        (("trigger", "start -> y", True, True), [(1, 3, 2), (3, 3, 1), (5, 7, 1)]),
        (("trigger", "start -> y", True, False), [(1, 3, 1), (3, 7, 2), (5, 7, 1)]),
        (("trigger", "start -> y", False, True), [(1, 3, 1), (3, 3, 0), (5, 7, 0)]),
        (("trigger -> y", "start + 2d", True, True), [(3, 5, 2), (7, 9, 0), (7, 9, 0)]),
        (("end <- y", "trigger", True, True), [(3, 3, 1), (3, 5, 2)]),
        (("end <- y", "trigger", False, True), [(3, 5, 1)]),
        (("end - 2 days", "trigger", True, False), [(-1, 1, 0), (1, 3, 1), (3, 5, 1)]),
        ((None, "trigger", True, True), [(1, 1, 1), (1, 3, 2), (1, 5, 3)]),
        (("trigger", None, False, True), [(1, 7, 2), (3, 7, 1), (5, 7, 0)]),
    ],
)
def test_where_a_window_begins_and_ends(window, expected):
    day = datetime(2020, 3, 1)
    moments = [(1, "x"), (3, "x"), (3, "y"), (5, "x"), (7, "y")]
    time = pa.array([day + timedelta(days=n) for n, _ in moments], pa.timestamp("ms", "UTC"))
    table = pa.table({"subject_id": ["s"] * 5, "time": time, "code": [code for _, code in moments]})
    (span,) = extract(definition_of(one_window(*window)), timeline_of(table)).windows.values()
    days = [((edge - us(day)) // 86_400_000_000).tolist() for edge in (span.start_us, span.end_us)]

    assert expected == list(zip(*days, span.counts["x"].tolist(), strict=True))


def test_a_value_is_compared_as_the_column_rounded_it():
    table = pa.table(
        {
            "subject_id": [1],
            "time": pa.array([datetime(2020, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
            "code": ["x"],
            "numeric_value": pa.array([0.1], pa.float32()),
        }
    )
    most = {"x": {"code": "x", "value_max": 0.1, "value_max_inclusive": True}}

    assert len(extract(definition_of({"predicates": most, "trigger": "x"}), timeline_of(table))) == 1


def test_no_events_are_an_empty_cohort():
    found = extract(definition_of(yaml.safe_load(MORTALITY)), timeline_of(stays().slice(0, 0)))

    assert len(found) == 0
    assert found.label is not None and found.prediction_us is not None
    assert found.windows["gap"].start_us.dtype == np.int64


FAULTS = {
    "trigger: a\nwindows: {}\n": "'a', which is no predicate",
    "predicates: {a: {code: x}}\ntrigger: a\nwindow: {}\n": "window",
    "predicates: {a: {code: x}}\ntrigger_event: a\n": "call it trigger",
    "predicates: {a: {code: 410}}\ntrigger: a\n": "wants quotes",
    "predicates: {a: {code: x}, a: {code: y}}\ntrigger: a\n": "'a' stands twice",
    "predicates: {a b: {code: x}}\ntrigger: a b\n": "cannot be a name",
    "predicates: {a: {code: ''}}\ntrigger: a\n": "empty code",
    "predicates: {a: {code: {regex: x, any: [x]}}}\ntrigger: a\n": "one of them",
    "predicates: {a: {expr: 'or(b)'}}\ntrigger: a\n": "or(A, B)",
    "predicates: {a: {expr: 'or(b, c)'}, b: {expr: 'and(a, c)'}, c: {code: x}}\ntrigger: a\n": "in a circle",
    "predicates: {a: {code: x}}\ntrigger: a\npatient_demographics: {f: {code: F}}\nwindows: {w: {start: trigger, "
    "end: start + 1d, start_inclusive: true, end_inclusive: true, has: {f: '(1, None)'}}}\n": "at no time",
    "- a list\n": "no keys",
    "a: [1,\n": "is not YAML",
    "a: !!python/object/apply:os.system [ls]\n": "is not YAML",
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_file_that_cannot_be_is_refused_with_what_to_do(text, tmp_path):
    path = tmp_path / "task.yaml"
    path.write_text(text)
    with pytest.raises((Invalid, Malformed)) as caught:
        read_definition(path)

    assert FAULTS[text] in str(caught.value)


WINDOW_FAULTS = [
    (("trigger", "start - 1d", True, True, {}), "end before it starts"),
    (("end -> x", "trigger", True, True, {}), "end before it starts"),
    (("end - 1d", "start + 1d", True, True, {}), "must be told from outside"),
    (("trigger", "trigger + 1d", True, True, {}), "must be told from outside"),
    (("trigger", "start + 1 year", True, True, {}), "no length of time"),
    (("trigger", "start + 7", True, True, {}), "no length of time"),
    (("trigger", "start ~ x", True, True, {}), "write trigger"),
    (("trigger", "start -> z", True, True, {}), "'z', which is no predicate"),
    (("trigger", "start -> _RECORD_START", True, True, {}), "before the start"),
    (("nowhere.end", "start + 1d", True, True, {}), "start or end of one of w"),
    (("w.end", "start + 1d", True, True, {}), "in a circle"),
    (("trigger", "start", True, True, {"has": {"x": "(1, None)"}}), "the same moment"),
    (("trigger", "start + 1d", True, True, {"has": {"x": "(2, 1)"}}), "whole numbers"),
    (("trigger", "start + 1d", True, True, {"has": {"x": "some"}}), "whole numbers"),
    (("trigger", "start + 1d", True, True, {"label": "_ANY_EVENT"}), "a label must be one of the predicates"),
    (("trigger", "start + 1d", True, True, {"index_timestamp": "middle"}), "index_timestamp"),
]


@pytest.mark.parametrize(("window", "words"), WINDOW_FAULTS)
def test_a_window_that_cannot_be_is_refused_with_what_to_do(window, words):
    *sides, more = window
    with pytest.raises(Invalid, match="windows") as caught:
        definition_of(one_window(*sides, **more))

    assert words in str(caught.value)


def test_events_that_cannot_be_read_are_refused_by_name(tmp_path):
    definition = definition_of(yaml.safe_load(MORTALITY))
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 but not for long")
    pq.write_table(stays().drop_columns(["code"]), tmp_path / "uncoded.parquet")
    pq.write_table(stays().set_column(1, "time", pa.array(range(14))), tmp_path / "timeless.parquet")
    faults = []
    for name in ("empty", "broken.parquet", "uncoded.parquet", "timeless.parquet"):
        with pytest.raises(SalusError) as caught:
            extract_from(definition, tmp_path / name)
        faults.append((type(caught.value), str(caught.value)))

    assert [Missing, Malformed, Invalid, Invalid] == [kind for kind, _ in faults]
    assert all(word in text for word, (_, text) in zip(("no events", "broken", "code", "int64"), faults, strict=True))
