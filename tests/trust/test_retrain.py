"""Learning anew: only when it is time to, and asked only when held-out people say that it is better."""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.base import clock
from salus.base.errors import Invalid
from salus.cli import main
from salus.learning.learn import learn_table
from salus.learning.retrain import comparisons, older_than, retrain
from salus.learning.step7_deploy import Registry
from salus.learning.task import Budget


def moved(places: Path, folder: Path, years: int, flip: bool) -> Path:
    """The hospital some years later, with other people; `flip`: the marker now speaks for being well."""
    table = pq.read_table(places / "there")
    rows = table.to_pylist()
    for one in rows:
        one["subject_id"] = f"later-{one['subject_id']}"
        if one["time"] is not None and one["code"] != "MEDS_BIRTH":
            one["time"] += timedelta(days=365 * years)
        if flip and one["code"] == "LAB//marker":
            one["numeric_value"] = 14 - one["numeric_value"]
    folder.mkdir()
    for name, part in (("old", pq.read_table(places / "here")), ("new", pa.Table.from_pylist(rows, table.schema))):
        pq.write_table(part, folder / f"{name}.parquet")
    return folder


def test_what_is_better_on_people_new_to_both_is_promoted_and_what_is_not_stays(
    places: Path, own: Callable[[], Registry], tmp_path: Path
) -> None:
    registry = own()
    changed = moved(places, tmp_path / "events", 6, flip=True)
    made = retrain(registry, "ill-year", changed, tmp_path / "runs", by="cron")

    assert made.found is not None
    assert ("1", "2", True, 0) == (made.before, made.after, made.promoted, made.found.earlier)
    assert made.found.difference.high is not None and made.found.difference.high < 0
    assert "2" == registry.wanted("ill-year", None)
    last = registry.promotions("ill-year")[-1]
    assert ("cron", True) == (last.by, last.reason.startswith("better: "))

    again = retrain(registry, "ill-year", changed, tmp_path / "runs", by="cron")
    assert again.found is not None
    assert (False, "verdict_even", 0) == (again.promoted, again.why, round(again.found.difference.value or 0, 9))
    assert "2" == registry.wanted("ill-year", None)
    assert ["2", "3"] == [one.after for one in comparisons(registry, "ill-year")]
    assert retrain(registry, "ill-year", changed, tmp_path / "runs", rule="not-worse").promoted


def test_rows_that_the_old_one_may_have_learned_from_are_said(
    places: Path, own: Callable[[], Registry], tmp_path: Path
) -> None:
    made = retrain(own(), "ill-year", places / "here", tmp_path / "runs")

    assert made.found is not None
    assert (made.found.rows, "verdict_even") == (made.found.earlier, made.why)


def test_a_version_beyond_its_bounds_waits_for_a_person(
    places: Path, own: Callable[[], Registry], tmp_path: Path
) -> None:
    registry = own()
    bundle = registry.folder / "ill-year" / "1" / "bundle.json"
    told = json.loads(bundle.read_text())
    told["task"]["trust"]["bounds"] = {"recall": 1e-9}
    bundle.write_text(json.dumps(told))
    from salus.learning.step7_deploy.seal import SUMS, sums_of

    (bundle.parent / SUMS).write_text(json.dumps(sums_of(bundle.parent)))
    made = retrain(registry, "ill-year", moved(places, tmp_path / "e", 6, flip=True), tmp_path / "runs")

    assert (False, "too_wide") == (made.promoted, made.why)
    assert "1" == registry.wanted("ill-year", None)


def test_a_table_is_learned_anew_from_the_file_of_today(tmp_path: Path) -> None:
    def table(name: str, flip: bool) -> Path:
        rows = [f"s{i},{i % 50},{'yes' if ((i * 7) % 50 > 25) != flip else 'no'}" for i in range(300)]
        rows = [f"s{i},{(i * 7) % 50},{'yes' if ((i * 7) % 50 > 25) != flip else 'no'}" for i in range(300)]
        (tmp_path / name).write_text("\n".join(["id,lab,out", *rows]), "utf-8")
        return tmp_path / name

    learn_table(
        table("a.csv", False), "out", tmp_path / "m", subject="id", positive="yes", name="t",
        families=["logistic"], budget=Budget(seconds=0),
    )  # fmt: skip
    registry = Registry(tmp_path / "m")
    made = retrain(registry, "t", table("b.csv", True), tmp_path / "runs")

    assert (True, "2") == (made.promoted, registry.wanted("t", None))


def test_age_is_counted_from_when_it_was_made(models: Registry) -> None:
    one = models.load("ill-year", "1")

    assert (False, None) == (older_than("older-than 90d", one), older_than("drift", one))
    with clock.stopped_at(clock.now() + timedelta(days=91)):
        assert older_than("older-than:90d", one) and older_than("older-than 90 days", one)


def test_one_command_for_cron(
    places: Path,
    own: Callable[[], Registry],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    registry = own()
    monkeypatch.chdir(tmp_path)
    events = moved(places, tmp_path / "events", 6, flip=True)

    def salus(*words: str) -> tuple[Any, str, str]:
        where = ["--registry", str(registry.folder), "--events", str(events)]
        monkeypatch.setattr(sys, "argv", ["salus", "models", "retrain", "ill-year", *words, *where])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    code, out, err = salus("--if", "older-than 90d")
    assert (0, True) == (code, "stays: none of these holds: older-than 90d" in out), err
    code, out, err = salus("--if", "drift", "--store", str(tmp_path / "empty.db"))
    assert (0, True) == (code, "stays: none of these holds" in out), err
    code, out, err = salus("--language", "zh")
    assert (0, True) == (code, "第 2 版更好，现已启用" in out), err
    code, out, err = salus("--if", "new moon")
    assert (65, True) == (code, "'new moon' is no condition" in err)


def test_a_rule_that_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from salus.cli.retrain import again

    with pytest.raises(Invalid, match="is no rule"):
        again("x", rule="best")
