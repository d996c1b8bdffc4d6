"""Every leakage probe finds the leak that was planted for it, and stays silent over a clean run."""

import csv
import random
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.base.words import LANGUAGES, words_of
from salus.learning.learn import learn_table, learn_task
from salus.learning.run import Data, Run
from salus.learning.step5_evaluate import features_of
from salus.learning.step5_evaluate.probes import PROBES, Look, Probe, probes_of
from salus.learning.step7_deploy import Registry
from salus.learning.step7_deploy.dossier import report_of
from salus.learning.task import Budget, task_of

Events = list[dict[str, Any]]
Table = list[dict[str, str]]


def probed(run: Path) -> dict[str, Probe]:
    return {one.key: one for one in Run(run).read("step5_evaluate", "probes.json", list[Probe])}


def events_of(places: Path) -> Events:
    return pq.read_table(places / "here").to_pylist()


def of_events(places: Path, folder: Path, change: Callable[[Events], None], task: dict[str, Any]) -> dict[str, Probe]:
    """The probes over the events of a hospital, changed, and a task, changed."""
    events = events_of(places)
    change(events)
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(events, pq.read_schema(places / "here" / "0.parquet")), folder / "0.parquet")
    return probed(learn_task(task_of(task), folder, folder / "models").run)


def rows(count: int = 400) -> Table:
    chance = random.Random(11)
    made = []
    for i in range(count):
        lab = chance.gauss(5, 2)
        ill = chance.random() < 1 / (1 + np.exp(5 - lab))
        more = {"dose": f"{chance.gauss(9, 3):.3f}", "age": str(chance.randrange(20, 90))}
        made.append({"id": f"s{i}", "lab": f"{lab:.3f}", **more, "out": "ill" if ill else "well"})
    return made


def of_table(folder: Path, table: Table, **more: Any) -> dict[str, Probe]:
    """The probes over a table."""
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    learned = learn_table(
        folder / "t.csv", "out", folder / "m", subject="id", families=["logistic"], budget=Budget(seconds=0), **more
    )
    return probed(learned.run)


def test_a_clean_run_over_events_finds_nothing(places: Path, models: Registry) -> None:
    found = {one.key: one for one in report_facts(models)}

    assert set(PROBES) == set(found)
    assert [] == [one.key for one in found.values() if one.state == "found"]
    assert ("clear", 300, 0) == (found["after"].state, found["after"].looked, found["after"].found)
    assert ("note", "unlooked") == (found["unrecorded"].state, found["target_columns"].state)
    assert found["unrecorded"].found == found["unrecorded"].looked > 0  # nobody kept when they were written down
    said = {one.place: one.text("en") for one in report_of(models, "ill-year", "1").of("tripod")}
    assert "No leakage probe found anything" in said["7"] and "No leakage probe found anything" in said["26"]


def report_facts(models: Registry) -> list[Probe]:
    from salus.learning.step7_deploy.dossier import known_of

    return known_of(models, "ill-year", "1").facts.probes


def test_a_clean_run_over_a_table_finds_nothing(tmp_path: Path) -> None:
    found = of_table(tmp_path, rows())

    assert {"clear", "unlooked"} == {one.state for one in found.values()}
    assert ("clear", 100) == (found["copies"].state, found["copies"].looked)


def test_a_feature_that_alone_tells_the_answer_is_named(tmp_path: Path) -> None:
    table = rows()
    chance = random.Random(1)
    for one in table:
        one["ward_code"] = f"{chance.gauss(10 if one['out'] == 'ill' else 0, 1):.2f}"

    assert ["ward_code"] == of_table(tmp_path, table)["alone"].names


def test_a_feature_that_is_the_number_foretold_up_to_noise_is_named(tmp_path: Path) -> None:
    table, chance = rows(), random.Random(1)
    for one in table:
        one["out"] = f"{chance.gauss(50, 10):.3f}"
        one["copy"] = f"{float(one['out']) * 2 + chance.gauss(0, 0.3):.3f}"

    with_noise = [*table]
    (tmp_path / "n").mkdir()
    found = probed_number(tmp_path / "n", with_noise)
    assert ["copy"] == found["alone"].names


def probed_number(folder: Path, table: Table) -> dict[str, Probe]:
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    learned = learn_table(
        folder / "t.csv", "out", folder / "m", subject="id", families=["linear"], budget=Budget(seconds=0)
    )
    return probed(learned.run)


def test_what_is_only_measured_because_of_the_outcome_is_named(tmp_path: Path) -> None:
    table, chance = rows(), random.Random(1)
    for one in table:
        one["biopsy"] = f"{chance.gauss(5, 1):.2f}" if one["out"] == "ill" else ""

    found = of_table(tmp_path, table)
    assert ["biopsy"] == found["known_alone"].names


def test_the_target_in_other_words_is_said_to_be_left_out_and_its_name_in_use_is_found(tmp_path: Path) -> None:
    table, chance = rows(), random.Random(1)
    for one in table:
        one["sick"] = "1" if one["out"] == "ill" else "0"

    (tmp_path / "a").mkdir()
    found = of_table(tmp_path / "a", table)["target_columns"]
    assert ("mended", ["sick"]) == (found.state, found.names)

    for one in table:
        del one["sick"]
        one["days_out_of_bed"] = str(chance.randrange(9))
    (tmp_path / "b").mkdir()
    found = of_table(tmp_path / "b", table)["target_columns"]
    assert ("found", ["days_out_of_bed"]) == (found.state, found.names)


def test_rows_that_were_doubled_under_another_name_are_counted(tmp_path: Path) -> None:
    table = rows()
    found = of_table(tmp_path, [*table, *({**one, "id": f"twin{i}"} for i, one in enumerate(table[:120]))])["copies"]

    assert ("found", True, []) == (found.state, found.found >= 20, found.names)  # no person is named


def test_rows_of_few_answers_are_not_called_copies(tmp_path: Path) -> None:
    chance = random.Random(1)
    table = [
        {"id": f"s{i}", "a": chance.choice("01"), "b": chance.choice("xyz"), "out": chance.choice(["ill", "well"])}
        for i in range(300)
    ]

    assert "unlooked" == of_table(tmp_path, table)["copies"].state


def test_people_on_both_sides_are_found_and_by_time_only_noted(
    places: Path, tmp_path: Path, task: dict[str, Any]
) -> None:
    given = rows(200)
    (tmp_path / "train").mkdir()
    with (tmp_path / "again.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(given[0]))
        writer.writeheader()
        writer.writerows({**one, "lab": "4.5"} for one in given[:80])
    found = of_table(tmp_path / "train", given, test=tmp_path / "again.csv")["people"]
    assert ("found", 80, 80) == (found.state, found.looked, found.found)

    by_time = of_events(places, tmp_path / "events", lambda events: None, {**task, "split": {"by": "time"}})["people"]
    assert ("note", True) == (by_time.state, by_time.found > 0)


def test_a_number_that_names_somebody_is_found_and_a_name_is_said_to_be_left_out(tmp_path: Path) -> None:
    table = rows()
    numbers = random.Random(1).sample(range(100_000, 999_999), len(table))
    for one, number in zip(table, numbers, strict=True):
        one["mrn"], one["key"] = str(number), f"K{number}X"

    found = of_table(tmp_path, table)["identifiers"]
    assert ("found", ["mrn"]) == (found.state, found.names)
    for one in table:
        del one["mrn"]
    (tmp_path / "b").mkdir()
    found = of_table(tmp_path / "b", table)["identifiers"]
    assert ("mended", ["key"]) == (found.state, found.names)


SAME_VISIT = {"same_encounter": True, "codes": ["ILL//1"], "incident": False}


def test_the_labels_own_codes_in_the_features_are_found_unless_they_are_hidden(
    places: Path, tmp_path: Path, task: dict[str, Any]
) -> None:
    def at_the_visit(events: Events) -> None:
        for one in events:
            if one["code"] in ("VISIT//AMB", "ILL//1"):
                one["encounter_id"] = one["source_id"].replace("Condition", "Encounter")
            if one["code"] == "ILL//1":
                one["time"] = one["time"] - timedelta(days=90)

    own = {**task, "label": SAME_VISIT, "when": {"events": ["VISIT//*"], "offset_hours": 1}}
    bare = {**task["features"], "blind_hours": 0}
    found = of_events(places, tmp_path / "bare", at_the_visit, {**own, "features": bare})
    hidden = of_events(places, tmp_path / "hidden", at_the_visit, own)["label_codes"]

    assert ("found", ["ILL//1"]) == (found["label_codes"].state, found["label_codes"].names)
    assert any(name.startswith("ILL//1") for name in found["alone"].names)
    assert "found" != hidden.state


def test_features_that_need_what_came_later_are_found(places: Path, tmp_path: Path, task: dict[str, Any]) -> None:
    learned = learn_task(task_of(task), places / "here", tmp_path / "models")
    shutil.copytree(learned.run, tmp_path / "run")
    run = Run(tmp_path / "run")
    matrix = run.matrix()
    matrix[:, 0] += 1  # as a kernel would that also counts the visits to come
    run.write_matrix(matrix, features_of(run))
    found = {one.key: one for one in probes_of(Look(run, Data(run), features_of(run)))}["after"]

    assert ("found", 300, 300, []) == (found.state, found.looked, found.found, found.names)


def test_times_of_recording_that_nobody_kept_are_counted(places: Path, tmp_path: Path, task: dict[str, Any]) -> None:
    def recorded(events: Events) -> None:
        for one in events:
            one["recorded_time"] = one["time"] if one["code"].startswith("LAB") else None

    found = of_events(places, tmp_path / "events", recorded, task)["unrecorded"]
    labs = sum(one["code"].startswith("LAB") for one in events_of(places))

    assert "note" == found.state
    assert found.looked - labs == found.found > 0


def test_events_of_days_to_come_are_counted(places: Path, tmp_path: Path, task: dict[str, Any]) -> None:
    def typing_errors(events: Events) -> None:
        for one in [one for one in events if one["code"].startswith("LAB")][:7]:
            one["time"] = one["time"].replace(year=2199)

    found = of_events(places, tmp_path / "events", typing_errors, task)["future"]
    assert ("mended", 7) == (found.state, found.found)


def test_dates_that_were_moved_into_the_future_are_only_noted(
    places: Path, tmp_path: Path, task: dict[str, Any]
) -> None:
    def moved(events: Events) -> None:
        for one in events:
            if one["time"] is not None:
                one["time"] = one["time"].replace(year=one["time"].year + 120, day=1)

    found = of_events(places, tmp_path / "events", moved, task)["future"]
    assert ("note", True) == (found.state, found.found > 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_probe_says_in_words_what_it_is_and_what_to_do(language: str) -> None:
    words = words_of("salus.learning")

    assert all(words(f"probe.{key}", language) and words(f"probe.{key}.do", language) for key in PROBES)
