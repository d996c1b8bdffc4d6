"""Cleaning does what was declared, logs every row it touched, and can be undone row for row."""

import importlib.util
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from salus.analytics.events import Event
from salus.analytics.quality import Thresholds, check_quality
from salus.analytics.quality.actions import read_actions
from salus.analytics.quality.cleaning import Cleaned, clean, learn_limits, undo
from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.cli import terminal

spec = importlib.util.spec_from_file_location("quality_ward", Path(__file__).parent / "ward.py")
assert spec and spec.loader
ward = sys.modules.get("quality_ward") or importlib.util.module_from_spec(spec)
if "quality_ward" not in sys.modules:
    sys.modules["quality_ward"] = ward
    spec.loader.exec_module(ward)

GLUCOSE = "LOINC//2345-7"
ACTIONS = f"""
[[action]]
do = "rename_unit"
code = "{GLUCOSE}"
from = "mg/dL"
to = "mmol/L"
since = 2025-03-01
[[action]]
do = "convert_unit"
code = "{GLUCOSE}"
from = "mmol/L"
to = "mg/dL"
[[action]]
do = "drop_outside_bounds"
[[action]]
do = "drop_impossible_dates"
[[action]]
do = "drop_duplicates"
"""


def rows(folder: Path) -> Counter:
    found: Counter = Counter()
    for file in folder.rglob("*.parquet"):
        found.update(tuple(row.values()) for row in pq.read_table(file).to_pylist())
    return found


def dirty() -> list[Event]:
    """The ward, and glucose of which March's says mg/dL and means mmol/L, a typo, a copy, impossible times."""
    events = ward.fit()
    one = ward.first(events, ward.PULSE)
    sugar = [one._replace(code=GLUCOSE, unit="mg/dL", numeric_value=value, time=ward.at(month), source_id=f"g/{month}")
             for month, value in ((1, 99.0), (2, 108.0), (3, 5.5), (4, 6.0))]  # fmt: skip
    birth = next(e.time for e in events if e.code == "MEDS_BIRTH" and e.subject_id == one.subject_id)
    assert birth
    return [
        *events,
        *sugar,
        one._replace(source_id="x/typo", numeric_value=7000.0),
        one._replace(source_id="x/copy"),
        one._replace(source_id="x/early", time=birth - timedelta(days=9)),
        one._replace(source_id="x/late", time=ward.NOW + timedelta(days=9)),
    ]


def cleaned(tmp_path: Path, text: str = ACTIONS) -> tuple[Path, Cleaned]:
    (tmp_path / "clean.toml").write_text(text, "utf-8")
    with clock.stopped_at(ward.NOW):
        source = ward.written(dirty(), tmp_path / "events")
        return source, clean(source, read_actions(tmp_path / "clean.toml"), tmp_path / "clean")


def test_every_action_touches_what_was_declared_and_nothing_else(tmp_path: Path) -> None:
    source, found = cleaned(tmp_path)

    assert [2, 2, 1, 2, 1] == [one.rows for one in found.done]
    before, after = rows(source), rows(tmp_path / "clean")
    assert (before.total(), after.total()) == (found.before, found.after) == (found.before, found.before - 4)
    gone = {row[7] for row in before - after}
    assert {"x/typo", "x/early", "x/late"} < gone and {"g/3", "g/4"} < gone and 6 == len(gone)
    sugar = {row[7]: (round(row[3], 1), row[5]) for row in after if row[2] == GLUCOSE}
    expected = {"g/1": (99.0, "mg/dL"), "g/2": (108.0, "mg/dL"), "g/3": (99.1, "mg/dL"), "g/4": (108.1, "mg/dL")}
    assert expected == sugar


def test_what_was_cleaned_passes_the_checks_that_it_failed(tmp_path: Path) -> None:
    source, _ = cleaned(tmp_path)

    with clock.stopped_at(ward.NOW):
        before = {r.id: r.failing for r in check_quality(source).results}
        after = {r.id: r.failing for r in check_quality(tmp_path / "clean").results}
    ids = ("value-bounds", "duplicate", "before-birth", "in-future")
    assert all(before[id] for id in ids)
    assert [0, 0, 0, 0] == [after[id] for id in ids]


def test_cleaning_is_undone_row_for_row(tmp_path: Path) -> None:
    source, found = cleaned(tmp_path)

    count = undo(tmp_path / "clean", tmp_path / "again")

    assert found.before == count
    assert rows(source) == rows(tmp_path / "again")


def test_every_row_touched_stands_in_the_log_as_it_was_and_as_it_became(tmp_path: Path) -> None:
    cleaned(tmp_path)

    log = pq.read_table(tmp_path / "clean" / "cleaning" / "touched.pq").to_pylist()
    assert [1, 1, 2, 2, 3, 4, 4, 5] == [row["step"] for row in log]
    renamed, dropped = log[0], log[4]
    assert ("mg/dL", "mmol/L", False) == (renamed["was_unit"], renamed["unit"], renamed["dropped"])
    assert (7000.0, None, True) == (dropped["was_numeric_value"], dropped["numeric_value"], dropped["dropped"])


NONSENSE = [
    'do = "polish"',
    'do = "rename_unit"\nfrom = "a"',
    'do = "convert_unit"\nfrom = "mg/dL"\nto = "cm"\ncode = "LOINC//2345-7"',
]


@pytest.mark.parametrize("text", NONSENSE)
def test_actions_that_cannot_be_done_are_refused_before_anything_is_written(text: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        cleaned(tmp_path, f"[[action]]\n{text}\n")

    assert not (tmp_path / "clean").exists()


def test_a_folder_that_holds_something_is_not_written_over(tmp_path: Path) -> None:
    source, _ = cleaned(tmp_path)

    with pytest.raises(Conflict):
        clean(source, [], tmp_path / "clean")
    with pytest.raises(Missing, match=r"touched\.pq"):
        undo(source, tmp_path / "other")


def test_a_copy_that_would_lose_columns_is_not_made(tmp_path: Path) -> None:
    table = ward.table_of(ward.fit())
    (tmp_path / "events").mkdir()
    pq.write_table(table.append_column("site", table["subject_id"]), tmp_path / "events" / "all.parquet")

    with pytest.raises(Invalid, match="site"):
        clean(tmp_path / "events", [], tmp_path / "clean")


def test_limits_are_learned_on_the_people_given_and_on_nobody_else(tmp_path: Path) -> None:
    """A value that only a held-out person has does not move the bounds."""
    odd = ward.where(lambda e: e.subject_id == "p23" and e.code == ward.PULSE, numeric_value=250.0)
    source = ward.written(odd(ward.fit()), tmp_path / "events")
    training = [f"p{n:02}" for n in range(20)]

    bounds = learn_limits(source, training)

    assert bounds[ward.PULSE].bounds[1] < 95
    (tmp_path / "clean.toml").write_text('[[action]]\ndo = "drop_outside_bounds"\ncode = "LOINC//8867-4"\n', "utf-8")
    found = clean(source, read_actions(tmp_path / "clean.toml"), tmp_path / "clean", Thresholds(bounds=bounds))
    assert found.done[0].rows >= 18
    assert not any(row[3] == 250.0 for row in rows(tmp_path / "clean"))


def test_the_command_says_what_it_did_and_how_to_undo_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SALUS_FOLDER", str(tmp_path / "var"))
    (tmp_path / "clean.toml").write_text('[[action]]\ndo = "drop_duplicates"\n', "utf-8")
    source = ward.written(dirty(), tmp_path / "events")
    app, to = terminal(["clean"]), tmp_path / "clean"

    answer = CliRunner().invoke(
        app, ["clean", "apply", str(source), "--actions", str(tmp_path / "clean.toml"), "--to", str(to)]
    )

    assert 0 == answer.exit_code, answer.output
    assert "drop_duplicates: 1 rows" in answer.output and "salus clean undo" in answer.output
    answer = CliRunner().invoke(app, ["clean", "undo", str(to), "--to", str(tmp_path / "again"), "--language", "zh"])
    assert "已恢复原样" in answer.output
    assert rows(source) == rows(tmp_path / "again")
